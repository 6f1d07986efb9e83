"""E-mail, phone and job title after a new main relationship, whether they live on it or on the person."""

from __future__ import annotations

from typing import Any

import pytest
from c4c_world import World

pytestmark = pytest.mark.long

OURS = {"Email": "sommer@mail.example", "Phone": "+49 40 123456", "Mobile": "+49 170 123456", "JobTitle": "Buyer"}


def contact_at(world: World, *companies: str) -> str:
    more = {"phone": OURS["Phone"], "mobilephone": OURS["Mobile"], "jobtitle": OURS["JobTitle"]}
    return world.control.contact(*companies, **more)


def shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in OURS}


def main_relation(world: World) -> dict[str, Any]:
    return world.control.row("ContactIsContactPersonFor", ReverseMainIndicator=True)


@pytest.mark.parametrize("known", [True, False], ids=["a further account before", "a new account"])
@pytest.mark.parametrize("reading", ["relationship", "person"])
def test_a_new_primary_company_keeps_email_phone_and_job_title(world: World, reading: str, known: bool) -> None:
    world.control.settings(work_place=reading)
    first, second = world.control.company("Bakery North"), world.control.company("Mill South")
    if known:
        world.control.sales_create("CorporateAccount", Name="Mill South", RoleCode="CRM000", WebSite="www.mill.example")
    contact = contact_at(world, first, *([second] if known else []))
    world.sync()
    assert shown(world.control.row("Contact")) == OURS
    world.control.associate(contact, second, "Primary")
    world.sync()
    assert main_relation(world)["AccountFormattedName"] == "Mill South"
    assert shown(world.control.row("Contact")) == OURS
    assert shown(main_relation(world)) == OURS
    world.control.reset_counts()
    world.wake_all()
    world.sync()
    assert world.control.counts()["by"].get("PATCH", 0) == 0


@pytest.mark.parametrize("reading", ["relationship", "person"])
def test_a_job_that_changes_with_the_company_is_shown_by_both(world: World, reading: str) -> None:
    world.control.settings(work_place=reading)
    first, second = world.control.company("Bakery North"), world.control.company("Mill South")
    contact = contact_at(world, first)
    world.sync()
    world.control.associate(contact, second, "Primary")
    world.control.change(contact, jobtitle="Head of Purchasing")
    world.sync()
    wanted = {**OURS, "JobTitle": "Head of Purchasing"}
    assert (shown(world.control.row("Contact")), shown(main_relation(world))) == (wanted, wanted)
