"""Pacing, the daily budget with its reserve, and one taxonomy of errors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from portal import Portal, Sync, rules

from sync.admin.status import status
from sync.errors import BudgetExhausted, Denied, Malformed, Refused, SyncError, Unavailable
from sync.hubspot_client import Budget, HubSpotClient
from sync.reading import budget
from sync.state import work
from sync.state.documents import BUDGET
from sync.state.run_store import RunStore
from sync.transport import Pacer

Build = Callable[..., Sync]


def test_starts_are_spaced_however_many_threads_call() -> None:
    """Each thread is told to wait for its own start; the starts lie one interval apart."""
    waits: list[float] = []
    pacer = Pacer(5, clock=lambda: 100.0, sleep=waits.append)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: pacer.wait(), range(40)))
    starts = [0.0, *sorted(waits)]
    assert len(starts) == 40
    assert all(later - earlier == pytest.approx(0.2) for earlier, later in pairwise(starts))


class Passing:
    """A clock that passes, here and in the sandbox, only as far as somebody sleeps: a busy machine bunches nothing."""

    def __init__(self, portal: Portal) -> None:
        self._portal, self._now = portal, 0.0
        self._lock, self._seen = threading.Lock(), threading.local()

    def __call__(self) -> float:
        self._seen.at = self._now
        return self._now

    def sleep(self, seconds: float) -> None:
        """Until so long after this thread looked last; several sleep at a time."""
        with self._lock:
            passed = self._seen.at + seconds - self._now
            if passed > 0:
                self._now += passed
                self._portal.advance(passed)


def test_measured_rates_stay_below_the_limits_with_several_threads(portal: Portal) -> None:
    """The sandbox counts in sliding windows of one second and refuses what is too much."""
    portal.settings(rate_limits=True, search_per_second=50)
    clock = Passing(portal)
    client = HubSpotClient(
        portal.announced["hubspot"], portal.announced["token"], search_per_second=40, sleep=clock.sleep
    )
    client._calls._search_pacer._clock = clock
    portal.reset_counts()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: client.count("contacts", []), range(60)))
    statuses = {entry["status"] for entry in portal.call("GET", "/requests/log", system="hubspot")}
    assert statuses == {200}
    assert client.sent.total == 60


def test_one_thread_that_meets_the_limit_holds_all_of_them() -> None:
    waits: list[float] = []
    pacer = Pacer(10, clock=lambda: 0.0, sleep=waits.append)
    pacer.hold(10)
    pacer.wait()
    pacer.wait()
    assert waits == [10, pytest.approx(10.1)]


@pytest.mark.parametrize(("path", "pause"), [("search", 1.0), ("owners", 10.0)])
def test_a_rate_limit_without_details_waits_for_its_window(portal: Portal, path: str, pause: float) -> None:
    """A recorded 429 of a search has neither headers nor a policy name."""
    waits: list[float] = []
    client = portal.client(sleep=waits.append)
    portal.fault("status", status=429, path=path, body_out={"status": "error", "category": "RATE_LIMITS"})
    client.count("contacts", []) if path == "search" else client.owners()
    assert max(waits) == pytest.approx(pause, abs=0.1)


@pytest.mark.parametrize(("asked", "longest"), [("3", 3.1), ("100000", 60.1), ("700", 60.1), ("soon", 1.1)])
def test_retry_after_is_clamped_whatever_its_unit(portal: Portal, asked: str, longest: float) -> None:
    waits: list[float] = []
    portal.fault("status", status=429, path="search", headers={"Retry-After": asked})
    portal.client(sleep=waits.append).count("contacts", [])
    assert 1 <= max(waits) <= longest


def test_we_slow_down_when_others_use_up_the_interval(portal: Portal) -> None:
    waits: list[float] = []
    portal.settings(burst_per_10s=20)
    client = portal.client(sleep=waits.append)
    for _ in range(10):
        client.owners()
    assert max(waits) > 1, "by X-HubSpot-RateLimit-Remaining"


# ---- one taxonomy


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"action": "status", "status": 401}, Denied),
        ({"action": "status", "status": 403}, Denied),
        ({"action": "status", "status": 400}, Refused),
        ({"action": "status", "status": 404}, Refused),
        ({"action": "status", "status": 414, "body_out": "<html>too long</html>"}, Refused),
        ({"action": "status", "status": 423}, Unavailable),
        ({"action": "status", "status": 429}, Unavailable),
        ({"action": "status", "status": 429, "body_out": {"policyName": "DAILY"}}, BudgetExhausted),
        ({"action": "status", "status": 477}, Unavailable),
        ({"action": "status", "status": 500}, Unavailable),
        ({"action": "status", "status": 502, "body_out": "<html>Bad gateway</html>"}, Unavailable),
        ({"action": "status", "status": 524}, Unavailable),
        ({"action": "cut_before"}, Unavailable),
        ({"action": "truncate"}, Unavailable),
        ({"action": "html"}, Malformed),
        ({"action": "empty"}, Malformed),
        ({"action": "status", "status": 200, "body_out": {"total": 1, "results": [None]}}, Malformed),
        ({"action": "status", "status": 200, "body_out": {"total": "1", "results": []}}, Malformed),
        ({"action": "status", "status": 200, "body_out": {"total": 1, "results": [], "errors": [{}]}}, Malformed),
        ({"action": "status", "status": 207, "body_out": {"total": 1, "results": [], "errors": [{}]}}, Malformed),
    ],
)
@pytest.mark.parametrize("api", ["2026-09", "v3"])
def test_what_hubspot_answers_is_told_apart_by_status_and_payload(
    portal: Portal, fault: dict[str, Any], error: type[SyncError], api: str
) -> None:
    portal.fault(**fault, path="search", times=None)
    with pytest.raises(error):
        portal.client(api=api).search("contacts", [], "lastmodifieddate", [])


@pytest.mark.parametrize(
    "row",
    [
        {"from": {}, "to": []},
        {"from": {"id": "1"}, "to": [{"toObjectId": 2, "associationTypes": [{"category": "USER_DEFINED"}]}]},
        {"from": {"id": "1"}, "to": [{"associationTypes": [{"category": "USER_DEFINED", "typeId": 5}]}]},
    ],
)
def test_a_row_of_another_form_is_neither_known_nor_empty_nor_a_bug(portal: Portal, row: dict[str, Any]) -> None:
    portal.fault("status", status=200, path="associations", body_out={"results": [row]})
    read = portal.client().associations(["1"])
    assert read.found == {}
    assert read.failed | read.unreadable == {"1"}


def test_pages_that_announce_themselves_again_are_no_endless_loop(portal: Portal) -> None:
    paging = {"paging": {"next": {"after": "5"}}}
    portal.fault("status", status=200, path="owners", body_out={"results": [], **paging}, times=None)
    with pytest.raises(Malformed):
        portal.client().owners()
    row = {"from": {"id": "1"}, "to": [], **paging}
    portal.fault("status", status=200, path="associations", body_out={"results": [row]}, times=None)
    with pytest.raises(Malformed):
        portal.client().associations(["1"])


# ---- the daily budget


def left(portal: Portal, product: Sync, requests: int) -> None:
    """So many requests are left of the day, as the next process finds out."""
    used = portal.call("GET", "/hubspot/settings")["daily_limit"] - portal.client().usage().left  # type: ignore[union-attr]
    portal.settings(daily_limit=used + requests)
    product.restart()


def test_sweeps_stop_before_polls_and_the_reserve_is_left_to_others(portal: Portal, sync: Build) -> None:
    product = sync(configuration=rules(daily_reserve=1000))
    left(portal, product, 1400)
    results = product.run("sweep", "scores", "poll", "push")
    assert [type(f).__name__ for f in results.failures] == ["BudgetClosed", "BudgetClosed"]
    assert set(results.jobs) - {"sweep", "scores"} == {"poll", "push"}
    assert "polled" in results.jobs["poll"]
    assert "polled" not in results.jobs["scores"]
    assert product.events("budget_low")[0]["found"] > 1000


def test_polls_stop_at_the_reserve(portal: Portal, sync: Build) -> None:
    product = sync(configuration=rules(daily_reserve=1000))
    left(portal, product, 900)
    (failure,) = product.run("poll").failures
    assert failure.exit_code == 3
    assert "reserved for others (hubspot.daily_reserve)" in str(failure)


def test_searches_count_although_their_answers_tell_nothing(portal: Portal) -> None:
    client = portal.client()
    before = client.usage()
    for _ in range(3):
        client.count("contacts", [])
    assert isinstance(before, Budget)
    assert client.budget is not None
    assert client.budget.left == before.left - 3


def test_the_usage_is_asked_for_once_a_day(portal: Portal, sync: Build) -> None:
    product = sync()
    portal.reset_counts()
    usage = "GET /account-info/v3/api-usage/daily/private-apps"
    for _ in range(3):
        product.good("poll", "sweep")
        product.restart()
    assert portal.requests()[usage] == 1
    portal.advance(86_400)
    product.good("poll", "sweep")
    assert portal.requests()[usage] == 2


@pytest.mark.parametrize("status_code", [403, 404])
def test_a_portal_that_does_not_tell_its_usage_is_polled_all_the_same(
    portal: Portal, sync: Build, status_code: int
) -> None:
    portal.fault("status", status=status_code, path="account-info", times=None)
    contact = portal.contact()
    product = sync()
    product.good("poll", "scores", "sweep")
    assert contact in product.contacts()


def test_status_shows_used_left_and_reserved(portal: Portal, sync: Build) -> None:
    product = sync(configuration=rules(daily_reserve=1000))
    product.good("poll", "sweep")
    budget = status(product.store, portal.now(), product.configuration)["budget"]
    assert budget["used"] + budget["left"] == budget["limit"] == 625_000
    assert (budget["used"] > 0, budget["reserved"], budget["exhausted_until"]) == (True, 1000, None)
    assert budget["resets_at"].endswith("00:00:00+00:00")


def test_a_senseless_pause_of_a_used_up_day_is_a_day(portal: Portal, sync: Build) -> None:
    product = sync()
    headers, body = {"Retry-After": "1" + "0" * 20}, {"policyName": "DAILY"}
    portal.fault("status", status=429, path="contacts/search", headers=headers, body_out=body)
    portal.fault("status", status=403, path="account-info", times=None)
    [failure] = product.run("poll").failures
    assert isinstance(failure, BudgetExhausted)
    with product.store.reading() as session:
        until = BUDGET.read(session).exhausted_until
    assert until is not None
    assert until - portal.now() < timedelta(hours=26)


def test_a_job_that_ends_does_not_undo_that_another_met_the_end_of_the_day(portal: Portal, sync: Build) -> None:
    """The worker's two threads share one client: what one job keeps at its end was read before the other's refusal."""
    product = sync()
    product.client.usage()
    store = RunStore(product.store, lambda session: 0)
    budget.note_budget(replace(product.context(), store=store))
    budget.exhausted(product.context(), 3600)
    store.finish(lambda session: None)
    with product.store.reading() as session:
        kept = BUDGET.read(session)
    assert (kept.left, kept.exhausted_until is None) == (0, False)


def test_a_used_up_day_burns_no_attempts_and_shows_in_status(portal: Portal, sync: Build) -> None:
    contact = portal.contact(lead_score="80")
    product = sync()
    product.good("poll")
    portal.settings(rate_limits=True, daily_limit=1)
    failures: Sequence[SyncError] = product.run("poll", "scores", "sweep").failures
    assert all(isinstance(failure, BudgetExhausted) for failure in failures)
    until = status(product.store, portal.now(), product.configuration)["budget"]["exhausted_until"]
    assert until.endswith("00:00:00+00:00"), "the reset that the usage told"
    with product.store.reading() as session:
        progress = work.progress_of(session, contact)
    assert progress is not None
    assert (progress.attempts, progress.status) == (0, "pending")
