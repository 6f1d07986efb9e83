"""A `$filter` that C4C refuses for one value: its owner waits for a person at worst, everybody else goes on."""

from __future__ import annotations

import pytest
from c4c_world import World

pytestmark = pytest.mark.long

ACCOUNT = "CorporateAccount"
BAD = "24103§"


def named(world: World, name: str, code: str) -> str:
    """A contact of a company that is looked for by web domain, and by name, country and postal code."""
    company = world.control.company(name, zip=code, country="Deutschland")
    return world.control.contact(company, lastname=name.split()[0])


def test_one_refused_value_stops_its_owner_alone_and_nothing_is_created_for_it(world: World) -> None:
    world.control.settings(refused_in_filters=[BAD])
    owner = named(world, "Odd Bakery", BAD)
    others = [named(world, f"Mill{n} North", f"2410{n}") for n in range(9)]
    world.sync()
    progress = world.progress(owner)
    assert (progress.status, progress.code) == ("parked", "C4C_REJECTED")
    assert "CorporateAccount.StreetPostalCode" in str(progress.detail)
    assert BAD not in str(progress.detail)
    assert {world.progress(other).status for other in others} == {"done"}
    assert len(world.control.rows("Lead")) == len(world.control.rows(ACCOUNT)) == 9


def test_the_owner_of_a_refused_value_is_adopted_where_another_key_finds_it(world: World) -> None:
    world.control.settings(refused_in_filters=[BAD])
    account = world.control.sales_create(ACCOUNT, Name="B", RoleCode="CRM000", WebSite="odd.example")
    owner = named(world, "Odd Bakery", BAD)
    world.sync()
    assert world.progress(owner).status == "done"
    assert world.control.row(ACCOUNT)["ObjectID"] == account["ObjectID"]


def test_after_the_value_was_corrected_the_owner_goes_on(world: World) -> None:
    world.control.settings(refused_in_filters=[BAD])
    owner = named(world, "Odd Bakery", BAD)
    world.sync()
    world.control.settings(refused_in_filters=[])
    assert world.cli("parked", "retry", "--code", "C4C_REJECTED").code == 0
    world.sync()
    assert world.progress(owner).status == "done"


def test_a_further_company_with_a_refused_value_keeps_nobody_back(world: World) -> None:
    world.control.settings(refused_in_filters=[BAD])
    further = world.control.company("Odd Bakery", zip=BAD, country="Deutschland")
    contact = world.control.contact(world.control.company("Mill North"), further)
    world.sync()
    assert world.progress(contact).status == "done"
    [warning] = [w for w in world.warnings(contact) if w["code"] == "C4C_REJECTED"]
    assert f"company {further}" in warning["text"]
    assert len(world.control.rows(ACCOUNT)) == 1


def test_where_every_value_is_refused_nobody_is_parked_and_the_job_fails(world: World) -> None:
    """Such as a field that C4C no longer filters by: no value is at fault."""
    contacts = [named(world, f"Mill{n} North", f"2410{n}") for n in range(3)]
    world.control.settings(refused_in_filters=["StreetPostalCode"])
    results = world.once()
    [failure] = results.failures
    assert (type(failure).__name__, failure.exit_code) == ("Refused", 3)
    assert {world.progress(contact).status for contact in contacts} == {"pending"}
    assert world.control.rows(ACCOUNT) == []
