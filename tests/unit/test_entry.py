"""Where data enters: texts, JSON documents, and what could not be read."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync.domain.documents import parsed
from sync.domain.text import clean
from sync.domain.views import ASSOCIATIONS, Label
from sync.state import mirror
from sync.state.mirror import Snapshot
from sync.state.store import Store, open_store

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Werft", "Werft"),
        ("Ärger 😀", "Ärger 😀"),
        ("20457\ud83d", "20457\ufffd"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
    ],
)
def test_half_a_surrogate_pair_becomes_a_replacement_character(text: str, expected: str) -> None:
    assert clean(text) == expected
    assert clean(text).encode()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"a": ["\\ud83d", {"b\\ud83d": "\\ud83d\\ude00"}]}', {"a": ["\ufffd", {"b\ufffd": "😀"}]}),
        (b'"\xed\xa0\xbd"', "\ufffd"),
        (b"\xef\xbb\xbf[]", []),
        (b"[NaN, -Infinity, 1e400]", ["NaN", "-Infinity", float("inf")]),
        (b"[" + b"9" * 5000 + b"]", ["9" * 5000]),
    ],
    ids=["escaped", "as bytes", "byte order mark", "no numbers", "too long a number"],
)
def test_a_document(raw: bytes, expected: object) -> None:
    assert parsed(raw) == expected


@pytest.mark.parametrize(
    "raw", [b"<html>", b"", b'"\xff"', b"[" * 200_000, b"[" * 200_000 + b"]" * 200_000, b"[" * 900 + b"]" * 900]
)
def test_what_is_no_document_is_one_kind_of_error(raw: bytes) -> None:
    with pytest.raises(ValueError):
        parsed(raw)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "state.db")


def test_an_unreadable_property_keeps_its_value_and_is_told_apart(store: Store) -> None:
    first = Snapshot("51", {"lead_score": "80", "lastname": "A"}, NOW)
    with store.session() as session:
        assert mirror.save_contacts(session, [first], [], NOW) == ["51"]
    again = Snapshot("51", {"lead_score": None, "lastname": None}, NOW, unreadable=frozenset({"lead_score"}))
    with store.session() as session:
        assert mirror.save_contacts(session, [again], [], NOW) == ["51"]
        assert mirror.save_contacts(session, [again], [], NOW) == []
        view = mirror.views(session, ["51"])["51"]
    assert view.properties == {"lead_score": "80", "lastname": None}
    assert view.unreadable == {"lead_score"}
    with store.session() as session:
        assert mirror.save_contacts(session, [first], [], NOW) == ["51"]
        assert mirror.views(session, ["51"])["51"].unreadable == frozenset()


def test_unreadable_properties_of_a_company(store: Store) -> None:
    with store.session() as session:
        mirror.save_contacts(session, [Snapshot("51", {}, NOW)], [], NOW)
        mirror.save_associations(session, {"51": frozenset({("7", Label("HUBSPOT_DEFINED", 1))})}, NOW)
        odd = Snapshot("7", {"name": None}, NOW, unreadable=frozenset({"name"}))
        assert mirror.save_companies(session, [odd], NOW) == ["7"]
        [association] = mirror.views(session, ["51"])["51"].associations
    assert association.company.unreadable == {"name"}


def test_unreadable_associations_stay_as_they_were_until_they_are_read(store: Store) -> None:
    known = {"51": frozenset({("7", Label("HUBSPOT_DEFINED", 1))})}
    with store.session() as session:
        mirror.save_contacts(session, [Snapshot("51", {"lastname": "A"}, NOW)], [], NOW)
        mirror.save_associations(session, known, NOW)
        assert mirror.unreadable_associations(session, ["51"], NOW) == ["51"]
        assert mirror.unreadable_associations(session, ["51"], NOW) == []
        mirror.save_contacts(session, [Snapshot("51", {"lastname": "B"}, NOW)], [], NOW)
        view = mirror.views(session, ["51"])["51"]
        assert view.unreadable == {ASSOCIATIONS}
        assert [a.company.id for a in view.associations] == ["7"]
        assert mirror.save_associations(session, known, NOW) == {"51": "associations"}
        assert mirror.views(session, ["51"])["51"].unreadable == frozenset()
