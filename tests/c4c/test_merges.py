"""Merges in HubSpot: what hangs on a record of C4C moves only together with that record."""

from __future__ import annotations

import pytest
from c4c_world import World

pytestmark = pytest.mark.long


def refused(world: World) -> list[str]:
    """ContactUUID of each person that refuses marketing e-mails."""
    sets = {row["ObjectID"]: row["BusinessPartnerUUID"] for row in world.control.rows("MarketingPermission")}
    return [sets[row["ParentObjectID"]] for row in world.control.rows("ChannelPermission") if row["Consent"] == "2"]


def test_an_opt_out_of_the_survivor_reaches_its_own_person(world: World) -> None:
    """The loser had refused before. That refusal belongs to the loser's person."""
    control = world.control
    company = control.company("Bakery North")
    loser = control.contact(company, lastname="Herbst", email="a@mail.example", hs_email_optout="true")
    survivor = control.contact(company, lastname="Sommer", email="b@mail.example")
    world.sync()
    (first,) = refused(world)
    merged = control.call("POST", "/hubspot/contacts/merge", {"primary": survivor, "other": loser})["id"]
    world.sync()
    control.change(merged, hs_email_optout="true")
    world.sync()
    person = control.row("Contact", HubSpotID_KUT=merged)
    assert person["LastName"] == "Sommer"
    assert sorted(refused(world)) == sorted([first, person["ContactUUID"]])


def test_after_a_merge_of_companies_the_contact_gets_its_relationship_to_the_survivor(world: World) -> None:
    control = world.control
    left, right = control.company("Bakery North"), control.company("Mill South")
    contact = control.contact(left)
    control.contact(right, lastname="Herbst")
    world.sync()
    survivor = control.call("POST", "/hubspot/companies/merge", {"primary": right, "other": left})["id"]
    world.sync()
    account = control.row("CorporateAccount", HubSpotID_KUT=survivor)
    person = control.row("Contact", HubSpotID_KUT=contact)
    of_person = [r for r in control.rows("ContactIsContactPersonFor") if r["ContactID"] == person["ContactID"]]
    assert account["AccountID"] in {row["AccountID"] for row in of_person}
    lead = control.row("Lead", HubSpotID_KUT=f"{contact}:mql:1")
    assert lead["AccountPartyUUID"] == account["UUID"]


def test_an_account_made_again_gets_the_relationships_of_all_its_contacts_again(world: World) -> None:
    control = world.control
    company = control.company("Bakery North")
    contact, other = control.contact(company), control.contact(company, lastname="Herbst")
    world.sync()
    old = control.row("CorporateAccount")
    control.sales_delete("CorporateAccount", old["ObjectID"])
    control.change(contact, jobtitle="Miller")
    world.sync()
    account = control.row("CorporateAccount", HubSpotID_KUT=company)
    assert account["AccountID"] != old["AccountID"]
    persons = [control.row("Contact", HubSpotID_KUT=i)["ContactID"] for i in (contact, other)]
    rows = [r for r in control.rows("ContactIsContactPersonFor") if r["AccountID"] == account["AccountID"]]
    assert sorted(row["ContactID"] for row in rows) == sorted(persons)
