"""The evidence of a handover: consent as read, rules in force, time of crossing.

It is stored with the intent first, then with the lead. Here is also what is reported of a handover.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sync import metrics
from sync.domain.rules import Rules
from sync.domain.views import ContactView
from sync.log import Event, emit
from sync.state.handovers import HandoverRecord


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


def report(handover: HandoverRecord, since: datetime | None, now: datetime, promised: timedelta) -> None:
    """Counts a lead that we created, and logs it. `promised`: how long a handover may take by `[slo]`.

    `since`: when our first load was complete. A contact that crossed before then crossed at an unknown time, so its
    latency counts from our reading.
    """
    later = since is not None and handover.crossed_at is not None and handover.crossed_at >= since
    metrics.count_handover(handover.crossed_at, "later" if later else "first", now, promised)
    emit(Event.LEAD_HANDED_OVER, contact=handover.contact_id, key=handover.lead_key, object_id=handover.object_id)
