"""Finds scores that have stopped changing: no new contact would qualify, and nothing else would show it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from sync.config import Configuration
from sync.mirror import freshness

_LEGACY = "hubspotscore"
"""HubSpot's old score: readable, but not recalculated since 2025-08-31 (knowledge base, lead scores)."""

_FrozenScore = dict[str, Any]


def frozen(session: Session, configuration: Configuration, now: datetime) -> list[_FrozenScore]:
    """The configured scores whose values have not changed for `hubspot.frozen_score_days`, and
    HubSpot's legacy score.
    """
    scores = configuration.rules.qualification.scores
    limit = timedelta(days=configuration.worker.hubspot.frozen_score_days)
    changed = freshness.last_changes(session, [score.property for score in scores])
    found: Sequence[_FrozenScore] = [
        {
            "score": score.name,
            "property": score.property,
            "unchanged_since": changed[score.property].isoformat() if score.property in changed else None,
            "days": (now - changed[score.property]).days if score.property in changed else None,
        }
        for score in scores
    ]
    return [
        f for f in found if f["property"] == _LEGACY or (limit and f["days"] is not None and f["days"] >= limit.days)
    ]


def frozen_sentence(score: _FrozenScore) -> str:
    """A sentence on a frozen score, with what to do."""
    if score["property"] == _LEGACY:
        return "hubspotscore has been frozen since 2025-08-31; name a score of HubSpot's lead scoring tool instead"
    return (
        f"no value of {score['property']} has changed for {score['days']} days; look in HubSpot whether the score is "
        "still switched on"
    )
