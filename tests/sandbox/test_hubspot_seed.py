"""The seeded world holds every oddity, the same for the same seed."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.world import World

NOTHING = {"", "Not applicable"}


def seeded(contacts: int = 500, companies: int = 120, seed: int = 1) -> World:
    world = World.empty()
    world.seed(contacts, companies, seed)
    return world


@pytest.fixture(scope="module")
def world() -> World:
    return seeded()


def properties(world: World, kind: str) -> list[dict[str, Any]]:
    return [record["properties"] for record in world.hubspot.truth()[kind]]


def may_be_handed_over(contact: dict[str, Any]) -> bool:
    basis = set(contact.get("hs_legal_basis", "").split(";")) - NOTHING
    return float(contact.get("lead_score", "0")) >= 75 and bool(basis)


def leads(world: World) -> int:
    """Contacts that end as leads by the shipped rules, before anything in C4C is looked at."""
    named = {c["hs_object_id"] for c in properties(world, "companies") if c.get("name") or c.get("domain")}
    count = 0
    for contact in properties(world, "contacts"):
        firms = {n: t for n, t in world.hubspot.companies_of(contact["hs_object_id"]).items() if n in named}
        one = len(firms) == 1 or any(1 in types for types in firms.values())
        reachable = one or (not firms and bool(contact.get("company")))
        count += may_be_handed_over(contact) and bool(contact.get("lastname")) and reachable
    return count


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_five_hundred_contacts_give_40_to_70_leads(seed: int) -> None:
    assert 40 <= leads(seeded(seed=seed)) <= 70


def test_the_same_seed_gives_the_same_world(world: World) -> None:
    def stripped(one: World) -> list[dict[str, Any]]:
        moments = {"createdate", "lastmodifieddate", "hs_lastmodifieddate"}
        return [{k: v for k, v in row.items() if k not in moments} for row in properties(one, "contacts")]

    assert stripped(world) == stripped(seeded())
    assert stripped(world) != stripped(seeded(seed=2))


def test_shares_of_scores_and_consent(world: World) -> None:
    contacts = properties(world, "contacts")
    assert 0.14 <= sum(map(may_be_handed_over, contacts)) / len(contacts) <= 0.2
    scores = Counter(contact.get("lead_score") for contact in contacts)
    for value in (None, "0", "60", "74", "75", "75.0", "76"):
        assert scores[value] >= 5, value
    bases = Counter(contact.get("hs_legal_basis") for contact in contacts)
    assert bases[None]
    assert bases["Not applicable"]
    assert bases["Not applicable;Freely given consent from contact"]
    assert any(contact.get("hs_email_optout") == "true" for contact in contacts)


def test_gaps_and_doubles(world: World) -> None:
    contacts, companies = properties(world, "contacts"), properties(world, "companies")
    assert sum("lastname" not in contact for contact in contacts) == 10
    assert any("email" not in contact for contact in contacts)
    addresses = Counter(contact["email"].lower() for contact in contacts if "email" in contact)
    assert max(addresses.values()) == 2
    assert any(len(contact.get("lastname", "")) > 40 for contact in contacts)
    assert any(len(company.get("name", "")) > 40 for company in companies)
    assert any("name" not in company and "domain" in company for company in companies)
    assert any("name" not in company and "domain" not in company for company in companies)
    assert any(company.get("domain", "").startswith("www.") for company in companies)
    assert any("tax_number" in company for company in companies)


def test_every_kind_of_relation(world: World) -> None:
    def kind(contact: dict[str, Any]) -> str:
        firms = world.hubspot.companies_of(contact["hs_object_id"])
        if not firms:
            return "text" if contact.get("company") else "nothing"
        primary = any(1 in types for types in firms.values())
        return f"{'one' if len(firms) == 1 else 'several'} {'with' if primary else 'without'} primary"

    kinds = Counter(map(kind, properties(world, "contacts")))
    assert kinds.keys() == {"text", "nothing", "one with primary", "one without primary", "several with primary",
                            "several without primary"}  # fmt: skip
    assert min(kinds.values()) >= 20


def test_time_stamps_ids_and_the_bulk(world: World) -> None:
    contacts = properties(world, "contacts")
    latest = max(datetime.fromisoformat(contact["lastmodifieddate"]) for contact in contacts)
    assert latest <= datetime.now(UTC) - timedelta(minutes=10)
    assert Counter(contact["lastmodifieddate"] for contact in contacts).most_common(1)[0][1] == 200
    ids = [contact["hs_object_id"] for contact in contacts]
    assert {"51", "9812345678"} <= set(ids)
    assert len({len(number) for number in ids}) >= 6
    assert set(ids) & {company["hs_object_id"] for company in properties(world, "companies")}


def test_what_sales_has_already(world: World) -> None:
    accounts = world.c4c.rows("CorporateAccount")
    sites = Counter(account["WebSite"] for account in accounts if account["WebSite"])
    assert 2 in sites.values(), "two candidates for one company"
    assert sum(account["LifeCycleStatusCode"] == "4" for account in accounts) == 1
    assert sum(bool(account["HubSpotID_KUT"]) for account in accounts) == 1
    assert world.c4c.rows("CorporateAccountTaxNumber")
    hubspot = {
        contact["email"].lower(): contact["email"] for contact in properties(world, "contacts") if "email" in contact
    }
    known = [row["Email"] for row in world.c4c.rows("Contact") if row["Email"].lower() in hubspot]
    assert any(mail != hubspot[mail.lower()] for mail in known)
    employees = world.c4c.rows("Employee")
    assert sum(bool(employee["UserLockedIndicator"]) for employee in employees) == 1
    ended = [employee for employee in employees if employee["EmployeeValidityEndDate"] < "2024"]
    assert len(ended) == 1


def test_owners_match_employees_in_every_way(world: World) -> None:
    mails = {employee["Email"] for employee in world.c4c.rows("Employee")}
    folded = {mail.lower() for mail in mails}
    owners = list(world.hubspot.owners.values())
    assert any(owner.email in mails for owner in owners)
    assert any(owner.email not in mails and owner.email.lower() in folded for owner in owners)
    assert any(owner.email.lower() not in folded for owner in owners)
    assert any(owner.archived for owner in owners)


def calls(contacts: int, companies: int) -> int:
    """How many calls it takes to seed so many: a measure that is the same on a busy machine."""
    made = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        world = seeded(contacts, companies)
    finally:
        sys.setprofile(None)
    assert len(world.hubspot.records["contacts"]) == contacts
    return made


def test_a_large_world_takes_no_more_for_each_contact_than_a_small_one() -> None:
    """Ten thousand contacts are there after two seconds on an idle machine."""
    large = calls(2_000, 400)
    assert large < 4.4 * calls(500, 100)
    assert large < 600 * 2_000
