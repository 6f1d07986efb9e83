"""Wrong settings, wrong rules, wrong answers, systems that are away, signals: said in a sentence, and nothing lost."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from stage import KEY, Product, Ran, Sandbox, duplicates, until
from truth import World, expected

NEEDED = ("HUBSPOT_ACCESS_TOKEN", "C4C_BASE_URL", "C4C_USERNAME", "C4C_PASSWORD")
READY = {"lead_score": "80", "hs_legal_basis": "Performance of a contract", "lastname": "Bereit"}
NOTHING: dict[str, dict[str, int]] = {"create": {}, "update": {}, "delete": {}}


@pytest.fixture
def world(sandbox: Sandbox) -> Sandbox:
    sandbox.fill(contacts=60, companies=15, seed=4)
    return sandbox


def wanted(sandbox: Sandbox) -> set[str]:
    """Keys of the leads that this world must give."""
    keys = {lead.key for lead in expected(World(sandbox.truth())).leads.values()}
    assert keys
    return keys


def leads(sandbox: Sandbox) -> set[str]:
    return {row[KEY] for row in sandbox.rows("Lead")}


def refused(ran: Ran, code: int) -> None:
    """Ended by a sentence: no traceback, and nothing but JSON on standard output."""
    assert ran.code == code, ran.err[-2000:]
    assert "Traceback" not in ran.err
    assert ran.sentences
    if ran.out:
        json.loads(ran.out)


def closed_port() -> str:
    """The address of a server that is not there."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


# ---- settings and rules


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_every_missing_setting_is_named_at_once(forked: Product, nothing: str | None) -> None:
    ran = forked.run(**dict.fromkeys((*NEEDED, "HUBSPOT_BASE_URL"), nothing))
    refused(ran, 2)
    assert [name for name in NEEDED if not re.search(rf"\b{name} is missing", ran.sentences)] == []
    assert not forked.state.exists()


def test_every_mistake_in_all_rule_files_is_named_at_once(product: Product) -> None:
    """Each with file, key, what was found and what is allowed."""
    mistakes = {
        "worker.toml": [("overlap_minutes =", "overlap_minuets ="), ("batch_operations = 50", "batch_operations = 500"),
                        ('poll = "60s"', 'poll = "often"')],
        "qualification.toml": [("threshold = 75", 'threshold = "high"'), ('route = "default"', 'route = "fast"')],
        "mapping.toml": [('"hubspot_wins"', '"hubspot_winz"'), ('target = "City"', 'target = "Town"')],
    }  # fmt: skip
    for file, changes in mistakes.items():
        text = (product.config / file).read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        (product.config / file).write_text(text)
    ran = product.run()
    refused(ran, 2)
    told = [
        ("worker.toml", r"hubspot\.overlap_minuets", "unknown key", "overlap_minutes"),
        ("worker.toml", r"c4c\.batch_operations", "500", r"\b100\b"),
        ("worker.toml", r"schedule\.poll", "often", "90s|15m"),
        ("qualification.toml", r"scores\.0\.threshold", "high", "number"),
        ("mapping.toml", r"contact\.fields\.0\.rule", "hubspot_winz", "hubspot_wins"),
    ]
    lines = ran.sentences.splitlines()
    assert [one for one in told if not any(all(re.search(part, line) for part in one) for line in lines)] == []


def test_what_spans_several_entries_is_checked_too(product: Product) -> None:
    for file, old, new in (
        ("qualification.toml", 'route = "default"', 'route = "fast"'),
        ("mapping.toml", 'target = "City"', 'target = "Town"'),
    ):
        path = product.config / file
        path.write_text(path.read_text().replace(old, new, 1))
    ran = product.run()
    refused(ran, 2)
    assert re.search(r"qualification\.toml: scores\.0\.route: .*fast.*default", ran.sentences)
    assert re.search(r"mapping\.toml: account\.fields\.\d+ .*Town.* is no field", ran.sentences)


def test_a_missing_rule_directory_is_named(forked: Product) -> None:
    ran = forked.run(SYNC_CONFIG="/nowhere/config")
    refused(ran, 2)
    assert "/nowhere/config" in ran.sentences
    assert "SYNC_CONFIG" in ran.sentences


