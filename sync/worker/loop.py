"""The loop: wait for the lease, run the jobs by the timetable, give signs of life, and stop in order."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy.exc import SQLAlchemyError

from sync import metrics
from sync.app import App
from sync.errors import Denied, LeaseLost
from sync.jobs import alerts, forecast, portal
from sync.jobs.context import Context
from sync.jobs.runner import Results, run_jobs, unexpected
from sync.log import Event, emit
from sync.state import lease as leases
from sync.state import trouble
from sync.state.lease import Lease
from sync.worker.clock import ClockWatch
from sync.worker.lanes import Lane
from sync.worker.signals import StopSignal
from sync.worker.timetable import Slot, timetable
from sync.worker.vitals import Vitals

DENIALS = 3
"""Runs in a row that SAP Sales Cloud may refuse before the job pauses: a single refusal may be a hiccup."""

DENIED_PAUSE = 900.0
"""Seconds until a job asks SAP Sales Cloud again that was refused there: a few wrong passwords lock a user."""


class Worker:
    """One process of possibly several; the one that holds the lease does the work."""

    def __init__(self, app: App, stop: StopSignal) -> None:
        self._app, self._stop = app, stop
        schedule = app.context.config.worker.schedule
        stop.within = schedule.stop_within.total_seconds()
        self._beat_every = min(10.0, schedule.takeover_after.total_seconds() / 4)
        patience = schedule.takeover_after.total_seconds()
        self.lease = Lease(app.context.store, "worker", patience, app.clock.now, app.clock.monotonic)
        self.slots = timetable(schedule)
        self.vitals = Vitals(stuck_after=schedule.stuck_after.total_seconds(), beat_every=self._beat_every)
        self._monotonic = app.clock.monotonic
        self._refused: dict[str, float] = {}
        self._locked = 0
        self._denials: dict[str, int] = {}
        self._clock = ClockWatch(app.clock.now, app.clock.monotonic)

    def run(self) -> int:
        """Works until a signal; returns the exit code for it."""
        emit(Event.WORKER_STARTED, jobs=[slot.job for slot in self.slots])
        while not self._stop():
            if self.take_lease():
                self._work()
        return self._stop.exit_code

    # ---- the lease

    def take_lease(self) -> bool:
        """Waits as standby until the lease is ours; False if a signal came first."""
        told = False
        while not self._stop():
            self.vitals.beat()
            if self._try(self.lease.acquire):
                self.vitals.lease = "held"
                metrics.LEASE_HELD.set(1)
                emit(Event.LEASE_ACQUIRED, holder=self.lease.holder)
                return True
            if not told:
                emit(Event.WORKER_STANDBY, holder=self._holder())
                told = True
            self.vitals.lease = "standby"
            self._stop.wait(min(5.0, self._beat_every))
        return False

    def _holder(self) -> str:
        with self._app.context.store.reading() as session:
            found = leases.holding(session)
        return found.holder if found else "unknown"

    def _try(self, action: Callable[[], bool]) -> bool:
        """A state file that is busy, full or read-only is no reason to end: people are told, and it is tried again."""
        problem = None
        try:
            return action()
        except (SQLAlchemyError, OSError) as error:
            problem = trouble.sentence(error, self._app.context.store.path)
            emit(Event.STATE_BUSY, cause=problem)
            return False
        finally:
            self._note_state(problem)

    def _note_state(self, problem: str | None) -> None:
        """For the probe and the alert. Another program may lock the file for a moment: that is said the second time."""
        self._locked = self._locked + 1 if problem and problem.find(trouble.BUSY) >= 0 else 0
        self.vitals.state = None if self._locked == 1 else problem
        try:
            # Who stands by leaves all other alerts to the process at work.
            (alerts.watch if self.lease.held else alerts.watch_state)(self._context(), self.vitals.state)
        except (SQLAlchemyError, OSError) as error:
            emit(Event.STATE_BUSY, cause=trouble.sentence(error, self._app.context.store.path))

    # ---- at work

    def _work(self) -> None:
        """Runs the jobs while the lease is held and nobody asks to stop."""
        portal.forget(self._app.context)
        scheduler = self._scheduler()
        scheduler.start()
        try:
            while not self._stop.wait(self._beat_every):
                self.vitals.beat()
                self._mind_the_clock(scheduler)
                self._try(self.beat)
        except LeaseLost as lost:
            emit(Event.LEASE_LOST, cause=str(lost))
        finally:
            metrics.LEASE_HELD.set(0)
            self.vitals.lease = "stopping"
            scheduler.shutdown(wait=True)
            self._try(self._release)

    def _release(self) -> bool:
        self.lease.release()
        return True

    def beat(self) -> bool:
        """A sign of life. Raises LeaseLost."""
        self.lease.beat()
        return True

    def _mind_the_clock(self, scheduler: BackgroundScheduler) -> None:
        """After the wall clock was set back, every job would wait until the old time comes again."""
        jump = self._clock.jump()
        if jump:
            emit(Event.CLOCK_JUMPED, seconds=round(jump))
            for slot in self.slots:
                scheduler.modify_job(slot.job, next_run_time=datetime.now(UTC))

    def _scheduler(self) -> BackgroundScheduler:
        urgency = {slot.job: slot.urgency for slot in self.slots}
        scheduler = BackgroundScheduler(
            executors={lane: Lane(lane, urgency) for lane in sorted({slot.lane for slot in self.slots})},
            # Late is better than not at all, and once is enough: a run that was missed is made up by one.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        scheduler.add_listener(_late, EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED)
        for n, slot in enumerate(sorted(self.slots, key=lambda slot: slot.urgency)):
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
        """What the scheduler calls: one run of the job, if this process still may."""

        def run() -> None:
            if self._stop() or not self.lease.held or self._monotonic() < self._refused.get(slot.job, 0.0):
                return
            with self.vitals.at_work(slot.job):
                try:
                    self._run(slot.job)
                except Exception as error:
                    # The record of the job could not be kept either: say so, and go on turning.
                    failure = unexpected(error, self._app.context.store.path)
                    emit(Event.JOB_FAILED, job=slot.job, kind=type(failure).__name__, cause=str(failure))
                    metrics.JOB_RUNS.labels(slot.job, "failure").inc()

        return run

    def _run(self, job: str) -> None:
        context, results = self._context(), Results()
        if job == "poll":
            forecast.foretold(context)
        run_jobs(context, [job], results)
        denied = any(isinstance(failure, Denied) and failure.system == "c4c" for failure in results.failures)
        self._denials[job] = self._denials.get(job, 0) + 1 if denied else 0
        if self._denials[job] >= DENIALS:
            self._refused[job] = self._monotonic() + DENIED_PAUSE

    def _context(self) -> Context:
        """The surroundings of one run: stops with the process or the lease, and shows that it moves."""
        return replace(
            self._app.with_run_id(),
            stopping=lambda: self._stop() or not self.lease.held,
            fence=self.lease.fence,
            progress=self.vitals.progress,
        )


def _late(event: JobEvent) -> None:
    emit(Event.JOB_LATE, job=event.job_id)
