"""Three-way comparison: what should be, what C4C holds, what we sent last — and whose word counts."""

from __future__ import annotations

from typing import Any

import pytest

from sync.domain.rules import FieldRule
from sync.domain.schema import Field, Schema
from sync.mappers.draft import Awaited, Draft, DraftField
from sync.planner.compare import MergeBase, for_create, for_update
from sync.planner.snapshot import Record

SCHEMA = Schema(
    {
        "Thing": {
            "Field": Field("Field", "String", 40),
            "Second": Field("Second", "String", 40),
            "Third": Field("Third", "String", 40),
            "Ref": Field("Ref", "Guid"),
            "CreateOnly": Field("CreateOnly", "String", 10, updatable=False),
            "UpdateOnly": Field("UpdateOnly", "String", 10, creatable=False),
        }
    }
)

NEVER = object()
"""A value that was never sent."""


def field(value: Any, rule: str = "hubspot_wins", name: str = "Field", group: int = 0, **rest: Any) -> DraftField:
    return DraftField(name, value, FieldRule(rule), group, **rest)


def draft(*fields: DraftField) -> Draft:
    return Draft("Thing", "1", fields)


def written(
    fields: tuple[DraftField, ...], holds: dict[str, Any], sent: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What a PATCH would hold."""
    changes = for_update(draft(*fields), Record("Thing", "o", holds), MergeBase(sent or {}), SCHEMA)
    return {change.name: change.new for change in changes}


@pytest.mark.parametrize(
    ("holds", "sent", "winners"),
    [
        pytest.param("theirs", "ours", {"hubspot_wins"}, id="sales changed it"),
        pytest.param("ours", "ours", {"hubspot_wins", "c4c_wins"}, id="as we sent it"),
        pytest.param("", NEVER, {"hubspot_wins", "c4c_wins", "fill_blank"}, id="blank and never sent"),
        pytest.param(None, NEVER, {"hubspot_wins", "c4c_wins", "fill_blank"}, id="null and never sent"),
        pytest.param("theirs", NEVER, {"hubspot_wins"}, id="filled before us"),
        pytest.param("", "ours", {"hubspot_wins", "fill_blank"}, id="sales emptied it"),
        pytest.param("", "", {"hubspot_wins", "c4c_wins", "fill_blank"}, id="we emptied it"),
        pytest.param("new", NEVER, set(), id="already so"),
        pytest.param("new", "ours", set(), id="sales did the same"),
    ],
)
@pytest.mark.parametrize("rule", [str(rule) for rule in FieldRule])
def test_whose_word_counts(rule: str, holds: Any, sent: Any, winners: set[str]) -> None:
    known = {} if sent is NEVER else {"Field": sent}
    expected = {"Field": "new"} if rule in winners else {}
    assert written((field("new", rule),), {"Field": holds}, known) == expected


@pytest.mark.parametrize("rule", [str(rule) for rule in FieldRule])
@pytest.mark.parametrize("sent", [NEVER, "ours"], ids=["never sent", "sent"])
def test_a_missing_source_never_blanks(rule: str, sent: Any) -> None:
    known = {} if sent is NEVER else {"Field": sent}
    assert written((field(None, rule),), {"Field": "ours"}, known) == {}


@pytest.mark.parametrize(
    ("rule", "holds", "sent", "expected"),
    [
        pytest.param("hubspot_wins", "theirs", "ours", {"Field": ""}, id="HubSpot wins"),
        pytest.param("c4c_wins", "ours", "ours", {"Field": ""}, id="nobody else wrote it"),
        pytest.param("c4c_wins", "theirs", "ours", {}, id="sales changed it"),
        pytest.param("fill_blank", "ours", "ours", {}, id="only blank ones are filled"),
        pytest.param("create_only", "ours", "ours", {}, id="never after the creation"),
        pytest.param("hubspot_wins", "", "ours", {}, id="blank already"),
    ],
)
def test_a_field_that_may_blank(rule: str, holds: str, sent: str, expected: dict[str, str]) -> None:
    assert written((field(None, rule, may_blank=True),), {"Field": holds}, {"Field": sent}) == expected


@pytest.mark.parametrize(
    ("new", "holds"),
    [
        pytest.param("82", "82.000000", id="padded decimal"),
        pytest.param("00163E03-A070-1EE2-88BA-37FB8F5F50A9", "00163e03-a070-1ee2-88ba-37fb8f5f50a9", id="guid"),
        pytest.param(True, True, id="boolean"),
    ],
)
def test_what_means_the_same_is_not_written_again(new: Any, holds: Any) -> None:
    assert written((field(new),), {"Field": holds}) == {}


@pytest.mark.parametrize(
    ("holds", "sent", "written_"),
    [
        pytest.param(False, NEVER, True, id="a box that was never ticked"),
        pytest.param(False, True, False, id="a box that sales cleared"),
        pytest.param(False, False, True, id="a box that we cleared"),
    ],
)
def test_an_untouched_box_is_blank(holds: bool, sent: Any, written_: bool) -> None:
    known = {} if sent is NEVER else {"Field": sent}
    assert bool(written((field(True, "c4c_wins"),), {"Field": holds}, known)) is written_


def test_a_field_that_was_not_read_counts_as_blank() -> None:
    assert written((field("new"),), {}) == {"Field": "new"}


# ---- one text spread over several fields


def spread(*values: str | None, rule: str = "c4c_wins") -> tuple[DraftField, ...]:
    names = ("Field", "Second", "Third")
    return tuple(field(value, rule, name) for name, value in zip(names, values, strict=False))


@pytest.mark.parametrize(
    ("fields", "holds", "sent", "expected"),
    [
        pytest.param(
            spread("new", "name"),
            {"Field": "old", "Second": ""},
            {"Field": "old"},
            {"Field": "new", "Second": "name"},
            id="longer than before",
        ),
        pytest.param(
            spread("new", None, None),
            {"Field": "old", "Second": "name", "Third": ""},
            {"Field": "old", "Second": "name"},
            {"Field": "new", "Second": ""},
            id="shorter: the field that we had filled is emptied",
        ),
        pytest.param(
            spread("new", None),
            {"Field": "old", "Second": "theirs"},
            {"Field": "old"},
            {"Field": "new"},
            id="a field that we never filled stays",
        ),
        pytest.param(
            spread("new", "name"),
            {"Field": "old", "Second": "theirs"},
            {"Field": "old"},
            {},
            id="sales wrote into the second: all stay",
        ),
        pytest.param(
            spread("new", None),
            {"Field": "old", "Second": "theirs"},
            {"Field": "old", "Second": "name"},
            {},
            id="sales changed the part that would be emptied: all stay",
        ),
        pytest.param(
            spread("new", "name"),
            {"Field": "theirs", "Second": "name"},
            {"Field": "old", "Second": "name"},
            {},
            id="sales changed the first: all stay",
        ),
        pytest.param(
            spread("new", "name", rule="hubspot_wins"),
            {"Field": "theirs", "Second": "theirs"},
            {"Field": "old"},
            {"Field": "new", "Second": "name"},
            id="HubSpot wins over all",
        ),
        pytest.param(
            spread("new", "name", rule="fill_blank"), {"Field": "", "Second": "x"}, {}, {}, id="one of them is filled"
        ),
        pytest.param(
            spread("new", "name", rule="fill_blank"),
            {"Field": "", "Second": None},
            {},
            {"Field": "new", "Second": "name"},
            id="all are blank",
        ),
        pytest.param(
            spread(None, None, rule="hubspot_wins"),
            {"Field": "old", "Second": "name"},
            {"Field": "old", "Second": "name"},
            {},
            id="missing: nothing is blanked",
        ),
        pytest.param(
            spread("old", "more"),
            {"Field": "old", "Second": ""},
            {"Field": "old"},
            {"Second": "more"},
            id="only what differs is sent",
        ),
    ],
)
def test_spread(
    fields: tuple[DraftField, ...], holds: dict[str, Any], sent: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert written(fields, holds, sent) == expected


def test_groups_are_decided_apart() -> None:
    fields = (field("new", "c4c_wins"), field("new", "c4c_wins", "Second", group=1))
    assert written(fields, {"Field": "theirs", "Second": "ours"}, {"Field": "x", "Second": "ours"}) == {"Second": "new"}


# ---- ids that do not exist yet


@pytest.mark.parametrize("rule", ["hubspot_wins", "c4c_wins"])
def test_an_awaited_id_replaces_the_one_that_is_there(rule: str) -> None:
    promise = Awaited("CorporateAccount", "200")
    old = "00163E03-A070-1EE2-88BA-37FB8F5F50A9"
    assert written((field(promise, rule, "Ref"),), {"Ref": old}, {"Ref": old}) == {"Ref": promise}


def test_an_awaited_id_fills_a_blank() -> None:
    promise = Awaited("CorporateAccount", "200")
    assert written((field(promise, "c4c_wins", "Ref"),), {"Ref": None}) == {"Ref": promise}


# ---- what may be written at all


def test_a_create_holds_every_value_and_no_blank() -> None:
    fields = (
        field("a", "create_only"),
        field(None, "hubspot_wins", "Second", group=1, may_blank=True),
        field(False, "fill_blank", "Third", group=2),
    )
    assert {change.name: change.new for change in for_create(draft(*fields), SCHEMA)} == {"Field": "a", "Third": False}


def test_what_the_tenant_does_not_let_us_write_is_not_sent() -> None:
    fields = (field("a", name="CreateOnly"), field("b", name="UpdateOnly", group=1), field("c", name="No", group=2))
    assert [change.name for change in for_create(draft(*fields), SCHEMA)] == ["CreateOnly"]
    assert written(fields, {}) == {"UpdateOnly": "b"}


@pytest.mark.parametrize(
    ("new", "shown"),
    [
        pytest.param("new", "new", id="text"),
        pytest.param(True, True, id="boolean"),
        pytest.param(Awaited("Contact", "1"), "(of the new Contact 1)", id="an id to come"),
    ],
)
def test_a_change_shows_both_sides_and_its_rule(new: Any, shown: Any) -> None:
    [change] = for_update(draft(field(new)), Record("Thing", "o", {"Field": None}), MergeBase(), SCHEMA)
    assert change.to_json() == {"from": None, "to": shown, "rule": "hubspot_wins"}