# ---- credentials


@pytest.mark.parametrize(
    ("setting", "system"), [("HUBSPOT_ACCESS_TOKEN", "HubSpot"), ("C4C_PASSWORD", "SAP Sales Cloud")]
)
def test_wrong_credentials_name_the_system_and_the_setting(
    world: Sandbox, forked: Product, setting: str, system: str
) -> None:
    world.delete("/requests")
    ran = forked.run(**{setting: "not-the-right-one"})
    refused(ran, 3)
    assert ran.document
    assert system in ran.sentences
    assert setting in ran.sentences
    assert "not-the-right-one" not in ran.out + ran.err
    assert world.writes() == NOTHING
    assert forked.query("select max(attempts) from progress") in ([(0,)], [(None,)])
    forked.run_well()
    assert leads(world) == wanted(world)


# ---- answers that are none


@pytest.mark.parametrize(
    ("action", "path", "skip"),
    [
        ("html", "contacts/search", 0),
        ("empty", "contacts/search", 0),
        ("empty", "contacts/search", 1),
        ("empty", "companies/search", 0),
        ("empty", "associations/.*/batch/read", 0),
        ("html", "owners", 0),
    ],
    ids=["page of contacts", "no contacts", "no scores", "no companies", "no associations", "page of owners"],
)
def test_an_answer_without_results_is_a_failure_and_not_nothing(
    world: Sandbox, forked: Product, action: str, path: str, skip: int
) -> None:
    forked.run_well()
    before = _remembered(forked)
    fresh = world.post("/hubspot/contacts", {"properties": {"lead_score": "50", "lastname": "Neu"}})["id"]
    fault = world.fault("hubspot", action, path=path, skip=skip)
    ran = forked.run()
    refused(ran, 3)
    assert world.fired(fault) == 1
    assert "HubSpot" in ran.sentences
    after = _remembered(forked)
    assert after["codes"] | before["codes"] == after["codes"], "what was decided stands"
    if path == "contacts/search" and skip == 0:
        assert after["watermark"] == before["watermark"]
    forked.run_well()
    assert _remembered(forked)["codes"] == before["codes"] | {fresh: "SCORE_BELOW_THRESHOLD"}


def _remembered(product: Product) -> dict[str, Any]:
    return {
        "watermark": product.query("select * from watermark where stream = 'contacts'"),
        "codes": dict(product.query("select contact_id, code from progress where status in ('done', 'parked')")),
    }


# ---- the state file


def test_a_state_file_of_a_newer_version_is_left_untouched(world: Sandbox, forked: Product) -> None:
    forked.run_well()
    with closing(sqlite3.connect(forked.state)) as connection:
        connection.execute("update alembic_version set version_num = 'ffff'")
        connection.commit()
        connection.execute("pragma wal_checkpoint(truncate)")
    before = forked.state.read_bytes()
    for arguments in ((), ("status", "--json"), ("migrate",)):
        ran = forked.run(*arguments)
        refused(ran, 2)
        assert "newer version" in ran.sentences
        assert str(forked.state) in ran.sentences
    assert forked.state.read_bytes() == before


