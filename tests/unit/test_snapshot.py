"""Known records are found by a value as it is now, however they were learnt, changed and forgotten."""

from __future__ import annotations

from unit_builders import account, person

from sync.domain.entities import Entity
from sync.planner.snapshot import Ask, Lookup, Snapshot

BY_KEY = Lookup(Ask.BY_KEY, Entity.ACCOUNT, "200")


def numbered(snapshot: Snapshot, number: str) -> list[str]:
    return [record.object_id for record in snapshot.find(Entity.ACCOUNT, "AccountID", number)]


def test_one_record_in_the_place_of_another_is_found() -> None:
    snapshot = Snapshot()
    snapshot.learn(BY_KEY, [account("A1")])
    assert numbered(snapshot, "1a1") == ["A1"]
    snapshot.forget(Entity.ACCOUNT, "A1", [BY_KEY])
    snapshot.learn(BY_KEY, [account("A2")])
    assert numbered(snapshot, "1A1") == []
    assert numbered(snapshot, "1A2") == ["A2"]


def test_a_changed_value_is_found() -> None:
    snapshot = Snapshot()
    snapshot.learn(BY_KEY, [account("A1")])
    assert numbered(snapshot, "7") == []
    snapshot.changed(account("A1"), {"AccountID": "7"})
    assert numbered(snapshot, "7") == ["A1"]
    assert numbered(snapshot, "1A1") == []


def test_records_of_another_entity_are_left_alone() -> None:
    snapshot = Snapshot()
    snapshot.learn(BY_KEY, [account("A1")])
    assert numbered(snapshot, "1A1") == ["A1"]
    snapshot.removed(Entity.CONTACT, "A1")
    snapshot.created(person("A1"), [])
    assert numbered(snapshot, "1A1") == ["A1"]


def test_a_new_record_answers_the_lookup_by_its_id() -> None:
    snapshot = Snapshot()
    snapshot.created(account("A1"), [BY_KEY])
    [found] = snapshot.ask(Lookup(Ask.BY_ID, Entity.ACCOUNT, "A1")) or ()
    assert found.object_id == "A1"
    assert snapshot.ask(BY_KEY) is None
