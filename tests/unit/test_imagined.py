"""What is only imagined answers questions as it is now, whatever was asked before."""

from unit_builders import shipped

from sync.domain.entities import Entity
from sync.planner.compare import Change
from sync.planner.imagine import Imagined
from sync.planner.snapshot import Ask, Lookup, Snapshot
from sync.planner.writes import Write

LOOKUP = Lookup(Ask.PARTS_OF, Entity.RELATION, "C1")


def relation(object_id: str, contact: str = "C1") -> dict[str, str]:
    return {"ObjectID": object_id, "ParentObjectID": contact}


def answers(imagined: Imagined, lookup: Lookup = LOOKUP) -> list[str]:
    return [record.object_id for record in imagined.answer(lookup)]


def test_a_record_added_after_a_question_answers_the_next() -> None:
    imagined = Imagined(shipped())
    imagined.add(Entity.RELATION, relation("R1"))
    assert answers(imagined) == ["R1"]
    imagined.add(Entity.RELATION, relation("R2"))
    assert answers(imagined) == ["R1", "R2"]


def test_a_deleted_record_answers_no_more() -> None:
    imagined = Imagined(shipped())
    imagined.add(Entity.RELATION, relation("R1"))
    assert answers(imagined) == ["R1"]
    imagined.write(Write(Entity.RELATION, "1:2", "delete", object_id="R1"), {}, Snapshot())
    assert answers(imagined) == []


def test_a_changed_record_answers_what_it_is_now() -> None:
    imagined, snapshot = Imagined(shipped()), Snapshot()
    imagined.add(Entity.CONTACT, {"ObjectID": "C1", "AccountID": "1"})
    before, after = (Lookup(Ask.CONTACTS_OF, Entity.CONTACT, account) for account in ("1", "2"))
    snapshot.learn(before, imagined.answer(before))
    assert answers(imagined, after) == []
    moved = Write(Entity.CONTACT, "1", "update", (Change("AccountID", "1", "2", "hubspot_wins"),), "C1")
    imagined.write(moved, {}, snapshot)
    assert (answers(imagined, before), answers(imagined, after)) == ([], ["C1"])


def test_kinds_of_questions_are_told_apart() -> None:
    imagined = Imagined(shipped())
    imagined.add(Entity.RELATION, relation("R1"))
    assert answers(imagined) == ["R1"]
    assert answers(imagined, Lookup(Ask.BY_ID, Entity.RELATION, "R1")) == ["R1"]
