"""Alerts: which facts raise which, and that each is told once when it begins and once when it is over."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import responses

from sync.config import Configuration, load
from sync.errors import Denied
from sync.jobs import alerts
from sync.jobs.alerts import Alert, Facts, Failure, evaluate, over
from sync.jobs.context import Context
from sync.state import streams
from sync.state.budget import DailyBudget
from sync.state.store import open_store
from sync.webhook import Notice, Webhook

NOW = datetime(2026, 11, 21, 17, tzinfo=UTC)
FINE = Facts(
    now=NOW,
    polled={"contacts": NOW, "companies": NOW},
    at_work_since=NOW - timedelta(days=1),
    parked=0,
    guard=None,
    failures={"poll": None, "push": None},
    budget=DailyBudget(limit=1000, left=500),
    mismatches={"c4c": []},
)


@pytest.fixture(scope="module")
def config() -> Configuration:
    return load(Path(__file__).parents[2] / "config")


LONG_AGO = NOW - timedelta(minutes=16)
RESTARTED = {"at_work_since": NOW - timedelta(minutes=1), "told": [Alert.POLL_STALE]}


@pytest.mark.parametrize(
    ("changed", "alert"),
    [
        ({"polled": {"contacts": LONG_AGO, "companies": NOW}}, Alert.POLL_STALE),
        ({"polled": {}}, Alert.POLL_STALE),
        ({"polled": {"contacts": LONG_AGO, "companies": NOW}, **RESTARTED}, Alert.POLL_STALE),
        ({"polled": {}, **RESTARTED}, Alert.POLL_STALE),
        ({"parked": 25}, Alert.PARKED),
        ({"guard": "too many"}, Alert.GUARD),
        ({"failures": {"push": Failure("Denied")}}, Alert.DENIED),
        ({"failures": {"sweep": Failure("BudgetExhausted")}}, Alert.BUDGET),
        ({"failures": {"sweep": Failure("BudgetClosed")}}, Alert.BUDGET),
        ({"budget": DailyBudget(limit=1000, left=99)}, Alert.BUDGET),
        ({"mismatches": {"c4c": ["Lead.GroupCode: gone"]}}, Alert.CONTRACT),
    ],
)
def test_each_fact_raises_its_alert(config: Configuration, changed: dict[str, Any], alert: Alert) -> None:
    assert list(evaluate(replace(FINE, **changed), config)) == [alert]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"polled": {}, "at_work_since": NOW - timedelta(minutes=14)},
        {"polled": {"contacts": LONG_AGO, "companies": LONG_AGO}, "at_work_since": NOW - timedelta(minutes=1)},
        {"polled": {}, "at_work_since": None},
        {"parked": 24},
        {"failures": {"push": Failure("Unavailable")}},
        {"budget": DailyBudget()},
    ],
)
def test_what_is_no_reason_to_wake_anybody(config: Configuration, changed: dict[str, Any]) -> None:
    assert evaluate(replace(FINE, **changed), config) == {}


def test_a_refusal_names_the_system_and_what_it_said(config: Configuration) -> None:
    failed = Failure("Denied", str(Denied("c4c", "the user or password was refused (401)")))
    text = evaluate(replace(FINE, failures={"push": failed, "sweep": failed, "poll": None}), config)[Alert.DENIED]
    assert text == "SAP Sales Cloud: the user or password was refused (401) (in: push, sweep)"


@pytest.mark.parametrize("alert", Alert)
def test_every_alert_says_what_to_do_and_what_is_over(alert: Alert) -> None:
    assert "`hubspot-c4c-sync " in alerts.STEPS[alert]
    ended = over(alert, "2026-11-21T15:18:00+00:00", NOW)
    assert ended.startswith(alerts.OVER[alert])
    assert ended.endswith("it lasted 1 h 42 min")


class Listener:
    """A webhook that may be away."""

    def __init__(self) -> None:
        self.away = False
        self.heard: list[tuple[str, str]] = []
        self.last: Notice | None = None

    def __call__(self, notice: Notice) -> bool:
        if not self.away:
            self.heard.append((notice.alert, notice.state))
            self.last = notice
        return not self.away


def test_a_failed_job_is_told_with_its_cause_and_its_end_with_its_length(tmp_path: Path, config: Configuration) -> None:
    """The cause is read from the job's run in the state file, and no older failure is taken for it."""
    listener = Listener()
    store = open_store(tmp_path / "state.db")
    unused: Any = None

    def ended(at: datetime, how: streams.Ended) -> Notice:
        with store.session() as session:
            streams.finish_job(session, streams.start_job(session, "run", "push", at), at, how)
        with store.session() as session:
            for stream in ("contacts", "companies"):
                streams.complete(session, stream, at)
        alerts.watch(Context(store, unused, unused, config, "run", now=lambda: at, notify=listener))
        assert listener.last
        return listener.last

    try:
        told = ended(NOW, streams.Ended({}, "Denied", "SAP Sales Cloud: refused (401)", ok=False))
        assert (told.state, told.text) == ("firing", "SAP Sales Cloud: refused (401) (in: push)")
        assert told.step == alerts.STEPS[Alert.DENIED]
        told = ended(NOW + timedelta(minutes=7), streams.Ended({}))
        assert (told.state, told.step) == ("resolved", "")
        assert told.text.endswith("it lasted 7 min")
    finally:
        store.close()


def test_told_once_even_by_the_next_process(tmp_path: Path, config: Configuration) -> None:
    listener = Listener()

    def a_look(mismatches: list[str]) -> None:
        store = open_store(tmp_path / "state.db")
        with store.session() as session:
            streams.remember_mismatches(session, "c4c", mismatches)
        unused: Any = None
        alerts.watch(Context(store, unused, unused, config, "run", now=lambda: NOW, notify=listener))
        store.close()

    a_look(["Lead.GroupCode: gone"])
    a_look(["Lead.GroupCode: gone"])
    assert listener.heard == [("contract", "firing")]
    listener.away = True
    a_look([])
    assert listener.heard == [("contract", "firing")]
    listener.away = False
    a_look([])
    a_look([])
    assert listener.heard == [("contract", "firing"), ("contract", "resolved")]


NOTICE = Notice("poll_stale", "firing", "too old", "2026-11-21T17:00:00+00:00", "host", "look at it")


@responses.activate
def test_both_forms_of_the_webhook() -> None:
    generic = responses.post("https://alerts.example/a", status=200)
    slack = responses.post("https://alerts.example/b", status=200)
    assert Webhook("https://alerts.example/a")(NOTICE)
    assert Webhook("https://alerts.example/b", "slack")(NOTICE)
    first, second = [json.loads(call.request.body or b"") for rule in (generic, slack) for call in rule.calls]
    assert (first["alert"], first["step"]) == ("poll_stale", "look at it")
    assert first["runbook"] == "docs/oncall.md#poll-stale"
    assert list(second) == ["text"]
    assert second["text"].splitlines()[1:] == ["Next: look at it", "Runbook: docs/oncall.md#poll-stale"]


@responses.activate
@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_does_not_take_it_is_tried_again(status: int) -> None:
    responses.post("https://alerts.example/a", status=status)
    assert not Webhook("https://alerts.example/a")(NOTICE)


def test_a_webhook_out_of_reach_is_no_exception() -> None:
    assert not Webhook("http://127.0.0.1:9/a")(NOTICE)
