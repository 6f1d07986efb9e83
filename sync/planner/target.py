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

# ---- results of a write


@dataclass(frozen=True, slots=True)
class Written:
    """The write succeeded. `record` is the created record, None after a change or a deletion."""

    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A business or payload error: nothing was written. `message` does not hold the values that were sent.

    `denied`: the cause is not the record, but a service or permission that we lack."""

    message: str
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The CRM says that such a record exists already: nothing was written, and a lookup may find it."""

    message: str


@dataclass(frozen=True, slots=True)
class Doubtful:
    """The status means success, but the message means an error: probably nothing was written, which only a lookup can
    show.
    """

    message: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The record to change or delete no longer exists."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """The record was changed after it was read."""


@dataclass(frozen=True, slots=True)
class Locked:
    """A user has the record open."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """There was no usable answer, so the write may have happened.

    `outage`: the cause is the system, not this record.
    """

    cause: str
    outage: bool


@dataclass(frozen=True, slots=True)
class Aborted:
    """The request ended in `error`, or was not sent because another one ended in it.

    The caller must first store the results of the other requests, then raise `error`."""

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


# ---- finding records without their fields


class By(StrEnum):
    """The property by which a scan finds records."""

    ANY_KEY = "any_key"
    """Every record that carries one of our keys; needs no values."""
    KEY = "key"
    OWNER = "owner"
    """The HubSpot id at the beginning of a key with several parts."""
    ID = "id"
    NUMBER = "number"
    """The number that people see."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A search for all records of one kind with one of these values."""

    entity: str
    by: By
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scanned:
    """The identity of a record, without its fields; what was not read is empty.

    `obsolete`: it has the rules' status for retired records. `creator`: a fingerprint of its creator's name.
    """

    entity: str
    object_id: str
    key: str = ""
    obsolete: bool = False
    number: str = ""
    creator: str = ""


def all_found(answers: Iterable[list[Scanned] | Unanswered]) -> list[list[Scanned]]:
    """The records of each scan. Raises the failure of the first scan that has no answer."""
    found = []
    for answer in answers:
        if not isinstance(answer, list):
            raise answer
        found.append(answer)
    return found


# ---- the ports


class LookupReader(Protocol):
    """Answers the planner's lookups."""

    def find(self, lookups: Iterable[Lookup], snapshot: Snapshot) -> None:
        """Adds the answer to every lookup to `snapshot`: an empty one if no record matches, the reason if it is
        refused. A refused or partial answer must not become an empty one. Raises RemoteError, and then adds nothing.
        """


class Target(LookupReader, Protocol):
    """The CRM as a handover uses it, for one set of rules and one tenant. A dry run wraps it."""

    def apply(self, writes: Sequence[Write], alone: Container[tuple[str, str]] = ()) -> Iterator[Results]:
        """Sends each write exactly once, and yields one result for each, in portions.

        A write whose answer is lost is not repeated; its result is Unknown. `alone`: entity and key of writes that
        share no request with others. Every failure is a result. No further request is sent if the caller takes no
        further portion.
        """


class Crm(Protocol):
    """The CRM that is written to: what it offers, which records it has, and access to a `Target`."""

    def target(self, rules: Rules, schema: Schema, besides: Mapping[str, Sequence[str]] | None = None) -> Target:
        """Reads and writes by these rules, as far as the tenant has the fields of `schema`.

        `besides`: by entity, fields that are read besides those of the rules.
        """

    def scan(
        self, scans: Sequence[Scan], rules: Rules, schema: Schema | None = None
    ) -> list[list[Scanned] | Unanswered]:
        """The records of each scan, or why it has none: it was refused, or a record is unusable.

        `schema`: only fields that it has are read. Raises RemoteError if the CRM as a whole failed.
        """

    def fields(self, entities: Sequence[str]) -> Schema:
        """The fields of these entities, without those that the tenant does not offer. Raises RemoteError."""

    def codes(self, code_lists: Sequence[str]) -> dict[str, dict[str, str]]:
        """Codes with their descriptions by code list, without lists that are not offered or hold no code."""

    def masters(self, code_lists: Sequence[str], now: datetime) -> Masters:
        """Code lists, and the employees who are valid at `now`, in one go."""

    def unreadable(self, entities: Sequence[str]) -> dict[str, Unanswered]:
        """By entity, why the technical user may not read it; entities that it may read are left out."""
