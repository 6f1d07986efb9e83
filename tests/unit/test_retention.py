"""What housekeeping removes, and what it keeps whatever its age."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from sync.domain.codes import Code
from sync.lifecycle import Status
from sync.state import decisions, tables
from sync.state.decisions import DecisionRecord
from sync.state.retention import EXPIRIES
from sync.state.store import Store, open_store

NOW = datetime(2026, 12, 1, tzinfo=UTC)
OLD, YOUNG = NOW - timedelta(days=800), NOW - timedelta(days=1)
BEFORE = NOW - timedelta(days=730)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = open_store(tmp_path / "state.db")
    yield found
    found.close()


def add(session: Session, contact: str, *more: Any, **fields: Any) -> None:
    """A contact that nobody has changed for long and that is settled, unless the fields say otherwise."""
    status = fields.pop("status", Status.DONE)
    settled_at = fields.pop("settled_at", OLD)
    session.add(tables.Contact(id=contact, **{"modified_at": OLD, "properties": {"lastname": "Sommer"}, **fields}))
    session.add(tables.Progress(contact_id=contact, status=status, settled_at=settled_at))
    session.add(tables.Association(contact_id=contact, company_id="7", category="HUBSPOT_DEFINED", type_id=1))
    session.add(tables.NameWord(word="sommer", kind="contacts", id=contact))
    session.add_all(more)
    decide(session, contact, Code.SCORE_BELOW_THRESHOLD, OLD)


def decide(session: Session, contact: str, code: Code, at: datetime) -> None:
    decisions.append(session, {contact: DecisionRecord(code, {}, "", "")}, {}, "r", at)


def lead(contact: str) -> tables.Handover:
    return tables.Handover(
        lead_key=f"{contact}:mql:1", contact_id=contact, score="mql", cycle=1, object_id="A", handed_over_at=OLD
    )


def left(store: Store) -> set[str]:
    with store.reading() as session:
        return set(session.exec(select(tables.Contact.id)))


def taken(store: Store, name: str) -> int:
    with store.session() as session:
        foreseen = EXPIRIES[name].count(session, BEFORE)
        removed = EXPIRIES[name].take(session, BEFORE, 100)
    assert foreseen == removed, "`status` foresees what goes"
    return removed


def test_contacts_that_do_not_matter_go_with_all_that_hangs_on_them(store: Store) -> None:
    with store.session() as session:
        add(session, "1")
        add(session, "2", modified_at=YOUNG)
        add(session, "3", modified_at=None)
        add(session, "4", tables.Crossing(contact_id="4", score="mql", crossed_at=OLD))
        add(session, "5", lead("5"))
        add(session, "6", tables.Link(entity="Contact", key="6", hubspot_id="6", object_id="A"))
        add(session, "7", tables.LeftAlone(contact_id="7", reason="", since=OLD))
        add(session, "8", status=Status.PARKED)
        add(session, "9", status=Status.PENDING)
        add(session, "10", archived=True)
        add(session, "11", tables.Reread(contact_id="11"))
        add(session, "12", tables.Link(entity="CorporateAccount", key="12", hubspot_id="12", object_id="A"))
    assert taken(store, "contacts") == 2
    assert left(store) == {"2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}, "an account of the same number is none"
    with store.reading() as session:
        for table in (tables.Progress, tables.Association, tables.Decision):
            assert session.exec(select(table).where(table.contact_id == "1")).all() == []
        assert session.exec(select(tables.NameWord).where(tables.NameWord.id == "1")).all() == []
        assert session.get(tables.Link, ("CorporateAccount", "12")) is not None


def test_contacts_that_hubspot_no_longer_has_go_unless_they_were_handed_over(store: Store) -> None:
    with store.session() as session:
        add(session, "1", archived=True)
        add(session, "2", erased=True)
        add(session, "3", tables.Alias(entity="Contact", old_id="3", new_id="4"), merged_into="4")
        add(session, "4")
        add(session, "5", lead("5"), archived=True)
        add(session, "6", archived=True, settled_at=YOUNG)
    assert taken(store, "gone") == 3
    assert left(store) == {"4", "5", "6"}
    with store.reading() as session:
        assert session.get(tables.Alias, ("Contact", "3")) is not None, "it leads to the survivor for good"


def test_the_newest_decision_and_the_last_runs_stay(store: Store) -> None:
    with store.session() as session:
        add(session, "1")
        decide(session, "1", Code.QUALIFIED, OLD + timedelta(days=1))
        for ok in (True, False, True):
            session.add(tables.JobRun(run_id="r", job="push", started_at=OLD, ok=ok))
    assert (taken(store, "decisions"), taken(store, "job_runs")) == (1, 1)
    with store.reading() as session:
        assert session.exec(select(tables.DecisionForm.code)).all() == ["QUALIFIED"]
        assert sorted(session.exec(select(tables.JobRun.id))) == [2, 3]


def test_a_portion_is_not_exceeded(store: Store) -> None:
    with store.session() as session:
        for n in range(5):
            add(session, str(n))
    with store.session() as session:
        assert EXPIRIES["contacts"].take(session, BEFORE, 2) == 2
    assert len(left(store)) == 3
