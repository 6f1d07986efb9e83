"""Alerts: which facts raise which, and that each is told once when it begins and once when it is over."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import responses

from sync.admin import alerts
from sync.admin.alerts import Alert, AlertFacts, Failure, evaluate, over
from sync.config import Configuration, load
from sync.context import Context
from sync.errors import Denied
from sync.net.credentials import Secret
from sync.notify import Notice, Webhook
from sync.state import streams
from sync.state.documents import MISMATCHES, DailyBudget
from sync.state.store import open_store
from sync.state.streams import Streak

NOW = datetime(2026, 11, 21, 17, tzinfo=UTC)
FINE = AlertFacts(
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
RESTARTED = {"at_work_since": NOW - timedelta(minutes=1), "holding": [Alert.POLL_STALE]}


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
        ({"mismatches": {"c4c": ["Lead.GroupCode: gone"]}}, "contract: Lead.GroupCode: gone"),
        ({"streaks": {"sweep": Streak(5, NOW, "Malformed")}}, "job_failing: sweep"),
        ({"streaks": {"push": Streak(1, NOW, "Refused")}}, "job_failing: push"),
        ({"streaks": {"scores": Streak(5, NOW, "Unavailable")}}, "job_failing: scores"),
        ({"streaks": {"push": Streak(9, NOW - timedelta(minutes=31), "Unavailable")}}, Alert.C4C_AWAY),
        ({"oldest_pending": NOW - timedelta(minutes=61)}, Alert.HANDOVERS_LATE),
        ({"frozen": {"mql": "it stands still"}}, "score_frozen: mql"),
    ],
)
def test_each_fact_raises_its_alert(config: Configuration, changed: dict[str, Any], alert: str) -> None:
    assert list(evaluate(replace(FINE, **changed), config)) == [alert]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"polled": {}, "at_work_since": NOW - timedelta(minutes=14)},
        {"polled": {"contacts": LONG_AGO, "companies": LONG_AGO}, "at_work_since": NOW - timedelta(minutes=1)},
        {"polled": {}, "at_work_since": None},
        {"polled": {"contacts": NOW}, "polling": True},
        {"last_lead": NOW - timedelta(days=400)},
        {"parked": 24},
        {"streaks": {"sweep": Streak(4, NOW, "Malformed")}},
        {"streaks": {"poll": Streak(9, NOW, "Unavailable"), "scores": Streak(9, NOW, "Vanished")}},
        {"streaks": {"push": Streak(9, NOW - timedelta(minutes=29), "Unavailable")}},
        {"oldest_pending": NOW - timedelta(minutes=59)},
        {"oldest_pending": NOW - timedelta(days=1), "at_work_since": NOW - timedelta(minutes=59)},
        {"failures": {"push": Failure("Unavailable")}},
        {"budget": DailyBudget()},
    ],
)
def test_what_is_no_reason_to_wake_anybody(config: Configuration, changed: dict[str, Any]) -> None:
    assert evaluate(replace(FINE, **changed), config) == {}


def test_a_first_load_that_fails_again_and_again_is_stale(config: Configuration) -> None:
    """Only a run that is under way is given its time, and an alert that holds does not end with the next run."""
    assert list(evaluate(replace(FINE, polled={"contacts": NOW}), config)) == [Alert.POLL_STALE]
    held = {"polling": True, "holding": [Alert.POLL_STALE]}
    assert list(evaluate(replace(FINE, polled={"contacts": NOW}, **held), config)) == [Alert.POLL_STALE]


def test_no_leads_has_a_threshold_of_its_own(config: Configuration) -> None:
    set_to_a_day = config.worker.alerts.model_copy(update={"no_leads": timedelta(days=1)})
    worker = config.worker.model_copy(update={"alerts": set_to_a_day})
    strict = replace(config, worker=worker)
    assert evaluate(replace(FINE, last_lead=NOW - timedelta(hours=23)), strict) == {}
    [(alert, text)] = evaluate(replace(FINE, last_lead=NOW - timedelta(hours=25)), strict).items()
    assert (alert, "2026-11-20 16:00 UTC" in text) == (Alert.NO_LEADS, True)
    assert evaluate(replace(FINE, last_lead=None), strict) == {}, "before the first load ended"


def test_a_refusal_names_the_system_and_what_it_said(config: Configuration) -> None:
    failed = Failure("Denied", str(Denied("c4c", "the user or password was refused (401)")))
    text = evaluate(replace(FINE, failures={"push": failed, "sweep": failed, "poll": None}), config)[Alert.DENIED]
    assert text == "SAP Sales Cloud: the user or password was refused (401) (in: push, sweep)"


@pytest.mark.parametrize("alert", Alert)
def test_every_alert_says_what_to_do_and_what_is_over(alert: Alert) -> None:
    assert "`hubspot-c4c-sync " in alerts.STEPS[alert]
    assert over(alerts.key(alert, "one"), NOW.isoformat(), NOW) == f"{alerts.OVER[alert]}: one; it lasted 0 min"
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
                streams.complete_stream(session, stream, at)
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
            MISMATCHES.write(session, {"c4c": mismatches})
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


def test_one_alert_for_each_mismatch_and_each_ends_singly(tmp_path: Path, config: Configuration) -> None:
    """A second one is not hidden by the first."""
    texts: list[str] = []

    def notify(notice: Notice) -> bool:
        texts.append(f"{notice.alert} {notice.state} {notice.subject}")
        return True

    store, unused = open_store(tmp_path / "state.db"), cast(Any, None)

    def a_look(hubspot: list[str], c4c: list[str]) -> list[str]:
        texts.clear()
        with store.session() as session:
            MISMATCHES.write(session, {"hubspot": hubspot, "c4c": c4c})
        alerts.watch(Context(store, unused, unused, config, "run", now=lambda: NOW, notify=notify))
        return list(texts)

    assert a_look(["a"], []) == ["contract firing a"]
    assert a_look(["a"], ["b"]) == ["contract firing b"]
    assert a_look([], ["b"]) == ["contract resolved a"]
    assert a_look([], []) == ["contract resolved b"]
    store.close()


def test_failures_in_a_row_are_counted_from_the_last_success(tmp_path: Path) -> None:
    """Runs that were asked to stop count neither way."""
    store = open_store(tmp_path / "state.db")
    for minute, ok in enumerate([False, True, False, None, False]):
        at = NOW + timedelta(minutes=minute)
        kind = None if ok else "Malformed"
        with store.session() as session:
            job = streams.start_job(session, "run", "sweep", at)
            streams.finish_job(session, job, at, streams.Ended({}, kind, f"failure {minute}", ok=ok))
            streams.finish_job(session, streams.start_job(session, "run", "poll", at), at, streams.Ended({}))
    with store.reading() as session:
        assert streams.streaks(session) == {
            "sweep": Streak(2, NOW + timedelta(minutes=2), "Malformed", "failure 4"),
        }
    store.close()


NOTICE = Notice("poll_stale", "firing", "too old", "2026-11-21T17:00:00+00:00", "host", "look at it")


@responses.activate
def test_both_forms_of_the_webhook() -> None:
    generic = responses.post("https://alerts.example/a", status=200)
    slack = responses.post("https://alerts.example/b", status=200)
    assert Webhook(Secret("https://alerts.example/a"))(NOTICE)
    assert Webhook(Secret("https://alerts.example/b"), "slack")(NOTICE)
    first, second = [json.loads(call.request.body or b"") for rule in (generic, slack) for call in rule.calls]
    assert (first["alert"], first["step"]) == ("poll_stale", "look at it")
    assert first["runbook"] == "docs/oncall.md#poll-stale"
    assert list(second) == ["text"]
    assert second["text"].splitlines()[1:] == ["Next: look at it", "Runbook: docs/oncall.md#poll-stale"]


def test_an_address_that_cannot_be_encoded_is_not_delivered_to() -> None:
    assert not Webhook(Secret(f"https://{'a' * 64}.example/x"))(NOTICE)


@responses.activate
@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_does_not_take_it_is_tried_again(status: int) -> None:
    responses.post("https://alerts.example/a", status=status)
    assert not Webhook(Secret("https://alerts.example/a"))(NOTICE)


def test_a_webhook_out_of_reach_is_no_exception() -> None:
    assert not Webhook(Secret("http://127.0.0.1:9/a"))(NOTICE)


def test_late_handovers_name_a_pause_that_somebody_forgot(config: Configuration) -> None:
    late = replace(FINE, oldest_pending=NOW - timedelta(hours=2))
    [plain] = evaluate(late, config).values()
    [paused] = evaluate(replace(late, paused_since="2026-11-21T14:00:00+00:00"), config).values()
    assert paused == f"{plain}; a person paused writes at 2026-11-21T14:00 UTC"
