"""What the part of a batch answer says became of a write. Pure."""

from sync.c4c import odata
from sync.c4c.entities import entity_of
from sync.c4c.multipart import Part
from sync.c4c.odata import Operation
from sync.c4c.records import record_of
from sync.c4c.refusals import words
from sync.c4c.refusals.meaning import Meaning, meaning
from sync.c4c.refusals.redaction import sent_in
from sync.planner.target import (
    Conflict,
    Doubtful,
    Duplicate,
    Gone,
    Locked,
    Rejected,
    Unknown,
    WriteResult,
    Written,
)


def result(operation: Operation, part: Part) -> WriteResult:
    """What became of the operation that this part answers."""
    said = [*words.in_body(part.body if part.status >= 300 else ""), *words.in_headers(part.headers)]
    if part.status < 300 and not words.trouble(part.headers):
        return _written(operation, part)
    return _failed(operation, part.status, meaning(part.status, said), words.spoken(said, sent_in([operation])))


def _failed(operation: Operation, status: int, why: Meaning, said: str) -> WriteResult:
    """The result for a part that is not a success. `said`: C4C's sentences."""
    if why is Meaning.LOCKED:
        return Locked()
    if status < 300:
        return Doubtful(said)
    if status >= 500 or status == 429:
        return Unknown(f"status {status}" + (f": {said}" if said else ""), outage=False)
    match why:
        case Meaning.CONFLICT:
            return Conflict()
        case Meaning.GONE if operation.method != "POST":
            return Gone()
        case Meaning.DUPLICATE:
            return Duplicate(said or f"status {status}")
        case _:
            return Rejected(said or f"status {status}", denied=why is Meaning.DENIED)


def _written(operation: Operation, part: Part) -> WriteResult:
    if operation.method != "POST":
        return Written()
    try:
        row = odata.one(part.json())
    except ValueError:
        return Unknown("the created record was not shown", outage=False)
    if not odata.has_id(row):
        return Unknown("the created record has no ObjectID", outage=False)
    return Written(record_of(entity_of(operation.path), row))
