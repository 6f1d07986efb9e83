"""Values on the wire: dates both ways, UUIDs, numbers, and when two of them mean the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sync.c4c import odata
from sync.domain import values
from sync.domain.values import wire

MOMENT = datetime(2017, 3, 30, 20, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "edm", "sent"),
    [
        ("2026-11-21", "DateTime", "2026-11-21T00:00:00"),
        ("2026-11-21T23:30:00-02:00", "DateTimeOffset", "2026-11-22T01:30:00Z"),
        ("1490904010000", "DateTimeOffset", "2017-03-30T20:00:10Z"),
        ("/Date(1490904010849)/", "DateTimeOffset", "2017-03-30T20:00:10Z"),
        ("00163e03-a070-1ee2-88ba-37fb8f5f50a9", "Guid", "00163E03-A070-1EE2-88BA-37FB8F5F50A9"),
        ("82.50", "Decimal", "82.5"),
        ("12.0", "Int32", 12),
        ("TRUE", "Boolean", True),
    ],
)
def test_the_form_in_which_a_value_is_sent(value: str, edm: str, sent: Any) -> None:
    assert wire(value, edm) == sent


@pytest.mark.parametrize(
    ("value", "edm"), [("soon", "DateTime"), ("", "DateTime"), ("x", "Decimal"), ("NaN", "Double")]
)
def test_what_does_not_fit_is_refused(value: str, edm: str) -> None:
    with pytest.raises(ValueError):
        wire(value, edm)


def test_dates_are_read_in_every_form_that_c4c_shows() -> None:
    assert odata.read_date("/Date(1490904010000)/") == odata.read_date("/Date(1490904010000+0000)/") == MOMENT
    assert odata.read_date("2017-03-30T20:00:10Z") == odata.read_date("2017-03-30T20:00:10") == MOMENT
    assert odata.read_date("") is odata.read_date(None) is None
    assert odata.read_date("/Date(253402300799000)/") is not None


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("2017-03-30T20:00:10Z", "/Date(1490904010849)/", True),
        ("2017-03-30T20:00:11Z", "/Date(1490904010849)/", False),
        ("82", "82.000000", True),
        ("0082", "82", False),
        ("00163e03-a070-1ee2-88ba-37fb8f5f50a9", "00163E03-A070-1EE2-88BA-37FB8F5F50A9", True),
        ("", None, True),
        (False, None, False),
        ("true", True, True),
        ("2017-03-30", "/Date(1490832000000)/", False),
    ],
)
def test_when_two_values_mean_the_same(left: Any, right: Any, same: bool) -> None:
    assert values.same(left, right) is same
    assert values.same(right, left) is same
