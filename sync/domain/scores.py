"""Reads a score: numbers arrive as strings, tier labels as text, and a missing score is not 0."""

from enum import StrEnum
from functools import lru_cache

from sync.domain import numbers
from sync.domain.rules import Measure, Score
from sync.domain.views import Properties, clean


class Level(StrEnum):
    """The level of a contact on one score. BETWEEN is below the threshold but not below the re-arm level."""

    MET = "met"
    BETWEEN = "between"
    BELOW = "below"
    MISSING = "missing"


@lru_cache(2**12)
def score_number(text: str | None) -> float | None:
    """The number that `text` spells (`"82"`, `"+80"`, `"8.0E1"`), or None if it is not a number."""
    found = numbers.number(text)
    return None if found is None else float(found)


def level(measure: Measure, properties: Properties) -> Level:
    """The level of these properties on a score, or on a further measure that is combined with it."""
    value = clean(properties.get(measure.property))
    if measure.tiers:
        return _tier_level(measure, value)
    points = score_number(value)
    if points is None or measure.threshold is None:
        return Level.MISSING
    if points >= measure.threshold:
        return Level.MET
    return Level.BELOW if points < _rearm_level(measure) else Level.BETWEEN


def _tier_level(measure: Measure, value: str | None) -> Level:
    if value is None:
        return Level.MISSING
    if value in measure.tiers:
        return Level.MET
    rearm = measure.rearm_tiers if isinstance(measure, Score) else frozenset()
    return Level.BELOW if not rearm or value in rearm else Level.BETWEEN


def _rearm_level(measure: Measure) -> float:
    assert measure.threshold is not None
    rearm = measure.rearm_below if isinstance(measure, Score) else None
    return measure.threshold if rearm is None else rearm
