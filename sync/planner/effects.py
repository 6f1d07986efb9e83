"""What a write that took effect means for its pair. Pure, and the same for the real run and the dry run."""

from typing import Any

from sync.c4c.odata import Row
from sync.domain.link import Wrote
from sync.domain.schema import Schema
from sync.planner.observed import EVERYTHING, observe
from sync.planner.queries import record
from sync.planner.writes import Write


def wrote(write: Write, row: Row | None, schema: Schema | None) -> Wrote:
    """The event of a write that took effect. `row`: what C4C answered, None after a change; `schema`: of a real answer.

    Without a schema the row was made up, and shows no values of C4C's own.
    """
    sent: dict[str, Any] = write.values()
    object_id = write.object_id or str((row or {})["ObjectID"])
    observed = (
        observe(record(write.entity, row), sent if schema else None, schema, EVERYTHING) if row else write.observed
    )
    return Wrote(object_id, sent, observed, write.ours, adopts(write), answered=row is not None)


def adopts(write: Write) -> bool:
    """Whether the write gives our key to a record that somebody else made."""
    return write.action == "update" and any(change.rule == "key" for change in write.changes)
