"""How a contact's progress goes on: what costs an attempt, what parks, when it is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sync.domain.codes import Code
from sync.lifecycle import Done, Failed, Outcome, Postponed, Progress, RetryPolicy, Status, advance

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
POLICY = RetryPolicy(attempts=3, first=timedelta(seconds=30), longest=timedelta(minutes=5))
SECOND = timedelta(seconds=1)

OUTAGE = Postponed(Code.C4C_UNAVAILABLE, "down", outage=True)
LOCK = Postponed(Code.C4C_LOCKED, "open elsewhere")
OWN_FAULT = Postponed(Code.C4C_CONFLICT, "keeps changing", blames_record=True)
LOST = Postponed(Code.C4C_UNAVAILABLE, "no answer", blames_record=True, unknown=True)
CUT_OFF = Postponed(Code.C4C_UNAVAILABLE, "down", outage=True, unknown=True)


def pending(attempts: int = 0) -> Progress:
    return Progress(Status.PENDING, attempts, NOW)


@pytest.mark.parametrize(
    ("before", "outcome", "status", "attempts", "due_in"),
    [
        pytest.param(pending(2), Done(Code.QUALIFIED), Status.DONE, 0, None, id="done"),
        pytest.param(pending(), Done(Code.SCORE_MISSING), Status.DONE, 0, None, id="done with a no"),
        pytest.param(pending(1), Failed(Code.C4C_REJECTED, "no"), Status.PARKED, 1, None, id="refused"),
        pytest.param(pending(), OUTAGE, Status.PENDING, 0, 0, id="an outage costs nothing and is due at once"),
        pytest.param(pending(2), OUTAGE, Status.PENDING, 2, 0, id="not even the last attempt"),
        pytest.param(pending(2), CUT_OFF, Status.IN_FLIGHT, 2, 0, id="cut off while writing"),
        pytest.param(pending(), LOCK, Status.PENDING, 0, 30, id="a lock costs nothing and waits"),
        pytest.param(pending(2), LOCK, Status.PENDING, 2, 60, id="a lock after failures"),
        pytest.param(pending(0), OWN_FAULT, Status.PENDING, 1, 30, id="the first failure of its own"),
        pytest.param(pending(1), OWN_FAULT, Status.PENDING, 2, 60, id="the second"),
        pytest.param(pending(2), OWN_FAULT, Status.PARKED, 3, None, id="the last"),
        pytest.param(pending(0), LOST, Status.IN_FLIGHT, 1, 30, id="a write with an unknown end"),
        pytest.param(pending(2), LOST, Status.PARKED, 3, None, id="unknown too often"),
        pytest.param(Progress(Status.IN_FLIGHT, 1, NOW), OUTAGE, Status.PENDING, 1, 0, id="nothing was written"),
    ],
)
def test_advance(before: Progress, outcome: Outcome, status: Status, attempts: int, due_in: int | None) -> None:
    after = advance(before, outcome, POLICY, NOW)
    due_at = None if due_in is None else NOW + due_in * SECOND
    assert (after.status, after.attempts, after.due_at) == (status, attempts, due_at)
    assert after.code is outcome.code


def test_a_record_that_stays_locked_is_asked_for_less_and_less_often() -> None:
    progress, pauses = pending(), []
    for outcome in (LOCK, LOCK, LOCK, LOCK, LOCK, OUTAGE, LOCK):
        progress = advance(progress, outcome, POLICY, NOW)
        assert progress.due_at is not None
        pauses.append((progress.due_at - NOW).total_seconds())
    assert pauses == [30, 60, 120, 240, 300, 0, 30]
    assert (progress.status, progress.attempts) == (Status.PENDING, 0)


@pytest.mark.parametrize("outcome", [Failed(Code.C4C_REJECTED, "why"), OUTAGE, OWN_FAULT])
def test_what_went_wrong_is_kept(outcome: Failed | Postponed) -> None:
    assert advance(pending(), outcome, POLICY, NOW).detail == outcome.detail


def test_what_went_wrong_is_forgotten_when_it_goes_well() -> None:
    before = Progress(Status.IN_FLIGHT, 2, NOW, Code.C4C_UNAVAILABLE, "down")
    assert advance(before, Done(Code.QUALIFIED), POLICY, NOW) == Progress(Status.DONE, code=Code.QUALIFIED)


def test_no_outage_of_any_length_parks_a_contact() -> None:
    progress = pending(2)
    for _ in range(1000):
        progress = advance(progress, OUTAGE, POLICY, NOW)
    assert (progress.status, progress.attempts) == (Status.PENDING, 2)


@pytest.mark.parametrize("outcome", [OUTAGE, LOCK, CUT_OFF], ids=["outage", "lock", "cut off"])
def test_fewer_allowed_attempts_do_not_turn_an_outage_into_a_fault(outcome: Postponed) -> None:
    """Somebody lowered `retry.attempts` while a contact had already used more."""
    after = advance(pending(5), outcome, POLICY, NOW)
    assert after.status is not Status.PARKED
    assert after.attempts == 5


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 30), (2, 60), (3, 120), (4, 240), (5, 300), (6, 300), (10_000, 300)]
)
def test_delays_double_up_to_the_longest(attempt: int, seconds: int) -> None:
    assert POLICY.delay(attempt) == seconds * SECOND


def test_no_failure_yet_waits_as_after_the_first() -> None:
    assert POLICY.delay(0) == 30 * SECOND
