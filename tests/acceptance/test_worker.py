"""The worker as a process: it hands over by itself, ends on a signal, and answers probes."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing

import pytest
from running import TIMEOUT, until
from stage import Product, duplicates, leads
from truth import READY, wanted
from world.sandbox import Sandbox

PATIENT = {"stop_within": '"1h"'}
"""It must end by itself: not because its time is up, however busy the machine is."""


def test_the_worker_hands_over_by_itself_until_it_is_told_to_stop(world: Sandbox, forked: Product) -> None:
    keys = wanted(world.truth())
    forked.configure(poll='"1s"', push='"1s"', scores='"1h"', sweep='"1h"', **PATIENT)
    with forked.started("run", stdout=forked.home / "log") as worker:
        until(lambda: leads(world) == keys)
        fresh = world.post("/hubspot/contacts", {"properties": READY | {"company": "Werft"}})["id"]
        until(lambda: f"{fresh}:mql:1" in leads(world))
        assert forked.run("health").code == 0
        ran = worker.terminate()
        events = worker.said()
    assert ran.code == 143
    assert events[0] == "worker_started"
    # The signal may come in the middle of a job, which then goes on to a place where it can stop; none is begun.
    assert not {"job_started", "worker_started"} & set(events[events.index("worker_stopping") :])
    with closing(sqlite3.connect(forked.state)) as connection:
        connection.execute("update job_run set started_at = '2020-01-01T00:00:00.000000+00:00'")
        connection.commit()
    assert forked.run("health").code == 1, "long after the last job"


def test_a_probe_is_answered_by_0_or_1_before_the_worker_has_started(forked: Product) -> None:
    assert forked.run("health").code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        # `make test` tries this with a small world: operations/test_process.py.
        pytest.param(("run",), id="run", marks=pytest.mark.long),
        pytest.param(("once", "--json"), id="once"),
    ],
)
def test_a_signal_in_the_middle_of_a_write_ends_it_soon_and_costs_nothing(
    world: Sandbox, forked: Product, arguments: tuple[str, ...]
) -> None:
    keys = wanted(world.truth())
    forked.configure(push='"1s"', **PATIENT)
    slow = world.fault("c4c", "slow", seconds=TIMEOUT, body="POST CorporateAccountCollection HTTP")
    with forked.started(*arguments, stdout=forked.home / "log") as process:
        world.until_fired(slow)
        process.process.send_signal(signal.SIGTERM)
        until(lambda: arguments == ("once", "--json") or "worker_stopping" in process.said(), "the signal")
        world.delete("/faults")
        ran = process.ended()
    assert ran.code == 143
    assert leads(world) < keys, "it did not go on to the end"
    forked.run_well()
    assert leads(world) == keys
    assert duplicates(world.truth()["c4c"]) == []
