"""Decides what a failed write means for its contacts."""

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from sync.domain.codes import Code
from sync.errors import Refused
from sync.lifecycle import Failed, Outcome, Postponed
from sync.planner.plan import Write
from sync.planner.target import (
    Aborted,
    Conflict,
    Doubtful,
    Duplicate,
    Gone,
    Locked,
    RefusedRequest,
    Rejected,
    Results,
    Unknown,
    WriteResult,
)

_CONFLICT_ROUNDS = 3
UNKNOWN_ROUNDS = 2
LOCK_ROUNDS = 3
_DUPLICATE_ROUNDS = 1
"""After such a failure the record is looked up once more, since it may have been created meanwhile. If no key finds it,
a person must look.
"""
_LOST_ROUNDS = 5


def failure(write: Write, result: WriteResult, times: int, alone: bool = False) -> Outcome | None:
    """The outcome after the write failed `times` times in this batch; None to read and plan again.

    `alone`: this write was the only one in its request while others succeeded, so a lost answer counts against the
    record.
    """
    what = f"{write.entity} {write.key}"
    if isinstance(result, Rejected | Duplicate | RefusedRequest):
        return _refused(what, result, times)
    match result:
        case Doubtful(message) if times > UNKNOWN_ROUNDS:
            return Postponed(Code.C4C_REJECTED, f"{what}: {message}", blames_record=True)
        case Locked() if times > LOCK_ROUNDS:
            return Postponed(Code.C4C_LOCKED, f"{what} is open elsewhere")
        case Conflict() | Gone() if times > _CONFLICT_ROUNDS:
            return Postponed(Code.C4C_CONFLICT, f"{what} keeps changing", blames_record=True)
        case Unknown(cause, outage) if times > (_LOST_ROUNDS if outage and alone else UNKNOWN_ROUNDS):
            if outage and not alone:
                return None
            return Postponed(Code.C4C_UNAVAILABLE, f"{what}: {cause}", blames_record=True, unknown=True)
        case _:
            return None


def _refused(what: str, result: Rejected | Duplicate | RefusedRequest, times: int) -> Outcome | None:
    text = f"{what}: {result.message}"
    match result:
        case Rejected(_, denied):
            return Failed(Code.C4C_DENIED if denied else Code.C4C_REJECTED, text)
        case RefusedRequest(_, alone=True):
            return Failed(Code.C4C_REJECTED, text)
        case RefusedRequest() if times > UNKNOWN_ROUNDS:
            # A write that was refused only together with others may be good: it is tried again, at the cost of an
            # attempt.
            return Postponed(Code.C4C_REJECTED, text, blames_record=True)
        case Duplicate() if times > _DUPLICATE_ROUNDS:
            return Failed(Code.C4C_REJECTED, text)
        case _:
            return None


_Kind = tuple[str, str]
"""Action and entity of a write."""


@dataclass
class Reach:
    """How C4C has answered in this run so far.

    `answered`: kinds of writes that got an answer of their own, good or bad. `silent`: requests in a row without any
    answer. `reached`: whether any request was answered.
    """

    answered: set[_Kind] = field(default_factory=set)
    silent: int = 0
    reached: bool = False

    def note(self, results: Results) -> None:
        unanswered = (RefusedRequest, Unknown, Aborted)
        self.answered |= {(write.action, write.entity) for write, r in results if not isinstance(r, unanswered)}

    def note_lost(self, results: Results) -> list[Unknown]:
        """Notes answers that were lost in an outage.

        If any request was answered, C4C counts as reachable, however bad the line.
        """
        lost = [result for _, result in results if isinstance(result, Unknown) and result.outage]
        self.reached = self.reached or len(lost) < len(results)
        self.silent = self.silent + 1 if len(lost) == len(results) else 0
        return lost


def request_at_fault(results: Results, known_good: Collection[_Kind]) -> Refused | None:
    """The refusal that is not the fault of a record, if there is one: several records were sent one by one, all
    requests were refused in the same way, and none of this kind was answered.
    """
    alike: dict[tuple[int, str], list[Refused]] = defaultdict(list)
    for write, result in results:
        if isinstance(result, RefusedRequest) and result.alone and (write.action, write.entity) not in known_good:
            alike[result.error.status, _without_numbers(str(result.error))].append(result.error)
    return next((errors[0] for errors in alike.values() if len(errors) > 1), None)


def _without_numbers(words: str) -> str:
    """The text without numbers, since two equal refusals may each name the position or id of their record."""
    return re.sub(r"\S*\d\S*", "", words)
