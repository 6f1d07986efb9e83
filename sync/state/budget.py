"""Remembers HubSpot's daily requests, so that another process need not request the usage, or reach
the limit unaware.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from sync.state.streams import remember, remembered

_NAME = "budget"


@dataclass(frozen=True, slots=True)
class DailyBudget:
    """Requests of the whole account; `exhausted_until` is set while HubSpot refuses all of them."""

    limit: int | None = None
    left: int | None = None
    resets_at: datetime | None = None
    asked_at: datetime | None = None
    exhausted_until: datetime | None = None

    @property
    def used(self) -> int | None:
        return None if self.limit is None or self.left is None else self.limit - self.left


def load(session: Session) -> DailyBudget:
    found = json.loads(remembered(session, _NAME) or "{}")
    times = ("resets_at", "asked_at", "exhausted_until")
    moments = {name: datetime.fromisoformat(found[name]) for name in times if found.get(name)}
    return DailyBudget(found.get("limit"), found.get("left"), **moments)


def save(session: Session, budget: DailyBudget) -> None:
    numbers = {"limit": budget.limit, "left": budget.left}
    times = {name: getattr(budget, name) for name in ("resets_at", "asked_at", "exhausted_until")}
    texts = {name: moment.isoformat() for name, moment in times.items() if moment}
    remember(session, _NAME, json.dumps(numbers | texts))