@pytest.mark.parametrize("kind", ["in no directory", "a directory", "a text"])
def test_a_state_path_that_is_of_no_use_is_named(forked: Product, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "useless" / ("state.db" if kind == "in no directory" else "")
    if kind == "a directory":
        path.mkdir()
    elif kind == "a text":
        path.write_text("Rezepte\n" * 100)
    ran = forked.run(SYNC_STATE=str(path))
    refused(ran, 2)
    assert str(path) in ran.sentences
    assert "SYNC_STATE" in ran.sentences
    assert kind != "a text" or path.read_text() == "Rezepte\n" * 100


# ---- systems that are away


def test_c4c_away_costs_no_attempt_and_loses_nothing(world: Sandbox, forked: Product) -> None:
    ran = forked.run(C4C_BASE_URL=closed_port())
    refused(ran, 3)
    assert "SAP Sales Cloud" in ran.sentences
    keys = wanted(world)
    waiting = forked.query("select contact_id, status, attempts from progress where status not in ('done', 'parked')")
    assert {(status, attempts) for _, status, attempts in waiting} == {("pending", 0)}
    assert {f"{contact}:mql:1" for contact, _, _ in waiting} >= keys
    forked.run_well()
    assert leads(world) == keys


def test_what_waits_and_what_was_written_is_counted_although_c4c_is_away(world: Sandbox, forked: Product) -> None:
    away = forked.run(C4C_BASE_URL=closed_port())
    status = forked.run("status", "--json").document
    assert status["pending"] >= len(wanted(world))
    assert away.counts["pending"] == status["pending"]
    world.delete("/requests")
    world.fault("c4c", "cut_before", skip=11, times=None)
    halfway = forked.run()
    assert halfway.counts["created"] == world.writes()["create"]


def test_c4c_going_away_between_writes_costs_no_attempt_and_loses_nothing(world: Sandbox, forked: Product) -> None:
    keys = wanted(world)
    world.fault("c4c", "cut_after", skip=11, times=None)
    ran = forked.run()
    refused(ran, 3)
    assert leads(world) < keys
    assert set(forked.query("select attempts from progress")) == {(0,)}
    world.delete("/faults")
    forked.run_well()
    assert leads(world) == keys
    assert duplicates(world.truth()["c4c"]) == []


def test_hubspot_away_moves_nothing_and_the_change_is_found_later(world: Sandbox, forked: Product) -> None:
    forked.run_well()
    before = _remembered(forked), world.truth()["c4c"]
    cold = next(p for p in World(world.truth()).persons.values() if p.get("lead_score") < "74" and p.primary)
    world.patch(f"/hubspot/contacts/{cold.id}", {"properties": READY})
    ran = forked.run(HUBSPOT_BASE_URL=closed_port())
    refused(ran, 3)
    assert "HubSpot" in ran.sentences
    assert (_remembered(forked), world.truth()["c4c"]) == before
    forked.run_well()
    assert f"{cold.id}:mql:1" in leads(world)


# ---- the worker, its signals and its health


def test_the_worker_hands_over_by_itself_until_it_is_told_to_stop(world: Sandbox, product: Product) -> None:
    keys = wanted(world)
    product.configure(poll='"1s"', push='"1s"', scores='"1h"', sweep='"1h"')
    with product.started("run", stdout=product.home / "log") as worker:
        until(lambda: leads(world) == keys)
        fresh = world.post("/hubspot/contacts", {"properties": READY | {"company": "Werft"}})["id"]
        until(lambda: f"{fresh}:mql:1" in leads(world))
        assert product.run("health").code == 0
        at = time.monotonic()
        ran = worker.terminate()
    assert ran.code == 143
    assert time.monotonic() - at < 10
    events = [json.loads(line)["event"] for line in ran.out.splitlines()]
    assert (events[0], events[-1]) == ("worker_started", "worker_stopping")
    with closing(sqlite3.connect(product.state)) as connection:
        connection.execute("update job_run set started_at = '2020-01-01T00:00:00.000000+00:00'")
        connection.commit()
    assert product.run("health").code == 1, "long after the last job"


def test_a_probe_is_answered_by_0_or_1_before_the_worker_has_started(forked: Product) -> None:
    assert forked.run("health").code == 1


@pytest.mark.parametrize("arguments", [("run",), ("once", "--json")], ids=["run", "once"])
def test_a_signal_in_the_middle_of_a_write_ends_it_soon_and_costs_nothing(
    world: Sandbox, product: Product, arguments: tuple[str, ...]
) -> None:
    keys = wanted(world)
    product.configure(push='"1s"')
    fault = world.fault("c4c", "slow", seconds=1, body="POST CorporateAccountCollection HTTP")
    with product.started(*arguments, stdout=product.home / "log") as process:
        until(lambda: world.fired(fault) == 1)
        at = time.monotonic()
        ran = process.terminate()
    assert ran.code == 143
    assert time.monotonic() - at < 10
    product.run_well()
    assert leads(world) == keys
    assert duplicates(world.truth()["c4c"]) == []
