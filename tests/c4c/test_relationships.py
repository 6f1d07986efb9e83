"""Relationships to further accounts: ours are kept up and taken back, those of sales are left alone."""

from __future__ import annotations

from typing import Any

import pytest
from c4c_world import World

pytestmark = pytest.mark.long

RELATION = "ContactIsContactPersonFor"
LABELS = """
[[labels]]
label = "Decision maker"
fields = { FunctionCode = "Z001", VIPReasonCode = "1" }
[[labels]]
label = "Billing"
fields = { DepartmentCode = "Z001" }
"""


@pytest.fixture
def pair(world: World) -> tuple[World, str, str, str]:
    """A contact with a primary and a further company; both are accounts already."""
    control = world.control
    for label in ("Decision maker", "Billing"):
        control.call("POST", "/hubspot/labels", {"label": label})
    first, second = control.company("Bakery North"), control.company("Mill South")
    control.sales_create(
        "CorporateAccount", Name="Mill South", RoleCode="CRM000", WebSite="http://www.Mill.example/", AccountID="4711"
    )
    world.add_rules("qualification", LABELS)
    return world, control.contact(first, second), first, second


def relations(world: World) -> dict[str, dict[str, Any]]:
    """Rows by the account's name."""
    rows = world.control.rows(RELATION)
    found = {row["AccountFormattedName"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_a_further_company_that_is_an_account_gets_a_relationship_and_none_is_created(pair: Any) -> None:
    world, contact, _, _ = pair
    unknown = world.control.company("Ferry West")
    world.control.associate(contact, unknown)
    world.sync()
    assert set(relations(world)) == {"Bakery North", "Mill South"}
    assert relations(world)["Bakery North"]["ReverseMainIndicator"] is True
    assert len(world.control.rows("CorporateAccount")) == 2


def test_a_changed_label_updates_and_a_removed_one_takes_back_what_it_filled(pair: Any) -> None:
    world, contact, _, second = pair
    world.control.associate(contact, second, "Decision maker")
    world.sync()
    assert relations(world)["Mill South"]["FunctionCode"] == "Z001"
    world.control.associate(contact, second, "Billing")
    world.sync()
    row = relations(world)["Mill South"]
    assert (row["FunctionCode"], row["VIPReasonCode"], row["DepartmentCode"]) == ("", "", "Z001")


def test_a_label_field_that_sales_changed_stays_when_the_label_goes(pair: Any) -> None:
    world, contact, _, second = pair
    world.control.associate(contact, second, "Decision maker")
    world.sync()
    world.control.sales_edit(RELATION, relations(world)["Mill South"]["ObjectID"], FunctionCode="0003")
    world.control.associate(contact, second)
    world.sync()
    row = relations(world)["Mill South"]
    assert (row["FunctionCode"], row["VIPReasonCode"]) == ("0003", "")


def test_a_removed_association_deletes_the_relationship_that_we_made(pair: Any) -> None:
    world, contact, _, second = pair
    world.sync()
    world.control.separate(contact, second)
    world.sync()
    assert set(relations(world)) == {"Bakery North"}
    world.control.associate(contact, second)
    world.sync()
    assert set(relations(world)) == {"Bakery North", "Mill South"}


def test_a_removed_association_leaves_the_relationship_that_sales_made(pair: Any) -> None:
    world, contact, _, second = pair
    world.control.separate(contact, second)
    world.sync()
    person = world.control.row("Contact", HubSpotID_KUT=contact)
    world.control.sales_create(RELATION, ContactID=person["ContactID"], AccountID="4711", JobTitle="Advisor")
    world.control.associate(contact, second)
    world.sync()
    world.control.separate(contact, second)
    world.sync()
    assert relations(world)["Mill South"]["JobTitle"] == "Advisor"


def test_a_relationship_whose_creation_got_no_answer_is_still_known_as_ours(pair: Any) -> None:
    world, contact, _, second = pair
    world.control.fault("cut_after", method="POST", path=r"\$batch", body="POST ContactIsContactPersonForCollection")
    world.sync()
    assert set(relations(world)) == {"Bakery North", "Mill South"}
    world.control.separate(contact, second)
    world.sync()
    assert set(relations(world)) == {"Bakery North"}


def test_a_relationship_that_sales_removed_is_not_made_again(pair: Any) -> None:
    world, contact, _, _ = pair
    world.sync()
    world.control.sales_delete(RELATION, relations(world)["Mill South"]["ObjectID"])
    world.control.change(contact, jobtitle="Baker")
    world.sync()
    assert set(relations(world)) == {"Bakery North"}


def test_the_main_account_follows_the_primary_company_there_and_back(pair: Any) -> None:
    world, contact, first, second = pair
    world.sync()
    world.control.associate(contact, second, "Primary")
    world.sync()
    assert relations(world)["Mill South"]["ReverseMainIndicator"] is True
    assert relations(world)["Bakery North"]["ReverseMainIndicator"] is False
    world.control.associate(contact, first, "Primary")
    world.sync()
    assert relations(world)["Bakery North"]["ReverseMainIndicator"] is True


def test_the_former_primary_company_goes_with_its_relationship(pair: Any) -> None:
    world, contact, first, second = pair
    world.sync()
    world.control.associate(contact, second, "Primary")
    world.control.separate(contact, first)
    world.sync()
    assert set(relations(world)) == {"Mill South"}
    person = world.control.row("Contact", HubSpotID_KUT=contact)
    assert person["AccountID"] == "4711"
    assert world.control.row("Lead")["AccountPartyID"] == "4711"


def test_a_main_account_that_sales_chose_stays(pair: Any) -> None:
    world, contact, first, second = pair
    world.sync()
    chosen = world.control.sales_create("CorporateAccount", Name="Holding East", RoleCode="CRM000")
    person = world.control.row("Contact", HubSpotID_KUT=contact)
    world.control.sales_create(
        RELATION, ContactID=person["ContactID"], AccountID=chosen["AccountID"], ReverseMainIndicator=True
    )
    world.control.associate(contact, second, "Primary")
    world.sync()
    assert relations(world)["Holding East"]["ReverseMainIndicator"] is True
    world.control.change(contact, jobtitle="Baker")
    world.sync()
    assert relations(world)["Holding East"]["ReverseMainIndicator"] is True
    assert first


def test_nothing_more_is_written_once_all_is_as_it_should_be(pair: Any) -> None:
    world, _, _, _ = pair
    world.sync()
    world.wake_all()
    world.control.reset_counts()
    world.sync()
    operations = world.control.counts()["operations"]
    assert not any(operations[kind] for kind in ("create", "update", "delete"))
