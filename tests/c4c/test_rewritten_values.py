"""C4C rewrites values on saving (phone numbers, case of e-mail addresses, blanks): what it made of ours stays ours."""

from __future__ import annotations

from typing import Any

import pytest
from c4c_world import World

pytestmark = pytest.mark.long

RAW = {"phone": "+49 (40) 1234-567", "mobilephone": "0171/555 66-77", "jobtitle": "Head  of   Bakery"}
STORED = {"Phone": "+49 40 1234 567", "Mobile": "0171 555 66 77", "JobTitle": "Head of Bakery"}


def person(world: World, contact: str) -> dict[str, Any]:
    return world.control.row("Contact", HubSpotID_KUT=contact)


def writes_at_another_look(world: World) -> int:
    """Requests that change something, when everybody is looked at again."""
    world.control.reset_counts()
    world.wake_all()
    world.sync()
    counts = world.control.counts()
    written = (counts["operations"][kind].values() for kind in ("create", "update", "delete"))
    return sum(map(sum, written)) + int(counts["no_op_updates"])


def test_what_was_rewritten_when_created_is_not_sent_again(world: World) -> None:
    contact = world.control.contact(world.control.company("Bakery  North", phone="+49 (40) 99-1"), **RAW)
    world.sync()
    assert {name: person(world, contact)[name] for name in STORED} == STORED
    assert writes_at_another_look(world) == 0


def test_what_was_rewritten_when_changed_is_not_sent_again(world: World) -> None:
    company = world.control.company()
    contact = world.control.contact(company)
    world.sync()
    world.control.change(contact, **RAW, email="Someone.Else@Mail.Example")
    world.control.call("PATCH", f"/hubspot/companies/{company}", {"properties": {"phone": "+49 (40) 99-1"}})
    world.sync()
    assert {name: person(world, contact)[name] for name in STORED} == STORED
    assert person(world, contact)["Email"] == "someone.else@mail.example"
    assert writes_at_another_look(world) == 0


@pytest.mark.parametrize("changed_before", [False, True], ids=["created by us", "changed by us"])
def test_a_rewritten_value_of_ours_follows_hubspot(world: World, changed_before: bool) -> None:
    company = world.control.company(phone="" if changed_before else "+49 (40) 1-1")
    world.control.contact(company)
    world.sync()
    for phone, stored in (("+49 (40) 2-2", "+49 40 2 2"), ("+49 (40) 3-3", "+49 40 3 3")):
        world.control.call("PATCH", f"/hubspot/companies/{company}", {"properties": {"phone": phone}})
        world.sync()
        assert world.control.row("CorporateAccount", HubSpotID_KUT=company)["Phone"] == stored


@pytest.mark.parametrize("changed_before", [False, True], ids=["created by us", "changed by us"])
def test_what_sales_makes_of_a_rewritten_value_stays(world: World, changed_before: bool) -> None:
    """Also before the next look, and also where only the spelling differs."""
    company = world.control.company(phone="" if changed_before else "+49 (40) 1-1")
    world.control.contact(company)
    world.sync()
    if changed_before:
        world.control.call("PATCH", f"/hubspot/companies/{company}", {"properties": {"phone": "+49 (40) 1-1"}})
        world.sync()
    account = world.control.row("CorporateAccount", HubSpotID_KUT=company)
    world.control.sales_edit("CorporateAccount", account["ObjectID"], Phone="+49 401 1")
    for phone in ("+49 (40) 1-1", "+49 (40) 2-2"):
        world.control.call("PATCH", f"/hubspot/companies/{company}", {"properties": {"phone": phone}})
        world.wake_all()
        world.sync()
        assert world.control.row("CorporateAccount", HubSpotID_KUT=company)["Phone"] == "+49 401 1"


def test_hubspot_still_wins_over_an_edit_of_a_rewritten_value(world: World) -> None:
    contact = world.control.contact(world.control.company(), **RAW)
    world.sync()
    world.control.sales_edit("Contact", person(world, contact)["ObjectID"], Phone="+49 40 7")
    world.wake_all()
    world.sync()
    assert person(world, contact)["Phone"] == STORED["Phone"]
    assert writes_at_another_look(world) == 0
