"""What rests on a property that cannot be read waits; what does not goes on. The pure part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit_builders import company, contact, field_map, primary, shipped, tenant_schema, with_qualification

from sync.contracts import schema_watch
from sync.domain.codes import Code
from sync.domain.conditions import Condition
from sync.domain.views import ASSOCIATIONS, ContactView, Unreadable
from sync.hubspot_client import Property
from sync.mappers.draft import draft
from sync.planner import conditions
from sync.planner.consent import refusals
from sync.planner.facts import Facts
from sync.planner.qualify import leading, qualify
from sync.state.documents import PortalNames


def unread(*names: str, **properties: Any) -> ContactView:
    return replace(contact(primary(company()), **properties), unreadable=frozenset(names))


@pytest.mark.parametrize(
    ("view", "code"),
    [
        (unread("lead_score"), Code.PROPERTY_UNREADABLE),
        (unread("hs_legal_basis"), Code.PROPERTY_UNREADABLE),
        (unread("hs_email_optout"), Code.PROPERTY_UNREADABLE),
        (unread("lastname"), Code.PROPERTY_UNREADABLE),
        (unread(ASSOCIATIONS), Code.PROPERTY_UNREADABLE),
        (unread("hs_legal_basis", lead_score="5"), Code.SCORE_BELOW_THRESHOLD),
        (unread("jobtitle"), Code.QUALIFIED),
    ],
)
def test_the_decision(view: ContactView, code: Code) -> None:
    assert leading(qualify(view, shipped())).code is code


@pytest.mark.parametrize(
    ("name", "score", "code"),
    [
        ("domain", "80", Code.PROPERTY_UNREADABLE),
        ("domain", "5", Code.SCORE_BELOW_THRESHOLD),
        ("website", "80", Code.QUALIFIED),
        ("website", "5", Code.SCORE_BELOW_THRESHOLD),
    ],
)
def test_a_domain_of_a_company_that_cannot_be_read_is_no_bug(name: str, score: str, code: Code) -> None:
    """A web site matters only where an account is looked up; without a domain a company may have no name."""
    view = contact(primary(replace(company(), unreadable=frozenset({name}))), lead_score=score)
    assert leading(qualify(view, shipped())).code is code


def test_a_route_that_cannot_be_chosen_waits() -> None:
    when = {"property": "jobtitle", "known": True}
    score = {"name": "mql", "property": "lead_score", "threshold": 75, "routes": [{"when": when, "route": "default"}]}
    rules = with_qualification(scores=[score])
    assert leading(qualify(unread("jobtitle"), rules)).code is Code.PROPERTY_UNREADABLE


KNOWN, OTHER = {"property": "city", "known": True}, {"property": "gone", "in": ["a"]}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"any": [OTHER, KNOWN]}, True),
        ({"all": [OTHER, {"not": KNOWN}]}, False),
        ({"any": [OTHER, {"not": KNOWN}]}, None),
        ({"all": [OTHER, KNOWN]}, None),
        ({"not": OTHER}, None),
        ({"property": "gone", "known": False}, None),
        ({"property": "gone", "not_in": ["a"]}, None),
    ],
)
def test_a_condition_is_decided_by_what_can_be_read_or_not_at_all(condition: Any, holds: bool | None) -> None:
    facts = Facts(unread("gone", city="Bremen"), company(), shipped())
    made = Condition.model_validate(condition)
    if holds is None:
        with pytest.raises(Unreadable):
            conditions.holds(made, facts)
    else:
        assert conditions.holds(made, facts) is holds


def test_one_unreadable_channel_holds_no_other_refusal_back() -> None:
    consent = shipped().qualification.consent
    assert set(refusals(unread("phone_consent", hs_email_optout="true"), consent)) == {consent.email_channel}
    assert refusals(unread("hs_email_optout", hs_email_optout="true"), consent) == {}


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ({"source": ["gone", "jobtitle"]}, None),
        ({"source": ["jobtitle", "gone"]}, "Baker"),
        ({"source": ["jobtitle", "gone"], "join": ", "}, None),
        ({"source": "gone", "default": "none"}, None),
        ({"template": "{jobtitle} {gone}"}, None),
        ({"source": "phone", "transform": "phone_e164", "country_source": "gone"}, None),
    ],
)
def test_a_field_whose_source_cannot_be_read_is_left_as_it_is(entry: dict[str, Any], value: str | None) -> None:
    mapped = field_map("JobTitle", may_blank=True, **entry)
    view = unread("gone", jobtitle="Baker", phone="040 1234567")
    made = draft("Contact", "1", "contact", [mapped], lambda name: view.get(name.partition(".")[2]), tenant_schema())
    assert [f.value for f in made.fields] == ([] if value is None else [value])
    assert [w.code for w in made.warnings] == ([Code.PROPERTY_UNREADABLE] if value is None else [])


# ---- what the portal has


def offered(*without: str) -> list[Property]:
    names = set(shipped().company_properties()) - set(without)
    return [Property(name, "string") for name in names]


def look(known: PortalNames, *without: str, settles: bool = True) -> PortalNames:
    return schema_watch.compared(known, shipped(), "companies", offered(*without), settles=settles)


def test_an_optional_property_is_absent_until_it_was_there_once() -> None:
    never = look(PortalNames(), "tax_number")
    assert (never.absent, never.lost) == ({"tax_number"}, set())
    gone = look(look(PortalNames()), "tax_number")
    assert (gone.absent, gone.lost) == (set(), {"tax_number"})


def test_what_the_sync_reads_by_itself_is_optional_and_what_rules_name_is_not() -> None:
    found = schema_watch.optional(shipped(), "companies")
    assert {"tax_number", "hs_country_region_code"} <= found
    assert not found & {"name", "domain", "city", "country"}
    assert "lastname" not in schema_watch.optional(shipped(), "contacts")


def test_what_is_there_again_returns_when_nothing_is_being_read() -> None:
    gone = look(PortalNames(), "city")
    assert gone.lost == {"city"}
    during = look(gone, settles=False)
    assert (during.lost, during.returning) == ({"city"}, set())
    after = look(during)
    assert (after.lost, after.returning) == (set(), {"city"})
    assert look(after).returning == {"city"}, "until everything was read again"
    assert look(after, "city").lost == {"city"}


@pytest.mark.parametrize(
    ("space", "name", "follows"),
    [
        ("contact", "lead_score", "the score `lead_score` cannot be read: no lead flows"),
        ("contact", "hs_legal_basis", "the legal basis `hs_legal_basis` cannot be read: no new lead flows"),
        ("contact", "hs_email_optout", "refusals in `hs_email_optout` cannot be read: no new lead flows"),
        ("contact", "jobtitle", "what SAP Sales Cloud holds in its fields stays as it is"),
        ("company", "tax_number", "no new account is created for a company that only `tax_number` might recognise"),
    ],
)
def test_what_follows_from_a_property_that_is_gone(space: str, name: str, follows: str) -> None:
    assert schema_watch.consequence(shipped(), space, name) == follows
