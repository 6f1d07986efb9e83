"""An in-memory twin of the C4C port: the same promises without HTTP, for tests of what is built on the port.

The contract suite runs on the twin and on the real client, so that neither can drift from the other.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sync.c4c.odata import Operation, Query, Row
from sync.c4c.records import record_of
from sync.domain.schema import Field, Schema
from sync.errors import Refused
from sync.planner.target import (
    Conflict,
    Doubtful,
    Employee,
    Gone,
    Locked,
    Masters,
    Rejected,
    Unknown,
    WriteResult,
    Written,
)
from sync.rule_files.standard_fields import standard

RELATION = "ContactIsContactPersonFor"
CUSTOM = {entity: Field("HubSpotID_KUT", "String", 40) for entity in ("CorporateAccount", "Contact", "Lead")}
SCORE = Field("HubSpotScore_KUT", "Decimal")
REQUIRED = {"CorporateAccount": ("Name", "RoleCode"), "Contact": ("LastName",)}
NUMBERS = {"CorporateAccount": "AccountID", "Contact": "ContactID", "Lead": "ID"}
UUIDS = {"CorporateAccount": "UUID", "Contact": "ContactUUID"}
_TERM = re.compile(r"(\w+) eq (?:guid)?'((?:[^']|'')*)'")
_BEGINNING = re.compile(r"startswith\((\w+),'((?:[^']|'')*)'\)")


@dataclass
class Mishap:
    """What happens to the next write whose text matches: `lock`, `sap_message`, `cut_before` or `cut_after`."""

    kind: str
    text: str


@dataclass
class Twin:
    """C4C as far as the port shows it. `codes_of` are its code lists."""

    codes_of: dict[str, dict[str, str]] = field(default_factory=dict)
    staff: list[Employee] = field(default_factory=list)
    mishaps: list[Mishap] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tables: dict[str, dict[str, dict[str, Any]]] = {}
        self._numbers = iter(range(1_000_001, 9_999_999))
        self._versions = iter(range(1, 9_999_999))
        schema = standard()
        for entity, custom in CUSTOM.items():
            schema = schema.with_custom(entity, custom, *([SCORE] if entity == "Lead" else []))
        self.schema = schema

    # ---- the port

    def answers(self, queries: Sequence[Query]) -> list[list[Row] | Refused]:
        return [self._answer(query) for query in queries]

    def _answer(self, query: Query) -> list[Row] | Refused:
        try:
            return list(self._select(query))
        except Refused as refused:
            return refused

    def write(self, groups: Sequence[Sequence[Operation]]) -> list[list[WriteResult]]:
        return [[self._carry_out(operation) for operation in group] for group in groups]

    def metadata(self, entities: Sequence[str]) -> Schema:
        return Schema({entity: self.schema.entities[entity] for entity in entities})

    def codes(self, code_lists: Sequence[str]) -> dict[str, dict[str, str]]:
        return {name: self.codes_of[name] for name in code_lists if name in self.codes_of}

    def masters(self, code_lists: Sequence[str], now: datetime) -> Masters:
        return Masters(self.codes(code_lists), list(self.staff))

    # ---- for tests

    def rows(self, entity: str) -> list[dict[str, Any]]:
        return list(self.tables.get(entity, {}).values())

    def seed(self, entity: str, **fields: Any) -> dict[str, Any]:
        return self._insert(entity, fields)

    # ---- reading

    def _select(self, query: Query) -> Iterator[Row]:
        entity = query.collection.removesuffix("Collection")
        if entity not in self.schema.entities:
            raise Refused("c4c", f"a read was refused with status 404: {entity}", 404)
        terms = [(name, value.replace("''", "'")) for name, value in _TERM.findall(query.filter)]
        terms += [(name, f"{value}*") for name, value in _BEGINNING.findall(query.filter)]
        if len({name for name, _ in terms}) > 1:
            raise Refused("c4c", "a read was refused with status 400: or over several properties")
        for name, _ in terms:
            known = self.schema.field(entity, name)
            if known is None or not known.filterable:
                raise Refused("c4c", f"a read was refused with status 400: {name} is not filterable")
        for object_id, row in sorted(self.tables.get(entity, {}).items()):
            if not terms or any(_matches(row.get(name), value) for name, value in terms):
                shown = query.select or tuple(row)
                empty = {name: "" for name in shown if name not in row}
                yield {
                    **empty,
                    **{n: row[n] for n in shown if n in row},
                    "ObjectID": object_id,
                    "__metadata": _meta(row),
                }

    # ---- writing

    def _carry_out(self, operation: Operation) -> WriteResult:
        mishap = self._mishap(operation)
        if mishap == "lock":
            return Locked()
        if mishap == "sap_message":
            return Doubtful("Error occurred during processing")
        if mishap == "cut_before":
            return Unknown("no answer", outage=True)
        result = self._effect(operation)
        return Unknown("no answer", outage=True) if mishap == "cut_after" else result

    def _mishap(self, operation: Operation) -> str | None:
        text = f"{operation.method} {operation.path} {dict(operation.body)}"
        for mishap in self.mishaps:
            if re.search(mishap.text, text):
                self.mishaps.remove(mishap)
                return mishap.kind
        return None

    def _effect(self, operation: Operation) -> WriteResult:
        entity, _, rest = operation.path.partition("Collection")
        if operation.method == "POST":
            return self._create(entity, operation.body)
        row = self.tables.get(entity, {}).get(rest.strip("()'"))
        if row is None:
            return Gone()
        if operation.if_match and operation.if_match != _meta(row)["etag"]:
            return Conflict()
        if operation.method == "DELETE":
            del self.tables[entity][row["ObjectID"]]
            return Written()
        return self._change(entity, row, operation.body)

    def _create(self, entity: str, body: Mapping[str, Any]) -> WriteResult:
        fields = {name: value for name, value in body.items() if not isinstance(value, list)}
        problem = self._problem(entity, fields, creating=True)
        if problem:
            return Rejected(problem)
        row = self._insert(entity, fields)
        for child, rows in body.items():
            for values in rows if isinstance(rows, list) else ():
                self._insert(child, {**values, "ParentObjectID": row["ObjectID"]})
        return Written(record_of(entity, {**row, "__metadata": _meta(row)}))

    def _change(self, entity: str, row: dict[str, Any], body: Mapping[str, Any]) -> WriteResult:
        problem = self._problem(entity, body, creating=False)
        if problem:
            return Rejected(problem)
        row.update(body, _version=next(self._versions))
        return Written()

    def _problem(self, entity: str, fields: Mapping[str, Any], *, creating: bool) -> str | None:
        for name, value in fields.items():
            known = self.schema.field(entity, name)
            if known is None or not (known.creatable if creating else known.updatable):
                return f"Property {name} is not {'creatable' if creating else 'updatable'}"
            if known.type == "String" and known.length and len(str(value)) > known.length:
                return f"Property {name} is too long"
        missing = [name for name in REQUIRED.get(entity, ()) if creating and not fields.get(name)]
        return f"Property {missing[0]} is mandatory" if missing else None

    def _insert(self, entity: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        row = {**fields, "ObjectID": uuid.uuid4().hex.upper(), "_version": next(self._versions)}
        if entity in NUMBERS:
            row.setdefault(NUMBERS[entity], str(next(self._numbers)))
        if entity in UUIDS:
            row.setdefault(UUIDS[entity], str(uuid.uuid4()).upper())
        self._derive(entity, row)
        self.tables.setdefault(entity, {})[row["ObjectID"]] = row
        return row

    def _derive(self, entity: str, row: dict[str, Any]) -> None:
        match entity:
            case "CorporateAccount":
                row.setdefault("LifeCycleStatusCode", "2")
            case "Contact":
                row.setdefault("StatusCode", "2")
                account = self._first("CorporateAccount", "UUID", row.get("AccountUUID"))
                if account:
                    row["AccountID"] = account["AccountID"]
                    main = {"ReverseMainIndicator": True, "ParentObjectID": row["ObjectID"]}
                    self._insert(RELATION, {**main, "ContactID": row["ContactID"], "AccountID": account["AccountID"]})
            case "ContactIsContactPersonFor" if "ParentObjectID" not in row:
                contact = self._first("Contact", "ContactID", row.get("ContactID"))
                row["ParentObjectID"] = contact["ObjectID"] if contact else ""
            case "Lead":
                status = "02" if row.get("QualificationLevelCode") else row.get("UserStatusCode", "01")
                row.update(UserStatusCode=status, LifeCycleStatusCode=status[-1])

    def _first(self, entity: str, name: str, value: Any) -> dict[str, Any] | None:
        return next((row for row in self.rows(entity) if value and row.get(name) == value), None)


def _meta(row: Mapping[str, Any]) -> dict[str, str]:
    return {"etag": f"W/\"datetimeoffset'{row['_version']}'\""}


def _matches(found: Any, value: str) -> bool:
    pattern = ".*".join(map(re.escape, value.split("*")))
    return re.fullmatch(pattern, str(found or ""), re.DOTALL) is not None
