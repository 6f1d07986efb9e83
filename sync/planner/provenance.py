"""Whether the values of our record are ours, when nothing is remembered of it, as after a loss of the state. Pure."""

from datetime import timedelta

from sync.domain.moments import moment
from sync.planner.keyed_fields import KEYED_FIELDS
from sync.planner.observed import observed_fingerprint
from sync.planner.snapshot import Record

_AT_ONCE = timedelta(minutes=1)
"""C4C completes a new record within moments, and so do we with the records that belong to it."""


def creator(record: Record) -> str:
    """A fingerprint of the creator's name; empty if C4C does not show it."""
    name = record.text(KEYED_FIELDS[record.entity].created_by) if record.entity in KEYED_FIELDS else ""
    return observed_fingerprint(name) if name else ""


def untouched(record: Record, ourselves: str) -> bool:
    """Whether we created the record and nobody has changed it since, so that all its values are ours."""
    created_on, changed_on, created_by, changed_by = KEYED_FIELDS[record.entity].stamps
    created, changed = moment(record.fields.get(created_on)), moment(record.fields.get(changed_on))
    if created is None or changed is None or not ourselves or creator(record) != ourselves:
        return False
    return record.text(created_by) == record.text(changed_by) and changed - created <= _AT_ONCE
