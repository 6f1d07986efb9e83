"""SAP Sales Cloud in this process: the sandbox's store and checks behind our port, without HTTP.

What the store does cannot differ between a test of the planner and the running sandbox; the traits of the wire are
tried through the sandbox's own door. One contract suite runs on both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sandbox.c4c.errors
from sandbox.c4c import checks, codes, filters
from sandbox.c4c.model import BY_SET, ENTITIES, Entity
from sandbox.c4c.store import C4CStore
from sandbox.c4c.values import etag_header
from sandbox.clock import Clock
from sync.c4c import masters
from sync.c4c.odata import Operation, Query, Row
from sync.c4c.records import record_of
from sync.domain.schema import Field, Schema
from sync.errors import Refused
from sync.planner.target import (
    Conflict,
    Doubtful,
    Gone,
    Locked,
    Masters,
    Rejected,
    Unknown,
    WriteResult,
    Written,
)
from sync.rule_files.standard_fields import standard

OURSELVES = "SYNC"
"""The technical user, as C4C notes it on what we write."""


@dataclass
class Mishap:
    """What happens to the next write whose text matches: `lock`, `sap_message`, `cut_before` or `cut_after`."""

    kind: str
    text: str


def offered() -> Schema:
    """The fields of a fresh tenant, and those that a customer added for us."""
    schema = standard()
    for entity in schema.entities.keys() & ENTITIES.keys():
        own = [f for name, f in ENTITIES[entity].fields.items() if name.endswith("_KUT")]
        schema = schema.with_custom(entity, *(Field(f.name, f.type, f.length) for f in own))
    return schema


@dataclass
class Tenant:
    """Our C4C port on the sandbox's store.

    `codes_of`: code lists other than the sandbox's. `mishaps`: what goes wrong. `log`: every write that took effect;
    `read`, `asked`: what was looked at.
    """

    codes_of: dict[str, dict[str, str]] | None = None
    store: C4CStore = field(default_factory=lambda: C4CStore(Clock()))
    schema: Schema = field(default_factory=offered)
    mishaps: list[Mishap] = field(default_factory=list)
    log: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    may_rewrite: bool = True
    """Whether a write may leave all as it was."""

    # ---- the port

    def answers(self, queries: Sequence[Query]) -> list[list[Row] | Refused]:
        return [self._answer(query) for query in queries]

    def _answer(self, query: Query) -> list[Row] | Refused:
        try:
            return self._select(query)
        except sandbox.c4c.errors.Refused as refused:
            return Refused("c4c", f"a read was refused with status {refused.status}: {refused.code}", refused.status)

    def write(self, groups: Sequence[Sequence[Operation]]) -> list[list[WriteResult]]:
        return [[self._carry_out(operation) for operation in group] for group in groups]

    def metadata(self, entities: Sequence[str]) -> Schema:
        return Schema({entity: self.schema.entities[entity] for entity in entities})

    def codes(self, code_lists: Sequence[str]) -> dict[str, dict[str, str]]:
        if self.codes_of is not None:
            return {name: self.codes_of[name] for name in code_lists if name in self.codes_of}
        known = [name for name in code_lists if name in codes.LISTS]
        return {name: {row["Code"]: row["Description"] for row in codes.listing(name)} for name in known}

    def masters(self, code_lists: Sequence[str], now: datetime) -> Masters:
        return Masters(self.codes(code_lists), masters.valid(self.rows("Employee"), now))

    # ---- for tests

    def rows(self, entity: str) -> list[Row]:
        return self.store.rows(entity)

    def seed(self, entity: str, **fields: Any) -> Row:
        """What sales, or anybody else, enters."""
        return self.store.create(entity, fields)

    def hire(self, *addresses: str) -> None:
        """Employees that may own records."""
        for address in addresses:
            self.seed("Employee", Email=address, FirstName="A", LastName="B")

    def ids(self) -> set[str]:
        """The ObjectID of everything that is there."""
        return {row["ObjectID"] for entity in ENTITIES for row in self.store.all(entity)}

    def forget_reads(self) -> None:
        self.read.clear()
        self.asked.clear()

    def looked_for(self, entity: str, row: Row) -> bool:
        """Whether any query named the row, by its own id or key or its header's id; others meet it by chance only."""
        names = [row.get(name) for name in ("ObjectID", "ParentObjectID", "HubSpotID_KUT")]
        return any(e == entity and any(f"'{name}'" in filter_ for name in names if name) for e, filter_ in self.asked)

    # ---- reading

    def _select(self, query: Query) -> list[Row]:
        entity = BY_SET.get(query.collection)
        if entity is None:
            raise sandbox.c4c.errors.Refused(404, "Resource not found")
        test = filters.parse(entity, query.filter, True).test if query.filter else lambda row: True
        found = [row for row in self.rows(entity.name) if test(row)]
        self.read |= {row["ObjectID"] for row in found}
        self.asked.append((entity.name, query.filter))
        names = (*query.select, "ObjectID") if query.select else tuple(entity.fields)
        return [{**{name: row.get(name) for name in names}, "__metadata": _metadata(row)} for row in found]

    # ---- writing

    def _carry_out(self, operation: Operation) -> WriteResult:
        mishap = self._mishap(operation)
        if mishap == "lock":
            return Locked()
        if mishap == "sap_message":
            return Doubtful("Error occurred during processing")
        if mishap == "cut_before":
            return Unknown("no answer", outage=True)
        try:
            with self.store.atomic():
                result = self._effect(operation)
        except sandbox.c4c.errors.Refused as refused:
            result = Rejected(f"refused with status {refused.status}: {refused.code}")
        return Unknown("no answer", outage=True) if mishap == "cut_after" else result

    def _mishap(self, operation: Operation) -> str | None:
        text = f"{operation.method} {operation.path} {dict(operation.body)}"
        for mishap in self.mishaps:
            if re.search(mishap.text, text):
                self.mishaps.remove(mishap)
                return mishap.kind
        return None

    def _effect(self, operation: Operation) -> WriteResult:
        set_name, _, key = operation.path.partition("(")
        entity, object_id = BY_SET[set_name], key.strip("')")
        if operation.method == "POST":
            return self._create(entity, dict(operation.body))
        row = self.store.get(entity.name, object_id)
        if row is None:
            return Gone()
        if operation.if_match not in (None, "*", _metadata(row)["etag"]):
            return Conflict()
        if operation.method == "DELETE":
            self.store.delete(entity.name, object_id, by=OURSELVES)
            self.log.append(("delete", entity.name, {"ObjectID": object_id}))
            return Written()
        values = checks.for_update(entity, row, dict(operation.body))
        changed = self.store.change(entity.name, object_id, values, by=OURSELVES)
        assert changed or self.may_rewrite, "a PATCH that changes nothing"
        self.log.append(("update", entity.name, {**operation.body, "ObjectID": object_id}))
        return Written()

    def _create(self, entity: Entity, body: dict[str, Any]) -> WriteResult:
        values, children = checks.for_create(self.store.settings, entity, body)
        made = self.store.create(entity.name, values, by=OURSELVES)
        for nav, rows in children:
            for row in rows:
                inside, _ = checks.for_create(self.store.settings, ENTITIES[nav.to], row)
                self.store.create(nav.to, {**inside, "ParentObjectID": made["ObjectID"]}, by=OURSELVES)
        self.log.append(("create", entity.name, {**body, "ObjectID": made["ObjectID"]}))
        shown = self.store.full(entity.name, self.store.get(entity.name, made["ObjectID"]) or {})
        return Written(record_of(entity.name, {**shown, "__metadata": _metadata(shown)}))


def _metadata(row: Row) -> dict[str, str]:
    return {"etag": etag_header(row["ETag"])}
