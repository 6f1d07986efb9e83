"""What a write that did not succeed means for its contacts."""

from sync.c4c_client import Conflict, Doubtful, Duplicate, Gone, Locked, Rejected, Unknown, WriteResult
from sync.domain.codes import Code
from sync.lifecycle import Failed, Outcome, Postponed
from sync.planner.plan import Write

CONFLICT_ROUNDS = 3
UNKNOWN_ROUNDS = 2
LOCK_ROUNDS = 3
DUPLICATE_ROUNDS = 1
"""Looked up once more, since somebody may have created it meanwhile; what no key finds then is for a person."""
LOST_ROUNDS = 5


def failure(write: Write, result: WriteResult, times: int, alone: bool = False) -> Outcome | None:
    """The outcome after the write failed `times` times in this slice; None to read again and plan anew.

    `alone`: nothing else was in the request, and others came through before. Then a lost answer is the record's own.
    """
    what = f"{write.entity} {write.key}"
    match result:
        case Rejected(message, denied):
            return Failed(Code.C4C_DENIED if denied else Code.C4C_REJECTED, f"{what}: {message}")
        case Duplicate(message) if times > DUPLICATE_ROUNDS:
            return Failed(Code.C4C_REJECTED, f"{what}: {message}")
        case Doubtful(message) if times > UNKNOWN_ROUNDS:
            return Postponed(Code.C4C_REJECTED, f"{what}: {message}", blames_record=True)
        case Locked() if times > LOCK_ROUNDS:
            return Postponed(Code.C4C_LOCKED, f"{what} is open elsewhere")
        case Conflict() | Gone() if times > CONFLICT_ROUNDS:
            return Postponed(Code.C4C_CONFLICT, f"{what} keeps changing", blames_record=True)
        case Unknown(cause, outage) if times > (LOST_ROUNDS if outage and alone else UNKNOWN_ROUNDS):
            if outage and not alone:
                return None
            return Postponed(Code.C4C_UNAVAILABLE, f"{what}: {cause}", blames_record=True, unknown=True)
        case _:
            return None
