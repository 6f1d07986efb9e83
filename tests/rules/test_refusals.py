"""Refusals after the handover: they reach the living contact person whatever else holds the contact up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rules_world import GOOD, MQL, PRIMARY, World, rules, shipped
from sqlmodel import select

from sync.admin.explain import explain
from sync.admin.preview import preview
from sync.config import Configuration, Guard, WorkerConfig
from sync.context import Context
from sync.domain.rules import Rules
from sync.errors import GuardTripped
from sync.jobs import push
from sync.mirror import mirrored
from sync.state import guarding, tables
from sync.state.pending import mark_pending

OUT = {"hs_email_optout": "true"}
STOP = f"{MQL}[consent]\nstop_updates_when_withdrawn = true\n"


@pytest.fixture
def world() -> Iterator[World]:
    """Contact 123 is handed over."""
    made = World()
    made.companies({"7": {"name": "Firma 7", "country": "DE"}})
    made.contacts(rules(), {"123": GOOD})
    made.associate({"123": [("7", PRIMARY)]})
    made.push(rules())
    made.c4c.log.clear()
    yield made
    made.store.close()


def change(world: World, of: Rules, **properties: str) -> None:
    world.contacts(of, {"123": {**GOOD, **properties}})
    world.push(of)


def written(world: World) -> list[str]:
    return [entity for _, entity, _ in world.c4c.log]


def of_leads(world: World) -> list[dict[str, Any]]:
    """What was written, all of it to leads."""
    assert set(written(world)) == {"Lead"}
    return [{name: value for name, value in body.items() if name != "ObjectID"} for _, _, body in world.c4c.log]


def refused_by(world: World) -> list[str]:
    """ContactUUID of those who refuse by e-mail."""
    sets = {row["ObjectID"]: row["BusinessPartnerUUID"] for row in world.c4c.store.rows("MarketingPermission")}
    return [sets[row["ParentObjectID"]] for row in world.c4c.store.rows("ChannelPermission") if row["Consent"] == "2"]


def progress(world: World, contact: str = "123") -> tables.Progress:
    with world.store.reading() as session:
        return session.exec(select(tables.Progress).where(tables.Progress.contact_id == contact)).one()


# ---- below the threshold


REFUSES = {"opt-out": {"hs_email_optout": "true"}, "one channel": {"phone_consent": "no"}}
CHANNELS = f'{MQL}[consent]\nchannels = [{{ channel = "TEL", property = "phone_consent", refused = ["no"] }}]\n'


@pytest.mark.parametrize("refusal", REFUSES.values(), ids=REFUSES)
def test_a_refusal_goes_over_even_after_the_score_fell(world: World, refusal: dict[str, str]) -> None:
    fallen = {**GOOD, "lead_score": "10", "jobtitle": "Chair"}
    world.contacts(rules(CHANNELS), {"123": fallen})
    world.push(rules(CHANNELS))
    assert of_leads(world) == [{"HubSpotScore_KUT": "10"}]
    world.c4c.log.clear()
    world.contacts(rules(CHANNELS), {"123": {**fallen, **refusal}})
    world.push(rules(CHANNELS))
    assert [entity for _, entity, _ in world.c4c.log] == ["MarketingPermission"]
    assert [row["Consent"] for row in world.c4c.store.rows("ChannelPermission")] == ["2"]
    with world.store.session() as session:
        mark_pending(session, ["123"], world.now)
    world.push(rules(CHANNELS))
    assert len(world.c4c.log) == 1, "told once"
    told = explain(world.store, rules(CHANNELS), "123")
    assert told is not None
    assert told["code"] == "SCORE_BELOW_THRESHOLD"
    assert "consent: refuses" in str(told["scores"])


def test_consent_given_after_the_score_fell_writes_nothing(world: World) -> None:
    granting = rules(CHANNELS.replace('refused = ["no"]', 'granted = ["yes"], refused = ["no"]'))
    world.contacts(granting, {"123": {**GOOD, "lead_score": "10", "phone_consent": "yes"}})
    world.push(granting)
    assert of_leads(world) == [{"HubSpotScore_KUT": "10"}]


@pytest.mark.parametrize("refusal", REFUSES.values(), ids=REFUSES)
def test_the_refusal_of_somebody_never_handed_over_writes_nothing(refusal: dict[str, str]) -> None:
    world = World()
    world.companies({"7": {"name": "Firma 7"}})
    world.contacts(rules(CHANNELS), {"123": {**GOOD, "lead_score": "10", **refusal}})
    world.associate({"123": [("7", PRIMARY)]})
    world.push(rules(CHANNELS))
    assert world.c4c.log == []


def test_the_refusal_of_an_archived_contact_writes_nothing(world: World) -> None:
    world.contacts(rules(), {"123": {**GOOD, "hs_email_optout": "true"}})
    gone = mirrored.Fetched("123", {**GOOD, "hs_email_optout": "true"}, world.now, archived=True)
    with world.store.session() as session:
        mirrored.save_contacts(session, [gone], rules().qualification.scores, world.now)
    world.push(rules())
    assert world.c4c.log == []


# ---- where the handover waits for a person


def test_a_value_that_holds_the_contact_up_does_not_hold_up_its_refusal(world: World) -> None:
    found = shipped()
    fields = tuple(
        field.model_copy(update={"transform": "phone_e164", "country": "DE", "misfit": "reject"})
        if field.target == ("Phone",)
        else field
        for field in found.contact.fields
    )
    strict = rules().model_copy(
        update={"mapping": found.model_copy(update={"contact": found.contact.model_copy(update={"fields": fields})})}
    )
    change(world, strict, phone="call me", jobtitle="Chair", **OUT)
    assert written(world) == ["MarketingPermission"], "the job title waits with the phone number"
    assert (progress(world).status, progress(world).code) == ("parked", "VALUE_INVALID")


def test_an_ambiguous_account_does_not_hold_up_the_refusal(world: World) -> None:
    world.companies({"8": {"name": "Acht", "domain": "acht.example"}})
    for name in ("One", "Two"):
        world.c4c.store.create("CorporateAccount", {"Name": name, "RoleCode": "BUP002", "WebSite": "www.acht.example"})
    world.associate({"123": [("8", PRIMARY)]})
    change(world, rules(), **OUT)
    assert written(world) == ["MarketingPermission"]
    assert progress(world).code == "ACCOUNT_AMBIGUOUS"


# ---- whom it reaches


def test_the_refusal_reaches_the_successor_of_an_obsolete_person(world: World) -> None:
    [old] = world.c4c.store.rows("Contact")
    key = {"HubSpotID_KUT": "123"}
    world.c4c.store.change("Contact", old["ObjectID"], {"StatusCode": "4", "HubSpotID_KUT": ""})
    new = world.c4c.store.create("Contact", {"LastName": "Muster", "AccountID": old["AccountID"], **key})
    change(world, rules(), lead_score="10", **OUT)
    assert refused_by(world) == [new["ContactUUID"]]


def test_the_refusal_reaches_who_holds_the_key_after_the_linked_person_was_deleted(world: World) -> None:
    [old] = world.c4c.store.rows("Contact")
    world.c4c.store.delete("Contact", old["ObjectID"])
    key = {"HubSpotID_KUT": "123"}
    new = world.c4c.store.create("Contact", {"LastName": "Muster", "AccountID": old["AccountID"], **key})
    change(world, rules(), lead_score="10", **OUT)
    assert refused_by(world) == [new["ContactUUID"]]


def test_where_nobody_can_keep_the_refusal_a_warning_says_so(world: World) -> None:
    [person] = world.c4c.store.rows("Contact")
    world.c4c.store.change("Contact", person["ObjectID"], {"StatusCode": "4"})
    change(world, rules(), lead_score="10", **OUT)
    assert of_leads(world) == [{"HubSpotScore_KUT": "10"}]
    told = explain(world.store, rules(), "123")
    assert told is not None
    assert "no living contact person" in str(told["warnings"])


# ---- what stops


def test_withdrawn_consent_stops_everything_else_if_so_configured(world: World) -> None:
    change(world, rules(STOP), jobtitle="Chair", lead_score="99", **OUT)
    assert written(world) == ["MarketingPermission"]
    told = explain(world.store, rules(STOP), "123")
    assert told is not None
    assert "all other updates stop" in str(told["scores"])


def test_who_had_opted_out_before_the_handover_has_withdrawn_nothing() -> None:
    world = World()
    world.companies({"7": {"name": "Firma 7"}})
    world.contacts(rules(STOP), {"123": {**GOOD, **OUT}})
    world.associate({"123": [("7", PRIMARY)]})
    world.push(rules(STOP))
    world.c4c.log.clear()
    change(world, rules(STOP), jobtitle="Chair", **OUT)
    assert written(world) == ["Contact"]


# ---- plan and guard


def test_plan_shows_the_refusal_and_who_no_longer_qualifies(world: World) -> None:
    world.contacts(rules(), {"123": {**GOOD, "lead_score": "10", **OUT}})
    document = preview(world.context(rules()))
    assert [(record["action"], record["entity"], sorted(record["fields"])) for record in document["records"]] == [
        ("update", "Lead", ["HubSpotScore_KUT"]),
        ("create", "MarketingPermission", ["BusinessPartnerUUID", "ChannelPermission"]),
    ]
    assert document["withdrawn"] == [{"contact": "123", "code": "SCORE_BELOW_THRESHOLD"}]
    assert world.c4c.log == []


def guarded(world: World, limits: Guard) -> Context:
    return replace(world.context(rules()), config=Configuration(WorkerConfig(guard=limits), rules()))


def crowd(world: World, **properties: str) -> None:
    rows: dict[str, Any] = {str(n): {**GOOD, **properties} for n in range(200, 206)}
    world.contacts(rules(), rows)
    world.associate({contact: [("7", PRIMARY)] for contact in rows})


FEW = Guard(max_creates=0, max_changed_share=0.2, changes_from=3)


def test_the_guard_counts_those_who_refuse_and_no_longer_qualify(world: World) -> None:
    crowd(world, **OUT)
    world.push(rules())
    crowd(world, lead_score="10", **OUT)
    with pytest.raises(GuardTripped, match="6 contacts that were handed over would no longer qualify"):
        push.run(guarded(world, FEW))


def test_an_approval_does_not_cover_withdrawals_that_came_later(world: World) -> None:
    """Six contacts fall below the threshold after a person has looked."""
    crowd(world, **OUT)
    world.push(rules())
    with world.store.session() as session:
        mark_pending(session, mirrored.all_ids(session), world.now)
    world.contacts(rules(), {"300": GOOD})
    world.associate({"300": [("7", PRIMARY)]})
    tight = Guard(max_creates=1, max_changed_share=0.2, changes_from=3)
    with pytest.raises(GuardTripped):
        push.run(guarded(world, tight))
    with world.store.session() as session:
        stopped = guarding.last_stopped(session)
        assert stopped is not None
        guarding.approve(session, stopped.digest, world.now)
    crowd(world, lead_score="10", **OUT)
    push.run(guarded(world, tight))
    assert {progress(world, str(n)).status for n in range(200, 206)} == {"pending"}
    with pytest.raises(GuardTripped, match="would no longer qualify"):
        push.run(guarded(world, tight))


# ---- a death right after the lead


class Died(BaseException):
    """The process ends here."""


def test_a_refusal_follows_a_lead_after_whose_link_the_worker_died(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lead was linked, and before its contact was recorded as handed over the worker died; then the score fell."""
    world = World()
    world.companies({"7": {"name": "Firma 7", "country": "DE"}})
    world.contacts(rules(), {"123": GOOD})
    world.associate({"123": [("7", PRIMARY)]})
    with monkeypatch.context() as dying:
        dying.setattr("sync.handover.journal.StateJournal.record", die)
        with pytest.raises(Died):
            world.push(rules())
    [lead] = world.leads()
    world.contacts(rules(), {"123": {**GOOD, "lead_score": ""}})
    world.push(rules())
    world.contacts(rules(), {"123": {**GOOD, "lead_score": "", **OUT}})
    world.push(rules())
    assert refused_by(world) == [lead["ContactUUID"]]
    world.store.close()


def die(*_: object) -> None:
    raise Died
