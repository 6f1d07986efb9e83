"""A label with `relationship = false`: no contact person of that account, and what we made is taken back."""

from __future__ import annotations

import pytest
from c4c_world import World

pytestmark = pytest.mark.long

RELATION = "ContactIsContactPersonFor"
FORMER = "Former employee"


@pytest.fixture
def first(world: World) -> str:
    """The primary company; a second one, Mill South, is an account of sales, and the label has its rule."""
    world.control.call("POST", "/hubspot/labels", {"label": FORMER})
    world.add_rules("qualification", f'\n[[labels]]\nlabel = "{FORMER}"\nrelationship = false\n')
    world.control.sales_create("CorporateAccount", Name="Mill South", WebSite="http://mill.example/", AccountID="4711")
    return world.control.company("Bakery North")


def accounts_of(world: World, contact: str) -> set[str]:
    """Names of the accounts that the contact is contact person of."""
    person = world.control.row("Contact", HubSpotID_KUT=contact)
    rows = world.control.rows(RELATION)
    return {str(row["AccountFormattedName"]) for row in rows if row["ContactID"] == person["ContactID"]}


def test_a_former_employee_is_not_made_contact_person(world: World, first: str) -> None:
    former = world.control.company("Mill South")
    contact = world.control.contact(first)
    world.control.associate(contact, former, FORMER)
    world.sync()
    assert accounts_of(world, contact) == {"Bakery North"}


def test_a_relationship_that_we_made_is_taken_back_and_made_again(world: World, first: str) -> None:
    further = world.control.company("Mill South")
    contact = world.control.contact(first, further)
    world.sync()
    assert accounts_of(world, contact) == {"Bakery North", "Mill South"}
    world.control.associate(contact, further, FORMER)
    world.sync()
    assert accounts_of(world, contact) == {"Bakery North"}
    world.control.associate(contact, further)
    world.sync()
    assert accounts_of(world, contact) == {"Bakery North", "Mill South"}


def test_a_relationship_that_sales_made_stays(world: World, first: str) -> None:
    contact = world.control.contact(first)
    world.sync()
    number = world.control.row("Contact", HubSpotID_KUT=contact)["ContactID"]
    world.control.sales_create(RELATION, ContactID=number, AccountID="4711")
    further = world.control.company("Mill South")
    world.control.associate(contact, further)
    world.sync()
    world.control.associate(contact, further, FORMER)
    world.sync()
    assert accounts_of(world, contact) == {"Bakery North", "Mill South"}


def test_the_lead_goes_to_the_company_where_the_contact_works(world: World, first: str) -> None:
    """The former company is still the primary one."""
    contact = world.control.contact(first)
    world.control.associate(contact, first, "Primary", FORMER)
    world.control.associate(contact, world.control.company("Mill South"))
    world.sync()
    assert accounts_of(world, contact) == {"Mill South"}
    lead = world.control.row("Lead", HubSpotID_KUT=f"{contact}:mql:1")
    assert lead["AccountPartyID"] == "4711"


def test_who_moves_to_another_company_leaves_the_main_account_of_the_former_one(world: World, first: str) -> None:
    contact = world.control.contact(first)
    world.sync()
    world.control.associate(contact, first, "Primary", FORMER)
    world.control.associate(contact, world.control.company("Mill South"))
    world.sync()
    assert accounts_of(world, contact) == {"Mill South"}
