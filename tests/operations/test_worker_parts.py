"""The worker's parts, each by itself."""

import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from running import TIMEOUT

from sync.config import Schedule
from sync.jobs import runner
from sync.worker.clock import ClockWatch
from sync.worker.lanes import Lane
from sync.worker.timetable import timetable
from sync.worker.vitals import Vitals


def test_handovers_wait_for_no_sweep() -> None:
    slots = {slot.job: slot for slot in timetable(Schedule())}
    assert slots["push"].lane != slots["sweep"].lane
    assert slots["push"].urgency < slots["poll"].urgency < slots["scores"].urgency < slots["sweep"].urgency
    assert slots["sweep"].urgency < slots["housekeeping"].urgency


def test_a_lane_takes_the_most_urgent_job_first(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    begun, go_on, over = threading.Event(), threading.Event(), threading.Event()

    def run_job(job: Any, *_: object) -> list[object]:
        ran.append(job.id)
        begun.set()
        assert go_on.wait(TIMEOUT)
        if len(ran) == 4:
            over.set()
        return []

    monkeypatch.setattr("sync.worker.lanes.run_job", run_job)
    monkeypatch.setattr(Lane, "_run_job_success", lambda *_: None)
    lane = Lane("hubspot", {"poll": 1, "scores": 2, "sweep": 5})
    lane._thread.start()

    def submit(name: str) -> None:
        lane._do_submit_job(SimpleNamespace(id=name, _jobstore_alias="default"), [])

    submit("sweep")
    assert begun.wait(TIMEOUT)
    for name in ("sweep", "scores", "poll"):
        submit(name)
    go_on.set()
    assert over.wait(TIMEOUT)
    lane.shutdown()
    assert ran == ["sweep", "poll", "scores", "sweep"]


def test_a_lane_begins_nothing_after_it_was_told_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def run_job(job: Any, *_: object) -> list[object]:
        ran.append(job.id)
        begun.set()
        assert go_on.wait(TIMEOUT)
        return []

    monkeypatch.setattr("sync.worker.lanes.run_job", run_job)
    monkeypatch.setattr(Lane, "_run_job_success", lambda *_: None)
    lane = Lane("hubspot", {})
    lane._thread.start()
    for name in ("first", "second"):
        lane._do_submit_job(SimpleNamespace(id=name, _jobstore_alias="default"), [])
    assert begun.wait(TIMEOUT)
    lane.shutdown(wait=False)
    go_on.set()
    lane.shutdown()
    assert ran == ["first"]


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
