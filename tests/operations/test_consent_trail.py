"""The consent trail: what consent was at each handover and each change since, with the source that HubSpot names."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from night_stage import Product, Ran, Sandbox

Command = Callable[..., Ran]

BASIS = "Freely given consent from contact"
FORM = {"type": "FORM", "id": "5f0c-contact-form"}


@pytest.fixture
def company(sandbox: Sandbox) -> str:
    return sandbox.company("Bakery")


def change(sandbox: Sandbox, contact: str, source: dict[str, str] | None = None, **properties: str) -> None:
    body: dict[str, Any] = {"properties": properties}
    sandbox.call("PATCH", f"/hubspot/contacts/{contact}", body | ({"source": source} if source else {}))


def synced(command: Command) -> Ran:
    ran = command("once", "--until-idle", "--json")
    assert ran.code == 0, ran.err
    return ran


def events(command: Command, contact: str) -> list[dict[str, Any]]:
    document = command("consent", contact, "--json").document
    assert document["contact"] == contact
    return list(document["events"])


def test_a_handover_and_what_changes_afterwards(command: Command, sandbox: Sandbox, company: str) -> None:
    contact = sandbox.contact(company)
    change(sandbox, contact, FORM, hs_legal_basis=BASIS)
    ran = synced(command)
    assert ran.document["requests"]["hubspot_history"] == 1
    change(sandbox, contact, {"type": "EMAIL", "id": "ada@mail.example"}, hs_email_optout="true")
    synced(command)
    change(sandbox, contact, jobtitle="Chair")
    synced(command)
    change(sandbox, contact, hs_email_optout="false")
    synced(command)
    change(sandbox, contact, hs_legal_basis="Not applicable")
    synced(command)
    found = events(command, contact)
    assert [(e["kind"], e["legal_basis"], e["permissions"].get("INT"), e["source"]) for e in found] == [
        ("handover", BASIS, None, "FORM 5f0c-contact-form"),
        ("refusal", BASIS, "refused", "EMAIL"),
        ("consent", BASIS, None, "CRM_UI userId:101"),
        ("refusal", None, None, "CRM_UI userId:101"),
    ], "an address is no name of a source, and another change is no event"
    assert all(e["source_at"] <= e["at"] and e["rules"] for e in found)
    assert found[0]["source_at"] < found[1]["source_at"]


def test_one_read_for_fifty_handovers(command: Command, sandbox: Sandbox, company: str) -> None:
    for n in range(60):
        sandbox.contact(company, lastname=f"Sommer {n}", email=f"a{n}@mail.example")
    ran = synced(command)
    assert ran.document["counts"]["created"]["Lead"] == 60
    assert ran.document["requests"]["hubspot_history"] == 2
    rows = list(csv.DictReader(io.StringIO(command("consent", "--since", "2026-01-01", "--csv").out)))
    assert list(rows[0]) == ["contact", "at", "kind", "legal_basis", "source", "source_at", "permissions", "rules"]
    assert {row["source"] for row in rows} == {"IMPORT 4711001"}
    assert len({row["contact"] for row in rows}) == 60
    assert synced(command).document["requests"]["hubspot_history"] == 0, "each is read once"


@pytest.mark.long
def test_hubspot_away_fails_nothing_and_the_source_comes_later(
    command: Command, sandbox: Sandbox, company: str
) -> None:
    contact = sandbox.contact(company)
    fault = sandbox.fault("hubspot", "status", status=400, body="propertiesWithHistory.*hs_legal_basis", times=None)
    ran = synced(command)
    assert '"consent_source_unread"' in ran.err
    assert [e["source"] for e in events(command, contact)] == [None]
    sandbox.until_fired(fault)
    sandbox.heal()
    synced(command)
    assert [e["source"] for e in events(command, contact)] == ["IMPORT 4711001"]


@pytest.mark.long
def test_it_is_not_asked_for_ever(command: Command, sandbox: Sandbox, company: str, product: Product) -> None:
    sandbox.contact(company)
    sandbox.fault("hubspot", "status", status=400, body="propertiesWithHistory.*hs_legal_basis", times=None)
    for _ in range(6):
        synced(command)
    assert product.query("select open, tries from consent_event") == [(0, 5)]


@pytest.mark.long
def test_handovers_of_older_versions_are_taken_over(
    command: Command, sandbox: Sandbox, company: str, product: Product
) -> None:
    contact = sandbox.contact(company)
    synced(command)
    [before] = events(command, contact)
    forget_trail(product)
    synced(command)
    [after] = events(command, contact)
    assert {**after, "at": None} == {**before, "at": None}
    change(sandbox, contact, hs_email_optout="true")
    forget_trail(product)
    synced(command)
    assert sorted(e["kind"] for e in events(command, contact)) == ["handover", "refusal"]


def forget_trail(product: Product) -> None:
    """The state as a version without a trail left it."""
    with closing(sqlite3.connect(product.state)) as connection, connection:
        connection.execute("delete from consent_event")
        connection.execute("delete from remembered where name = 'consent trail'")


@pytest.mark.long
def test_of_an_erased_person_only_figures_stay(
    command: Command, sandbox: Sandbox, company: str, product: Product
) -> None:
    product.extra["SYNC_ERASURE_KEY"] = "0123456789abcdef0123456789abcdef"
    contact = sandbox.contact(company)
    change(sandbox, contact, FORM, hs_legal_basis=BASIS)
    synced(command)
    assert command("erase", contact, "--reason", "by letter", "--yes").code == 0
    assert events(command, contact) == []
    [row] = command("consent", "--since", "2026-01-01", "--json").document["events"]
    assert row["contact"].startswith("erased-")
    assert (row["kind"], row["legal_basis"], row["source"]) == ("handover", BASIS, "FORM")
    assert product.query("select read_values, lead_key from consent_event") == [("{}", None)]


def test_everything_about_a_person_with_its_origin(
    command: Command, sandbox: Sandbox, company: str, tmp_path: Path
) -> None:
    contact = sandbox.contact(company, firstname="Ada", lastname="Sommer", email="ada@mail.example")
    sandbox.contact(company, lastname="Winter", email="winter@mail.example")
    synced(command)
    out = tmp_path / "ada.json"
    ran = command("export", contact, "--out", str(out))
    assert (ran.code, out.stat().st_mode & 0o777) == (0, 0o600)
    document = json.loads(out.read_text("utf-8"))
    assert {"contact", "hubspot", "decisions", "handovers", "links", "sent"} <= set(document)
    [mirrored] = document["hubspot"]["contacts"]
    assert mirrored["properties"]["email"] == {
        "value": "ada@mail.example",
        "from": f"HubSpot contact {contact}, property email",
    }
    sent = {(entry["entity"], entry["field"]): entry for entry in document["sent"]}
    assert sent["Contact", "LastName"]["value"] == "Sommer"
    assert sent["Contact", "LastName"]["from"] == "HubSpot, contact.lastname"
    assert sent["Contact", "LastName"]["to"].startswith("SAP Sales Cloud, ")
    assert [e["kind"] for e in document["consent"]] == ["handover"]
    assert document["decisions"][-1]["code"] == "QUALIFIED"
    assert document["handovers"][0]["lead"] == f"{contact}:mql:1"
    assert "winter" not in out.read_text("utf-8").casefold()
    assert command("export", contact, "--out", str(out)).code == 2, "a file that exists is kept"
    assert command("export", "999").code == 2
