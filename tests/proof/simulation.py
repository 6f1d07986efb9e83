"""Plays a life: both systems and the worker in one thread, on one clock, with one source of chance (the steps)."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import structlog
from proof import checker, histories
from proof.cast import Cast
from proof.clock import VirtualClock
from proof.doors import Doors
from proof.evidence import Evidence, Finding
from proof.histories import Happens, Life, Operates, Step, Works
from proof.journal import Journal, JournaledC4C
from proof.product import ALL_JOBS, READS, THRESHOLDS, Product, scratch
from proof.troubles import TENANT_FAULTS, Died, Trouble
from running import PROJECT

from sandbox.counters import Counters
from sandbox.faults import Faults
from sandbox.hubspot.store import HubSpotStore
from sandbox.world import World

LAG = 90
"""Seconds by which HubSpot's search lags behind; the shipped rules reckon with 120."""

_REST_ROUNDS = 9


class Stage:
    """One life from its beginning to its rest."""

    def __init__(self, home: Path, casts: int) -> None:
        self.clock, self.journal = VirtualClock(), Journal()
        hubspot, c4c = HubSpotStore(self.clock), JournaledC4C(self.clock, self.journal)
        self.world = World(self.clock, hubspot, c4c, Faults(), Counters())
        hubspot.patch_settings({"rate_limits": False, "index_lag_seconds": LAG, "score_moves_timestamp": False})
        c4c.operation_fault = self._operation_fault
        self.casts = [Cast(n, self.world, self.journal) for n in range(casts)]
        self._waiting: list[Trouble] = []
        self._calls = self._commits = 0
        self._operation = ""
        doors = Doors(self.world, self.journal)
        doors.strike, doors.hanging = self._strike, self._taken_over
        self.product = Product(home, self.clock, doors, self._commit)
        self._restored = False
        self.unsettled = 0
        """How many contacts were not settled, or how many writes a further round made, at the end of a rest."""

    def play(self, steps: Life) -> list[Finding]:
        """Everything that was wrong in the life, at its end or before."""
        found: list[Finding] = []
        for one in steps:
            self.step(one)
            if isinstance(one, Works):
                found += checker.ahead(self.world, self.product.state, self.journal)
        self.rest()
        return [*found, *checker.judge(self._evidence())]

    def _evidence(self) -> Evidence:
        product, mapping = self.product, PROJECT / "config" / "mapping.toml"
        return checker.evidence(
            self.world, product.state, self.journal, product.log.getvalue(), self.unsettled, mapping
        )

    def step(self, one: Step) -> None:
        match one:
            case Happens():
                self._happens(one)
            case Works():
                self._works(one)
            case Operates(what):
                self._operate(what)

    def _happens(self, one: Happens) -> None:
        happened = self.casts[one.cast].play(one.event, one.a, one.b)
        self.journal.tick()
        self.journal.met[happened] += 1

    # ---- the worker at work

    def _works(self, phase: Works) -> None:
        self.clock.advance(phase.wait)
        self._waiting, self._calls, self._commits = list(phase.troubles), 0, 0
        try:
            for job in phase.jobs:
                self._job(job)
        except Died:
            self.product.restart()
        finally:
            self._waiting, self._operation = [], ""
        if not self.product.lease.held:
            self.product.restart()

    def _job(self, job: str) -> None:
        results = self.product.work((job,))
        if job in READS and job in results.jobs and not results.failures:
            self.journal.read_well()

    def _met(self, nth: int, *, commit: bool) -> Trouble | None:
        found = next((one for one in self._waiting if one.at_commit == commit and one.nth == nth), None)
        if found:
            self._waiting.remove(found)
            self.journal.met[found.kind] += 1
        return found

    def _strike(self, system: str) -> str:
        self._calls += 1
        found = self._met(self._calls, commit=False)
        if found is None:
            return ""
        if found.kind == "meanwhile":
            event = histories.step(found.event)
            assert isinstance(event, Happens)
            self._happens(event)
        elif found.kind in TENANT_FAULTS and found.kind != "token_expired":
            self._operation = {"lock": "lock", "sap_message": "sap_message_error"}[found.kind]
        return found.kind

    def _operation_fault(self, method: str, paths: tuple[str, ...], text: str) -> str | None:
        struck, self._operation = self._operation, ""
        return struck or None

    def _taken_over(self) -> None:
        """The worker hangs while it waits for an answer; a second one takes over and works, then the first goes on."""
        hanging, waiting = self.product, self._waiting
        self._waiting = []
        second = hanging.take_over()
        for job in ("poll", "push"):
            second.work((job,))
        self._waiting = waiting
        second.end()

    def _commit(self) -> str:
        self._commits += 1
        found = self._met(self._commits, commit=True)
        return found.kind if found else ""

    # ---- the operator

    def _operate(self, what: str) -> None:
        self.journal.met[what] += 1
        match what:
            case "reload":
                old = THRESHOLDS.index(self.product.threshold)
                self.product.reload(THRESHOLDS[1 - old])
                self.journal.rules.append((self.journal.tick(), float(self.product.threshold)))
            case "clock_ahead":
                self.clock.skew = timedelta(hours=2)
            case "clock_right":
                self._clock_right()
            case _:
                self._restored |= what in ("restore", "lose_state")
                getattr(self.product, what)()

    def _clock_right(self) -> None:
        """The clock is set while the worker runs, so that it polls before the time that it was ahead has passed."""
        self.clock.skew = timedelta(0)
        self._job("poll")

    # ---- rest

    def rest(self) -> None:
        """No more trouble: everything settles, the last round writes nothing."""
        self._clock_right()
        self.clock.advance(26 * 3600)
        for rounds in range(_REST_ROUNDS):
            before = self.journal.at
            for job in ALL_JOBS:
                self._job(job)
            written = len(self.journal.ours(before))
            self.unsettled = self.product.remaining() + written + len(self.product.failures)
            if rounds == 0 and self._restored:
                self.product.repair()
            elif not self.unsettled:
                return
            self.clock.advance(2 * 3600)


@contextmanager
def staged(casts: int) -> Iterator[Stage]:
    """A new stage with a directory of its own."""
    home = Path(tempfile.mkdtemp(prefix="proof-", dir=scratch())) / "state"
    home.mkdir()
    stage = Stage(home, casts)
    try:
        yield stage
    finally:
        stage.product.end()
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()
        shutil.rmtree(home.parent)
