"""The worker: APScheduler runs the jobs at their intervals until a signal comes."""

import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from sync.app import App
from sync.jobs import contract
from sync.jobs.runner import JOBS, Results, run_jobs
from sync.log import Event, emit

SIGNALS = {signal.SIGTERM: 143, signal.SIGINT: 130}


class Worker:
    """One process, one job at a time: the state store has one writer."""

    def __init__(self, app: App, stop: "StopSignal") -> None:
        self._app, self._stop = app, stop

    def run(self) -> int:
        """Works until a signal; returns the exit code for it."""
        scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        schedule = self._app.context.config.worker.schedule
        for n, name in enumerate(JOBS):
            first = datetime.now(UTC) + timedelta(milliseconds=n)
            interval: timedelta = getattr(schedule, name)
            scheduler.add_job(
                self._job(name), "interval", seconds=interval.total_seconds(), next_run_time=first, id=name
            )
        contract.forget(self._app.context)
        emit(Event.WORKER_STARTED, jobs=list(JOBS))
        scheduler.start()
        self._stop.wait()
        emit(Event.WORKER_STOPPING, signal=self._stop.name)
        scheduler.shutdown(wait=True)
        return self._stop.exit_code

    def _job(self, name: str) -> Callable[[], None]:
        def run() -> None:
            if not self._stop():
                run_jobs(self._app.with_run_id(), [name], Results())

        return run


class StopSignal:
    """Set by the first SIGTERM or SIGINT; the second one ends the process at once."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.exit_code = 0
        self.name = ""

    def install(self) -> "StopSignal":
        for number in SIGNALS:
            signal.signal(number, self._receive)
        return self

    def _receive(self, number: int, _: FrameType | None) -> None:
        self.exit_code, self.name = SIGNALS[signal.Signals(number)], signal.Signals(number).name
        self._event.set()
        signal.signal(number, signal.SIG_DFL)

    def __call__(self) -> bool:
        return self._event.is_set()

    def wait(self) -> None:
        # A wait without a timeout would not let Python run the signal handler on every platform.
        while not self._event.wait(timeout=1.0):
            pass
