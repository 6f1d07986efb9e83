"""What deciding, planning and writing cost: handovers, decisions, the same again unchanged, simulations, a backlog."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures import Figures, Ratio, Row, scenario
from bench.stand import Bench, Stand

CALIBRATION_MS = 1_000
"""Milliseconds of the fixed loop by which the targets were set."""


def _own(found: Figures, calibration: Figures) -> float:
    """Milliseconds of CPU without the start, as they would be where the fixed loop takes a second."""
    return (found.cpu - found.start) * CALIBRATION_MS / calibration.cpu


def _to_c4c(found: Figures) -> int:
    return sum(number for path, number in found.requests.items() if path.startswith("c4c "))


def _a_lead(found: Figures, leads: int, calibration: Figures, most: float) -> tuple[Ratio, Ratio]:
    return (
        Ratio("ms a lead, where the calibration takes 1 s", _own(found, calibration) / leads, most),
        Ratio("requests to SAP Sales Cloud a lead", _to_c4c(found) / leads, 0.065),
    )


def _handed_over(bench: Bench, leads: int) -> Iterator[Row]:
    """Everybody qualifies; the guard's limits are off, then high enough that it must look at the exact plan."""
    for guard in ("off", "on") if leads <= 1000 else ("off",):
        with bench.stand() as stand:
            _guard(stand, 0 if guard == "off" else 3 * leads)
            stand.worker("crowd", leads, leads * 2 // 5, leads)
            calibration = stand.script("calibration")
            first = stand.worker("jobs", "push")
            yield Row(f"{leads:,} handovers, guard {guard}", first, _a_lead(first, leads, calibration, 4))
            if guard == "off":
                stand.worker("wake")
                again = stand.worker("jobs", "push")
                ratios = (
                    Ratio("of 5 requests to SAP Sales Cloud", _to_c4c(again) / 5, 1),
                    _a_lead(again, leads, calibration, 1)[0],
                )
                yield Row(f"{leads:,} looked at again, unchanged", again, ratios)


def _guard(stand: Stand, max_creates: int) -> None:
    path = stand.config / "worker.toml"
    text = path.read_text(encoding="utf-8")
    head = text.partition("[guard]")[0]
    path.write_text(f"{head}[guard]\nmax_creates = {max_creates}\nmax_changed_share = 0\n", encoding="utf-8")


@scenario("handover", "1,000 leads on 400 accounts, with the guard off and on, and again unchanged")
def handover(bench: Bench) -> Iterator[Row]:
    yield from _handed_over(bench, 1_000)


@scenario("handover-10k", "10,000 leads on 4,000 accounts, and again unchanged", heavy=True)
def handover_10k(bench: Bench) -> Iterator[Row]:
    yield from _handed_over(bench, 10_000)


def _decided(bench: Bench, contacts: int) -> Iterator[Row]:
    """Twelve qualify; then everybody is looked at again, and then simulated."""
    with bench.stand() as stand:
        _guard(stand, 0)
        stand.worker("crowd", contacts, contacts // 5, 12)
        before = stand.worker("compact").state
        first = stand.worker("jobs", "push")
        grown = stand.worker("compact").state - before
        ratios = (
            Ratio("ms of CPU a contact", _each(first, contacts), 0.15),
            Ratio("bytes each", grown / contacts, 150),
        )
        yield Row(f"{contacts:,} decided, 12 qualify", first, ratios)
        stand.worker("wake")
        again = stand.worker("jobs", "push")
        yield Row(f"{contacts:,} again, unchanged", again, (Ratio("ms of CPU a contact", _each(again, contacts)),))
        simulated = stand.worker("simulate")
        ratio = Ratio("ms of CPU a contact", _each(simulated, contacts), 0.1)
        yield Row(f"simulate of {contacts:,}", simulated, (ratio,))


def _each(found: Figures, contacts: int) -> float:
    return (found.cpu - found.start) * 1000 / contacts


@scenario("decide", "decide on 10,000 contacts of whom 12 qualify, again unchanged, and simulate them")
def decide(bench: Bench) -> Iterator[Row]:
    yield from _decided(bench, 10_000)


@scenario("decide-100k", "the same with 100,000 contacts", heavy=True)
def decide_100k(bench: Bench) -> Iterator[Row]:
    yield from _decided(bench, 100_000)


@scenario("backlog", "a restart with 50,000 contacts waiting, of whom 500 qualify", heavy=True)
def backlog(bench: Bench) -> Iterator[Row]:
    with bench.stand() as stand:
        _guard(stand, 0)
        stand.worker("crowd", 50_000, 10_000, 500)
        found = stand.worker("until_idle", "push")
        yield Row("50,000 waiting", found, (Ratio("ms of CPU a contact", _each(found, 50_000)),))
