"""The product in this process: real jobs, clients, lease and state file, on the virtual clock. It can die."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from io import StringIO
from pathlib import Path

from proof.clock import VirtualClock
from proof.doors import C4C as C4C_ADDRESS
from proof.doors import HUBSPOT, Doors, opened
from proof.troubles import Died
from running import PROJECT
from sqlalchemy import Connection, event
from sqlmodel import select

from sandbox.c4c import PASSWORD, USERNAME
from sandbox.hubspot.store import TOKEN
from sync import log
from sync.admin import resync, verify
from sync.c4c.client import C4CClient
from sync.c4c_client import C4C
from sync.config import Configuration, load
from sync.context import Context
from sync.errors import LeaseLost, SyncError
from sync.hubspot_client import HubSpotClient
from sync.jobs.runner import JobResults, run_job, run_jobs
from sync.lifecycle import Status
from sync.net.credentials import Password, secret
from sync.state import backup, tables
from sync.state.lease import Lease
from sync.state.store import Store, open_store
from sync.transport import RequestRetry

ALL_JOBS = ("poll", "scores", "sweep", "push")
READS = ("poll", "scores")
"""Jobs that read contacts."""

THRESHOLDS = ("75", "70")
"""The thresholds of the two rule sets between which the rules are reloaded."""

_UNPACED = 1_000_000_000
"""Requests a second: no pause, since the time is not real."""

PATIENCE = 60.0


@cache
def configuration(threshold: str, home: Path) -> Configuration:
    """The shipped rules with that threshold."""
    directory = home / f"config-{threshold}"
    if not directory.exists():
        shutil.copytree(PROJECT / "config", directory)
        rules = directory / "qualification.toml"
        rules.write_text(rules.read_text().replace("threshold = 75", f"threshold = {threshold}"))
    return load(directory)


class Product:
    """One process of the worker after another, on one state file.

    `commit` is called at each commit and returns the death that meets it, if any.
    """

    def __init__(self, home: Path, clock: VirtualClock, doors: Doors, commit: Callable[[], str]) -> None:
        self.home, self.state = home, home / "state.db"
        self.log = StringIO()
        self.threshold = THRESHOLDS[0]
        self._clock, self._doors, self._commit = clock, doors, commit
        self._starts = 0
        self.failures: list[SyncError] = []
        log.configure(stream=self.log)
        self.start()

    # ---- a process

    def start(self) -> None:
        """A new process: it knows nothing but the state file."""
        self._starts += 1
        self._store = open_store(self.state)
        _watched(self._store, self._commit)
        self.lease = Lease(
            self._store,
            "worker",
            PATIENCE,
            self._clock.of_the_worker,
            monotonic=self._clock.steady,
            holder=f"host:{self._starts}",
        )
        self._context = self._built()

    def _built(self) -> Context:
        sleep, retry = self._clock.advance, RequestRetry(3, 0.5)
        with opened(self._doors):
            hubspot = HubSpotClient(
                HUBSPOT,
                TOKEN,
                parallel=1,
                sleep=sleep,
                monotonic=self._clock.steady,
                retry=retry,
                search_per_second=_UNPACED,
                burst_per_10s=_UNPACED,
            )
            password = Password(secret(USERNAME), secret(PASSWORD))
            c4c = C4CClient(C4C_ADDRESS, password, parallel=1, sleep=sleep, retry=retry)
        return Context(
            self._store,
            hubspot,
            C4C(c4c),
            configuration(self.threshold, self.home.parent),
            f"run-{self._starts}",
            tenant="127.0.0.1",
            now=self._clock.of_the_worker,
            sleep=sleep,
            fence=self.lease.fence,
        )

    def end(self) -> None:
        """The process is gone; its open transaction is rolled back, the kernel frees its lock."""
        self.lease.abandon()
        self._store.close()

    def restart(self) -> None:
        self.end()
        self.start()

    # ---- work

    def work(self, jobs: tuple[str, ...]) -> JobResults:
        """Runs the jobs one after the other, as the worker's loop does; ends where the lease is lost."""
        results = JobResults()
        self.failures = results.failures
        if not self._holds():
            # Another one took over and is gone: the host starts this one again.
            self.restart()
            assert self._holds(), "nobody works"
        with opened(self._doors):
            for job in jobs:
                self._one(job, results)
                if not self.lease.held:
                    break
        return results

    def _holds(self) -> bool:
        try:
            if not self.lease.acquire():
                return False
            self.lease.heartbeat()
        except LeaseLost:
            return False
        return True

    def _one(self, job: str, results: JobResults) -> None:
        try:
            self.lease.heartbeat()
        except LeaseLost as lost:
            results.failures.append(lost)
            return
        run_jobs(self._context, [], results)
        run_job(self._context, job, results)

    def take_over(self) -> Product:
        """A second worker that waited as standby while this one hangs, and now holds the lease."""
        second = Product.__new__(Product)
        second.__dict__ |= self.__dict__
        second.start()
        second.lease.acquire()
        self._clock.advance(PATIENCE + 1)
        assert second.lease.acquire(), "the standby did not take over"
        return second

    # ---- what an operator does

    def reload(self, threshold: str) -> None:
        self.threshold = threshold
        self._context = replace(self._context, config=configuration(threshold, self.home.parent))

    def resync(self) -> None:
        """Marks everything pending, to be read anew."""
        scope = resync.Scope(everything=True)
        with self._store.reading() as session:
            chosen = resync.choose(session, scope)
        resync.mark(self._store, scope, chosen, self._clock.of_the_worker(), refetch=True)

    def retry_parked(self) -> None:
        with self._store.reading() as session:
            parked = select(tables.Progress.contact_id).where(tables.Progress.status == Status.PARKED)
            ids = sorted(session.exec(parked))
        resync.replay(self._store, ids, self._clock.of_the_worker())

    def repair(self) -> None:
        """What docs/operations.md asks for after a restore: `verify --repair`."""
        with opened(self._doors):
            verify.repair(self._context, verify.verify(self._context))

    def back_up(self) -> None:
        copy = self.home / "copy.db"
        copy.unlink(missing_ok=True)
        backup.backup(self.state, copy)

    def restore(self) -> None:
        """Puts the last backup in the place of the state file; without one the state is lost."""
        self.end()
        copy = self.home / "copy.db"
        self._remove()
        if copy.exists():
            shutil.copyfile(copy, self.state)
            self.state.chmod(0o600)
        self.start()

    def lose_state(self) -> None:
        self.end()
        self._remove()
        self.start()

    def _remove(self) -> None:
        for file in self.home.glob("state.db*"):
            file.unlink()

    def remaining(self) -> int:
        """How many contacts are not settled yet."""
        with self._store.reading() as session:
            settled = [Status.DONE, Status.PARKED]
            return sum(status not in settled for status in session.exec(select(tables.Progress.status)))


def _watched(store: Store, commit: Callable[[], str]) -> None:
    """Lets the process die right before or right after a commit."""

    @event.listens_for(store.engine, "commit")
    def _at(connection: Connection) -> None:
        death = commit()
        if death == "die_after_commit":
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.execute("COMMIT")
        if death:
            raise Died


def scratch() -> Path:
    """Where state files are quickest: in memory, if the machine offers that."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() and os.access(shared, os.W_OK) else Path(os.environ.get("TMPDIR", "/tmp"))
