"""The worker's loop: waits for the lease, runs the jobs by the timetable, sends heartbeats, and stops in order."""

import random
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy.exc import SQLAlchemyError

from sync import metrics
from sync.admin import alerts, forecast
from sync.app import App
from sync.context import Context
from sync.contracts import portal
from sync.errors import AnotherWorld, LeaseLost, StateError, SyncError
from sync.jobs.runner import JobResults, failed_outside, run_jobs
from sync.log import Event, emit, emit_error
from sync.state import lease as leases
from sync.state import trouble
from sync.state.lease import Lease
from sync.state.store import HEAD
from sync.worker.clock import ClockWatch
from sync.worker.signals import StopSignal
from sync.worker.timetable import Slot, timetable
from sync.worker.vitals import Vitals

SOON = timedelta(minutes=15)
"""After a failure a job runs again within this time, however long its interval, so that its alert ends soon after its
cause.
"""


class Worker:
    """One process of possibly several; the one that holds the lease does the work."""

    def __init__(self, app: App, stop: StopSignal) -> None:
        self._app, self._stop = app, stop
        schedule = app.context.config.worker.schedule
        stop.within = schedule.stop_within.total_seconds()
        # Each heartbeat is a commit; a standby must miss several before it takes over.
        self._heartbeat_every = min(25.0, schedule.takeover_after.total_seconds() / 2.4)
        patience = schedule.takeover_after.total_seconds()
        self.lease = Lease(app.context.store, "worker", patience, app.clock.now, app.clock.monotonic)
        self.slots = timetable(schedule)
        self.vitals = Vitals(stuck_after=schedule.stuck_after.total_seconds(), heartbeat_every=self._heartbeat_every)
        self._scheduler: BackgroundScheduler | None = None
        self._lanes: list[ThreadPoolExecutor] = []
        self._locked = 0
        self._ends: AnotherWorld | None = None
        self._clock = ClockWatch(app.clock.now, app.clock.monotonic)

    def run(self) -> int:
        """Works until a signal; returns the exit code for it."""
        self._say_what_starts()
        while not self._stop():
            if self.take_lease():
                self._work()
        return self._stop.exit_code

    def _say_what_starts(self) -> None:
        context = self._app.context
        emit(
            Event.WORKER_STARTED,
            jobs=[slot.job for slot in self.slots],
            version=version("hubspot-c4c-sync"),
            rules=context.config.rules.fingerprint,
            config=str(self._app.settings.config.absolute()),
            state_version=HEAD,
            host=socket.gethostname(),
        )

    # ---- the lease

    def take_lease(self) -> bool:
        """Waits as standby until this process holds the lease; False if a signal came first."""
        reported = False
        while not self._stop():
            self.vitals.heartbeat()
            if self._try(self.lease.acquire):
                self.vitals.lease = "held"
                metrics.at_work(self._app.clock.now())
                emit(Event.LEASE_ACQUIRED, holder=self.lease.holder)
                return True
            if not reported:
                emit(Event.WORKER_STANDBY, holder=self._holder())
                reported = True
            self.vitals.lease = "standby"
            # Often enough to notice a death soon; each try is a look at the file and costs no request.
            self._stop.wait(min(5.0, self._heartbeat_every))
        return False

    def _holder(self) -> str:
        """The process that this one waits for, for the log; it may wait for the state file itself."""
        try:
            with self._app.context.store.reading() as session:
                found = leases.current_holder(session)
        except SQLAlchemyError:
            found = None
        return found.holder if found else "unknown"

    def _try(self, action: Callable[[], bool]) -> bool:
        """Tries to take the lease.

        A state file that is busy, full or read-only does not end the process: people are notified, and it is tried
        again.
        """
        problem = None
        try:
            return action()
        except (SQLAlchemyError, OSError) as error:
            problem = trouble.sentence(error, self._app.context.store.path)
            (emit if trouble.BUSY in problem else emit_error)(Event.STATE_BUSY, cause=problem)
            return False
        finally:
            self._note_state(problem)

    def _note_state(self, problem: str | None) -> None:
        """Notes trouble of the state file for the probe and the alert.

        Only the second time in a row counts, since another program may lock the file for a moment.
        """
        self._locked = self._locked + 1 if problem and trouble.BUSY in problem else 0
        known = (None if self._locked == 1 else problem) or next(iter(self.vitals.damage.values()), None)
        try:
            # A standby leaves all other alerts to the process at work.
            watch = alerts.watch if self.lease.held else alerts.watch_state
            self.vitals.state = watch(self._context(), known)
        except (SQLAlchemyError, OSError) as error:
            self.vitals.state = known
            emit(Event.STATE_BUSY, cause=trouble.sentence(error, self._app.context.store.path))

    # ---- at work

    def _work(self) -> None:
        """Runs the jobs while the lease is held and no signal has come."""
        portal.check_again(self._app.context)
        scheduler = self._scheduler = self._scheduled()
        scheduler.start()
        try:
            while not self._stop.wait(self._heartbeat_every):
                self.vitals.heartbeat()
                self._mind_the_clock(scheduler)
                if self._ends:
                    raise self._ends
                self._try(self.heartbeat)
        except LeaseLost as lost:
            emit(Event.LEASE_LOST, cause=str(lost))
        except StateError:
            # The file now has another version's tables, or is another file: this process ends, and its jobs stop at
            # their next checkpoint.
            self.lease.abandon()
            raise
        finally:
            metrics.at_work(None)
            self.vitals.lease = "stopping"
            self._wind_down(scheduler)
            self._try(self._release)

    def _wind_down(self, scheduler: BackgroundScheduler) -> None:
        """Lets running jobs end, then ends the scheduler.

        The scheduler's own shutdown waits for them while it holds the lock of its job store. A job that failed needs
        that lock to schedule its next run, so the two would wait for each other for ever.
        """
        scheduler.pause()
        for lane in self._lanes:
            lane.shutdown()
        scheduler.shutdown()

    def _release(self) -> bool:
        self.lease.release()
        return True

    def heartbeat(self) -> bool:
        """Sends a heartbeat. Raises LeaseLost."""
        self.lease.heartbeat()
        return True

    def _mind_the_clock(self, scheduler: BackgroundScheduler) -> None:
        """Schedules the jobs anew when the wall clock was set back: otherwise each would wait until its old time comes
        again.
        """
        jump = self._clock.jump()
        if jump:
            emit(Event.CLOCK_JUMPED, seconds=round(jump))
            for slot in self.slots:
                scheduler.modify_job(slot.job, next_run_time=datetime.now(UTC))

    def _scheduled(self) -> BackgroundScheduler:
        # One thread a lane: a push that waits for C4C must not keep the polls waiting, and no job meets itself.
        lanes = {name: ThreadPoolExecutor(1) for name in sorted({slot.lane for slot in self.slots})}
        self._lanes = list(lanes.values())
        scheduler = BackgroundScheduler(
            executors=lanes,
            # A missed run is made up for however late, and several missed runs by a single one.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        scheduler.add_listener(_late, EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED)
        for n, slot in enumerate(self.slots):
            # A millisecond apart, so that the first runs come in the order of the timetable: polls before the push.
            first = datetime.now(UTC) + timedelta(milliseconds=n)
            scheduler.add_job(self.job(slot), self._trigger(slot), next_run_time=first, id=slot.job, executor=slot.lane)
        return scheduler

    def _trigger(self, slot: Slot) -> IntervalTrigger:
        jitter = min(self._app.context.config.worker.schedule.jitter, slot.every / 10).total_seconds()
        first = datetime.now(UTC) + slot.every + timedelta(seconds=random.uniform(0, jitter))
        return IntervalTrigger(
            seconds=slot.every.total_seconds(), start_date=first, jitter=jitter or None, timezone=UTC
        )

    def job(self, slot: Slot) -> Callable[[], None]:
        """What the scheduler calls: one run of the job, or nothing once this process shall stop or lost the lease."""

        def run() -> None:
            if self._stop() or not self.lease.held:
                return
            with self.vitals.at_work(slot.job):
                context = self._context()
                try:
                    failures = self._run(slot.job, context)
                except Exception as error:
                    # Whatever it was, it is logged, and the worker goes on.
                    failures = [failed_outside(context, slot.job, error)]
            self._note_failures(slot, failures)

        return run

    def _note_failures(self, slot: Slot, failures: list[SyncError]) -> None:
        self._ends = next((failure for failure in failures if isinstance(failure, AnotherWorld)), self._ends)
        self.vitals.note_damage(slot.job, next((str(failure) for failure in failures if _is_damage(failure)), None))
        if failures and slot.every > SOON and self._scheduler:
            self._scheduler.modify_job(slot.job, next_run_time=datetime.now(UTC) + SOON)

    def _run(self, job: str, context: Context) -> list[SyncError]:
        results = JobResults()
        if job == "poll":
            forecast.announce(context)
        run_jobs(context, [job], results)
        return results.failures

    def _context(self) -> Context:
        """The context of one run: it stops with the process or the lease, and reports progress."""
        return replace(
            self._app.with_run_id(),
            stopping=lambda: self._stop() or not self.lease.held,
            fence=self.lease.fence,
            progress=self.vitals.progress,
        )


def _is_damage(failure: SyncError) -> bool:
    """Whether the state file itself is damaged or unusable.

    A full disk does not count here, since the heartbeat meets it too.
    """
    return isinstance(failure, StateError) and any(text in str(failure) for text in (trouble.DAMAGED, trouble.UNUSABLE))


def _late(event: JobEvent) -> None:
    emit(Event.JOB_LATE, job=event.job_id)
