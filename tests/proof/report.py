"""What `make prove` prints: how often each event, fault and death was met, and how often a promise was broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from proof.cast import EVENTS
from proof.checker import KINDS
from proof.histories import OPERATOR
from proof.playing import Played, as_text
from proof.troubles import DEATHS, FAULTS, MEANWHILE, TENANT_FAULTS

GROUPS = {
    "events": tuple(EVENTS),
    "what operators did": OPERATOR,
    "faults of a call": (*FAULTS, *TENANT_FAULTS),
    "deaths": DEATHS,
    "meanwhile": MEANWHILE,
}
"""Everything that can be met, in the order of the table."""


def table(met: Counter[str]) -> Iterable[str]:
    """How often each was met; who was never met stands there with 0."""
    for title, names in GROUPS.items():
        yield f"{title}: {sum(met[name] for name in names):,}"
        for name in names:
            yield f"  {name:<24}{met[name]:>10,}"


def summary(played: Sequence[Played], wall: float) -> Iterable[str]:
    met = sum((one.met for one in played), Counter[str]())
    yield from table(met)
    cpu, days = sum(one.seconds for one in played) / 60, sum(one.days for one in played)
    histories = sum(one.histories for one in played)
    yield f"{histories:,} histories in {len(played):,} lives; {sum(one.thin for one in played)} of them thin"
    yield f"{days:,.0f} simulated days in {cpu:.1f} CPU minutes: {days / cpu:,.0f} for each; {wall:.0f} s passed"
    found = Counter(finding.kind for one in played for finding in one.findings)
    for kind in ("broken", *KINDS[:-1]):
        yield f"{'leaks' if kind == 'leak' else kind} {found[kind]}"


def failure(original: Played, shortest: Played) -> Iterable[str]:
    """What was broken, the shortest life in which it is, and how to play it again."""
    yield f"life {original.seed} of {original.histories} histories:"
    yield from (f"  {finding}" for finding in original.findings)
    yield f"the shortest life that breaks it ({len(shortest.steps)} steps, digest {shortest.digest}):"
    yield from (f"  {step}" for step in shortest.steps)
    yield f"play it again: make prove ARGS=\"--casts {original.histories} --steps '{as_text(shortest.steps)}'\""
    yield f'or the whole: make prove ARGS="--casts {original.histories} --life {original.seed}"'
