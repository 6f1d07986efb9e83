"""Computes the next state of a contact's work. Pure: takes state, outcome and time, and returns the next state."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sync.domain.codes import Code


class Status(StrEnum):
    """The state of a contact."""

    PENDING = "pending"
    """To be looked at (again) from `due_at` on."""
    IN_FLIGHT = "in_flight"
    """A write was started and its end is unknown; C4C is read before anything new is written."""
    DONE = "done"
    """Decided and, if it qualified, written to C4C."""
    PARKED = "parked"
    """Needs a person."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of one contact's work.

    `attempts` counts failures caused by the record itself, `waits` postponements in a row for other causes."""

    status: Status
    attempts: int = 0
    due_at: datetime | None = None
    code: Code | None = None
    detail: str | None = None
    waits: int = 0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Delays double from `first` up to `longest`; a contact is parked after `attempts` failures of its own."""

    attempts: int = 8
    first: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(hours=1)

    def delay(self, attempt: int) -> timedelta:
        """The pause after the `attempt`-th failure (1 is the first)."""
        doublings = min(max(attempt, 1) - 1, 20)
        return min(self.first * (1 << doublings), self.longest)


@dataclass(frozen=True, slots=True)
class Done:
    """Settled, with the deciding `code`."""

    code: Code


@dataclass(frozen=True, slots=True)
class Failed:
    """Needs a person: another try would fail the same way."""

    code: Code
    detail: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """Try again later.

    `blames_record` is False for outages and locks: they cost no attempt. `outage` makes the contact due at once, so
    that it waits no longer than the outage. `unknown` keeps it in flight, since a write may have happened.
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
    # The larger count sets the pause: a record that stays locked is tried ever less often, but loses no attempt.
    due_at = now if outcome.outage else now + policy.delay(max(attempts, waits))
    return Progress(status, attempts, due_at, outcome.code, outcome.detail, waits)
