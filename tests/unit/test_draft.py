"""From rules and sources to what a record should hold, with a warning for everything that did not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError
from unit_builders import field_map

from sync.domain.codes import Code
from sync.domain.rules import FieldMap
from sync.domain.schema import Field, Schema
from sync.mappers.draft import Awaited, Draft, ValueOf, draft, fill
from sync.planner.compare import MergeBase, for_update
from sync.planner.snapshot import Record

NAMES = ("Name", "AdditionalName", "AdditionalName2")
SCHEMA = Schema(
    {
        "Thing": {
            field.name: field
            for field in (
                *(Field(name, "String", 40) for name in NAMES),
                Field("Short", "String", 10),
                Field("Email", "String", 20),
                Field("Free", "String"),
                Field("Ref", "Guid"),
                Field("Flag", "Boolean"),
                Field("Count", "Int32"),
                Field("Amount", "Decimal"),
            )
        }
    }
)


def source(**values: str | Awaited) -> ValueOf:
    """Looks a source up by its full name; `contact_email` here is `contact.email` there."""
    known = {name.replace("__", "."): value for name, value in values.items()}
    return known.get


def made(*maps: FieldMap, lookup: ValueOf | None = None, **values: Any) -> Draft:
    return draft("Thing", "1", "own", maps, lookup or source(**values), SCHEMA)


def held(found: Draft) -> Mapping[str, object]:
    return {field.name: field.value for field in found.fields}


def warned(found: Draft) -> list[Code]:
    return [warning.code for warning in found.warnings]


@pytest.mark.parametrize(
    ("mapped", "values", "expected"),
    [
        pytest.param(field_map("Name", source="name"), {"own__name": "A"}, {"Name": "A"}, id="own object without dot"),
        pytest.param(
            field_map("Name", source="x.name"), {"x__name": "A"}, {"Name": "A"}, id="another object by prefix"
        ),
        pytest.param(field_map("Name", source="name"), {}, {"Name": None}, id="missing"),
        pytest.param(
            field_map("Name", source=["a", "b"]), {"own__a": "A", "own__b": "B"}, {"Name": "A"}, id="first source"
        ),
        pytest.param(field_map("Name", source=["a", "b"]), {"own__b": "B"}, {"Name": "B"}, id="first filled source"),
        pytest.param(field_map("Name", value="BUP002"), {}, {"Name": "BUP002"}, id="constant"),
        pytest.param(
            field_map("Name", template="{first} {x.last}"),
            {"own__first": "A", "x__last": "B"},
            {"Name": "A B"},
            id="template",
        ),
        pytest.param(field_map("Name", template="{first} {last}"), {}, {"Name": None}, id="template without values"),
        pytest.param(
            field_map("Ref", source="ref"), {"own__ref": "ab-1"}, {"Ref": "AB-1"}, id="written as its type demands"
        ),
        pytest.param(
            field_map("Flag", source="flag", transform="boolean"), {"own__flag": "True"}, {"Flag": True}, id="boolean"
        ),
        pytest.param(
            field_map("Amount", source="n", transform="number"), {"own__n": "82.0"}, {"Amount": "82"}, id="decimal"
        ),
        pytest.param(field_map("Count", source="n"), {"own__n": "82"}, {"Count": 82}, id="integer"),
        pytest.param(field_map("Free", source="n"), {"own__n": "x" * 900}, {"Free": "x" * 900}, id="no limit"),
    ],
)
def test_value(mapped: FieldMap, values: dict[str, str], expected: dict[str, object]) -> None:
    found = made(mapped, **values)
    assert held(found) == expected
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("mapped", "values", "expected", "code"),
    [
        pytest.param(
            field_map("Email", source="e", transform="email"),
            "nobody",
            {"Email": None},
            Code.VALUE_INVALID,
            id="no e-mail",
        ),
        pytest.param(
            field_map("Email", source="e", transform="email"),
            "a@" + "b" * 20,
            {"Email": None},
            Code.VALUE_TOO_LONG,
            id="half an e-mail address is none",
        ),
        pytest.param(field_map("Flag", source="e"), "perhaps", {"Flag": None}, Code.VALUE_INVALID, id="no boolean"),
        pytest.param(field_map("Count", source="e"), "many", {"Count": None}, Code.VALUE_INVALID, id="no number"),
        pytest.param(
            field_map("Short", source="e"),
            "one two three",
            {"Short": "one two"},
            Code.VALUE_TOO_LONG,
            id="cut at a word",
        ),
        pytest.param(
            field_map(*NAMES[:2], source="e"),
            " ".join(["x" * 39] * 3),
            {"Name": "x" * 39, "AdditionalName": "x" * 39},
            Code.VALUE_TOO_LONG,
            id="too long for all its fields",
        ),
        pytest.param(
            field_map(*NAMES[:2], source="e"),
            "one " + "x" * 50,
            {"Name": "one", "AdditionalName": "x" * 40},
            Code.VALUE_TOO_LONG,
            id="cut inside a word",
        ),
        pytest.param(
            field_map(*NAMES[:2], source="e"),
            "x" * 50 + " two",
            {"Name": "x" * 40, "AdditionalName": "x" * 10 + " two"},
            Code.VALUE_TOO_LONG,
            id="nothing is lost, but a word is broken",
        ),
    ],
)
def test_what_does_not_fit_is_said(mapped: FieldMap, values: str, expected: dict[str, object], code: Code) -> None:
    found = made(mapped, own__e=values)
    assert held(found) == expected
    assert warned(found) == [code]


@pytest.mark.parametrize("value", ["Ottilie-nobody", "one Ottilie two three"], ids=["invalid", "too long"])
def test_a_warning_names_the_field_and_not_the_value(value: str) -> None:
    transform = "email" if value.endswith("nobody") else "text"
    [warning] = made(field_map("Short", source="e", transform=transform), own__e=value).warnings
    assert "Thing.Short" in warning.text
    assert "Ottilie" not in warning.text


def test_a_long_text_is_spread_and_its_fields_are_one_group() -> None:
    text = "Gesellschaft für angewandte Forschung und Entwicklung mbH"
    found = made(field_map("Short", source="s"), field_map(*NAMES, source="t"), own__s="s", own__t=text)
    assert held(found) == {
        "Short": "s",
        "Name": "Gesellschaft für angewandte Forschung",
        "AdditionalName": "und Entwicklung mbH",
        "AdditionalName2": None,
    }
    groups = {field.name: field.group for field in found.fields}
    assert len({groups[name] for name in NAMES}) == 1
    assert groups["Short"] != groups["Name"]


def test_fields_that_the_tenant_does_not_have_are_left_out() -> None:
    found = made(field_map("Nowhere_KUT", source="a"), field_map("Name", "Nowhere", "Short", source="a"), own__a="A")
    assert held(found) == {"Name": "A", "Short": None}


def test_what_a_missing_field_would_have_taken_is_cut_and_said() -> None:
    found = made(field_map("Short", "Nowhere", source="a"), own__a="one two three")
    assert held(found) == {"Short": "one two"}
    assert warned(found) == [Code.VALUE_TOO_LONG]


def test_an_id_that_does_not_exist_yet_is_awaited() -> None:
    promise = Awaited("CorporateAccount", "200")
    found = made(field_map("Ref", source="c4c.account_uuid"), c4c__account_uuid=promise)
    assert held(found) == {"Ref": promise}
    assert found.awaits


def test_a_draft_of_plain_values_awaits_nothing() -> None:
    assert not made(field_map("Name", source="a"), own__a="A").awaits


def test_rule_and_may_blank_go_with_the_field() -> None:
    [field] = made(field_map("Name", source="a", rule="c4c_wins", may_blank=True), own__a="A").fields
    assert (field.rule, field.may_blank) == ("c4c_wins", True)


@pytest.mark.parametrize("value", [pytest.param("nobody", id="invalid"), pytest.param("a@" + "b" * 20, id="too long")])
def test_a_value_that_was_left_out_blanks_nothing(value: str) -> None:
    mapped = field_map("Email", source="e", transform="email", may_blank=True)
    known = Record("Thing", "o", {"Email": "a@b.example"})
    assert for_update(made(mapped, own__e=value), known, MergeBase({"Email": "a@b.example"}), SCHEMA) == ()


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("{a} {b}", "A B", id="both"),
        pytest.param("{a} {none} {b}", "A B", id="what is missing leaves no gap"),
        pytest.param("{none} {a}", "A", id="nor at the start"),
        pytest.param("{none}", None, id="all missing"),
        pytest.param("{none} {nothing} (x)", None, id="constants alone are nothing"),
        pytest.param("just text", "just text", id="no placeholder"),
        pytest.param("{a}: {brace}", "A: {a}", id="a value is no template"),
    ],
)
def test_fill(template: str, expected: str | None) -> None:
    assert fill(template, source(a="A", b="B", brace="{a}")) == expected


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param({"source": []}, id="none"),
        pytest.param({"source": "a", "value": "b"}, id="source and value"),
        pytest.param({"value": "a", "template": "{b}"}, id="value and template"),
    ],
)
def test_a_field_has_exactly_one_origin(origin: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of"):
        field_map("Name", **origin)
