"""What a write that took effect means for its pair. Pure, and the same for the real run and the dry run."""

from typing import Any

from sync.domain.link import Wrote
from sync.domain.schema import Schema
from sync.planner.observed import EVERYTHING, observe
from sync.planner.snapshot import Record
from sync.planner.writes import Write


def wrote(write: Write, record: Record | None, schema: Schema | None) -> Wrote:
    """The event of a write that took effect. `record`: what was created, None after a change.

    `schema`: of a real answer. Without it the record was made up, and shows no values of C4C's own.
    """
    sent: dict[str, Any] = write.values()
    object_id = write.object_id or (record.object_id if record else "")
    observed = observe(record, sent if schema else None, schema, EVERYTHING) if record else write.observed
    return Wrote(object_id, sent, observed, write.ours, adopts(write), answered=record is not None)


def adopts(write: Write) -> bool:
    """Whether the write gives our key to a record that somebody else made."""
    return write.action == "update" and any(change.rule == "key" for change in write.changes)
