"""Where data enters: texts, JSON documents, and what could not be read."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from unit_builders import score

from sync.domain.moments import EARLIEST, LATEST, moment
from sync.domain.numbers import identifier, number
from sync.domain.scores import Level, level
from sync.domain.text import clean, parsed
from sync.domain.values import same, wire
from sync.domain.views import ASSOCIATIONS, Label
from sync.mappers.transforms import transformed
from sync.mirror import association_rows, loading, mirrored
from sync.mirror.mirrored import Fetched
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
        (b'["' + b"[" * 300 + b'\\"{"]', ["[" * 300 + '"{']),
    ],
    ids=["escaped", "as bytes", "byte order mark", "no numbers", "too long a number", "brackets in a text"],
)
def test_a_document(raw: bytes, expected: object) -> None:
    assert parsed(raw) == expected


@pytest.mark.parametrize(
    "raw", [b"<html>", b"", b'"\xff"', b"[" * 200_000, b"[" * 200_000 + b"]" * 200_000, b"[" * 900 + b"]" * 900]
)
def test_what_is_no_document_is_one_kind_of_error(raw: bytes) -> None:
    with pytest.raises(ValueError):
        parsed(raw)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-21T10:00:00Z", datetime(2026, 11, 21, 10, tzinfo=UTC)),
        ("2026-11-21T10:00:00.5Z", datetime(2026, 11, 21, 10, 0, 0, 500000, UTC)),
        ("2026-11-21T11:00:00+01:00", datetime(2026, 11, 21, 10, tzinfo=UTC)),
        (" 1795255200000 ", datetime(2026, 11, 21, 10, tzinfo=UTC)),
        (1795255200000, datetime(2026, 11, 21, 10, tzinfo=UTC)),
        ("/Date(1795255200000+0060)/", datetime(2026, 11, 21, 10, tzinfo=UTC)),
        ("/Date(-62135769600000)/", EARLIEST),
        ("/Date(253402300800000)/", LATEST),
        ("/Date(-99999999999999999999)/", EARLIEST),
        ("0001-01-01T00:00:00+02:00", EARLIEST),
        ("9999-12-31T23:59:59-05:00", LATEST),
        ("99999999999999999999", None),
        ("9" * 5000, None),
        ("9999999999999999", None),
        ("179525520000²", None),
        ("²", None),
        ("0000-01-01", None),
        ("10000-01-01T00:00:00Z", None),
        ("yesterday", None),
        ("2026\ud83d", None),
        ("", None),
        (None, None),
        (True, None),
        (["2026-11-21T10:00:00Z"], None),
        (float("nan"), None),
    ],
)
def test_a_moment_is_read_or_is_none(value: object, expected: datetime | None) -> None:
    assert moment(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("80", "80"),
        ("82.50", "82.50"),
        (" 80 ", "80"),
        ("\xa080", "80"),
        ("+80", "80"),
        ("8.0E1", "80"),
        ("1.0E7", "10000000"),
        ("1e-2", "0.01"),
        (".5", "0.5"),
        ("-3", "-3"),
        (80, "80"),
        (80.5, "80.5"),
        ("7,5", None),
        ("1_000", None),
        ("８０", None),
        ("²", None),
        ("NaN", None),
        ("Infinity", None),
        (float("inf"), None),
        ("1e400", None),
        ("1e9999999999", None),
        ("9" * 5000, None),
        pytest.param(10**5000, None, id="thousands of digits"),
        (True, None),
        (None, None),
        ([80], None),
    ],
)
def test_one_reader_for_numbers(value: object, expected: str | None) -> None:
    found = number(value)
    assert (None if found is None else format(found, "f")) == expected


@pytest.mark.parametrize("value", ["8.0E1", "+80", " 80 ", "80.0"])
def test_score_condition_field_and_comparison_read_the_same_number(value: str) -> None:
    assert level(score(), {"lead_score": value}) is Level.MET
    assert transformed("number", value) in ("80", "80.0")
    assert wire(transformed("number", value), "Decimal") == "80"
    assert same("80", "8.0E1")
    assert same("80", "80.000000")


@pytest.mark.parametrize(("left", "right"), [("01", "1"), ("+4940", "4940"), ("1E2", "100"), (" 1", "1")])
def test_codes_and_phone_numbers_are_not_compared_as_numbers(left: str, right: str) -> None:
    assert not same(left, right)


@pytest.mark.parametrize("value", ["51", 51, "9" * 18])
def test_an_id(value: object) -> None:
    assert identifier(value) == str(value)


@pytest.mark.parametrize("value", [None, "", "²5", "５", "5 ", "-5", "5.0", 5.0, True, "9" * 30, 10**30, ["5"], {}])
def test_no_id(value: object) -> None:
    assert identifier(value) is None


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "state.db")


def test_an_unreadable_property_keeps_its_value_and_is_told_apart(store: Store) -> None:
    first = Fetched("51", {"lead_score": "80", "lastname": "A"}, NOW)
    with store.session() as session:
        assert mirrored.save_contacts(session, [first], [], NOW) == ["51"]
    again = Fetched("51", {"lead_score": None, "lastname": None}, NOW, unreadable=frozenset({"lead_score"}))
    with store.session() as session:
        assert mirrored.save_contacts(session, [again], [], NOW) == ["51"]
        assert mirrored.save_contacts(session, [again], [], NOW) == []
        view = loading.views(session, ["51"])["51"]
    assert view.properties == {"lead_score": "80", "lastname": None}
    assert view.unreadable == {"lead_score"}
    with store.session() as session:
        assert mirrored.save_contacts(session, [first], [], NOW) == ["51"]
        assert loading.views(session, ["51"])["51"].unreadable == frozenset()


def test_unreadable_properties_of_a_company(store: Store) -> None:
    with store.session() as session:
        mirrored.save_contacts(session, [Fetched("51", {}, NOW)], [], NOW)
        association_rows.save_associations(session, {"51": frozenset({("7", Label("HUBSPOT_DEFINED", 1))})}, NOW)
        odd = Fetched("7", {"name": None}, NOW, unreadable=frozenset({"name"}))
        assert mirrored.save_companies(session, [odd], NOW) == ["7"]
        [association] = loading.views(session, ["51"])["51"].associations
    assert association.company.unreadable == {"name"}


def test_unreadable_associations_stay_as_they_were_until_they_are_read(store: Store) -> None:
    known = {"51": frozenset({("7", Label("HUBSPOT_DEFINED", 1))})}
    with store.session() as session:
        mirrored.save_contacts(session, [Fetched("51", {"lastname": "A"}, NOW)], [], NOW)
        association_rows.save_associations(session, known, NOW)
        assert association_rows.unreadable_associations(session, ["51"], NOW) == ["51"]
        assert association_rows.unreadable_associations(session, ["51"], NOW) == []
        mirrored.save_contacts(session, [Fetched("51", {"lastname": "B"}, NOW)], [], NOW)
        view = loading.views(session, ["51"])["51"]
        assert view.unreadable == {ASSOCIATIONS}
        assert [a.company.id for a in view.associations] == ["7"]
        assert association_rows.save_associations(session, known, NOW) == {"51": "associations"}
        assert loading.views(session, ["51"])["51"].unreadable == frozenset()


@examples(200)
@given(st.text(), st.text(), st.booleans())
def test_a_document_is_cleaned_as_if_each_of_its_texts_were(name: str, value: str, escaped: bool) -> None:
    """Also where the document as a whole is seen to be clean, so that nothing in it is looked at singly."""
    raw = json.dumps({name: [value]}, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    assert parsed(raw) == {clean(name): [clean(value)]}
