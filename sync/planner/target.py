"""The port to the CRM that is written to, and the values that cross it. No vendor's protocol shows here.

ADR 0061 says why it looks like this.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sync.errors import Refused
from sync.planner.snapshot import Lookup, Record, Snapshot
from sync.planner.writes import Write

# ---- what became of a write


@dataclass(frozen=True, slots=True)
class Written:
    """The write took effect; `record` is what was created, None after a change or a deletion."""

    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A business or payload error: nothing was written. `message` is free of the values that were sent.

    `denied`: not the record's fault, but a service or permission that we lack.
    """

    message: str
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The CRM says that such a record exists already: nothing was written, and a lookup may find it."""

    message: str


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A success by its status, an error by its message: most likely nothing was written; only a lookup shows it."""

    message: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The record to change or delete no longer exists."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody changed the record since it was read."""


@dataclass(frozen=True, slots=True)
class Locked:
    """Somebody has the record open."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No believable answer: the write may have happened. `outage`: the system failed, not this record."""

    cause: str
    outage: bool


@dataclass(frozen=True, slots=True)
class Aborted:
    """The request ended in `error`, or was not sent because another one ended in it.

    The caller first keeps the results of the other requests, then raises `error`.
    """

    error: Exception


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """The request was refused as a whole, so nothing was written. `alone`: it held this record only."""

    error: Refused
    alone: bool = True

    @property
    def message(self) -> str:
        return str(self.error)


WriteResult = Written | Rejected | Duplicate | Doubtful | Conflict | Gone | Locked | Unknown | Aborted | RefusedRequest

Results = Sequence[tuple[Write, WriteResult]]


# ---- what the tenant offers


@dataclass(frozen=True, slots=True)
class Employee:
    """An employee who can own records: `uuid` as the CRM writes it."""

    uuid: str
    email: str


@dataclass(frozen=True, slots=True)
class Masters:
    """Code lists, and the employees who can own records; None where their service is not enabled."""

    codes: Mapping[str, Mapping[str, str]]
    employees: list[Employee] | None


# ---- the port


class LookupReader(Protocol):
    """Reads what the planner must know."""

    def find(self, lookups: Iterable[Lookup], snapshot: Snapshot) -> None:
        """Adds the answer to every lookup to `snapshot`: none where nothing fits, and why where it is refused.

        A refused or partial answer is never an empty one. Raises RemoteError, and then adds nothing.
        """
