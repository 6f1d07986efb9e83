"""Handovers as they are stored: leads that exist in C4C, each with the consent as read at that moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sync.domain.entities import Entity
from sync.domain.keys import Key


@dataclass(frozen=True, slots=True)
class HandoverRecord:
    """A lead that exists in C4C."""

    lead_key: str
    contact_id: str
    score: str
    cycle: int
    object_id: str
    crossed_at: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, lead_key: str, object_id: str, **more: Any) -> "HandoverRecord":
        """Of the lead with this key. Raises ValueError where the text is no lead's key."""
        key = Key.parse(Entity.LEAD, lead_key)
        return cls(lead_key, key.owner, *key.lead, object_id, **more)


def row(handover: HandoverRecord, now: datetime) -> dict[str, Any]:
    """The row of a handover that is recorded now."""
    return {
        "lead_key": handover.lead_key,
        "contact_id": handover.contact_id,
        "score": handover.score,
        "cycle": handover.cycle,
        "object_id": handover.object_id,
        "crossed_at": handover.crossed_at,
        "evidence": dict(handover.evidence),
        "handed_over_at": now,
        "rearmed": False,
    }
