"""Contacts and leads as lists: who waits for what, who is just below, what was handed over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from people_world import PEOPLE, RULES, asking, crowd
from rules_world import NOW, World

from sync.admin import lists
from sync.admin.lists import Contacts, Leads
from sync.domain.lead_status import LeadStatus


@pytest.fixture(scope="module", params=["before the first push", "after it"])
def world(request: pytest.FixtureRequest) -> World:
    made = crowd()
    if request.param == "after it":
        made.push(RULES)
    return made


@pytest.fixture(scope="module")
def pushed() -> World:
    made = crowd()
    made.push(RULES)
    return made


def ids(world: World, wanted: Contacts) -> list[str]:
    with asking(world) as asked:
        return [person.contact for person in lists.contacts(asked, wanted)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Contacts(), sorted(PEOPLE)),
        (Contacts(code="NO_LEGAL_BASIS"), ["104", "105"]),
        (Contacts(code="NO_LEGAL_BASIS", alone=True), ["104"]),
        (Contacts(code="QUALIFIED"), ["101", "102"]),
        (Contacts(code="SCORE_MISSING"), ["107"]),
        (Contacts(low=60, high=74), ["103"]),
        (Contacts(low=77, sort="score"), ["106", "102", "101", "105", "104"]),
        (Contacts(owner="olga@SALES.example"), ["101", "102"]),
        (Contacts(owner="nobody@sales.example"), []),
        (Contacts(sort="name", low=77), ["106", "102", "105", "104", "101"]),
    ],
)
def test_a_list_shows_whom_the_options_mean(world: World, wanted: Contacts, expected: list[str]) -> None:
    """The same before the first push as after it: an undecided contact is decided while the list is made."""
    assert ids(world, wanted) == expected


def test_a_limited_list_knows_how_many_there_are(world: World) -> None:
    with asking(world) as asked:
        listing = lists.contacts(asked, Contacts(limit=2))
        assert len(list(listing)) == 2
        assert listing.total == len(PEOPLE)


def test_lists_look_back_to_a_time(pushed: World) -> None:
    assert ids(pushed, Contacts(since=NOW, code="QUALIFIED")) == ["101", "102"]
    assert ids(pushed, Contacts(since=NOW + timedelta(seconds=1))) == []


def test_parked_contacts_have_a_list(pushed: World) -> None:
    assert ids(pushed, Contacts(parked=True)) == []


def test_leads_are_listed_with_their_outcome_and_the_newest_first(pushed: World) -> None:
    with asking(pushed) as asked:
        found = list(lists.leads(asked, Leads(since=NOW - timedelta(days=7))))
        assert not list(lists.leads(asked, Leads(since=NOW + timedelta(days=7))))
        assert not list(lists.leads(asked, Leads(statuses=frozenset({LeadStatus.DECLINED}))))
    assert [(lead.key, lead.status, lead.owner) for lead in found] == [
        ("101:mql:1", "open", "Olga@sales.example"),
        ("102:mql:1", "open", "Olga@sales.example"),
    ]


def test_without_names_no_answer_holds_one(pushed: World) -> None:
    with asking(pushed, names=False) as asked:
        people = [*lists.find(asked, "101"), *lists.contacts(asked, Contacts())]
        leads = list(lists.leads(asked, Leads()))
    shown = repr((people, leads)).casefold()
    for secret in ("anna", "schäfer", "müller", "olga", "acme", "marley", "example"):
        assert secret not in shown.replace("crm.ondemand.com", "")


def test_a_former_owner_is_unknown_and_sales_choice_counts(pushed: World) -> None:
    with asking(pushed) as asked:
        owners = replace(asked).lead_owners
        assert owners.of({"OwnerPartyUUID": "00000000-0000-0000-0000-000000000000"}, {}) is None
        [known] = owners.by_fingerprint
        assert owners.of({}, {"theirs": {"OwnerPartyUUID": known}}) == "Olga@sales.example"
