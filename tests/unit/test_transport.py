"""Pacing and retries, on a clock that the test turns."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import structlog

from sync import log
from sync.errors import BudgetExhausted, Denied, Malformed, Refused, SyncError, Unavailable
from sync.transport import LONGEST_WAIT, Pacer, RequestRetry, Requests, with_retry


@dataclass
class Clock:
    """Time that passes only when somebody sleeps."""

    now: float = 100.0
    naps: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


@dataclass
class Failing:
    """Fails in the given ways one after the other, then answers."""

    failures: list[SyncError]
    calls: int = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= len(self.failures):
            raise self.failures[self.calls - 1]
        return "answer"


def slow(wait: float | None = None) -> Unavailable:
    return Unavailable("hubspot", "search: status 503", wait)


@pytest.fixture(autouse=True)
def lines() -> Iterator[Callable[[], list[dict[str, object]]]]:
    """What was logged so far."""
    stream = io.StringIO()
    log.configure(stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


# ---- retries


@pytest.mark.parametrize(
    ("failures", "naps"),
    [
        pytest.param([], [], id="at once"),
        pytest.param([slow()], [1], id="once"),
        pytest.param([slow(), slow(), slow()], [1, 2, 4], id="pauses double"),
        pytest.param([slow(10)], [10], id="the pause that was asked for"),
        pytest.param([slow(0.5)], [1], id="never shorter than our own"),
        pytest.param([slow(), slow(), slow(3)], [1, 2, 4], id="the longer of both"),
        pytest.param([slow(LONGEST_WAIT)], [60], id="the longest that is waited for"),
    ],
)
def test_transient_failures_are_tried_again(failures: list[SyncError], naps: list[float]) -> None:
    clock, call = Clock(), Failing(failures)
    assert with_retry(RequestRetry(attempts=5, wait=1), call, clock.sleep) == "answer"
    assert clock.naps == naps
    assert call.calls == len(failures) + 1


def test_pauses_have_an_end() -> None:
    clock = Clock()
    with_retry(RequestRetry(attempts=12, wait=8), Failing([slow()] * 11), clock.sleep)
    assert max(clock.naps) == LONGEST_WAIT


def test_the_last_failure_is_raised_as_it_is() -> None:
    last = slow()
    call = Failing([slow(), slow(), last])
    with pytest.raises(Unavailable) as raised:
        with_retry(RequestRetry(attempts=3), call, Clock().sleep)
    assert raised.value is last
    assert call.calls == 3


def test_who_asks_for_more_than_a_minute_ends_the_job_instead_of_blocking_it() -> None:
    clock, call = Clock(), Failing([slow(3600)])
    with pytest.raises(Unavailable):
        with_retry(RequestRetry(attempts=5), call, clock.sleep)
    assert (call.calls, clock.naps) == (1, [])


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(Denied("hubspot", "403"), id="denied"),
        pytest.param(BudgetExhausted("hubspot", "used up"), id="the day's budget"),
        pytest.param(Malformed("hubspot", "no list"), id="malformed"),
        pytest.param(Refused("hubspot", "400"), id="refused"),
    ],
)
def test_what_trying_again_does_not_help_is_tried_once(failure: SyncError) -> None:
    clock, call = Clock(), Failing([failure, failure])
    with pytest.raises(type(failure)):
        with_retry(RequestRetry(attempts=5), call, clock.sleep)
    assert (call.calls, clock.naps) == (1, [])


@pytest.mark.parametrize(
    ("wait", "event"), [pytest.param(10, "rate_limited", id="asked"), pytest.param(None, "request_retried", id="own")]
)
def test_a_pause_is_logged(wait: float | None, event: str, lines: Callable[[], list[dict[str, object]]]) -> None:
    with_retry(RequestRetry(attempts=2, wait=1), Failing([slow(wait)]), Clock().sleep)
    [line] = lines()
    assert (line["event"], line["system"], line["attempt"], line["wait"]) == (event, "hubspot", 1, wait or 1)


# ---- pacing


def starts(pacer: Pacer, clock: Clock, calls: int, pause: float = 0.0) -> list[float]:
    """When each of these calls started, seen from the first."""
    begun = []
    for _ in range(calls):
        pacer.wait()
        begun.append(clock.now)
        clock.now += pause
    return [round(at - begun[0], 6) for at in begun]


@pytest.mark.parametrize(
    ("per_second", "pause", "expected"),
    [
        pytest.param(4, 0, [0, 0.25, 0.5, 0.75], id="as fast as allowed"),
        pytest.param(4, 0.1, [0, 0.25, 0.5, 0.75], id="the time of the call counts"),
        pytest.param(4, 1, [0, 1, 2, 3], id="slow callers do not wait"),
        pytest.param(0.5, 0, [0, 2, 4, 6], id="less than one a second"),
    ],
)
def test_pace(per_second: float, pause: float, expected: list[float]) -> None:
    clock = Clock()
    assert starts(Pacer(per_second, clock, clock.sleep), clock, 4, pause) == expected


def test_idle_time_is_not_saved_up_for_a_burst() -> None:
    clock = Clock()
    pacer = Pacer(4, clock, clock.sleep)
    pacer.wait()
    clock.now += 60
    assert starts(pacer, clock, 3) == [0, 0.25, 0.5]


def test_after_a_refusal_the_calls_of_a_minute_lie_wider() -> None:
    clock = Clock()
    pacer = Pacer(4, clock, clock.sleep)
    pacer.ease()
    assert starts(pacer, clock, 3) == [0, 0.3125, 0.625]
    clock.now += 60
    assert starts(pacer, clock, 3) == [0, 0.25, 0.5]


def test_threads_share_one_pace() -> None:
    clock, naps = Clock(), list[float]()
    pacer = Pacer(10, clock, naps.append)
    threads = [threading.Thread(target=pacer.wait) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(round(nap, 6) for nap in naps) == [round(n / 10, 6) for n in range(1, 20)]


# ---- counting


def test_requests_are_counted_by_endpoint() -> None:
    sent = Requests()
    for endpoint in ("search", "batch", "search"):
        sent.count(endpoint)
    assert (dict(sent.by_endpoint), sent.total) == ({"search": 2, "batch": 1}, 3)
