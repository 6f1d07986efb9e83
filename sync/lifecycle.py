"""How a contact's progress goes on after something happened to it. Pure: state, outcome and time in, next state out."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sync.domain.codes import Code


class Status(StrEnum):
    """Where a contact stands."""

    PENDING = "pending"
    """Must be looked at (again) when `due_at` has come."""
    IN_FLIGHT = "in_flight"
    """A write was started and its end was not seen; what C4C holds is looked up before anything new."""
    DONE = "done"
    """Decided and, if it qualified, written."""
    PARKED = "parked"
    """Needs a person."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of one contact's work.

    `attempts` counts failures that were the record's own, `waits` how often in a row somebody else was in the way.
    """

    status: Status
    attempts: int = 0
    due_at: datetime | None = None
    code: Code | None = None
    detail: str | None = None
    waits: int = 0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Delays double from `first` up to `longest`; after `attempts` failures of its own a contact is parked."""

    attempts: int = 8
    first: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(hours=1)

    def delay(self, attempt: int) -> timedelta:
        """The pause after the `attempt`-th failure (1 is the first)."""
        doublings = min(max(attempt, 1) - 1, 20)
        return min(self.first * (1 << doublings), self.longest)


@dataclass(frozen=True, slots=True)
class Done:
    """Decided; `code` says how."""

    code: Code


@dataclass(frozen=True, slots=True)
class Failed:
    """Needs a person: trying the same again would give the same."""

    code: Code
    detail: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """Try again later.

    `blames_record` is False for outages and locks: they cost no attempt. `outage` makes the contact due at once, so
    that nothing waits longer than the system is away. `unknown` keeps it in flight, since a write may have happened.
    """

    code: Code
    detail: str
    blames_record: bool = False
    outage: bool = False
    unknown: bool = False


Outcome = Done | Failed | Postponed


def advance(progress: Progress, outcome: Outcome, policy: RetryPolicy, now: datetime) -> Progress:
    """The progress after `outcome`."""
    match outcome:
        case Done(code):
            return Progress(Status.DONE, code=code)
        case Failed(code, detail):
            return replace(progress, status=Status.PARKED, due_at=None, code=code, detail=detail)
        case Postponed():
            return _postponed(progress, outcome, policy, now)


def _postponed(progress: Progress, outcome: Postponed, policy: RetryPolicy, now: datetime) -> Progress:
    attempts = progress.attempts + outcome.blames_record
    if outcome.blames_record and attempts >= policy.attempts:
        return Progress(Status.PARKED, attempts, None, outcome.code, outcome.detail)
    status = Status.IN_FLIGHT if outcome.unknown else Status.PENDING
    waits = 0 if outcome.blames_record or outcome.outage else progress.waits + 1
    # Whichever grows: a record that stays locked is asked for less and less often, and loses no attempt.
    due_at = now if outcome.outage else now + policy.delay(max(attempts, waits))
    return Progress(status, attempts, due_at, outcome.code, outcome.detail, waits)
