"""The worker's parts, each by itself."""

import signal
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from running import PROJECT, TIMEOUT

from sync import config
from sync.app import Clock
from sync.config import Schedule
from sync.context import Context
from sync.errors import SyncError
from sync.jobs import runner
from sync.state.store import Store, open_store
from sync.worker.clock import ClockWatch
from sync.worker.loop import Worker
from sync.worker.signals import StopSignal
from sync.worker.timetable import Slot, timetable
from sync.worker.vitals import Vitals


def test_handovers_wait_for_no_job_of_hubspot() -> None:
    lanes = {slot.job: slot.lane for slot in timetable(Schedule())}
    assert [job for job, lane in lanes.items() if lane == lanes["push"]] == ["push"]
    assert len({*lanes.values()}) == 2


def started(store: Store, stop: StopSignal) -> Worker:
    """A worker with one job, of those that run again soon after they failed."""
    context = Context(store, cast(Any, None), cast(Any, None), config.load(PROJECT / "config"), "run")
    settings = SimpleNamespace(config=PROJECT / "config")
    app: Any = SimpleNamespace(context=context, clock=Clock(), settings=settings, with_run_id=lambda: context)
    worker = Worker(app, stop)
    worker.slots = [Slot("housekeeping", timedelta(hours=1), "hubspot")]
    return worker


def test_a_job_that_fails_while_the_worker_ends_does_not_keep_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names its next run to a scheduler that waits for it."""
    at_work, ending, stop = threading.Event(), threading.Event(), StopSignal()
    shutdown = ThreadPoolExecutor.shutdown

    def run(*_: object) -> list[SyncError]:
        at_work.set()
        assert ending.wait(TIMEOUT)
        return [SyncError("HubSpot is away")]

    def told(lane: ThreadPoolExecutor, wait: bool = True) -> None:
        ending.set()
        shutdown(lane, wait)

    monkeypatch.setattr(Worker, "_run", run)
    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", told)
    with closing(open_store(tmp_path / "state.db")) as store:
        thread = threading.Thread(target=started(store, stop).run, daemon=True)
        thread.start()
        assert at_work.wait(TIMEOUT)
        stop._receive(signal.SIGTERM, None)
        thread.join(TIMEOUT)
        assert not thread.is_alive()


@pytest.mark.parametrize("jump", [3600.0, -3600.0, -6.0])
def test_a_clock_that_is_set_is_noticed_once(jump: float) -> None:
    times = {"wall": datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "steady": 100.0}
    watch = ClockWatch(lambda: times["wall"], lambda: times["steady"])
    times["wall"] += timedelta(seconds=10 + jump)
    times["steady"] += 10
    assert watch.jump() == pytest.approx(jump)
    times["wall"] += timedelta(seconds=10)
    times["steady"] += 10
    assert watch.jump() == 0


def test_time_that_passes_is_no_jump() -> None:
    times = {"wall": datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "steady": 0.0}
    watch = ClockWatch(lambda: times["wall"], lambda: times["steady"])
    times["wall"] += timedelta(hours=2)
    times["steady"] += 7200
    assert watch.jump() == 0


def test_alive_means_that_something_moves() -> None:
    now = [0.0]
    vitals = Vitals(stuck_after=3600, heartbeat_every=10, monotonic=lambda: now[0])
    assert vitals.problem() is None
    now[0] = 61
    assert "loop" in (vitals.problem() or "")
    vitals.heartbeat()
    with vitals.at_work("sweep"):
        now[0] += 3500
        vitals.progress("sweep", 1, None)
        now[0] += 3500
        vitals.heartbeat()
        assert vitals.problem() is None
        now[0] += 200
        vitals.heartbeat()
        assert "sweep" in (vitals.problem() or "")
    assert vitals.problem() is None


def test_every_scheduled_job_exists() -> None:
    assert {slot.job for slot in timetable(Schedule())} == set(runner.JOBS)
