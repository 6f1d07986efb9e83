"""The worker as a process: it hands over by itself, ends on a signal, and answers probes."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing

import pytest
from stage import Product, Sandbox, duplicates, leads, until
from truth import READY, wanted


def test_the_worker_hands_over_by_itself_until_it_is_told_to_stop(world: Sandbox, forked: Product) -> None:
    keys = wanted(world.truth())
    forked.configure(poll='"1s"', push='"1s"', scores='"1h"', sweep='"1h"')
    with forked.started("run", stdout=forked.home / "log") as worker:
        until(lambda: leads(world) == keys)
        fresh = world.post("/hubspot/contacts", {"properties": READY | {"company": "Werft"}})["id"]
        until(lambda: f"{fresh}:mql:1" in leads(world))
        assert forked.run("health").code == 0
        at = time.monotonic()
        ran = worker.terminate()
    assert ran.code == 143
    assert time.monotonic() - at < 10
    events = [json.loads(line)["event"] for line in ran.out.splitlines()]
    assert (events[0], events[-1]) == ("worker_started", "worker_stopping")
    with closing(sqlite3.connect(forked.state)) as connection:
        connection.execute("update job_run set started_at = '2020-01-01T00:00:00.000000+00:00'")
        connection.commit()
    assert forked.run("health").code == 1, "long after the last job"


def test_a_probe_is_answered_by_0_or_1_before_the_worker_has_started(forked: Product) -> None:
    assert forked.run("health").code == 1


@pytest.mark.parametrize("arguments", [("run",), ("once", "--json")], ids=["run", "once"])
def test_a_signal_in_the_middle_of_a_write_ends_it_soon_and_costs_nothing(
    world: Sandbox, forked: Product, arguments: tuple[str, ...]
) -> None:
    keys = wanted(world.truth())
    forked.configure(push='"1s"')
    fault = world.fault("c4c", "slow", seconds=1, body="POST CorporateAccountCollection HTTP")
    with forked.started(*arguments, stdout=forked.home / "log") as process:
        until(lambda: world.fired(fault) == 1)
        at = time.monotonic()
        ran = process.terminate()
    assert ran.code == 143
    assert time.monotonic() - at < 10
    forked.run_well()
    assert leads(world) == keys
    assert duplicates(world.truth()["c4c"]) == []
