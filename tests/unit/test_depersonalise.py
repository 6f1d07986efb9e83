"""Which fields of a record are blanked when a person is erased."""

from pathlib import Path

import pytest

from sync import config
from sync.contracts.tenant import assumed
from sync.domain.entities import Entity
from sync.planner.depersonalise import ERASED_NAME, changes, fields, retirement, shows_name
from sync.planner.snapshot import Record

RULES = config.load(Path(__file__).parents[2] / "config").rules
SCHEMA = assumed(RULES)


def new_values(entity: str, **shown: object) -> dict[str, object]:
    return {change.name: change.new for change in changes(Record(entity, "A", shown), RULES, SCHEMA)}


def blank(entity: str) -> dict[str, object]:
    """What a record shows of which the person was taken out."""
    return new_values(entity)


@pytest.mark.parametrize("entity", [Entity.CONTACT, Entity.LEAD, Entity.RELATION])
def test_a_record_without_the_person_needs_no_change(entity: Entity) -> None:
    assert blank(entity)
    assert new_values(entity, **blank(entity)) == {}


def test_names_addresses_numbers_and_our_key_go() -> None:
    wanted = blank(Entity.CONTACT)
    assert wanted["LastName"] == ERASED_NAME, "C4C demands one"
    for name in ("FirstName", "Email", "Phone", "Mobile", "JobTitle", "HubSpotID_KUT"):
        assert wanted[name] == "", name
    lead = blank(Entity.LEAD)
    assert lead["Name"] == ERASED_NAME
    assert {lead[name] for name in ("Note", "ContactLastName", "ContactEMail", "HubSpotID_KUT")} == {""}


def test_what_tells_nothing_of_the_person_stays() -> None:
    assert not {"AccountUUID", "ContactOwnerUUID", "StatusCode"} & set(blank(Entity.CONTACT))
    assert not {"HubSpotScore_KUT", "AccountPartyUUID", "OwnerPartyUUID", "UserStatusCode", "Company"} & set(
        blank(Entity.LEAD)
    )


def test_fields_that_the_rules_fill_from_the_contact_go_too() -> None:
    [field] = [f for f in RULES.mapping.contact.fields if f.target == ("JobTitle",)]
    other = field.model_copy(update={"target": ("BusinessAddressCity",), "source": ("city",)})
    contact = RULES.mapping.contact.model_copy(update={"fields": (*RULES.mapping.contact.fields, other)})
    rules = RULES.model_copy(update={"mapping": RULES.mapping.model_copy(update={"contact": contact})})
    assert "BusinessAddressCity" in {one.name for one in fields(Entity.CONTACT, rules, SCHEMA)}
    assert "BusinessAddressCity" not in {one.name for one in fields(Entity.CONTACT, RULES, SCHEMA)}


def test_a_field_that_the_tenant_lacks_or_protects_is_left_out() -> None:
    assert "Email" not in {one.name for one in fields(Entity.CONTACT, RULES, SCHEMA.without("Contact", "Email"))}
    assert all(one.updatable for one in fields(Entity.LEAD, RULES, SCHEMA))


def test_the_person_is_retired_once() -> None:
    [change] = retirement(Record(Entity.CONTACT, "A", {"StatusCode": "2"}), RULES)
    assert (change.name, change.new) == ("StatusCode", "4")
    assert retirement(Record(Entity.CONTACT, "A", {"StatusCode": "4"}), RULES) == ()


def test_a_lead_that_shows_the_name_names_its_person_once_more() -> None:
    shown = {**blank(Entity.LEAD), "ContactName": "Ada Sommer", "ContactUUID": "U"}
    assert new_values(Entity.LEAD, **shown) == {"ContactUUID": "U"}
    assert shows_name(Record(Entity.LEAD, "A", shown)) == "ContactName"
    assert new_values(Entity.LEAD, **{**shown, "ContactName": ERASED_NAME}) == {}
