"""`simulate` in single cases that random worlds do not meet; whether it foretells a run: test_foreseen.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rules_world import GOOD, MQL, PRIMARY, World, rules

from sync.admin.simulate import Simulated, simulate
from sync.config import Guard
from sync.domain.rules import Rules
from sync.domain.views import Label

DECIDES = Label("USER_DEFINED", 28, "Decision maker")
LOWER = rules(MQL.replace("75", "70"))


@contextmanager
def simulated(world: World, then: Rules, **more: Any) -> Iterator[Simulated]:
    outcome = simulate(world.store, rules(), then, **more)
    try:
        yield outcome
    finally:
        outcome.close()


def at_one_company(**contacts: dict[str, str]) -> World:
    world = World()
    world.companies({"7": {"name": "Firma", "domain": "firma.example"}})
    world.contacts(rules(), contacts)
    world.associate({contact: [("7", PRIMARY)] for contact in contacts})
    return world


def test_who_is_parked_as_ambiguous_stays_parked() -> None:
    """Two accounts of sales match the company: other rules for fields do not change that."""
    world = at_one_company(**{"123": GOOD})
    for name in ("One", "Two"):
        world.c4c.store.create("CorporateAccount", {"Name": name, "RoleCode": "BUP002", "WebSite": "www.firma.example"})
    world.push(rules())
    with simulated(world, LOWER) as outcome:
        assert outcome.summary()["creates"] == {}
        assert outcome.summary()["decisions"]["then"] == {"ACCOUNT_AMBIGUOUS": 1}


def test_another_company_may_be_no_longer_ambiguous() -> None:
    world = at_one_company(**{"123": GOOD})
    for name in ("One", "Two"):
        world.c4c.store.create("CorporateAccount", {"Name": name, "RoleCode": "BUP002", "WebSite": "www.firma.example"})
    world.companies({"8": {"name": "Acht"}})
    world.associate({"123": [("7", PRIMARY), ("8", DECIDES)]})
    world.push(rules())
    by_label = rules(f'{MQL}[[labels]]\nlabel = "Decision maker"\naccount = true\n')
    with simulated(world, by_label) as outcome:
        assert outcome.summary()["creates"]["Lead"] == 1
        assert ("CorporateAccount", "8") in {(row["entity"], row["key"]) for row in outcome.spool.changed()}


def test_relationships_to_accounts_made_for_others_are_foreseen() -> None:
    """Contact 9 comes before contact 123, whose handover makes company 8 an account."""
    world = World()
    world.companies({"7": {"name": "Sieben"}, "8": {"name": "Acht"}})
    world.contacts(rules(), {"9": GOOD, "123": {**GOOD, "lead_score": "70"}})
    world.associate({"9": [("7", PRIMARY), ("8", DECIDES)], "123": [("8", PRIMARY)]})
    world.push(rules())
    for portion in (1, 500):
        with simulated(world, LOWER, portion=portion) as outcome:
            assert [contact for contact, _, _ in outcome.spool.moved("entering")] == ["123"]
            keys = {(row["entity"], row["key"]) for row in outcome.spool.changed()}
            assert ("ContactIsContactPersonFor", "9:8") in keys


def test_what_only_the_rules_in_force_would_write_is_named() -> None:
    """Contact 1 waits for its lead; under stricter rules it gets none, and nothing of it is written."""
    world = at_one_company(**{"1": GOOD})
    with simulated(world, rules(MQL.replace("75", "90"))) as outcome:
        assert outcome.summary()["counts"] == {"entering": 0, "leaving": 1, "changed": 0, "dropped": 3, "warnings": 1}
        dropped = [(row["action"], row["entity"]) for row in outcome.spool.dropped()]
    assert sorted(dropped) == [
        ("create", "Contact"),
        ("create", "CorporateAccount"),
        ("create", "Lead"),
    ]


def test_the_guard_is_announced_for_all_records() -> None:
    """One lead brings an account and a contact person along: three records, and two are allowed."""
    world = at_one_company(**{"1": {**GOOD, "lead_score": "70"}})
    world.push(rules())
    with simulated(world, LOWER, guard=Guard(max_creates=2)) as outcome:
        assert "GUARD_TRIPPED" in [row["code"] for row in outcome.spool.warnings()]
    with simulated(world, LOWER, guard=Guard(max_creates=3)) as outcome:
        assert "GUARD_TRIPPED" not in [row["code"] for row in outcome.spool.warnings()]


def twins(world: World, entity: str, fields: dict[str, str]) -> None:
    """Two records of sales that one of ours matches."""
    for name in ("One", "Two"):
        world.c4c.store.create(entity, {"Name" if entity == "CorporateAccount" else "LastName": name, **fields})


ACME = {"RoleCode": "BUP002", "WebSite": "www.firma.example"}


def test_nobody_of_an_ambiguous_company_is_foretold_a_lead() -> None:
    """Contact 124 comes in under the other rules; contact 123 is parked already, and also at company 8."""
    world = at_one_company(**{"123": GOOD, "124": {**GOOD, "lead_score": "70"}, "125": {**GOOD, "lead_score": "70"}})
    twins(world, "CorporateAccount", ACME)
    world.companies({"8": {"name": "Acht"}})
    world.associate({"123": [("7", PRIMARY), ("8", DECIDES)], "125": [("8", PRIMARY)]})
    world.push(rules())
    with simulated(world, LOWER) as outcome:
        rows = {(row["entity"], row["key"]) for row in outcome.spool.written("then")}
        assert outcome.summary()["decisions"]["then"] == {"ACCOUNT_AMBIGUOUS": 2, "QUALIFIED": 1}
    assert rows == {("CorporateAccount", "8"), ("Contact", "125"), ("Lead", "125:mql:1")}


def test_other_natural_keys_may_tell_what_was_ambiguous() -> None:
    world = at_one_company(**{"123": GOOD})
    twins(world, "CorporateAccount", ACME)
    world.push(rules())
    mapping = rules().mapping
    by_nothing = mapping.model_copy(update={"account": mapping.account.model_copy(update={"natural_keys": ()})})
    with simulated(world, rules().model_copy(update={"mapping": by_nothing, "fingerprint": "other"})) as outcome:
        assert outcome.summary()["creates"]["Lead"] == 1


def test_an_ambiguous_person_stays_so() -> None:
    world = at_one_company(**{"122": GOOD, "123": {**GOOD, "email": "a@firma.example"}})
    world.push(rules(MQL.replace("75", "99")))
    account = world.c4c.store.create("CorporateAccount", {"Name": "Firma", "HubSpotID_KUT": "7", "RoleCode": "BUP002"})
    twins(world, "Contact", {"Email": "a@firma.example", "AccountID": account["AccountID"]})
    world.push(rules())
    with simulated(world, LOWER) as outcome:
        assert outcome.summary()["decisions"]["then"] == {"QUALIFIED": 1, "CONTACT_AMBIGUOUS": 1}
        assert outcome.summary()["creates"] == {}


def test_the_other_limits_of_the_guard_are_announced_too() -> None:
    world = at_one_company(**{str(n): GOOD for n in range(1, 7)})
    world.push(rules())
    few = Guard(max_creates=0, max_changed_share=0.2, changes_from=3)
    with simulated(world, rules(MQL.replace("75", "90")), guard=few) as outcome:
        [text] = [row["text"] for row in outcome.spool.warnings() if row["code"] == "GUARD_TRIPPED"]
    assert text.startswith("6 contacts that were handed over would no longer qualify, 3 are allowed")


def test_who_comes_and_goes_is_told_with_the_reason() -> None:
    world = at_one_company(**{"1": GOOD, "2": {**GOOD, "lead_score": "70"}})
    with simulated(world, rules(MQL.replace("75", "60"))) as outcome:
        assert list(outcome.spool.moved("entering")) == [("2", "SCORE_BELOW_THRESHOLD", "QUALIFIED")]


def test_a_relationship_foretold_late_takes_the_place_of_what_was_foretold_first() -> None:
    """Contact 9 gets a relationship to company 8 at the second look; what the first look wrote is kept once."""
    world = World()
    world.companies({"7": {"name": "Sieben"}, "8": {"name": "Acht"}})
    world.contacts(rules(), {"9": {**GOOD, "lead_score": "70"}, "123": {**GOOD, "lead_score": "70"}})
    world.associate({"9": [("7", PRIMARY), ("8", DECIDES)], "123": [("8", PRIMARY)]})
    world.push(rules())
    with simulated(world, LOWER, portion=1) as outcome:
        rows = [(row["entity"], row["key"]) for row in outcome.spool.written("then")]
    assert len(rows) == len(set(rows))
    assert ("ContactIsContactPersonFor", "9:8") in rows
