"""Every transform as a table, and what holds for any text at all."""

from __future__ import annotations

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from sync.domain.codes import Code
from sync.domain.rules import FieldMap
from sync.domain.schema import Field, Schema
from sync.mappers.draft import draft
from sync.mappers.places import split_street
from sync.mappers.transforms import TRANSFORMS, spread, transformed

TABLE = [
    ("text", "  a  b ", "a  b"),
    ("text", "   ", None),
    ("plain_text", "<p>Guten&nbsp;Tag,<br>A &amp; B</p><ul><li>x<li>y</ul>", "Guten Tag,\nA & B\n\n– x\n– y"),
    ("plain_text", "<style>p{}</style><script>alert(1)</script>", None),
    ("plain_text", "5 < 6 &uuml;", "5 < 6 ü"),
    ("email", " A.b@x.example ", "A.b@x.example"),
    ("email", "a at b", None),
    ("phone", "+49 (40) 123-45", "+49 (40) 123-45"),
    ("phone", "n/a", None),
    ("phone_e164", "+45 12 34 56 78", "+4512345678"),
    ("phone_e164", "040 1234567", None),
    ("phone_e164", "+49 40 1234567 ext. 12", "+49401234567 ext. 12"),
    ("phone_e164", "12", None),
    ("web_site", "www.x.example/y", "www.x.example/y"),
    ("web_site", "no site", None),
    ("country", "Deutschland", "DE"),
    ("country", "germany", "DE"),
    ("country", "Tyskland", "DE"),
    ("country", "Duitsland", "DE"),
    ("country", "DEU", "DE"),
    ("country", "Vereinigte Staaten", "US"),
    ("country", "Nowhere", None),
    ("state", "DE-BY", "BY"),
    ("number", "82.5", "82.5"),
    ("number", "٣", None),
    ("number", "1e5", "100000"),
    ("boolean", "TRUE", "true"),
    ("boolean", "yes", None),
    ("street", "Hauptstraße 12a", "Hauptstraße"),
    ("street", "Am Markt", "Am Markt"),
    ("house_number", "Hauptstraße 12 - 14", "12 - 14"),
    ("house_number", "Am Markt", ""),
    ("salutation", "Frau Dr.", "ms"),
    ("salutation", "Herrn", "mr"),
    ("salutation", "Dhr.", "mr"),
    ("salutation", "Team", None),
    ("language", "de-at", "DE"),
    ("language", "German", "DE"),
    ("language", "Dänisch", "DA"),
    ("language", "zz", None),
    ("upper", " sw1a ", "SW1A"),
    ("lower", "A@X.example", "a@x.example"),
]


@pytest.mark.parametrize(("name", "value", "expected"), TABLE)
def test_transform(name: str, value: str, expected: str | None) -> None:
    assert transformed(name, value) == expected


def test_every_transform_stands_in_the_table() -> None:
    assert {name for name, _, _ in TABLE} == set(TRANSFORMS)


BY_COUNTRY = [
    ("phone_e164", "040 1234567", "DE", "+49401234567"),
    ("phone_e164", "040 1234567", "NL", "+31401234567"),
    ("phone_e164", "+45 12345678", "DE", "+4512345678"),
    ("state", "Bayern", "DE", "BY"),
    ("state", "Bavaria", "DE", "BY"),
    ("state", "by", "DE", "BY"),
    ("state", "Bayern", "US", None),
    ("state", "North Rhine-Westphalia", "DE", "NW"),
    ("state", "Nordrhein Westfalen", "DE", "NW"),
    ("state", "Kalifornien", "US", "CA"),
    ("state", "Vienna", "AT", "9"),
    ("state", "Genève", "CH", "GE"),
    ("state", "Hovedstaden", "DK", "84"),
]


@pytest.mark.parametrize(("name", "value", "land", "expected"), BY_COUNTRY)
def test_transform_by_the_rules_of_a_country(name: str, value: str, land: str, expected: str | None) -> None:
    assert transformed(name, value, land) == expected


STREETS = [
    ("Hauptstr. 12a", "Hauptstr.", "12a"),
    ("Straße des 17. Juni 135", "Straße des 17. Juni", "135"),
    ("Industriestr. 5 / 7", "Industriestr.", "5 / 7"),
    ("221B Baker Street", "Baker Street", "221B"),
    ("10 Downing Street", "Downing Street", "10"),
    ("12/14 Long Lane", "Long Lane", "12/14"),
    ("Nørregade 10, 2. th", "Nørregade", "10, 2. th"),
    ("Vesterbrogade 12 A", "Vesterbrogade", "12 A"),
    ("Keizersgracht 123-II", "Keizersgracht", "123-II"),
    ("Damstraat 12 bis", "Damstraat", "12 bis"),
    ("Plein 1944 7", "Plein 1944", "7"),
    ("C 4, 12", "C 4", "12"),
    ("17. Juni Allee 5", "17. Juni Allee", "5"),
    ("Am Markt", "Am Markt", ""),
]


