"""C4C goes away in the middle of a push: the job fails and says so, nobody is blamed, and nobody further is tried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from c4c_world import World
from crowd import crowd

from sync.errors import Unavailable
from sync.jobs import push
from sync.jobs.runner import run_jobs
from sync.state import tables

READS, WRITES = "GET LeadCollection", "POST CorporateAccountCollection"
FAILURES: dict[str, dict[str, Any]] = {
    "questions fail": {"action": "status", "status": 503, "body": READS},
    "writes fail": {"action": "status", "status": 503, "body": WRITES},
    "lines drop": {"action": "cut_before", "body": WRITES},
}


def push_run(world: World) -> tables.JobRun:
    return [run for run in world.table(tables.JobRun) if run.job == "push"][-1]


@pytest.mark.parametrize("fault", FAILURES.values(), ids=FAILURES)
def test_an_outage_in_the_middle_of_a_push_is_a_failure_of_the_job(world: World, fault: dict[str, Any]) -> None:
    contact = world.control.contact(world.control.company())
    world.once("poll", "sweep", until_idle=False)
    world.control.fault(path=r"\$batch", times=None, **fault)
    results = world.once("push")
    assert [type(failure) for failure in results.failures] == [Unavailable]
    assert results.exit_code == 3
    run = push_run(world)
    assert (run.ok, run.kind, run.counts["pending"]) == (False, "Unavailable", 1)
    progress = world.progress(contact)
    assert progress.status in ("pending", "in_flight")
    assert (progress.code, progress.attempts) == ("C4C_UNAVAILABLE", 0)

    world.control.call("DELETE", "/faults")
    world.sync()
    assert push_run(world).ok
    assert world.control.row("Lead", HubSpotID_KUT=f"{contact}:mql:1")
    assert len(world.control.rows("CorporateAccount")) == 1


def test_a_signal_in_an_outage_is_no_failure_of_the_job(world: World) -> None:
    """It ends the pauses between the tries of a request, so the request fails; nobody is to look at C4C for that."""
    contact = world.control.contact(world.control.company())
    world.once("poll", "sweep", until_idle=False)
    fault = world.control.fault("status", status=503, body=READS, path=r"\$batch", times=None)
    with world.application() as built:
        results = run_jobs(replace(built.context, stopping=lambda: world.control.fired(fault) > 0), ["push"])
    assert results.failures == []
    run = push_run(world)
    assert (run.ok, run.kind) == (None, "Interrupted")
    assert world.progress(contact).attempts == 0


def test_after_an_outage_the_slices_behind_it_are_left_for_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "BATCH_SIZE", 2)
    with world.application() as built:
        crowd(built, contacts=5, companies=1)
    world.control.fault("status", status=503, body=WRITES, times=None)
    results = world.once("push", until_idle=False)
    assert [type(failure) for failure in results.failures] == [Unavailable]
    reached = [row.contact_id for row in world.table(tables.Progress) if row.code == "C4C_UNAVAILABLE"]
    assert len(reached) == 2, "the next slice was not begun"
