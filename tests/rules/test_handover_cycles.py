"""Hysteresis and cycles on the real push: one lead for a score that swings, the next one only when it is due."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rules_world import GOOD, PRIMARY, World, rules

from sync.state.pending import mark_pending

CLOSED, ACCEPTED = "4", "3"


@pytest.fixture
def world() -> World:
    made = World()
    made.companies({"7": {"name": "Firma 7", "country": "DE"}})
    made.contacts(rules(), {"123": {**GOOD, "lead_score": "10"}})
    made.associate({"123": [("7", PRIMARY)]})
    return made


def score(world: World, points: int) -> None:
    """The score is polled and pushed, a minute later than before."""
    world.now += timedelta(minutes=1)
    world.contacts(rules(), {"123": {**GOOD, "lead_score": str(points)}})
    world.push(rules())


def close(world: World) -> None:
    for lead in world.leads():
        world.c4c.store.update("Lead", lead["ObjectID"], LifeCycleStatusCode=CLOSED)


def look_again(world: World) -> None:
    """Something else about the contact changes."""
    world.now += timedelta(minutes=1)
    with world.store.session() as session:
        mark_pending(session, ["123"], world.now)
    world.push(rules())


def keys(world: World) -> list[str]:
    return sorted(lead["HubSpotID_KUT"] for lead in world.leads())


def test_74_75_74_75_gives_one_handover(world: World) -> None:
    for points in (74, 75, 74, 75, 74, 75):
        score(world, points)
    assert keys(world) == ["123:mql:1"]


def test_below_the_rearm_level_while_the_lead_is_open_gives_no_second_one(world: World) -> None:
    for points in (80, 50, 80):
        score(world, points)
    assert keys(world) == ["123:mql:1"]


def test_closed_but_never_below_the_rearm_level_gives_no_second_one(world: World) -> None:
    score(world, 80)
    close(world)
    for points in (60, 74, 80):
        score(world, points)
    assert keys(world) == ["123:mql:1"]


def test_closed_then_below_then_crossing_starts_cycle_2(world: World) -> None:
    score(world, 80)
    close(world)
    for points in (59, 80):
        score(world, points)
    assert keys(world) == ["123:mql:1", "123:mql:2"]


def test_below_then_closed_then_crossing_starts_cycle_2(world: World) -> None:
    for points in (80, 59):
        score(world, points)
    close(world)
    score(world, 80)
    assert keys(world) == ["123:mql:1", "123:mql:2"]


def test_closing_alone_is_no_crossing(world: World) -> None:
    """80, 50, 80 while the lead is open; then sales closes it: nothing was crossed since, so no new lead."""
    for points in (80, 50, 80):
        score(world, points)
    close(world)
    look_again(world)
    assert keys(world) == ["123:mql:1"]
    for points in (74, 80):
        score(world, points)
    assert keys(world) == ["123:mql:1", "123:mql:2"]


def test_a_lost_state_learns_closed_leads_anew(world: World) -> None:
    """After the state was lost the closed lead is found again, and the next cycle starts when it is due."""
    score(world, 80)
    close(world)
    fresh = World(c4c=world.c4c, now=world.now)
    fresh.companies({"7": {"name": "Firma 7", "country": "DE"}})
    fresh.contacts(rules(), {"123": GOOD})
    fresh.associate({"123": [("7", PRIMARY)]})
    fresh.push(rules())
    assert keys(fresh) == ["123:mql:1"]
    for points in (59, 80):
        score(fresh, points)
    assert keys(fresh) == ["123:mql:1", "123:mql:2"]


def test_tiers_arm_again_on_their_labels_only() -> None:
    text = '[[scores]]\nname = "t"\nproperty = "tier"\ntiers = ["A"]\nrearm_tiers = ["C"]\n'
    world = World()
    world.companies({"7": {"name": "Firma 7"}})
    for tier in ("A", "B", "A", "C", "A"):
        world.now += timedelta(minutes=1)
        world.contacts(rules(text), {"123": {**GOOD, "tier": tier}})
        world.associate({"123": [("7", PRIMARY)]})
        world.push(rules(text))
        close(world)
        if tier == "B":
            assert keys(world) == ["123:t:1"]
    assert keys(world) == ["123:t:1", "123:t:2"]
