"""A dry run's target reads through, pretends writes, and answers as they left it, whatever was asked before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from unit_builders import account, person, shipped

from sync.domain.entities import Entity
from sync.planner.compare import Change
from sync.planner.predicting.dry_run_target import DryRunTarget
from sync.planner.snapshot import Ask, Lookup, Record, Snapshot
from sync.planner.writes import Write

LOOKUP = Lookup(Ask.PARTS_OF, Entity.RELATION, "C1")


@dataclass
class Real:
    """What C4C holds, by lookup; `asked` counts how often it was looked for."""

    holds: dict[Lookup, list[Record]] = field(default_factory=dict)
    refuses: dict[Lookup, str] = field(default_factory=dict)
    asked: list[Lookup] = field(default_factory=list)

    def find(self, lookups: Iterable[Lookup], snapshot: Snapshot) -> None:
        for lookup in lookups:
            self.asked.append(lookup)
            if lookup in self.refuses:
                snapshot.refused[lookup] = self.refuses[lookup]
            else:
                snapshot.learn(lookup, self.holds.get(lookup, []))


def dry(real: Real | None = None) -> DryRunTarget:
    return DryRunTarget(real or Real(), shipped().mapping.key_fields())


def relation(object_id: str, contact: str = "C1") -> dict[str, str]:
    return {"ObjectID": object_id, "ParentObjectID": contact}


def answers(target: DryRunTarget, lookup: Lookup = LOOKUP) -> list[str]:
    snapshot = Snapshot()
    target.find([lookup], snapshot)
    return [record.object_id for record in snapshot.ask(lookup) or ()]


def write(target: DryRunTarget, *writes: Write) -> list[Record | None]:
    return [result.record for results in target.apply(writes) for _, result in results]  # type: ignore[union-attr]


def test_a_record_added_after_a_lookup_answers_the_next() -> None:
    target = dry()
    target.add(Entity.RELATION, relation("R1"))
    assert answers(target) == ["R1"]
    target.add(Entity.RELATION, relation("R2"))
    assert answers(target) == ["R1", "R2"]


def test_a_deleted_record_answers_no_more() -> None:
    target = dry()
    target.add(Entity.RELATION, relation("R1"))
    assert answers(target) == ["R1"]
    write(target, Write(Entity.RELATION, "1:2", "delete", object_id="R1"))
    assert answers(target) == []


def test_a_changed_record_answers_what_it_is_now() -> None:
    target = dry()
    target.add(Entity.CONTACT, {"ObjectID": "C1", "AccountID": "1"})
    before, after = (Lookup(Ask.CONTACTS_OF, Entity.CONTACT, account) for account in ("1", "2"))
    assert (answers(target, before), answers(target, after)) == (["C1"], [])
    write(target, Write(Entity.CONTACT, "1", "update", (Change("AccountID", "1", "2", "hubspot_wins"),), "C1"))
    assert (answers(target, before), answers(target, after)) == ([], ["C1"])


def test_kinds_of_lookups_are_told_apart() -> None:
    target = dry()
    target.add(Entity.RELATION, relation("R1"))
    assert answers(target) == ["R1"]
    assert answers(target, Lookup(Ask.BY_ID, Entity.RELATION, "R1")) == ["R1"]


def test_what_was_read_once_is_not_read_again_and_stays_as_it_was_read() -> None:
    by_key, by_id = Lookup(Ask.BY_KEY, Entity.CONTACT, "100"), Lookup(Ask.BY_ID, Entity.CONTACT, "C1")
    real = Real({by_key: [person("C1", JobTitle="Baker")]})
    target, snapshot = dry(real), Snapshot()
    target.find([by_key], snapshot)
    write(
        target, Write(Entity.CONTACT, "100", "update", (Change("JobTitle", "Baker", "Miller", "hubspot_wins"),), "C1")
    )
    target.find([by_key, by_id], snapshot)
    assert [record.text("JobTitle") for record in snapshot.ask(by_id) or ()] == ["Miller"]
    assert real.asked == [by_key]
    assert [record.text("JobTitle") for record in target.read().ask(by_key) or ()] == ["Baker"]


def test_an_id_that_was_made_up_is_asked_of_nobody() -> None:
    real = Real()
    target = dry(real)
    [made] = write(target, Write(Entity.ACCOUNT, "200", "create", (Change("Name", None, "Acme", "hubspot_wins"),)))
    assert made
    assert answers(target, Lookup(Ask.BY_ID, Entity.ACCOUNT, made.object_id)) == [made.object_id]
    assert real.asked == []
    assert target.shown(made.object_id) == "(of the new CorporateAccount 200)"


def test_a_refused_lookup_stays_refused() -> None:
    target, snapshot = dry(Real(refuses={LOOKUP: "no filter by parent"})), Snapshot()
    target.find([LOOKUP], snapshot)
    assert snapshot.refused == {LOOKUP: "no filter by parent"}


def test_a_new_person_comes_with_the_relationship_to_its_account() -> None:
    """C4C makes it by itself, also where the account is one that was read."""
    by_key = Lookup(Ask.BY_KEY, Entity.ACCOUNT, "200")
    known = account("A1")
    target = dry(Real({by_key: [known]}))
    target.find([by_key], Snapshot())
    uuid = Change("AccountUUID", None, known.text("UUID"), "hubspot_wins")
    [made] = write(target, Write(Entity.CONTACT, "100", "create", (uuid,)))
    assert made
    [relationship] = answers(target, Lookup(Ask.PARTS_OF, Entity.RELATION, made.object_id))
    assert target.shown(relationship) == "(main relationship of (of the new Contact 100))"
