"""Real workers on a clock that the test turns: each a process of its own, with its log in a file."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from night_stage import Product
from running import TIMEOUT, until
from world.sandbox import Sandbox

from sync.config import load
from sync.worker.timetable import timetable

FASTER = timedelta(seconds=0.2)
"""Let pass at each look while the jobs run, so that the pauses between searches cost a tenth of their time."""


class TurnedClock:
    """The clock of the sandbox and of every process of the product."""

    def __init__(self, product: Product, sandbox: Sandbox) -> None:
        self._sandbox, self._file = sandbox, product.home / "turned-clock"
        self._passed = timedelta(0)
        self._tell()
        product.program = (str(Path(__file__).with_name("turned.py")),)
        product.extra["TURNED_CLOCK"] = str(self._file)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._passed

    def advance(self, by: timedelta) -> None:
        self._sandbox.post("/clock", {"advance_seconds": by.total_seconds()})
        self._passed += by
        self._tell()

    def _tell(self) -> None:
        # Replaced as a whole, so that nobody reads half a number.
        written = self._file.with_suffix(".new")
        written.write_text(str(self._passed.total_seconds()), encoding="ascii")
        written.replace(self._file)


class Shift:
    """One worker, from its start to its end."""

    def __init__(self, product: Product, clock: TurnedClock) -> None:
        self._product, self._clock = product, clock
        slots = timetable(load(product.home / "config").worker.schedule)
        self._every = {slot.job: slot.every for slot in slots}
        self._log = product.home / f"run-{time.monotonic_ns()}.jsonl"
        self._since = clock.now()
        with self._log.open("w") as out:
            command = [sys.executable, *product.program, "run"]
            self.process = subprocess.Popen(
                command, cwd=product.home, env=product.environment(), stdout=out, stderr=subprocess.STDOUT
            )

    def events(self) -> list[dict[str, Any]]:
        whole_lines = self._log.read_text(encoding="utf-8").rpartition("\n")[0]
        return [json.loads(line) for line in whole_lines.splitlines()]

    def said(self, event: str) -> bool:
        return any(entry["event"] == event for entry in self.events())

    def at_work(self) -> Shift:
        """Returns when the worker has the lease and every job has run once."""
        until(lambda: self.said("lease_acquired"), "the lease")
        self._wait_for(dict.fromkeys(self._every, self._since))
        return self

    def takes_over(self) -> Shift:
        """A standby looks every few seconds; returns when it is at work."""
        self._since = self._clock.now()

        def taken() -> bool:
            self._clock.advance(timedelta(seconds=1))
            return self.said("lease_acquired")

        until(taken, "the take-over")
        return self.at_work()

    def passes(self, time_: timedelta) -> None:
        """Lets the time pass in steps of the shortest interval; after each, all that became due has run."""
        step = min(self._every.values())
        for _ in range(round(time_ / step)):
            last = self._finished()
            self._clock.advance(step)
            now = self._clock.now()
            # The timetable is a grid: one interval after the last start, the next point of the grid has passed.
            self._wait_for({job: last[job] for job, every in self._every.items() if last[job] + every <= now})

    def _wait_for(self, after: Mapping[str, datetime]) -> None:
        """Returns when a run of each job has ended that was started after the moment given."""

        def ended() -> bool:
            self._clock.advance(FASTER)
            finished = self._finished()
            return all(job in finished and finished[job] > moment for job, moment in after.items())

        until(ended, f"a run of each of {sorted(after)}")

    def _finished(self) -> dict[str, datetime]:
        """By job: when its last run that has ended was started."""
        sql = "select job, max(started_at) from job_run where finished_at is not null group by job"
        return {job: datetime.fromisoformat(at) for job, at in self._product.query(sql)}

    def ends(self, number: int) -> int:
        """How the process ended after the signal."""
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT)


@contextmanager
def shifts(product: Product, sandbox: Sandbox) -> Iterator[tuple[TurnedClock, Callable[[], Shift]]]:
    """(clock, what starts a worker on it); no worker outlives the test."""
    clock, started = TurnedClock(product, sandbox), []

    def start() -> Shift:
        started.append(Shift(product, clock))
        return started[-1]

    try:
        yield clock, start
    finally:
        for shift in started:
            shift.ends(signal.SIGKILL)
