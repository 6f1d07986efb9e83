"""What sales had before is recognised, not created again — and strangers are not taken for it."""

from __future__ import annotations

import pytest
from c4c_world import World


@pytest.mark.parametrize(
    "site", ["http://WWW.bakery.example/contact?x=1", "Bakery.Example", "https://bakery.example", "BAKERY.EXAMPLE"]
)
def test_an_account_is_recognised_by_its_web_domain_however_it_is_spelled(world: World, site: str) -> None:
    company = world.control.company("Bakery North", domain="bakery.example")
    world.control.sales_create("CorporateAccount", Name="Other name", RoleCode="CRM000", WebSite=site)
    world.control.contact(company)
    world.sync()
    account = world.control.row("CorporateAccount")
    assert (account["HubSpotID_KUT"], account["RoleCode"], account["WebSite"]) == (company, "CRM000", site)


def test_an_account_is_recognised_by_name_country_and_postal_code(world: World) -> None:
    company = world.control.company("Bakery North", domain="", zip="24103", country="Deutschland")
    here, there = (
        world.control.sales_create(
            "CorporateAccount", Name="Bakery North", RoleCode="CRM000", CountryCode="DE", StreetPostalCode=code
        )
        for code in ("24103", "24104")
    )
    world.control.contact(company)
    world.sync()
    assert world.control.row("CorporateAccount", HubSpotID_KUT=company)["ObjectID"] == here["ObjectID"]
    assert world.control.row("CorporateAccount", ObjectID=there["ObjectID"])["HubSpotID_KUT"] == ""


def test_a_record_of_another_key_and_an_obsolete_one_are_no_candidates(world: World) -> None:
    company = world.control.company("Bakery North", domain="bakery.example")
    for fields in ({"HubSpotID_KUT": "999"}, {"LifeCycleStatusCode": "4"}):
        world.control.sales_create("CorporateAccount", Name="X", RoleCode="CRM000", WebSite="bakery.example", **fields)
    world.control.contact(company)
    world.sync()
    assert len(world.control.rows("CorporateAccount")) == 3
    assert world.control.row("CorporateAccount", HubSpotID_KUT=company)["RoleCode"] == "BUP002"


def test_a_contact_is_recognised_by_address_within_the_account_only(world: World) -> None:
    company = world.control.company("Bakery North", domain="bakery.example")
    account, elsewhere = (
        world.control.sales_create("CorporateAccount", Name="B", RoleCode="CRM000", WebSite=site)
        for site in ("bakery.example", "mill.example")
    )
    for of in (account, elsewhere):
        world.control.sales_create(
            "Contact", LastName="Old", Email="SOMMER@Mail.example", AccountID=of["AccountID"], JobTitle="Owner"
        )
    contact = world.control.contact(company)
    world.sync()
    adopted = world.control.row("Contact", HubSpotID_KUT=contact)
    assert (adopted["AccountID"], adopted["JobTitle"], adopted["LastName"]) == (account["AccountID"], "Owner", "Sommer")
    assert len(world.control.rows("Contact")) == 2


def test_two_people_of_one_address_are_named_and_nobody_is_chosen(world: World) -> None:
    company = world.control.company("Bakery North", domain="bakery.example")
    account = world.control.sales_create("CorporateAccount", Name="B", RoleCode="CRM000", WebSite="bakery.example")
    twins = [
        world.control.sales_create("Contact", LastName="S", Email="sommer@mail.example", AccountID=account["AccountID"])
        for _ in range(2)
    ]
    contact = world.control.contact(company)
    world.once()
    progress = world.progress(contact)
    assert (progress.status, progress.code) == ("parked", "CONTACT_AMBIGUOUS")
    assert all(twin["ObjectID"] in str(progress.detail) for twin in twins)
    assert f"links set Contact {contact}" in str(progress.detail)
    assert world.cli("links", "set", "Contact", contact, twins[0]["ContactID"]).returncode == 0
    world.sync()
    assert world.control.row("Contact", HubSpotID_KUT=contact)["ObjectID"] == twins[0]["ObjectID"]
