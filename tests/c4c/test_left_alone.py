"""A person or lead that sales retired or deleted on purpose is left alone for good, until somebody takes that back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from c4c_world import World

pytestmark = pytest.mark.long

WHY = "retired by sales on 2026-11-28, ticket 4711"


def shown(world: World, *command: str) -> Any:
    return json.loads(world.cli(*command, "--json").out)


def handed_over(world: World) -> str:
    contact = world.control.contact(world.control.company())
    world.sync()
    return contact


def deleted(world: World) -> str:
    """A contact whose lead sales deleted."""
    contact = handed_over(world)
    world.control.sales_delete("Lead", world.control.row("Lead")["ObjectID"])
    return contact


def test_a_deleted_lead_is_settled_instead_of_missing_and_survives_later_changes(world: World) -> None:
    contact = deleted(world)
    assert [entry["entity"] for entry in shown(world, "verify")["missing"]] == ["Lead"]
    assert shown(world, "parked", "leave", contact, "--reason", WHY)["left_alone"] == [contact]
    for change in ({"lead_score": "20"}, {"lead_score": "95", "jobtitle": "Chair"}):
        world.control.change(contact, **change)
        world.sync()
    assert world.control.rows("Lead") == []
    assert world.control.row("Contact")["JobTitle"] != "Chair"
    answer = world.cli("verify", "--json")
    found = json.loads(answer.out)
    assert (found["missing"], answer.code) == ([], 0)
    assert [(entry["entity"], entry["text"]) for entry in found["settled"]] == [
        ("Lead", f"contact {contact} is left alone: {WHY}")
    ]
    told = shown(world, "explain", contact)
    assert told["code"] == "LEFT_ALONE"
    assert WHY in str(told["scores"])


def test_a_retired_person_is_parked_no_more_and_retry_takes_it_back(world: World) -> None:
    contact = handed_over(world)
    world.control.sales_edit("Contact", world.control.row("Contact")["ObjectID"], StatusCode="4")
    world.control.change(contact, jobtitle="Chair")
    world.sync()
    assert [row["code"] for row in shown(world, "parked", "list")] == ["CONTACT_AMBIGUOUS"]
    world.cli("parked", "leave", contact, "--reason", WHY)
    assert shown(world, "parked", "list") == []
    world.control.change(contact, jobtitle="Director")
    world.sync()
    assert shown(world, "parked", "list") == []
    assert (world.progress(contact).status, world.progress(contact).code) == ("done", "LEFT_ALONE")
    [row] = shown(world, "parked", "list", "--code", "LEFT_ALONE")
    assert (row["contact"], row["detail"]) == (contact, WHY)
    assert shown(world, "parked", "retry", contact)["retried"] == [contact]
    world.sync()
    assert [row["code"] for row in shown(world, "parked", "list")] == ["CONTACT_AMBIGUOUS"]
    assert shown(world, "parked", "list", "--code", "LEFT_ALONE") == []


def test_a_refusal_still_reaches_the_living_person(world: World) -> None:
    contact = deleted(world)
    world.cli("parked", "leave", contact, "--reason", WHY)
    world.control.change(contact, hs_email_optout="true")
    world.sync()
    assert [row["Consent"] for row in world.control.rows("ChannelPermission")] == ["2"]
    assert world.progress(contact).code == "LEFT_ALONE"


def test_a_refusal_of_a_retired_person_parks_nobody(world: World) -> None:
    contact = handed_over(world)
    world.control.sales_edit("Contact", world.control.row("Contact")["ObjectID"], StatusCode="4")
    world.cli("parked", "leave", contact, "--reason", WHY)
    world.control.change(contact, hs_email_optout="true")
    world.sync()
    assert (world.progress(contact).status, world.progress(contact).code) == ("done", "LEFT_ALONE")


def test_retry_of_everything_takes_nobody_back(world: World) -> None:
    contact = deleted(world)
    world.cli("parked", "leave", contact, "--reason", WHY)
    world.cli("parked", "retry", "--all")
    world.sync()
    assert world.progress(contact).code == "LEFT_ALONE"


@pytest.mark.parametrize("reason", ["asked by ada@mail.example", "call +49 40 123456", "", "x" * 201])
def test_a_reason_with_somebodys_data_is_refused_in_a_sentence(world: World, reason: str) -> None:
    contact = handed_over(world)
    answer = world.cli("parked", "leave", contact, "--reason", reason)
    assert answer.code == 2
    assert "--reason" in answer.err
    assert "ada@" not in answer.err + answer.out
    assert shown(world, "parked", "list", "--code", "LEFT_ALONE") == []


def test_an_unknown_contact_is_named(world: World) -> None:
    handed_over(world)
    answer = world.cli("parked", "leave", "999", "--reason", WHY)
    assert (answer.code, "999" in answer.err) == (2, True)
