"""`make prove-kills`: SIGKILL between any two steps of the real program, then a run that must put it right.

The program is a process of its own, with real HTTP to the sandbox and its state file on the disk. In each scenario it
is killed at one boundary (before or after a commit or a request), started again, and must end with the very records of
a run that nothing disturbed, none of them twice.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "acceptance"))

from boundaries import VARIABLE
from lanes import Lane, open_lanes, side_by_side
from likeness import likeness
from stage import Product, duplicates
from world.sandbox import Sandbox

CONTACTS, COMPANIES, SEED = 30, 10, 26


@dataclass(frozen=True)
class Scenario:
    """`prepare` brings both sides to the moment at which the killed run begins."""

    name: str
    prepare: Callable[[Sandbox, Product], None]


def first_load(sandbox: Sandbox, product: Product) -> None:
    sandbox.seed(CONTACTS, COMPANIES, SEED)


def changes(sandbox: Sandbox, product: Product) -> None:
    """Everybody was handed over; then scores and consents change, sales closes leads, two contacts are merged."""
    first_load(sandbox, product)
    product.run_well()
    rows = [row for row in sandbox.truth()["hubspot"]["contacts"] if not row["archived"]]
    for number, row in enumerate(rows):
        sandbox.update("contacts", row["id"], **_changed(number))
    for number, lead in enumerate(sandbox.rows("Lead")[:4]):
        sandbox.post(f"/c4c/leads/{lead['ObjectID']}/{('accept', 'decline')[number % 2]}")
    sandbox.post("/hubspot/contacts/merge", {"primary": rows[0]["id"], "other": rows[1]["id"]})


def _changed(number: int) -> dict[str, str]:
    kinds = ({"lead_score": "91"}, {"jobtitle": "Moved"}, {"hs_email_optout": "true"}, {"lead_score": "20"}, {})
    return kinds[number % len(kinds)]


def state_lost(sandbox: Sandbox, product: Product) -> None:
    """Everybody was handed over; the worker begins with an empty state and has to recognise its own records."""
    first_load(sandbox, product)
    product.run_well()
    for file in product.home.glob("state.db*"):
        file.unlink()


SCENARIOS = (
    Scenario("first load", first_load),
    Scenario("changes", changes),
    Scenario("state lost", state_lost),
)


@dataclass(frozen=True)
class Undisturbed:
    """What a run leaves behind that nothing disturbed, and how many boundaries it has."""

    likeness: dict[str, list[str]]
    boundaries: list[str]


def undisturbed(scenario: Scenario, lane: Lane) -> Undisturbed:
    product = lane.product()
    scenario.prepare(lane.sandbox, product)
    listed = product.home / "boundaries"
    ran = product.run(**{VARIABLE: str(listed)})
    assert ran.code in (0, 4), ran.err[-3000:]
    return Undisturbed(likeness(lane.sandbox.truth()), listed.read_text().splitlines())


def killed(scenario: Scenario, right: Undisturbed, number: int, met: Counter[str], lane: Lane) -> None:
    """The program dies at that boundary; the next run has to end as if nothing had been."""
    product = lane.product()
    scenario.prepare(lane.sandbox, product)
    named = product.home / "boundary"
    ran = product.run(**{VARIABLE: f"{named} {number}"})
    if ran.code == -signal.SIGKILL:
        met[named.read_text().strip()] += 1
    else:
        # Threads meet boundaries in another order each time; there may be some fewer.
        met["ended before"] += 1
    product.run_well()
    truth = lane.sandbox.truth()
    assert not duplicates(truth["c4c"]), "duplicate"
    found = likeness(truth)
    for entity, rows in right.likeness.items():
        assert found[entity] == rows, f"lost or changed: {entity}"


def points(total: int, boundaries: int) -> list[int]:
    """So many boundaries, evenly from the first to the last one."""
    wanted = min(total, boundaries)
    return sorted({1 + n * (boundaries - 1) // max(1, wanted - 1) for n in range(wanted)})


def main() -> int:
    parser = argparse.ArgumentParser(prog="make prove-kills", description=__doc__)
    parser.add_argument("--points", type=int, default=300, help="kill points, divided among the scenarios")
    parser.add_argument("--only", choices=[one.name for one in SCENARIOS])
    options = parser.parse_args()
    chosen = [one for one in SCENARIOS if options.only in (None, one.name)]
    started, met, failed, tried = time.monotonic(), Counter[str](), dict[str, Exception](), 0
    with tempfile.TemporaryDirectory() as directory, open_lanes(Path(directory)) as lanes:
        for scenario in chosen:
            right = undisturbed(scenario, lanes[0])
            numbers = points(options.points // len(chosen), len(right.boundaries))
            cases = {f"{scenario.name} {n}": partial(killed, scenario, right, n, met) for n in numbers}
            failed |= side_by_side(cases, lanes)
            tried += len(cases)
            print(f"{scenario.name}: {len(numbers)} of {len(right.boundaries)} boundaries", flush=True)
    print(*(f"  {number:>4}  {name}" for name, number in sorted(met.items())), sep="\n")
    print(*(f"{name}: {error}" for name, error in failed.items()), sep="\n")
    print(f"{tried} kill points at {len(met)} named boundaries in {time.monotonic() - started:.0f} s")
    twice = sum("duplicate" in str(error) for error in failed.values())
    print(f"lost {len(failed) - twice}", f"duplicate {twice}", sep="\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
