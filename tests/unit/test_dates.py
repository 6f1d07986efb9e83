"""A moment in a field for dates: the rule's zone says which day it falls on."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from unit_builders import with_fields

from sync.contracts import dates
from sync.domain.rules import FieldMap, FieldRule
from sync.domain.schema import Field, Schema
from sync.hubspot_client import Property
from sync.mappers.draft import draft

SCHEMA = Schema({"Lead": {"StartDate": Field("StartDate", "DateTime"), "At": Field("At", "DateTimeOffset")}})
LATE = "2026-11-30T23:30:00Z"


def day(value: str, field: str = "StartDate", **more: str) -> object:
    mapped = FieldMap(target=(field,), source=("closed",), rule=FieldRule.C4C_WINS, **more)
    return draft("Lead", "1:mql:1", "contact", [mapped], lambda _: value, SCHEMA).fields[0].value


@pytest.mark.parametrize(
    ("value", "zone", "expected"),
    [
        (LATE, "UTC", "2026-11-30T00:00:00"),
        (LATE, "Europe/Berlin", "2026-12-01T00:00:00"),
        ("1764545400000", "Europe/Berlin", "2025-12-01T00:00:00"),
        ("2026-11-30", "America/New_York", "2026-11-30T00:00:00"),
        ("2026-11-30T00:00:00Z", "America/New_York", "2026-11-30T00:00:00"),
    ],
)
def test_the_zone_says_which_day_a_moment_falls_on(value: str, zone: str, expected: str) -> None:
    assert day(value, time_zone=zone) == expected


def test_without_a_zone_the_day_is_that_of_utc() -> None:
    assert day(LATE) == "2026-11-30T00:00:00"


def test_a_moment_stays_one_where_the_field_holds_moments() -> None:
    assert day(LATE, "At", time_zone="Europe/Berlin") == "2026-11-30T23:30:00Z"


def test_a_zone_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="Europe/Berlin"):
        day(LATE, time_zone="Berlin")


def test_check_names_moments_that_go_into_dates_without_a_zone() -> None:
    def properties(kind: str) -> list[Property]:
        return [Property("closed", "datetime"), Property("born", "date")] if kind == "contacts" else []

    def found(**more: str) -> list[tuple[str, str]]:
        mapped = (field(source, **more) for source in ("closed", "born"))
        return list(dates.without_zone(with_fields("lead", *mapped), SCHEMA, properties))

    def field(source: str, **more: str) -> FieldMap:
        return FieldMap(target=("StartDate",), source=(source,), rule=FieldRule.C4C_WINS, **more)

    ((where, text),) = found()
    assert where.startswith("lead.fields.")
    assert "closed has a time of day" in text
    assert found(time_zone="UTC") == []
