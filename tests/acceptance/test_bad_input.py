"""Wrong settings, wrong rules, wrong answers, systems that are away, signals: said in a sentence, and nothing lost."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from stage import Product, duplicates, leads
from truth import READY, World, wanted
from world.program import Ran
from world.sandbox import Sandbox

pytestmark = pytest.mark.long

NEEDED = ("HUBSPOT_ACCESS_TOKEN", "C4C_BASE_URL", "C4C_USERNAME", "C4C_PASSWORD")
NOTHING: dict[str, dict[str, int]] = {"create": {}, "update": {}, "delete": {}}


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


def test_every_mistake_in_all_rule_files_is_named_at_once(forked: Product) -> None:
    """Each with file, key, what was found and what is allowed."""
    mistakes = {
        "worker.toml": [("overlap_minutes =", "overlap_minuets ="), ("batch_operations = 50", "batch_operations = 500"),
                        ('poll = "60s"', 'poll = "often"')],
        "qualification.toml": [("threshold = 75", 'threshold = "high"')],
        "mapping.toml": [('"hubspot_wins"', '"hubspot_winz"')],
    }  # fmt: skip
    for file, changes in mistakes.items():
        text = (forked.config / file).read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        (forked.config / file).write_text(text)
    ran = forked.run()
    refused(ran, 2)
    told = [
        ("worker.toml", r"hubspot\.overlap_minuets", "unknown key", "overlap_minutes"),
        ("worker.toml", r"c4c\.batch_operations", "500", r"\b100\b"),
        ("worker.toml", r"schedule\.poll", "often", "90s|15m"),
        ("qualification.toml", r"scores\.0 \(mql\)\.threshold", "high", "number"),
        ("mapping.toml", r"contact\.fields\.0 \(FirstName, MiddleName\)\.rule", "hubspot_winz", "hubspot_wins"),
    ]
    lines = ran.sentences.splitlines()
    assert [one for one in told if not any(all(re.search(part, line) for part in one) for line in lines)] == []


def test_what_spans_several_entries_is_checked_too(forked: Product) -> None:
    for file, old, new in (
        ("qualification.toml", 'route = "default"', 'route = "fast"'),
        ("mapping.toml", 'target = "City"', 'target = "Town"'),
    ):
        path = forked.config / file
        path.write_text(path.read_text().replace(old, new, 1))
    ran = forked.run()
    refused(ran, 2)
    assert re.search(r"qualification\.toml: scores\.0 \(mql\)\.route: .*fast.*default", ran.sentences)
    assert re.search(r"mapping\.toml: account\.fields\.\d+ .*Town.* is not a field", ran.sentences)


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
    assert leads(world) == wanted(world.truth())


# ---- the state file


def test_a_state_file_of_a_newer_version_is_left_untouched(world: Sandbox, forked: Product) -> None:
    forked.run_well()
    with closing(sqlite3.connect(forked.state)) as connection:
        connection.execute("update alembic_version set version_num = 'ffff'")
        connection.commit()
        connection.execute("pragma wal_checkpoint(truncate)")
    before = forked.state.read_bytes()
    for arguments in ((), ("status", "--json")):
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
    keys = wanted(world.truth())
    waiting = forked.query("select contact_id, status, attempts from progress where status not in ('done', 'parked')")
    assert {(status, attempts) for _, status, attempts in waiting} == {("pending", 0)}
    assert {f"{contact}:mql:1" for contact, _, _ in waiting} >= keys
    forked.run_well()
    assert leads(world) == keys


def test_what_waits_and_what_was_written_is_counted_although_c4c_is_away(world: Sandbox, forked: Product) -> None:
    away = forked.run(C4C_BASE_URL=closed_port())
    status = forked.run("status", "--json").document
    assert status["pending"] >= len(wanted(world.truth()))
    assert away.counts["pending"] == status["pending"]
    world.delete("/requests")
    world.fault("c4c", "cut_before", skip=11, times=None)
    halfway = forked.run()
    created = world.writes()["create"]
    for entity in ("CorporateAccount", "Contact", "Lead"):
        assert halfway.counts["created"].get(entity, 0) == created.get(entity, 0), entity


def test_c4c_going_away_between_writes_costs_no_attempt_and_loses_nothing(world: Sandbox, forked: Product) -> None:
    keys = wanted(world.truth())
    world.fault("c4c", "cut_after", skip=11, times=None)
    ran = forked.run()
    refused(ran, 3)
    assert leads(world) < keys
    assert set(forked.query("select attempts from progress")) == {(0,)}
    world.delete("/faults")
    forked.run_well()
    assert leads(world) == keys
    assert duplicates(world.truth()["c4c"]) == []


def remembered(product: Product) -> tuple[list[tuple[Any, ...]], ...]:
    """How far HubSpot was read, and what was decided."""
    watermarks = product.query("select stream, complete_until from watermark where stream = 'contacts'")
    return watermarks, product.query("select contact_id, status, code from progress order by contact_id")


def test_hubspot_away_moves_nothing_and_the_change_is_found_later(world: Sandbox, forked: Product) -> None:
    forked.run_well()
    before = remembered(forked), world.truth()["c4c"]
    cold = next(p for p in World(world.truth()).persons.values() if p.get("lead_score") < "74" and p.primary)
    world.patch(f"/hubspot/contacts/{cold.id}", {"properties": READY})
    ran = forked.run(HUBSPOT_BASE_URL=closed_port())
    refused(ran, 3)
    assert "HubSpot" in ran.sentences
    assert (remembered(forked), world.truth()["c4c"]) == before
    forked.run_well()
    assert f"{cold.id}:mql:1" in leads(world)
