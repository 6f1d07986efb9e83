"""Consent by channel and marketing attributes: looked up first, never blanked, only ours taken back."""

from __future__ import annotations

from typing import Any

import pytest
from c4c_world import World

pytestmark = pytest.mark.long

CHANNELS = """
[[consent.channels]]
channel = "TEL"
property = "phone_consent"
granted = ["yes"]
refused = ["no"]
"""
ATTRIBUTES = """
[[attributes]]
set = "MARKETING"
attribute = "INTEREST"
source = "interests"
multiple = true
values = { bread = "B", cake = "C" }
may_blank = true

[[attributes]]
set = "MARKETING"
attribute = "SIZE"
source = "shop_size"
"""


@pytest.fixture
def rich(world: World) -> World:
    for name in ("phone_consent", "interests", "shop_size"):
        world.control.call(
            "POST", "/hubspot/properties/contacts", {"name": name, "type": "string", "fieldType": "text"}
        )
    path = world.directory / "config" / "qualification.toml"
    path.write_text(path.read_text().replace("\n[routes.default]", f"{CHANNELS}\n[routes.default]"))
    world.add_rules("mapping", ATTRIBUTES)
    return world


def channels(world: World) -> dict[str, str]:
    rows = world.control.rows("ChannelPermission")
    found = {row["Channel"]: row["Consent"] for row in rows}
    assert len(found) == len(rows)
    return found


def values(world: World) -> list[tuple[str, str]]:
    rows = world.control.rows("BusinessAttributeAssignmentItem")
    return sorted((row["BusinessAttributeID"], row["BusinessAttributeValue"]) for row in rows)


# ---- consent


def test_refusal_and_consent_go_over_by_channel_in_one_permission_set(rich: World) -> None:
    rich.control.contact(rich.control.company(), hs_email_optout="true", phone_consent="yes")
    rich.sync()
    assert channels(rich) == {"INT": "2", "TEL": "1"}
    assert len(rich.control.rows("MarketingPermission")) == 1


def test_a_permission_set_that_c4c_made_by_itself_is_used(rich: World) -> None:
    rich.control.settings(creates_permission_set=True)
    rich.control.contact(rich.control.company(), hs_email_optout="true")
    rich.sync()
    assert len(rich.control.rows("MarketingPermission")) == 1
    assert channels(rich) == {"INT": "2"}


def test_what_hubspot_no_longer_says_blanks_nothing(rich: World) -> None:
    contact = rich.control.contact(rich.control.company(), hs_email_optout="true", phone_consent="no")
    rich.sync()
    rich.control.change(contact, hs_email_optout="", phone_consent="")
    rich.sync()
    assert channels(rich) == {"INT": "2", "TEL": "2"}


def test_consent_never_overrides_a_refusal_that_sales_noted_but_a_refusal_overrides_consent(rich: World) -> None:
    contact = rich.control.contact(rich.control.company(), phone_consent="yes")
    rich.sync()
    noted = rich.control.row("ChannelPermission")
    rich.control.sales_edit("ChannelPermission", noted["ObjectID"], Consent="2")
    rich.control.change(contact, jobtitle="Baker")
    rich.sync()
    assert channels(rich) == {"TEL": "2"}
    rich.control.sales_edit("ChannelPermission", noted["ObjectID"], Consent="1")
    rich.control.change(contact, phone_consent="no")
    rich.sync()
    assert channels(rich) == {"TEL": "2"}


def test_an_undefined_consent_counts_as_blank(rich: World) -> None:
    contact = rich.control.contact(rich.control.company())
    rich.sync()
    person = rich.control.row("Contact")
    permission = rich.control.sales_create("MarketingPermission", BusinessPartnerUUID=person["ContactUUID"])
    rich.control.sales_create("ChannelPermission", ParentObjectID=permission["ObjectID"], Channel="TEL", Consent="3")
    rich.control.change(contact, phone_consent="yes")
    rich.sync()
    assert channels(rich) == {"TEL": "1"}


# ---- marketing attributes


def test_several_values_come_and_go_with_the_property(rich: World) -> None:
    contact = rich.control.contact(rich.control.company(), interests="bread;cake;tea", shop_size="small")
    rich.sync()
    assert values(rich) == [("INTEREST", "B"), ("INTEREST", "C"), ("INTEREST", "tea"), ("SIZE", "small")]
    rich.control.change(contact, interests="cake;coffee", shop_size="large")
    rich.sync()
    assert values(rich) == [("INTEREST", "C"), ("INTEREST", "coffee"), ("SIZE", "large")]
    rich.control.change(contact, interests="", shop_size="")
    rich.sync()
    assert values(rich) == [("SIZE", "large")], "only a rule with may_blank takes values back"


