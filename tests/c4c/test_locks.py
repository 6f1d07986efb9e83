"""A record that somebody has open: asked for again less and less often, and no attempt is spent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from c4c_world import World

from sync.domain.codes import Code
from sync.jobs.runner import run_jobs
from sync.lifecycle import Postponed, Progress, RetryPolicy, Status, advance

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LOCKED = Postponed(Code.C4C_LOCKED, "open elsewhere")


def test_the_wait_grows_while_the_lock_lasts_and_costs_no_attempt() -> None:
    policy = RetryPolicy(attempts=3, first=timedelta(seconds=30), longest=timedelta(minutes=5))
    progress, waits = Progress(Status.PENDING), []
    for _ in range(6):
        progress = advance(progress, LOCKED, policy, NOW)
        assert progress.due_at is not None
        waits.append((progress.due_at - NOW).total_seconds())
    assert waits == [30, 60, 120, 240, 300, 300]
    assert (progress.status, progress.attempts) == (Status.PENDING, 0)


def test_an_outage_in_between_does_not_count_as_waiting() -> None:
    policy = RetryPolicy()
    locked = advance(Progress(Status.PENDING), LOCKED, policy, NOW)
    away = advance(locked, Postponed(Code.C4C_UNAVAILABLE, "away", outage=True), policy, NOW)
    assert (away.waits, away.due_at) == (0, NOW)


def test_a_locked_record_is_tried_again_in_the_same_run_and_then_later(world: World) -> None:
    world.control.contact(company := world.control.company("Bakery North"), lastname="Ready")
    world.sync()
    contact = world.control.contact(company)
    world.control.fault("lock", body="POST LeadCollection", times=None)
    with world.application() as built:
        pauses: list[float] = []
        run_jobs(replace(built.context, sleep=pauses.append), ["poll", "sweep", "push"])
    assert pauses[-3:] == [0.001, 0.002, 0.004]
    progress = world.progress(contact)
    assert (progress.status, progress.code) == ("pending", "C4C_LOCKED")
    assert (progress.attempts, progress.waits) == (0, 1)
    world.control.call("DELETE", "/faults")
    world.sync()
    assert len(world.control.rows("Lead")) == 2
    assert world.progress(contact).waits == 0


@pytest.mark.parametrize("language", ["de", "fr", "ja"])
def test_a_lock_is_known_where_the_tenant_speaks_another_language(world: World, language: str) -> None:
    contact = world.control.contact(world.control.company())
    world.control.settings(language=language, heeds_accept_language=False, lock_code="")
    world.control.fault("lock", body="POST LeadCollection", times=None)
    world.once(until_idle=False)
    progress = world.progress(contact)
    assert (progress.status, progress.code) == ("pending", "C4C_LOCKED")


def test_texts_are_asked_for_in_english(world: World) -> None:
    contact = world.control.contact(world.control.company())
    world.control.settings(language="de", mandatory={"Lead": ["GroupCode"]})
    world.once()
    assert "Property 'GroupCode' is mandatory" in str(world.progress(contact).detail)
