"""The storm: connections cut before and after the effect, 5xx, expired tokens, locks, errors on success, all at once.

Afterwards there is no key twice, no lead missing, nothing wrongly called done, and sales' edits are where they were.
"""

from __future__ import annotations

from collections import Counter

import pytest
from c4c_world import World
from crowd import company_of, contact_id, crowd
from sqlmodel import Session

from sync.app import App
from sync.mirror import mirrored
from sync.mirror.mirrored import Fetched
from sync.state import tables

CONTACTS, COMPANIES, KNOWN = 45, 15, 5
SALES_PHONE, MARKETING_PHONE = "+49 40 9999", "+49 30 1111"


def let_it_blow(world: World, seed: int) -> None:
    control = world.control
    control.settings(csrf_expires_after=9, creates_permission_set=True, children_move_etag=True)
    for n, (action, probability) in enumerate(
        [
            ("cut_after", 0.1), ("cut_before", 0.1), ("status", 0.1), ("csrf_expired", 0.1),
            ("lock", 0.05), ("sap_message_error", 0.05), ("truncate", 0.03), ("html", 0.02),
        ]
    ):  # fmt: skip
        control.fault(action, probability=probability, times=None, seed=seed * 100 + n)


def known_accounts(world: World) -> dict[str, str]:
    """Accounts that sales had before: HubSpot company id → ObjectID."""
    made = {}
    for n in range(KNOWN):
        site = f"http://WWW.Firm{n}.example/"
        row = world.control.sales_create("CorporateAccount", Name=f"Known {n}", RoleCode="CRM000", WebSite=site)
        made[company_of(n, COMPANIES)] = str(row["ObjectID"])
    return made


def phones_change(session: Session, built: App) -> None:
    rules = built.context.config.rules
    rows = [session.get_one(tables.Company, company_of(n, COMPANIES)) for n in range(COMPANIES)]
    changed = [Fetched(row.id, {**row.properties, "phone": MARKETING_PHONE}, None) for row in rows]
    assert "phone" in rules.company_properties()
    mirrored.save_companies(session, changed, built.context.now())


def assert_nothing_is_wrongly_done(world: World) -> None:
    leads = {row["HubSpotID_KUT"] for row in world.control.rows("Lead")}
    done = [row.contact_id for row in world.table(tables.Progress) if row.status == "done"]
    assert [contact for contact in done if f"{contact}:mql:1" not in leads] == []


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_after_the_storm_everything_is_there_once_and_sales_edits_are_intact(world: World, seed: int) -> None:
    storm(world, seed)


def storm(world: World, seed: int) -> None:
    """Rounds of push in bad weather, edits of both sides between them, and what must be there afterwards."""
    control = world.control
    world.replace_rule("worker", "settle_seconds = 0", "settle_seconds = 0\nbatch_operations = 4")
    world.replace_rule("worker", "[retry]", "[retry]\nrequest_attempts = 3\nattempts = 1000")
    accounts = known_accounts(world)
    with world.application() as built:
        crowd(built, CONTACTS, COMPANIES)
    let_it_blow(world, seed)
    for _ in range(4):
        world.once("push", until_idle=False)
        assert_nothing_is_wrongly_done(world)

    # In the midst of it sales corrects accounts and people, and marketing changes the very same field.
    for object_id in accounts.values():
        control.sales_edit("CorporateAccount", object_id, Phone=SALES_PHONE)
    with world.application() as built, built.context.store.session() as session:
        phones_change(session, built)
    for _ in range(4):
        world.once("push", until_idle=False)
        assert_nothing_is_wrongly_done(world)
    assert {fault["action"] for fault in control.call("GET", "/faults") if fault["fired"]} >= {
        "cut_after", "cut_before", "status", "csrf_expired", "lock", "sap_message_error"
    }  # fmt: skip

    control.call("DELETE", "/faults")
    results = world.once("push")
    assert not results.failures
    truth = control.tables("CorporateAccount", "Contact", "Lead", "MarketingPermission", "ChannelPermission")
    for entity, number in (("CorporateAccount", COMPANIES), ("Contact", CONTACTS), ("Lead", CONTACTS)):
        found = Counter(row["HubSpotID_KUT"] for row in truth[entity])
        assert found.total() == number, f"{entity}: {found}"
        assert set(found.values()) == {1}, f"{entity}: a key twice or none"
    assert {row["HubSpotID_KUT"] for row in truth["Lead"]} == {f"{contact_id(n)}:mql:1" for n in range(CONTACTS)}
    owners = Counter(row["BusinessPartnerUUID"] for row in truth["MarketingPermission"])
    assert set(owners.values()) == {1}
    assert sorted(Counter((r["ParentObjectID"], r["Channel"]) for r in truth["ChannelPermission"]).values())[-1] == 1
    phones = {row["ObjectID"]: row["Phone"] for row in truth["CorporateAccount"]}
    assert {phones[object_id] for object_id in accounts.values()} == {SALES_PHONE}
    assert {row.status for row in world.table(tables.Progress)} == {"done"}
    assert control.counts()["no_op_updates"] == 0

    world.wake_all()
    control.reset_counts()
    world.once("push")
    operations = control.counts()["operations"]
    assert not any(operations[kind] for kind in ("create", "update", "delete")), "a second run finds nothing to do"


def test_a_record_that_breaks_every_connection_stops_nobody_else(world: World) -> None:
    with world.application() as built:
        crowd(built, 12, 3)
    poison = contact_id(7)
    world.control.fault("cut_before", method="POST", path=r"\$batch", body=f'"HubSpotID_KUT": "{poison}"', times=None)
    results = world.once("push", until_idle=False)
    assert not results.failures
    leads = {row["HubSpotID_KUT"] for row in world.control.rows("Lead")}
    assert leads == {f"{contact_id(n)}:mql:1" for n in range(12) if contact_id(n) != poison}
    progress = world.progress(poison)
    assert (progress.status, progress.code, progress.attempts) == ("in_flight", "C4C_UNAVAILABLE", 1)
    world.control.call("DELETE", "/faults")
    world.once("push")
    assert len(world.control.rows("Lead")) == 12


def test_a_system_that_is_down_costs_nobody_an_attempt(world: World) -> None:
    with world.application() as built:
        crowd(built, 12, 3)
    world.control.fault("status", method="POST", path=r"\$batch", body="POST CorporateAccountCollection", times=None)
    for _ in range(3):
        assert [failure.exit_code for failure in world.once("push", until_idle=False).failures] == [3]
    rows = world.table(tables.Progress)
    assert {row.attempts for row in rows} == {0}
    assert {row.status for row in rows} <= {"pending", "in_flight"}
    world.control.call("DELETE", "/faults")
    world.once("push")
    assert len(world.control.rows("Lead")) == 12
    assert len(world.control.rows("CorporateAccount")) == 3