def _noted_by_sales(world: World, attribute: str, value: str) -> dict[str, Any]:
    person = world.control.row("Contact")
    headers = world.control.rows("BusinessAttributeAssignment")
    header = headers[0] if headers else world.control.sales_create(
        "BusinessAttributeAssignment", BusinessPartnerID=person["ContactID"]
    )  # fmt: skip
    return world.control.sales_create(
        "BusinessAttributeAssignmentItem",
        ParentObjectID=header["ObjectID"],
        BusinessAttributeSetID="MARKETING",
        BusinessAttributeID=attribute,
        BusinessAttributeValue=value,
    )


def test_values_of_sales_are_neither_doubled_nor_changed_nor_taken_back(rich: World) -> None:
    contact = rich.control.contact(rich.control.company())
    rich.sync()
    _noted_by_sales(rich, "INTEREST", "B")
    _noted_by_sales(rich, "SIZE", "huge")
    rich.control.change(contact, interests="bread;cake", shop_size="small")
    rich.sync()
    assert values(rich) == [("INTEREST", "B"), ("INTEREST", "C"), ("SIZE", "huge")]
    rich.control.change(contact, interests="")
    rich.sync()
    assert values(rich) == [("INTEREST", "B"), ("SIZE", "huge")]


def test_a_value_that_sales_removed_or_corrected_stays_so(rich: World) -> None:
    contact = rich.control.contact(rich.control.company(), interests="bread;cake", shop_size="small")
    rich.sync()
    items = {
        row["BusinessAttributeValue"]: row["ObjectID"] for row in rich.control.rows("BusinessAttributeAssignmentItem")
    }
    rich.control.sales_delete("BusinessAttributeAssignmentItem", items["B"])
    rich.control.sales_edit("BusinessAttributeAssignmentItem", items["small"], BusinessAttributeValue="tiny")
    rich.control.change(contact, jobtitle="Baker", shop_size="medium")
    rich.sync()
    assert values(rich) == [("INTEREST", "C"), ("SIZE", "tiny")]


def test_values_whose_creation_got_no_answer_are_still_known_as_ours(rich: World) -> None:
    contact = rich.control.contact(rich.control.company(), interests="bread;cake")
    rich.control.fault("cut_after", method="POST", path=r"\$batch", body="POST BusinessAttributeAssignmentCollection")
    rich.sync()
    assert values(rich) == [("INTEREST", "B"), ("INTEREST", "C")]
    rich.control.change(contact, interests="cake")
    rich.sync()
    assert values(rich) == [("INTEREST", "C")]
    assert len(rich.control.rows("BusinessAttributeAssignment")) == 1


def test_services_that_nobody_enabled_are_closed_by_name_and_the_handover_goes_on(rich: World) -> None:
    rich.control.settings(
        hidden_services=[
            "MarketingPermission", "ChannelPermission", "BusinessAttributeAssignment",
            "BusinessAttributeAssignmentItem", "CorporateAccountTaxNumber", "Employee",
        ]
    )  # fmt: skip
    contact = rich.control.contact(rich.control.company(), hs_email_optout="true", interests="bread")
    rich.sync()
    assert rich.control.row("Lead")["HubSpotID_KUT"] == f"{contact}:mql:1"
    named = rich.cli("check").out
    for entity in ("MarketingPermission", "BusinessAttributeAssignment", "CorporateAccountTaxNumber", "Employee"):
        assert f"{entity}.*" in named


@pytest.mark.parametrize("value", ["TRUE", "Yes", "1", "ja", "maybe"])
def test_an_opt_out_counts_in_every_spelling_and_a_doubt_is_a_refusal_with_a_warning(world: World, value: str) -> None:
    world.control.call(
        "POST", "/hubspot/properties/contacts", {"name": "left_us", "type": "string", "fieldType": "text"}
    )
    world.replace_rule("qualification", 'optout_property = "hs_email_optout"', 'optout_property = "left_us"')
    contact = world.control.contact(world.control.company(), left_us=value)
    world.sync()
    assert channels(world) == {"INT": "2"}
    texts = [warning["text"] for warning in world.warnings(contact)]
    assert ("left_us is neither true nor false, taken for a refusal" in texts) is (value == "maybe")


@pytest.mark.parametrize(("value", "told"), [("NO", "2"), ("Yes", "1")])
def test_a_channel_s_value_counts_in_any_case(rich: World, value: str, told: str) -> None:
    rich.control.contact(rich.control.company(), phone_consent=value)
    rich.sync()
    assert channels(rich) == {"TEL": told}
