"""Reading a score: the level decides about a handover, and missing is not 0."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from unit_builders import score

from sync.domain.scores import Level, level, score_number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("75", Level.MET, id="exactly at the threshold"),
        pytest.param("75.0", Level.MET, id="numbers come with a fraction"),
        pytest.param("74.9", Level.BETWEEN, id="just below"),
        pytest.param("100", Level.MET, id="compared as a number, not as text"),
        pytest.param("9", Level.BELOW, id="compared as a number, not as text, below"),
        pytest.param(" 80 ", Level.MET, id="with blanks"),
        pytest.param("60", Level.BETWEEN, id="at the re-arm level is not below it"),
        pytest.param("59.99", Level.BELOW, id="below the re-arm level"),
        pytest.param("0", Level.BELOW, id="0 is a score"),
        pytest.param("-5", Level.BELOW, id="negative is a score"),
        pytest.param(None, Level.MISSING, id="null is not 0"),
        pytest.param("", Level.MISSING, id="empty is not 0"),
        pytest.param("  ", Level.MISSING, id="blank is not 0"),
        pytest.param("A1", Level.MISSING, id="no number"),
        pytest.param("7,5", Level.MISSING, id="a comma makes no number"),
        pytest.param("Infinity", Level.MISSING, id="infinity is no number of points"),
        pytest.param("nan", Level.MISSING, id="not a number is no number of points"),
        pytest.param("1_000", Level.MISSING, id="digits of a programming language"),
    ],
)
def test_level_of_points(value: str | None, expected: Level) -> None:
    assert level(score(), {"lead_score": value}) is expected


def test_a_property_that_was_never_read_is_missing() -> None:
    assert level(score(), {}) is Level.MISSING


def test_zero_as_threshold_is_met_by_zero_and_not_by_nothing() -> None:
    zero = score(threshold=0, rearm_below=None)
    assert level(zero, {"lead_score": "0"}) is Level.MET
    assert level(zero, {"lead_score": None}) is Level.MISSING


def test_without_a_re_arm_level_the_threshold_is_it() -> None:
    assert level(score(rearm_below=None), {"lead_score": "74"}) is Level.BELOW


def test_zero_as_re_arm_level_is_a_level() -> None:
    assert level(score(rearm_below=0), {"lead_score": "10"}) is Level.BETWEEN


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("A1", Level.MET, id="in the set"),
        pytest.param("A2", Level.MET, id="another of the set"),
        pytest.param("B1", Level.BELOW, id="not in the set"),
        pytest.param("a1", Level.BELOW, id="labels have their case"),
        pytest.param("A", Level.BELOW, id="no alphabetical order, no beginnings"),
        pytest.param(None, Level.MISSING, id="null"),
        pytest.param("", Level.MISSING, id="empty"),
    ],
)
def test_level_of_tiers(value: str | None, expected: Level) -> None:
    tiers = score(threshold=None, rearm_below=None, tiers=["A1", "A2"])
    assert level(tiers, {"lead_score": value}) is expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"threshold": None}, "either `threshold`", id="neither threshold nor tiers"),
        pytest.param({"tiers": ["A1"]}, "either `threshold`", id="both"),
        pytest.param({"rearm_below": 76}, "`rearm_below` 76 lies above `threshold` 75", id="re-arm above threshold"),
        pytest.param({"name": "a:b"}, "pattern", id="a name becomes part of the key"),
        pytest.param({"name": "x" * 31}, "30", id="a name that makes the key too long"),
    ],
)
def test_scores_that_make_no_sense(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        score(**changes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("82", 82.0), ("82.50", 82.5), ("0", 0.0), ("-1", -1.0), (None, None), ("", None), ("x", None)],
)
def test_number(text: str | None, expected: float | None) -> None:
    assert score_number(text) == expected
