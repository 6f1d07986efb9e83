"""What HubSpot holds twice: who waits because of another person or company goes on when that one changes."""

from __future__ import annotations

import pytest
from rules_world import GOOD, PRIMARY, World, rules
from sqlmodel import select

from sync.admin.preview import preview
from sync.mirror import mirrored
from sync.state import tables
from sync.state.pending import mark_pending

ONE, OTHER = {**GOOD, "email": "ada@mail.example"}, {**GOOD, "email": "ADA@mail.example"}


def codes(world: World) -> dict[str, str | None]:
    with world.store.reading() as session:
        return {row.contact_id: row.code for row in session.exec(select(tables.Progress))}


@pytest.fixture
def world() -> World:
    made = World()
    made.companies({"7": {"name": "Firma"}, "8": {"name": "Andere"}})
    return made


def change(world: World, how: str) -> None:
    if how == "deleted":
        with world.store.session() as session:
            gone = mirrored.Fetched("2", OTHER, world.now, archived=True)
            mirrored.save_contacts(session, [gone], rules().qualification.scores, world.now)
    elif how == "at another company":
        world.associate({"2": [("8", PRIMARY)]})
    else:
        changes = {"of another address": {"email": "eva@mail.example"}, "colder": {"lead_score": "10"}}
        world.contacts(rules(), {"2": {**OTHER, **changes[how]}})


@pytest.mark.parametrize("how", ["deleted", "of another address", "at another company", "colder"])
def test_a_person_goes_on_when_its_double_is(world: World, how: str) -> None:
    world.contacts(rules(), {"1": ONE, "2": OTHER})
    world.associate({i: [("7", PRIMARY)] for i in ("1", "2")})
    world.push(rules())
    assert codes(world) == {"1": "CONTACT_DUPLICATE", "2": "CONTACT_DUPLICATE"}
    change(world, how)
    planned = {(row["entity"], row["key"]) for row in preview(world.context(rules()))["records"]}
    assert ("Lead", "1:mql:1") in planned
    world.push(rules())
    assert codes(world)["1"] == "QUALIFIED"


@pytest.mark.parametrize("remembered", [True, False], ids=["remembered", "after the state was lost"])
def test_a_person_whom_sales_retired_was_there_before_its_double(world: World, remembered: bool) -> None:
    """It is a matter for sales; that HubSpot holds somebody twice concerns the double alone."""
    world.contacts(rules(), {"1": ONE})
    world.associate({"1": [("7", PRIMARY)]})
    world.push(rules())
    [person] = world.c4c.store.rows("Contact")
    world.c4c.store.change("Contact", person["ObjectID"], {"StatusCode": "4"})
    if not remembered:
        world = World(c4c=world.c4c)
        world.companies({"7": {"name": "Firma"}})
    world.contacts(rules(), {"1": ONE, "2": OTHER})
    world.associate({i: [("7", PRIMARY)] for i in ("1", "2")})
    look_at_all(world)
    assert codes(world) == {"1": "CONTACT_AMBIGUOUS", "2": "CONTACT_DUPLICATE"}


def look_at_all(world: World) -> None:
    with world.store.session() as session:
        mark_pending(session, mirrored.all_ids(session), world.now)
    world.push(rules())
