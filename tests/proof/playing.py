"""Plays lives and tells what came of them; used by `make prove`, by the seeded defects and by the tests."""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from dataclasses import dataclass, field

from proof import histories
from proof.clock import BEGIN
from proof.evidence import Finding
from proof.histories import Happens, Life
from proof.shrinking import shortest
from proof.simulation import Stage, staged
from proof.troubles import DEATHS, FAULTS, MEANWHILE, TENANT_FAULTS

_STAMP = re.compile(r'"timestamp": "[^"]*"')


@dataclass
class Played:
    """What came of one life. `digest` is the same whenever and wherever the same life is played."""

    seed: int
    histories: int
    findings: list[Finding]
    met: Counter[str]
    days: float
    seconds: float
    digest: str
    thin: int = 0
    """Histories with fewer than 30 events, or in whose life neither fault nor death struck."""
    steps: Life = field(default_factory=list)
    """Only where something was found."""


def play(seed: int, casts: int) -> Played:
    """The life of that seed."""
    return play_steps(histories.life(seed, casts), casts, seed)


def play_steps(steps: Life, casts: int, seed: int = -1) -> Played:
    started = time.process_time()
    with staged(casts) as stage:
        found = stage.play(steps)
        days = (stage.clock.now() - BEGIN).total_seconds() / 86400
        digest, met = _digest(stage, found), stage.journal.met
    seconds = time.process_time() - started
    return Played(seed, casts, found, met, days, seconds, digest, _thin(steps, casts, met), steps if found else [])


def _digest(stage: Stage, found: list[Finding]) -> str:
    """Of everything that happened in C4C, of the log, and of what was found."""
    text = [f"{e.at} {e.when} {e.entity} {e.object_id} {e.ours} {e.after}" for e in stage.journal.effects]
    text += [_STAMP.sub("", stage.product.log.getvalue()), *map(str, found)]
    return hashlib.sha256("\n".join(text).encode()).hexdigest()[:16]


def _thin(steps: Life, casts: int, met: Counter[str]) -> int:
    if not any(met[kind] for kind in (*FAULTS, *TENANT_FAULTS, *DEATHS, *MEANWHILE)):
        return casts
    events = Counter(one.cast for one in steps if isinstance(one, Happens))
    return sum(events[cast] < histories.EVENTS_OF_A_HISTORY for cast in range(casts))


def shrunk(played: Played) -> Played:
    """The shortest life in which the first promise that was broken is broken as well."""
    first = played.findings[0]

    def breaks(steps: Life) -> bool:
        found = play_steps(steps, played.histories).findings
        return any((one.kind, one.promise) == (first.kind, first.promise) for one in found)

    return play_steps(shortest(played.steps, breaks), played.histories, played.seed)


def as_text(steps: Life) -> str:
    """A life in one line; `;` between its steps."""
    return "; ".join(map(str, steps))


def from_text(text: str) -> Life:
    return [histories.step(line) for line in text.split(";") if line.strip()]
