"""Records that were merged away or closed down in C4C: resolved anew where that is clear, parked where it is not."""

from __future__ import annotations

import json

import pytest
from c4c_world import World

pytestmark = pytest.mark.long


def keyed(world: World, entity: str, key: str) -> list[str]:
    """ObjectIDs of the records that carry the key."""
    return [row["ObjectID"] for row in world.control.rows(entity) if row["HubSpotID_KUT"] == key]


@pytest.mark.parametrize("state_lost", [False, True])
def test_a_merged_account_is_resolved_anew_and_the_obsolete_one_gives_its_key_up(
    world: World, state_lost: bool
) -> None:
    control = world.control
    company = control.company("Bakery North")
    contact = control.contact(company)
    world.sync()
    old = control.row("CorporateAccount")["ObjectID"]
    into = control.sales_create(
        "CorporateAccount", Name="Bakery North AG", RoleCode="CRM000", WebSite="www.Bakery.example"
    )
    control.call("POST", "/c4c/merge", {"entity": "CorporateAccount", "from": old, "into": into["ObjectID"]})
    if state_lost:
        (world.directory / "state.db").unlink()
    else:
        control.change(contact, lead_score="90")
    world.sync()
    assert keyed(world, "CorporateAccount", company) == [into["ObjectID"]]
    assert len(control.rows("CorporateAccount")) == 2
    assert control.row("Lead")["AccountPartyUUID"] == into["UUID"]


@pytest.mark.parametrize("state_lost", [False, True])
def test_a_merged_contact_is_resolved_anew_within_its_account(world: World, state_lost: bool) -> None:
    control = world.control
    contact = control.contact(control.company(), lastname="Winter")
    world.sync()
    old = control.row("Contact")
    into = control.sales_create("Contact", LastName="Winter", Email="WINTER@mail.example", AccountID=old["AccountID"])
    control.call("POST", "/c4c/merge", {"entity": "Contact", "from": old["ObjectID"], "into": into["ObjectID"]})
    if state_lost:
        (world.directory / "state.db").unlink()
    control.change(contact, lead_score="90")
    world.sync()
    assert keyed(world, "Contact", contact) == [into["ObjectID"]]
    assert control.row("Lead")["ContactUUID"] == into["ContactUUID"]


def test_what_cannot_be_resolved_is_parked_and_nothing_is_created(world: World) -> None:
    control = world.control
    company = control.company()
    contact = control.contact(company)
    world.sync()
    old = control.row("CorporateAccount")["ObjectID"]
    control.sales_edit("CorporateAccount", old, LifeCycleStatusCode="4")
    control.change(contact, lead_score="90")
    world.once()
    progress = world.progress(contact)
    assert (progress.status, progress.code) == ("parked", "ACCOUNT_AMBIGUOUS")
    assert f"links set CorporateAccount {company}" in str(progress.detail)
    assert len(control.rows("CorporateAccount")) == 1

    into = control.sales_create("CorporateAccount", Name="Successor", RoleCode="CRM000")
    answer = world.cli("links", "set", "CorporateAccount", company, into["AccountID"])
    assert answer.code == 0, answer.err
    world.sync()
    assert world.progress(contact).status == "done"
    assert keyed(world, "CorporateAccount", company) == [into["ObjectID"]]
    assert control.row("Lead")["AccountPartyUUID"] == into["UUID"]


def test_an_obsolete_record_that_keeps_its_key_parks_the_contact(world: World) -> None:
    control = world.control
    company = control.company("Bakery North")
    contact = control.contact(company)
    world.sync()
    old = control.row("CorporateAccount")["ObjectID"]
    into = control.sales_create("CorporateAccount", Name="B", RoleCode="CRM000", WebSite="bakery.example")
    control.call("POST", "/c4c/merge", {"entity": "CorporateAccount", "from": old, "into": into["ObjectID"]})
    refusal = '{"error":{"code":"X","message":{"value":"Obsolete accounts cannot be changed"}}}'
    part = f"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\r\n{refusal}"
    body = f"--r\r\nContent-Type: application/http\r\n\r\n{part}\r\n--r--\r\n"
    control.fault(
        "status", method="POST", path=r"\$batch", body=f"PATCH CorporateAccountCollection\\('{old}'\\)", times=None,
        status=202, body_out=body, headers={"content-type": "multipart/mixed; boundary=r"},
    )  # fmt: skip
    control.change(contact, lead_score="90")
    world.once()
    assert (world.progress(contact).status, world.progress(contact).code) == ("parked", "C4C_REJECTED")
    assert keyed(world, "CorporateAccount", company) == [old]
    control.call("DELETE", "/faults")


def test_two_candidates_are_both_named_with_the_command_that_settles_it(world: World) -> None:
    control = world.control
    company = control.company("Bakery North")
    contact = control.contact(company)
    twins = [
        control.sales_create("CorporateAccount", Name=f"Bakery {n}", RoleCode="CRM000", WebSite="bakery.example")
        for n in range(2)
    ]
    world.once()
    progress = world.progress(contact)
    assert (progress.status, progress.code) == ("parked", "ACCOUNT_AMBIGUOUS")
    assert all(twin["ObjectID"] in str(progress.detail) for twin in twins)
    assert f"hubspot-c4c-sync links set CorporateAccount {company}" in str(progress.detail)
    assert control.rows("Lead") == []
    assert world.cli("links", "set", "company", company, twins[1]["ObjectID"]).code == 0
    world.sync()
    assert keyed(world, "CorporateAccount", company) == [twins[1]["ObjectID"]]
    assert control.row("Lead")["AccountPartyUUID"] == twins[1]["UUID"]


def test_verify_names_a_retired_account_and_what_to_do(world: World) -> None:
    """Its contact may be settled or parked: nobody else would say it before something is to be written."""
    company = world.control.company()
    contact = world.control.contact(company)
    world.sync()
    row = world.control.row("CorporateAccount")
    world.control.sales_edit("CorporateAccount", row["ObjectID"], LifeCycleStatusCode="4")
    for change in ({}, {"jobtitle": "Miller"}):
        if change:
            world.control.change(contact, **change)
            world.once()
        [named] = json.loads(world.cli("verify", "--json").out)["obsolete"]
        assert (named["key"], named["number"]) == (company, row["AccountID"])
        assert f"links set CorporateAccount {company} OBJECT_ID" in named["text"]
    assert "was retired in SAP Sales Cloud" in world.cli("verify").out
