"""What the worker can be measured at, by name. Each work runs inside the measured process."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from bench import crowd
from sync.admin.simulate import simulate
from sync.app import App
from sync.jobs.runner import run_jobs, run_until_idle
from sync.lifecycle import Status
from sync.mirror import mirrored
from sync.state import tables
from sync.state.pending import mark_pending
from sync.worker.loop import Worker
from sync.worker.signals import StopSignal


class Clock:
    """A clock that can be moved, so that a day passes in seconds."""

    def __init__(self, advanced: float) -> None:
        self._advanced = advanced

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._advanced)

    def monotonic(self) -> float:
        return time.monotonic() + self._advanced

    def advance(self, seconds: float) -> None:
        self._advanced += seconds

    def skip(self, seconds: float) -> None:
        """Waits for nothing, and moves nothing: the pace is not what is measured."""


def jobs(application: App, _: Clock, names: str) -> None:
    """The jobs named, once."""
    failures = run_jobs(application.with_run_id(), names.split(",")).failures
    assert not failures, failures


def until_idle(application: App, _: Clock, names: str) -> None:
    """The jobs named, until nothing is due."""
    failures = run_until_idle(application.with_run_id(), names.split(",")).failures
    assert not failures, failures


def cycles(application: App, clock: Clock, names: str, number: str) -> None:
    """The jobs named, so many times, a minute apart; each job is a run of its own, as in the worker."""
    for _ in range(int(number)):
        clock.advance(60)
        for name in names.split(","):
            failures = run_jobs(application.with_run_id(), [name]).failures
            assert not failures, failures


def settle(application: App, _: Clock) -> None:
    """Ends the work of all contacts, so that reading can be measured without a handover of thousands before it."""
    with application.context.store.session() as session:
        session.exec(update(tables.Progress).values(status=Status.DONE, due_at=None, pending_since=None))


def crowded(application: App, _: Clock, contacts: str, companies: str, qualified: str) -> None:
    """Puts so many contacts into the mirror, all of them waiting."""
    crowd.fill(application, int(contacts), int(companies), int(qualified))


def wake(application: App, _: Clock) -> None:
    """Has everybody looked at again, as `resync --everything` does."""
    with application.context.store.session() as session:
        mark_pending(session, mirrored.all_ids(session), application.context.now())


def compact(application: App, _: Clock) -> None:
    """Brings the state file to the size of what it holds."""
    with application.context.store.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")


def simulated(application: App, _: Clock) -> None:
    """Compares the rules with themselves."""
    rules = application.context.config.rules
    outcome = simulate(application.context.store, rules, rules)
    outcome.summary()
    outcome.close()


def day(application: App, clock: Clock, hours: str) -> None:
    """The worker's own jobs and heartbeats at their times, for so many hours, without waiting for any of them."""
    worker = Worker(application, StopSignal())
    assert worker.take_lease()
    every = {slot.job: slot.every for slot in worker.slots}
    every["heartbeat"] = timedelta(seconds=worker.vitals.heartbeat_every)
    runs: dict[str, Callable[[], object]] = {slot.job: worker.job(slot) for slot in worker.slots}
    runs["heartbeat"] = worker.heartbeat
    coming = dict.fromkeys(runs, timedelta(0))
    now, end = timedelta(0), timedelta(hours=float(hours))
    while now < end:
        name = min(coming, key=lambda job: coming[job])
        clock.advance((coming[name] - now).total_seconds())
        now, coming[name] = coming[name], coming[name] + every[name]
        runs[name]()
    worker.lease.release()


WORKS: dict[str, Callable[..., None]] = {
    "jobs": jobs,
    "until_idle": until_idle,
    "cycles": cycles,
    "day": day,
    "settle": settle,
    "crowd": crowded,
    "wake": wake,
    "compact": compact,
    "simulate": simulated,
}
