"""What is known of C4C while planning: what a write teaches, and what has to be read again."""

from __future__ import annotations

from sync.planner.snapshot import Ask, Lookup, Record, Snapshot

RELATION = "ContactIsContactPersonFor"
OF_PERSON = Lookup(Ask.PARTS_OF, RELATION, "P1")


def row(object_id: str, *, main: bool = False) -> Record:
    return Record(RELATION, object_id, {"ReverseMainIndicator": main})


def test_a_created_record_answers_what_was_asked() -> None:
    snapshot = Snapshot()
    snapshot.learn(OF_PERSON, [row("R1")])
    snapshot.created(row("R2"), [OF_PERSON])
    assert snapshot.ask(OF_PERSON) == (row("R1"), row("R2"))


def test_a_created_record_alone_is_no_answer_to_what_is_to_be_read_again() -> None:
    """Two relationships in one wave: the first takes the mark from another row, so all rows are to be read again."""
    snapshot = Snapshot()
    snapshot.learn(OF_PERSON, [row("R1", main=True)])
    snapshot.created(row("R2", main=True), [OF_PERSON])
    snapshot.forget(RELATION, None, [OF_PERSON])
    snapshot.created(row("R3"), [OF_PERSON])
    assert snapshot.ask(OF_PERSON) is None
