"""The port to the CRM that is written to, and the values that cross it. No vendor's protocol shows here.

ADR 0061 says why it looks like this.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sync.domain.rules import Rules
from sync.domain.schema import Schema
from sync.errors import Refused, Unanswered
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


# ---- what is found without its fields


class By(StrEnum):
    """What names the records of a scan."""

    ANY_KEY = "any_key"
    """Every record that carries a key of ours; without values."""
    KEY = "key"
    OWNER = "owner"
    """HubSpot id that a key of several parts begins with."""
    ID = "id"
    NUMBER = "number"
    """What people call the record by."""


@dataclass(frozen=True, slots=True)
class Scan:
    """All records of one kind that `by` one of these values are meant."""

    entity: str
    by: By
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scanned:
    """What names a record, without its fields; what was not read is empty.

    `obsolete`: retired, by the rules' code for that. `creator`: a digest of the name of who created it.
    """

    entity: str
    object_id: str
    key: str = ""
    obsolete: bool = False
    number: str = ""
    creator: str = ""


def granted(answers: Iterable[list[Scanned] | Unanswered]) -> list[list[Scanned]]:
    """The records of each scan. Raises why one of them has no answer."""
    found = []
    for answer in answers:
        if not isinstance(answer, list):
            raise answer
        found.append(answer)
    return found


# ---- the ports


class LookupReader(Protocol):
    """Reads what the planner must know."""

    def find(self, lookups: Iterable[Lookup], snapshot: Snapshot) -> None:
        """Adds the answer to every lookup to `snapshot`: none where nothing fits, and why where it is refused.

        A refused or partial answer is never an empty one. Raises RemoteError, and then adds nothing.
        """


class Target(LookupReader, Protocol):
    """The CRM as a handover uses it, for one set of rules and what the tenant offers. A dry run wraps it."""

    def apply(self, writes: Sequence[Write], alone: Container[tuple[str, str]] = ()) -> Iterator[Results]:
        """Carries out each write exactly once, and hands out its one result, in portions.

        A write whose answer is lost is never repeated: its result says so. `alone`: entity and key of writes that share
        no request with others. Every failure is a result; a caller that takes no further portion starts no further
        request.
        """


class Crm(Protocol):
    """The CRM that is written to: what it offers, what it holds under our keys, and the way to a `Target`."""

    def target(self, rules: Rules, schema: Schema) -> Target:
        """Reads and writes by these rules, as far as the tenant has the fields of `schema`."""

    def scan(
        self, scans: Sequence[Scan], rules: Rules, schema: Schema | None = None
    ) -> list[list[Scanned] | Unanswered]:
        """The records of each scan, or why it has none: it was refused, or a record cannot be used.

        `schema`: only its fields are read. Raises RemoteError where the CRM as a whole failed.
        """

    def fields(self, entities: Sequence[str]) -> Schema:
        """The fields of these entities, without those that the tenant does not offer. Raises RemoteError."""

    def codes(self, code_lists: Sequence[str]) -> dict[str, dict[str, str]]:
        """Codes with their descriptions by code list, without lists that are not offered or hold no code."""

    def masters(self, code_lists: Sequence[str], now: datetime) -> Masters:
        """Code lists, and the employees who are valid at `now`, in one go."""

    def unreadable(self, entities: Sequence[str]) -> dict[str, Unanswered]:
        """Why the technical user may not read an entity, of those that it may not read."""
