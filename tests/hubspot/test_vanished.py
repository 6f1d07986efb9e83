"""A property, label or option that the portal no longer has: not read is not empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from portal import Portal, Sync, rules

from sync.config import Configuration
from sync.domain.conditions import Condition
from sync.domain.rules import LabelRule, Score
from sync.state import tables
from sync.state.documents import MISMATCHES

pytestmark = pytest.mark.long

Build = Callable[..., Sync]
SCORE = {"name": "lead_score", "type": "number", "fieldType": "calculation_score"}
TEXT = {"fieldType": "text", "type": "string"}


def blanking(configuration: Configuration) -> Configuration:
    """The same rules, where an emptied job title empties the field in SAP Sales Cloud."""
    contact = configuration.rules.mapping.contact
    fields = tuple(f.model_copy(update={"may_blank": True}) if f.target == ("JobTitle",) else f for f in contact.fields)
    mapping = configuration.rules.mapping.model_copy(update={"contact": contact.model_copy(update={"fields": fields})})
    return replace(configuration, rules=configuration.rules.model_copy(update={"mapping": mapping}))


def code(product: Sync, contact: str) -> str | None:
    with product.store.reading() as session:
        found = session.get(tables.Progress, contact)
    return found.code if found else None


def alerts_of(product: Sync) -> list[str]:
    with product.store.reading() as session:
        return [text for texts in MISMATCHES.read(session).values() for text in texts]


def later(portal: Portal, seconds: float = 3600) -> None:
    portal.advance(seconds)


def handed_over(portal: Portal, **properties: Any) -> str:
    contact, company = portal.contact(lead_score="80", email="a@mail.example", **properties), portal.company()
    portal.associate(contact, company, "Primary")
    return contact


def undefine(portal: Portal, name: str, kind: str = "contacts") -> None:
    portal.call("DELETE", f"/hubspot/properties/{kind}/{name}")


def test_a_deleted_score_stops_new_handovers_and_leaves_the_old_ones(portal: Portal, sync: Build) -> None:
    first = handed_over(portal)
    product = sync()
    product.good()
    before = portal.leads()
    undefine(portal, "lead_score")
    later(portal)
    second = portal.contact(lastname="Neu", email="b@mail.example")
    portal.change("contacts", first, firstname="Ada")
    product.good()
    assert code(product, first) == code(product, second) == "PROPERTY_UNREADABLE"
    assert portal.leads() == before
    assert alerts_of(product) == [
        "`lead_score` is not a property of contacts: the score `lead_score` cannot be read: no lead flows"
    ]


def test_a_score_that_is_back_is_read_of_everybody_before_it_counts(portal: Portal, sync: Build) -> None:
    contact = handed_over(portal)
    product = sync()
    product.good("poll")
    undefine(portal, "lead_score")
    later(portal)
    product.good()
    assert (code(product, contact), portal.leads()) == ("PROPERTY_UNREADABLE", [])
    portal.call("POST", "/hubspot/properties/contacts", SCORE)
    portal.change("contacts", contact, touch=False, lead_score="90")
    later(portal)
    product.good()
    assert alerts_of(product) == []
    assert code(product, contact) == "QUALIFIED"
    assert [lead["HubSpotScore_KUT"] for lead in portal.leads()] == ["90.000000"]


def test_looks_that_odd_answers_ask_for_do_not_keep_a_property_from_returning(portal: Portal, sync: Build) -> None:
    contact = handed_over(portal, jobtitle="Kiel")
    product = sync()
    product.good("poll")
    undefine(portal, "lead_score")
    later(portal)
    product.good("poll")
    portal.call("POST", "/hubspot/properties/contacts", SCORE)
    portal.change("contacts", contact, touch=False, lead_score="90")
    for city in ("", "Kiel", "", "Kiel"):
        later(portal, 300)
        portal.change("contacts", contact, jobtitle=city)
        product.good()
    assert code(product, contact) == "QUALIFIED"


@pytest.mark.parametrize("name", ["hs_legal_basis", "hs_email_optout", "lastname"])
def test_what_a_handover_needs_is_not_taken_for_empty(portal: Portal, sync: Build, name: str) -> None:
    contact = handed_over(portal)
    undefine(portal, name)
    product = sync()
    product.good()
    assert (code(product, contact), portal.leads()) == ("PROPERTY_UNREADABLE", [])
    assert f"`{name}`" in alerts_of(product)[0]


def test_a_field_that_may_be_blanked_keeps_its_value(portal: Portal, sync: Build) -> None:
    contact = handed_over(portal, jobtitle="Baker")
    product = sync(configuration=blanking(rules()))
    product.good()
    undefine(portal, "jobtitle")
    later(portal)
    portal.change("contacts", contact, firstname="Ada")
    product.good()
    [person] = portal.rows("Contact")
    assert (person["FirstName"], person["JobTitle"]) == ("Ada", "Baker")
    assert code(product, contact) == "QUALIFIED", "it is no part of the decision"


def test_an_emptied_field_that_may_be_blanked_is_blanked(portal: Portal, sync: Build) -> None:
    contact = handed_over(portal, jobtitle="Baker")
    product = sync(configuration=blanking(rules()))
    product.good()
    later(portal)
    portal.change("contacts", contact, jobtitle="")
    product.good()
    assert not portal.rows("Contact")[0].get("JobTitle")


def test_a_portal_that_never_had_an_optional_key_is_an_ordinary_one(portal: Portal, sync: Build) -> None:
    undefine(portal, "tax_number", "companies")
    handed_over(portal)
    product = sync()
    product.good()
    assert len(portal.leads()) == 1
    assert alerts_of(product) == []


def test_without_a_key_that_was_there_no_account_is_made_twice(portal: Portal, sync: Build) -> None:
    product = sync()
    product.good("poll")
    undefine(portal, "tax_number", "companies")
    later(portal)
    contact = handed_over(portal)
    product.good()
    assert (code(product, contact), portal.rows("CorporateAccount")) == ("PROPERTY_UNREADABLE", [])
    assert "no new account is created" in alerts_of(product)[0]


@pytest.mark.parametrize("shown", ["left_out", "refused", "null"])
def test_a_property_that_vanishes_between_two_looks(portal: Portal, sync: Build, shown: str) -> None:
    """The answer is odd or a refusal: the portal is looked at before anything is concluded."""
    contact = handed_over(portal)
    product = sync()
    product.good()
    portal.settings(unknown_property=shown)
    undefine(portal, "lead_score")
    later(portal, 120)
    portal.change("contacts", contact, firstname="Ada")
    product.good()
    assert code(product, contact) == "PROPERTY_UNREADABLE"
    assert "no lead flows" in alerts_of(product)[0]
    assert product.contacts()[contact]["lead_score"] == "80"


def blocked(portal: Portal, product: Sync) -> bool:
    portal.advance(1000)
    product.good()
    return not portal.leads()


def test_a_vanished_label_keeps_back_whom_it_kept_back(portal: Portal, sync: Build) -> None:
    contact, company, label = portal.contact(lead_score="80"), portal.company(), portal.label("Competitor")
    portal.associate(contact, company, "Primary", "Competitor")
    product = sync(configuration=rules(labels=[LabelRule(label="Competitor", blocks="any")]))
    assert blocked(portal, product)
    portal.call("DELETE", f"/hubspot/labels/{label}")
    portal.change("contacts", contact, firstname="Ada")
    assert blocked(portal, product)
    assert alerts_of(product) == ["'Competitor' has vanished; contacts that carried it are still kept back"]
    successor = portal.label("Competitor")
    assert blocked(portal, product), "a label of that name is no reason either"
    portal.associate(contact, company, "Primary", "Competitor")
    assert blocked(portal, product)
    assert successor != label
    portal.associate(contact, company, "Primary")
    assert not blocked(portal, product), "a person has taken it off"


def test_a_label_that_a_person_takes_off_lets_go(portal: Portal, sync: Build) -> None:
    contact, company = portal.contact(lead_score="80"), portal.company()
    portal.label("Competitor")
    portal.associate(contact, company, "Primary", "Competitor")
    product = sync(configuration=rules(labels=[LabelRule(label="Competitor", blocks="any")]))
    assert blocked(portal, product)
    portal.associate(contact, company, "Primary")
    assert not blocked(portal, product)


def options(portal: Portal, *names: str) -> None:
    body = {"name": "hs_lead_status", "type": "enumeration", "fieldType": "radio", "options": list(names)}
    portal.call("POST", "/hubspot/properties/contacts", body)


def test_a_vanished_option_keeps_back_whom_it_kept_back(portal: Portal, sync: Build) -> None:
    contact = handed_over(portal, hs_lead_status="UNQUALIFIED")
    conditions = (Condition.model_validate({"property": "hs_lead_status", "not_in": ["unqualified"]}),)
    product = sync(
        configuration=rules(scores=[Score(name="mql", property="lead_score", threshold=75, conditions=conditions)])
    )
    assert blocked(portal, product)
    options(portal, "NEW", "OPEN")
    portal.change("contacts", contact, hs_lead_status="")
    portal.advance(120)
    product.good()
    assert portal.leads() == []
    assert blocked(portal, product)
    assert any("is not an option of hs_lead_status" in text for text in alerts_of(product))
    portal.change("contacts", contact, hs_lead_status="OPEN")
    assert not blocked(portal, product), "a person has chosen another"
