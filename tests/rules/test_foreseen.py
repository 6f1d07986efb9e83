"""What is foreseen against what happens: `simulate` and `plan` on random worlds, and then the real run, write by write.

Between the first run and the foretelling a world lives on: scores, consents and companies change in HubSpot, sales
edits, adds, deletes and closes in SAP Sales Cloud.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from examples import examples
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from random_world import SHIPPED, Change, changes, edits, mirrors, rule_sets, strangers
from rules_world import GOOD, PRIMARY, World, rules
from sqlmodel import select

from sync.admin.preview import preview
from sync.admin.simulate import simulate
from sync.contracts import tenant_memory
from sync.contracts.tenant import read_tenant
from sync.domain.rules import Rules
from sync.domain.views import Label, Link
from sync.mirror import loading, mirrored
from sync.planner import effects
from sync.planner.qualify import qualify
from sync.planner.target import Written
from sync.planner.writes import Write
from sync.state import tables
from sync.state.pending import mark_pending

NAMES = {"CorporateAccount": ("UUID", "AccountID"), "Contact": ("ContactUUID", "ContactID")}
"""The fields that C4C fills in, and that other records name a new record by."""

Writes = dict[tuple[str, str], tuple[str, dict[str, Any]]]
"""(entity, key) → (action, fields)."""

# A world takes a while to build, so a failing one is shown as it is instead of being shrunk for minutes.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
UNHURRIED = examples(3, long=40, suppress_health_check=list(HealthCheck), phases=PHASES)


# ---- what happened, in the words of the prediction


def link_keys(world: World) -> dict[tuple[str, str], str]:
    """(entity, ObjectID) → key."""
    with world.store.reading() as session:
        return {(row.entity, row.object_id): row.key for row in session.exec(select(tables.Link))}


def real_writes(world: World, before: dict[tuple[str, str], str], foreknown: set[str]) -> Writes:
    """What was written since the log was cleared; `foreknown`: ids that a prediction can name."""
    links = {**before, **link_keys(world)}
    names = _names_of_new_records(world, links, foreknown)
    found: Writes = {}
    for action, entity, body in world.c4c.log:
        fields = {name: names.get(str(value), value) for name, value in body.items() if name != "ObjectID"}
        key = links[entity, body["ObjectID"]]
        if fields == {"HubSpotID_KUT": ""}:
            # A retired record gives its key up before another one takes it: two records, under one key.
            key = f"{key} (on {body['ObjectID']})"
        first = found.get((entity, key))
        found[entity, key] = (first[0], {**first[1], **fields}) if first else (action, fields)
    return found


def _names_of_new_records(world: World, links: dict[tuple[str, str], str], foreknown: set[str]) -> dict[str, str]:
    """Ids that nobody could know before, as the prediction paraphrases them."""
    found = {}
    for (entity, object_id), key in links.items():
        row = world.c4c.store.get(entity, object_id)
        if row and object_id not in foreknown:
            shown = f"(of the new {entity} {key})"
            found |= {str(row[name]): shown for name in (*NAMES.get(entity, ()), "ObjectID")}
    return found


def predicted_writes(world: World, now: Rules, then: Rules, portion: int) -> tuple[Writes, list[str], list[str]]:
    outcome = simulate(world.store, now, then, portion=portion)
    try:
        rows = list(outcome.spool.written("then"))
        moves = [[moved[0] for moved in outcome.spool.moved(way)] for way in ("entering", "leaving")]
    finally:
        outcome.close()
    return as_writes(rows), *moves


def as_writes(rows: list[dict[str, Any]]) -> Writes:
    return {(r["entity"], r["key"]): (r["action"], {n: f["to"] for n, f in r["fields"].items()}) for r in rows}


def settle(world: World, now: Rules) -> None:
    """The first run."""
    context = world.context(now)
    with world.store.session() as session:
        tenant_memory.remember_tenant(session, read_tenant(context.c4c, now, world.now)[0])
    world.push(now)


def look_at_everybody(world: World, now: Rules) -> None:
    with world.store.session() as session:
        mark_pending(session, mirrored.all_ids(session), world.now)
    world.push(now)


def qualifying(world: World, of: Rules) -> set[str]:
    """Contacts that meet the rules, whatever became of their leads."""
    with world.store.reading() as session:
        views = loading.views(session, mirrored.all_ids(session))
    return {contact for contact, view in views.items() if any(d.qualified for d in qualify(view, of))}


@UNHURRIED
@given(mirrors(), rule_sets(), rule_sets(), edits(), changes(), changes(), st.sampled_from([2, 500]))
def test_simulate_predicts_the_writes_of_the_next_run(
    world: World,
    now: Rules,
    then: Rules,
    by_sales: list[Change],
    seen: list[Change],
    unseen: list[Change],
    portion: int,
) -> None:
    """What sales did is known as far as a run read it; what HubSpot has changed since is in the mirror."""
    settle(world, now)
    undo = [edit(world, now) for edit in by_sales]
    for change in seen:
        change(world, now)
    world.c4c.forget_reads()
    look_at_everybody(world, now)
    for take_back in reversed(undo):
        take_back()
    for change in unseen:
        change(world, now)
    before = qualifying(world, now)
    expected, entering, leaving = predicted_writes(world, now, then, portion)
    world.c4c.log.clear()
    known = link_keys(world)
    world.push(then)
    assert real_writes(world, known, {object_id for _, object_id in known}) == expected
    after = qualifying(world, then)
    assert (set(entering), set(leaving)) == (after - before, before - after)
    world.store.close()


# ---- what is remembered of it

Memories = dict[tuple[str, str], tuple[str, dict[str, Any]]]
"""(entity, key) → (origin, values sent) of the pair as it was learned last; ids of new records by what they stand for."""


@contextmanager
def learning(there: set[str]) -> Iterator[Memories]:
    """What is learned meanwhile, by whichever journal: all of it goes through one function, or nothing is seen here.

    `there`: ObjectIDs of before. C4C makes some records by itself, such as a new contact's set of permissions.
    """
    found: Memories = {}
    names: dict[str, str] = {}
    learn = effects.learn

    def watched(write: Write, result: Written, *rest: Any) -> Link | None:
        nonlocal names
        link = learn(write, result, *rest)
        if result.record:
            shown = f"(of the new {write.entity} {write.key})"
            names |= {result.record.text(name): shown for name in (*NAMES.get(write.entity, ()), "ObjectID")}
        if link:
            sent = {name: names.get(str(value), value) for name, value in link.sent.items()}
            if "ParentObjectID" in sent and sent["ParentObjectID"] not in there:
                sent["ParentObjectID"] = "(of a new record)"
            found[link.entity, link.key] = (link.origin, sent)
        return link

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(effects, "learn", watched)
        yield found


@UNHURRIED
@given(mirrors(), rule_sets(), st.booleans(), edits(), st.lists(strangers(), max_size=2), changes())
def test_plan_shows_the_writes_of_the_next_push(
    world: World, now: Rules, in_service: bool, by_sales: list[Change], found: list[Change], seen: list[Change]
) -> None:
    """It asks SAP Sales Cloud, so nothing is hidden from it, not even at the very first run.

    Of each record the run remembers what the dry run has remembered.
    """
    if in_service:
        settle(world, now)
    for change in (*by_sales, *found, *seen):
        change(world, now)
    with world.store.session() as session:
        mark_pending(session, mirrored.all_ids(session), world.now)
    known, there = link_keys(world), world.c4c.ids()
    with learning(there) as foreseen:
        expected = as_writes(preview(world.context(now))["records"])
    world.c4c.log.clear()
    with learning(there) as remembered:
        world.push(now)
    assert real_writes(world, known, there) == expected
    assert {pair: memory for pair, memory in remembered.items() if pair in expected} == foreseen
    world.store.close()


def test_plan_shows_what_is_filled_in_at_a_new_main_relationship() -> None:
    """Sales' own department stays with the former work place: the new one has none, and the rules fill it in."""
    department = '    { target = "Department", value = "Einkauf", rule = "fill_blank" },\n'
    email = '    { target = "Email", source = "email"'
    now = rules(mapping=SHIPPED.replace(email, department + email, 1))
    world, further = World(), Label("HUBSPOT_DEFINED", 279)
    world.companies({"1": {"name": "Eins"}, "2": {"name": "Zwei"}})
    world.contacts(now, {"100": {**GOOD, "jobtitle": "Einkäufer"}, "101": GOOD})
    world.associate({"100": [("1", PRIMARY), ("2", further)], "101": [("2", PRIMARY)]})
    settle(world, now)
    [person] = [row for row in world.c4c.store.rows("Contact") if row["HubSpotID_KUT"] == "100"]
    world.c4c.store.change("Contact", person["ObjectID"], {"Department": "Lager"})
    world.contacts(now, {"100": {**GOOD, "jobtitle": "Leiter Einkauf"}})
    world.associate({"100": [("2", PRIMARY), ("1", further)]})
    expected = as_writes(preview(world.context(now))["records"])
    world.c4c.log.clear()
    known, there = link_keys(world), world.c4c.ids()
    world.push(now)
    assert expected["Contact", "100"] == ("update", {"JobTitle": "Leiter Einkauf", "Department": "Einkauf"})
    assert real_writes(world, known, there) == expected
    world.store.close()
