"""The evidence of a handover: consent as read, rules in force, time of crossing.

It is stored with the intent first, then with the lead.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sync.domain.rules import Rules
from sync.domain.views import ContactView
from sync.state.work import HandoverRecord


def evidence_of(view: ContactView, score: str, rules: Rules) -> dict[str, Any]:
    """Plain JSON: `evidence` (consent by property, hash of the rules) and `crossed_at` (ISO, or None)."""
    consent = {name: view.known(name) for name in rules.qualification.consent.properties()}
    crossed_at = view.crossed_at.get(score)
    return {
        "evidence": {**consent, "rules": rules.fingerprint},
        "crossed_at": crossed_at.isoformat() if crossed_at else None,
    }


def handover(lead_key: str, object_id: str, known: Mapping[str, Any]) -> HandoverRecord:
    """The handover of an existing lead, with the evidence from `evidence_of`. Missing evidence stays missing."""
    crossed_at = known.get("crossed_at")
    at = datetime.fromisoformat(crossed_at) if crossed_at else None
    return HandoverRecord.of(lead_key, object_id, crossed_at=at, evidence=known.get("evidence") or {})