@pytest.mark.parametrize(("line", "street", "number"), STREETS)
def test_streets_german_english_danish_dutch(line: str, street: str, number: str) -> None:
    assert split_street(line) == (street, number)


@examples(100)
@given(st.text(max_size=60))
def test_no_letter_of_a_street_is_lost(line: str) -> None:
    street, number = split_street(line)
    assert sorted(filter(str.isalnum, street + number)) == sorted(filter(str.isalnum, line))


@examples(100)
@given(st.sampled_from(sorted(TRANSFORMS)), st.text(max_size=40), st.sampled_from([None, "DE", "XX"]))
def test_transforms_are_total_and_pure(name: str, value: str, land: str | None) -> None:
    first = transformed(name, value, land)
    assert first is None or isinstance(first, str)
    assert transformed(name, value, land) == first


@examples(100)
@given(st.text(max_size=200), st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_spread_cuts_only_what_it_reports(value: str, lengths: list[int]) -> None:
    parts, cut = spread(value, lengths)
    assert all(len(part) <= length for part, length in zip(parts, lengths, strict=True))
    if not cut:
        assert "".join("".join(parts).split()) == "".join(value.split())


# ---- fields: what becomes of a value on its way

SCHEMA = Schema({"Contact": {"A": Field("A", "String", 10), "B": Field("B", "String", 10), "N": Field("N", "Int32")}})
LONG = "zwei lange Wörter und noch mehr"
FIELDS = [
    ({"source": "x"}, {"x": "kurz"}, ["kurz"], []),
    ({"source": ["y", "x"]}, {"x": "zweites"}, ["zweites"], []),
    ({"source": ["x", "y"], "join": ", "}, {"x": "a", "y": "b"}, ["a, b"], []),
    ({"source": ["x", "y"], "join": ", "}, {"y": "b"}, ["b"], []),
    ({"template": "{x} ({y})"}, {"x": "a", "y": "b"}, ["a (b)"], []),
    ({"source": "x", "default": "leer"}, {}, ["leer"], []),
    ({"template": "{x}", "default": "leer"}, {}, ["leer"], []),
    ({"source": "x", "table": {"Herr": "2"}}, {"x": "HERR"}, ["2"], []),
    ({"source": "x", "table": {"Herr": "2"}}, {"x": "Frau"}, [None], [Code.CODE_UNKNOWN]),
    ({"source": "x", "table": {"Herr": "2"}, "otherwise": "9"}, {"x": "Frau"}, ["9"], []),
    ({"source": "x", "table": {"Herr": "2"}, "otherwise": ""}, {"x": "Frau"}, [None], []),
    ({"source": "x", "table": {"mr": "2"}, "transform": "salutation"}, {"x": "Herr"}, ["2"], []),
    ({"source": "x", "transform": "house_number"}, {"x": "Am Markt"}, [None], []),
    ({"source": "x", "transform": "phone_e164", "country": "DE"}, {"x": "04012345678"}, [None], [Code.VALUE_TOO_LONG]),
    ({"source": "x", "transform": "email"}, {"x": "keine"}, [None], [Code.VALUE_INVALID]),
    ({"source": "x"}, {"x": LONG}, ["zwei lange"], [Code.VALUE_TOO_LONG]),
    ({"source": "x", "target": ["A", "B"]}, {"x": "zwei lange Wörter"}, ["zwei lange", "Wörter"], []),
    ({"source": "x", "target": ["A", "B"]}, {"x": "Zuckerrübensirup"}, ["Zuckerrübe", "nsirup"], [Code.VALUE_TOO_LONG]),
    ({"source": "x", "target": "N"}, {"x": "viele"}, [None], [Code.VALUE_INVALID]),
]


@pytest.mark.parametrize(("entry", "known", "values", "codes"), FIELDS)
def test_field(entry: dict[str, object], known: dict[str, str], values: list[object], codes: list[Code]) -> None:
    mapped = FieldMap.model_validate({"target": "A", "rule": "hubspot_wins", **entry})
    made = draft("Contact", "1", "contact", [mapped], lambda name: known.get(name.removeprefix("contact.")), SCHEMA)
    assert [field.value for field in made.fields] == values
    assert [warning.code for warning in made.warnings] == codes
    refusing = mapped.model_copy(update={"misfit": "reject"})
    refused = draft("Contact", "1", "contact", [refusing], lambda n: known.get(n.removeprefix("contact.")), SCHEMA)
    assert (refused.refused.code if refused.refused else None) == (codes[0] if codes else None)


def test_findings_hold_no_values() -> None:
    mapped = FieldMap.model_validate({"target": "A", "rule": "hubspot_wins", "source": "x", "transform": "email"})
    made = draft("Contact", "1", "contact", [mapped], lambda _: "erika mustermann", SCHEMA)
    assert "erika" not in made.warnings[0].text
