"""A plan as a value: the records to write, each with its fields, and the lookups that planning still needs."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sync.domain.decision import Decision, Reason
from sync.domain.schema import Schema
from sync.domain.views import Link
from sync.planner.compare import Change
from sync.planner.snapshot import Lookup

TAX_NUMBER = "CorporateAccountTaxNumber"

Links = Mapping[tuple[str, str], Link]
Action = Literal["create", "update", "delete", "unchanged"]


@dataclass(frozen=True, slots=True)
class Tenant:
    """What the C4C tenant offers: fields, and valid employees' UUIDs by lower-case e-mail address.

    `warnings` name fields that are left out because the rules hold a code that the tenant does not know. `shared`:
    lower-case addresses that several valid employees have, so that none of them is chosen. `valid`: UUIDs of all valid
    employees, in capitals. `ourselves`: fingerprint of the creator that C4C notes on our records; empty if we have
    created none yet.
    """

    schema: Schema
    employees: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Reason, ...] = ()
    shared: Collection[str] = frozenset()
    valid: frozenset[str] = frozenset()
    ourselves: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """One record of a plan.

    `answers`: the lookups that the record answers once it is created. `locks`: other records that the write touches,
    since C4C refuses two simultaneous writes on one account (KBA 3577788). `children` are created in the same deep
    insert, so header and children exist together or not at all. `linked` is False if no link is to be stored.
    `observed`: what the record showed (`sync.planner.observed`).
    """

    entity: str
    key: str
    action: Action
    changes: tuple[Change, ...] = ()
    object_id: str | None = None
    version: str | None = None
    stale: bool = False
    ready: bool = True
    locks: frozenset[str] = frozenset()
    answers: tuple[Lookup, ...] = ()
    merge_base: Mapping[str, Any] = field(default_factory=dict)
    observed: Mapping[str, Any] = field(default_factory=dict)
    children: tuple["Write", ...] = ()
    linked: bool = True
    ours: bool = False
    shared: bool = False
    """The record carries the key of another HubSpot id; only the link is stored."""
    adopted_by: str = ""
    """The natural key by which an adopted record was recognised, in words."""

    def values(self) -> dict[str, Any]:
        """The fields of this record alone."""
        return {change.name: change.new for change in self.changes}

    def body(self) -> dict[str, Any]:
        """The body to send, including children. In C4C a child's navigation property is named like its entity."""
        nested: dict[str, Any] = {}
        for child in self.children:
            nested.setdefault(child.entity, []).append(child.values())
        return {**self.values(), **nested}


@dataclass(frozen=True, slots=True)
class Plan:
    """If `lookups` is not empty, read them and plan again.

    `problem` parks the contact. `obsolete_links`: links of relationships and attributes without a record, which are to
    be forgotten.
    """

    contact_id: str
    decisions: tuple[Decision, ...]
    records: tuple[Write, ...] = ()
    lookups: frozenset[Lookup] = frozenset()
    problem: Reason | None = None
    warnings: tuple[Reason, ...] = ()
    obsolete_links: tuple[tuple[str, str], ...] = ()

    def ready(self) -> Iterator[Write]:
        return (w for w in self.records if w.ready and w.action != "unchanged")
