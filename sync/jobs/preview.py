"""What the next push would write, field by field against what C4C holds now. Writes nothing."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sync.jobs.context import Context
from sync.jobs.handover import Handover
from sync.jobs.push import SLICE
from sync.jobs.slice import Slice
from sync.jobs.tenant import read_tenant
from sync.planner.plan import Write
from sync.state import work


def preview(context: Context, contact_ids: Sequence[str] = ()) -> dict[str, Any]:
    """The plan for these contacts, or for everybody who is due."""
    ids = list(contact_ids) or _due(context)
    records: dict[tuple[str, str], Write] = {}
    parked: list[dict[str, str]] = []
    warnings: list[dict[str, str]] = []
    if ids:
        tenant, mismatches = read_tenant(context.c4c, context.config.rules, context.now())
        handover = Handover(context, tenant)
        for start in range(0, len(ids), SLICE):
            slice_ = handover.load(ids[start : start + SLICE])
            handover.plan(slice_)
            records |= _records(slice_)
            parked += _parked(slice_)
            warnings += _warnings(slice_)
            context.progress("plan", min(start + SLICE, len(ids)), len(ids))
    else:
        mismatches = []
    return {**_document(list(records.values()), parked, [str(m) for m in mismatches]), "warnings": warnings}


def _due(context: Context) -> list[str]:
    with context.store.reading() as session:
        return work.due(session, context.now(), limit=1_000_000)


def _records(slice_: Slice) -> dict[tuple[str, str], Write]:
    return {
        (write.entity, write.key): write
        for contact in slice_.open()
        if slice_.plans[contact].problem is None
        for write in slice_.plans[contact].records
    }


def _parked(slice_: Slice) -> list[dict[str, str]]:
    problems = ((contact, slice_.plans[contact].problem) for contact in slice_.open())
    return [{"contact": contact, **problem.to_json()} for contact, problem in problems if problem]


def _warnings(slice_: Slice) -> list[dict[str, str]]:
    return [{"contact": i, **warning.to_json()} for i in slice_.open() for warning in slice_.plans[i].warnings]


def _document(writes: list[Write], parked: list[dict[str, str]], mismatches: list[str]) -> dict[str, Any]:
    return {
        "creates": dict(Counter(w.entity for w in writes if w.action == "create")),
        "updates": dict(Counter(w.entity for w in writes if w.action == "update")),
        "deletes": dict(Counter(w.entity for w in writes if w.action == "delete")),
        "unchanged": dict(Counter(w.entity for w in writes if w.action == "unchanged")),
        "records": [
            {
                "entity": write.entity,
                "key": write.key,
                "action": write.action,
                "fields": {change.name: change.to_json() for change in write.changes},
            }
            for write in writes
            if write.action != "unchanged"
        ],
        "parked": parked,
        "mismatches": mismatches,
    }
