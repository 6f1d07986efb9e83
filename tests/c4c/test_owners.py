"""Owners: of the account in SAP Sales Cloud, those not read yet, and the one that C4C chooses by itself."""

from __future__ import annotations

from typing import Any

from c4c_world import World

RULE = '\n[owners.team]\norder = ["account_owner", "company_owner"]\n'


def employees(world: World, *names: str) -> dict[str, str]:
    """UUIDs by name."""
    control = world.control
    made = [
        control.sales_create("Employee", EmployeeID=f"E-{n}", BusinessPartnerID=f"81{n:08d}", Email=f"{name}@s.example")
        for n, name in enumerate(names)
    ]
    return {name: str(row["UUID"]) for name, row in zip(names, made, strict=True)}


def hubspot_owner(world: World, name: str, id_: str) -> str:
    world.control.call("POST", "/hubspot/owners", {"email": f"{name}@s.example", "id": id_})
    return id_


def lead(world: World, contact: str) -> dict[str, Any]:
    return world.control.row("Lead", HubSpotID_KUT=f"{contact}:mql:1")


def by_account(world: World) -> None:
    world.replace_rule("qualification", "[routes.default]", '[routes.default]\nowner = "team"')
    world.add_rules("qualification", RULE)


def test_the_account_manager_of_an_adopted_account_gets_the_lead(world: World) -> None:
    by_account(world)
    uuids = employees(world, "anna", "bo")
    company = world.control.company(hubspot_owner_id=hubspot_owner(world, "bo", "71000101"))
    world.control.sales_create(
        "CorporateAccount", Name="Bakery North", WebSite="https://bakery.example", OwnerUUID=uuids["anna"]
    )
    contact = world.control.contact(company)
    world.sync()
    assert lead(world, contact)["OwnerPartyUUID"] == uuids["anna"]


def test_an_account_manager_who_left_is_passed_over(world: World) -> None:
    by_account(world)
    uuids = employees(world, "anna", "bo")
    gone = world.control.sales_create(
        "Employee", EmployeeID="E-9", BusinessPartnerID="8100000009", Email="gone@s.example", UserLockedIndicator=True
    )
    company = world.control.company(hubspot_owner_id=hubspot_owner(world, "bo", "71000102"))
    world.control.sales_create(
        "CorporateAccount", Name="Bakery North", WebSite="https://bakery.example", OwnerUUID=gone["UUID"]
    )
    contact = world.control.contact(company)
    world.sync()
    assert lead(world, contact)["OwnerPartyUUID"] == uuids["bo"]
    assert any("the owner of the account" in w["text"] for w in world.warnings(contact))


def test_an_owner_that_becomes_known_later_replaces_the_default_of_c4c(world: World) -> None:
    """HubSpot's owners cannot be read at first; the lead gets the owner that C4C chooses, and then its own."""
    uuids = employees(world, "anna", "bo")
    contact = world.control.contact(world.control.company())
    world.control.change(contact, hubspot_owner_id=hubspot_owner(world, "anna", "71000103"))
    world.once("poll", "push")
    assert lead(world, contact)["OwnerPartyUUID"] not in ("", None)
    assert any("has not been read from HubSpot yet" in w["text"] for w in world.warnings(contact))
    world.sync()
    assert lead(world, contact)["OwnerPartyUUID"] == uuids["anna"]


def test_an_owner_that_sales_chose_meanwhile_stays(world: World) -> None:
    uuids = employees(world, "anna", "bo", "chris")
    contact = world.control.contact(world.control.company())
    world.control.change(contact, hubspot_owner_id=hubspot_owner(world, "anna", "71000104"))
    world.once("poll", "push")
    default = lead(world, contact)["OwnerPartyUUID"]
    chosen = next(uuid for name, uuid in uuids.items() if name != "anna" and uuid != default)
    world.control.sales_edit("Lead", lead(world, contact)["ObjectID"], OwnerPartyUUID=chosen)
    world.sync()
    assert lead(world, contact)["OwnerPartyUUID"] == chosen


def test_an_owner_named_in_hubspot_later_replaces_the_default_of_c4c(world: World) -> None:
    uuids = employees(world, "anna", "bo")
    contact = world.control.contact(world.control.company())
    world.sync()
    world.control.change(contact, hubspot_owner_id=hubspot_owner(world, "anna", "71000105"))
    world.sync()
    assert lead(world, contact)["OwnerPartyUUID"] == uuids["anna"]


def test_the_owner_of_a_company_that_becomes_known_later_owns_its_account(world: World) -> None:
    world.replace_rule("qualification", "[routes.default]", '[routes.default]\nowner = "team"')
    world.add_rules("qualification", '\n[owners.team]\norder = ["company_owner"]\n')
    uuids = employees(world, "anna", "bo")
    company = world.control.company(hubspot_owner_id=hubspot_owner(world, "bo", "71000106"))
    contact = world.control.contact(company)
    world.once("poll", "push")
    world.sync()
    assert lead(world, contact)["OwnerPartyUUID"] == uuids["bo"]
    assert world.control.row("CorporateAccount", HubSpotID_KUT=company)["OwnerUUID"] == uuids["bo"]
