"""Decisions in narrow rows: nothing is lost, the same answer is kept once, and older files are brought to this form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from sync.domain.codes import Code
from sync.state import decisions, migration
from sync.state.decisions import DecisionRecord, Newest, packed, unpacked
from sync.state.retention import EXPIRIES
from sync.state.store import Store, open_store

NOW = datetime(2026, 11, 21, 17, tzinfo=UTC)
TEXTS = st.text(max_size=30) | st.sampled_from(
    ["company 17: primary of 2", "00163E0C5B3F1EE7A9D3B1C2D4E5F607", "a·b 1 2"]
)
BODIES = st.dictionaries(TEXTS, st.lists(st.dictionaries(TEXTS, TEXTS | st.none() | st.integers())), max_size=3)


@examples(200)
@given(BODIES)
def test_a_document_is_put_together_again(body: dict[str, object]) -> None:
    assert unpacked(*packed(body)) == body


def test_documents_that_differ_in_numbers_share_a_form() -> None:
    one, other = ({"text": f"company {n}: score {n + 20} < 75"} for n in (7, 123))
    assert packed(one)[0] == packed(other)[0]
    assert packed(one)[1] == "7 27 75"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "state.db")
    yield made
    made.close()


def record(score: int, code: Code = Code.SCORE_BELOW_THRESHOLD, valid_until: datetime | None = None) -> DecisionRecord:
    body = {"scores": [{"score": "mql", "code": str(code), "reasons": []}], "warnings": [], "points": str(score)}
    return DecisionRecord(code, body, "rules", f"input {score}", valid_until)


def decide(store: Store, run: str, at: datetime, **scores: int) -> set[str]:
    with store.session() as session:
        known = decisions.newest(session, scores)
        return decisions.append(session, {c: record(n) for c, n in scores.items()}, known, run, at)


def rows(store: Store, table: str) -> int:
    with store.reading() as session:
        return int(session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0)


def test_only_what_is_new_is_stored_and_what_was_in_force_is_found(store: Store) -> None:
    assert decide(store, "first", NOW, c1=40, c2=41) == {"c1", "c2"}
    assert decide(store, "second", NOW + timedelta(hours=1), c1=40, c2=50) == {"c2"}
    assert (rows(store, "decision"), rows(store, "decision_form"), rows(store, "decision_pass")) == (3, 1, 2)
    with store.reading() as session:
        before = decisions.at(session, "c2", NOW + timedelta(minutes=30))
        after = decisions.at(session, "c2")
        assert before is not None
        assert after is not None
        assert (before.body, before.run_id, before.decided_at) == (record(41).body, "first", NOW)
        assert (after.body, after.run_id, after.input_fingerprint) == (record(50).body, "second", "input 50")
        assert decisions.at(session, "c2", NOW - timedelta(seconds=1)) is None
        assert decisions.first_decided(session, "c2") == NOW
        assert [code for _, code, _ in decisions.history(session, "c2")] == [str(Code.SCORE_BELOW_THRESHOLD)] * 2


def test_old_decisions_are_removed_with_what_only_they_had(store: Store) -> None:
    decide(store, "first", NOW, c1=40)
    with store.session() as session:
        decisions.append(session, {"c1": record(1, Code.NO_COMPANY)}, {}, "second", NOW + timedelta(days=1))
    with store.session() as session:
        assert EXPIRIES["decisions"].take(session, NOW + timedelta(days=2), 10) == 1
    assert (rows(store, "decision"), rows(store, "decision_form"), rows(store, "decision_pass")) == (1, 1, 1)


@pytest.mark.parametrize(
    ("rules", "given_", "until", "holds"),
    [
        pytest.param("rules", "input", None, True, id="unchanged"),
        pytest.param("others", "input", None, False, id="other rules"),
        pytest.param("rules", "another", None, False, id="another input"),
        pytest.param("rules", "input", NOW + timedelta(seconds=1), True, id="still valid"),
        pytest.param("rules", "input", NOW, False, id="its time has come"),
    ],
)
def test_a_decision_holds(rules: str, given_: str, until: datetime | None, holds: bool) -> None:
    last = Newest(str(Code.SCORE_MISSING), "", "", "rules", "input", until)
    assert last.holds(rules, given_, NOW) is holds


def test_an_older_file_keeps_every_decision(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.touch(0o600)
    old = Store(path, "0008")
    migration.upgrade(old.engine, "0008")
    texts = [json.dumps({"scores": [], "warnings": [{"code": "OWNER_UNKNOWN", "text": f"owner {n}"}]}) for n in (5, 6)]
    with old.session() as session:
        for n, text in enumerate(texts):
            session.connection().exec_driver_sql(
                "INSERT INTO decision (contact_id, decided_at, run_id, code, body, rules_digest, input_digest) "
                "VALUES ('1', ?, 'run', 'QUALIFIED', ?, 'r', ?)",
                ((NOW + timedelta(days=n)).isoformat(timespec="microseconds"), text, f"i{n}"),
            )
    migration.upgrade(old.engine)
    old.close()
    new = open_store(path)
    with new.reading() as session:
        for n, text in enumerate(texts):
            found = decisions.at(session, "1", NOW + timedelta(days=n))
            assert found is not None
            assert (found.body, found.input_fingerprint) == (json.loads(text), f"i{n}")
        assert decisions.warned(session, "OWNER_UNKNOWN") == ["1"]
    assert rows(new, "decision_form") == 1
    new.close()
