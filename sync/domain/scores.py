"""Reading a score: numbers come as strings, tier labels as text, and a missing score is not 0."""

from enum import StrEnum

from sync.domain.rules import Score
from sync.domain.views import Properties, clean


class Level(StrEnum):
    """Where a contact stands on one score; BETWEEN lies below the threshold but not below the re-arm level."""

    MET = "met"
    BETWEEN = "between"
    BELOW = "below"
    MISSING = "missing"


def number(text: str | None) -> float | None:
    """The number that `text` spells (`"82"`, `"82.0"`), or None where it spells none."""
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def level(score: Score, properties: Properties) -> Level:
    """The level of these properties on `score`."""
    value = clean(properties.get(score.property))
    if score.tiers:
        return _tier_level(score, value)
    points = number(value)
    if points is None or score.threshold is None:
        return Level.MISSING
    if points >= score.threshold:
        return Level.MET
    return Level.BELOW if points < _rearm_level(score) else Level.BETWEEN


def _tier_level(score: Score, value: str | None) -> Level:
    if value is None:
        return Level.MISSING
    return Level.MET if value in score.tiers else Level.BELOW


def _rearm_level(score: Score) -> float:
    assert score.threshold is not None
    return score.threshold if score.rearm_below is None else score.rearm_below
