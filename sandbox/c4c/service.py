"""One OData operation, whether a request of its own or a part of a $batch: from its text to its effect and answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from sandbox.c4c import (
    ROOT,
    USERNAME,
    access,
    checks,
    codes,
    framing,
    leads,
    metadata,
    navigation,
    query,
    render,
    wording,
)
from sandbox.c4c.errors import Refused, bad_request
from sandbox.c4c.model import ENTITIES, Entity, Nav
from sandbox.c4c.query import Options
from sandbox.c4c.store import C4CStore
from sandbox.c4c.values import InternalField, etag_header

Row = dict[str, Any]
Done = tuple[str, str]  # kind of operation and entity, for the counters
WRITES = ("POST", "PUT", "PATCH", "DELETE")
FUNCTION_IMPORTS = frozenset(
    {
        "CheckForDuplicateAccounts",
        "CheckForDuplicates",
        "Convert",
        "ConvertLeadToOpportunity",
        "DepersonalizeLead",
        "LeadAssociateAccount",
        "LeadAssociateAccountContact",
        "LeadConvertAccountContact",
        "LeadConvertToContact",
        "LeadSetStatusConverted",
        "QueryByElements",
    }
)
_SEGMENT = re.compile(r"(?P<name>\$?\w+)(?:\((?P<key>.*)\))?")
_KEY = re.compile(r"(?:ObjectID=)?'([^']*)'")
_DATA_VERSION = {"dataserviceversion": "2.0"}


@dataclass
class Operation:
    method: str
    path: str  # below the service root, decoded, without a leading slash
    query: str
    headers: dict[str, str]  # names in lower case
    body: bytes = b""
    outer_path: str = ""  # the path of the request around it, for faults

    @property
    def text(self) -> str:
        head = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{self.method} {self.path}?{self.query}\n{head}\n\n{self.body.decode('utf-8', 'replace')}"

    @property
    def is_write(self) -> bool:
        return self.method in WRITES

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    def wants_json(self) -> bool:
        """JSON only for who asks: by Accept, or by $format when reading (C4C OData guide)."""
        if self.method == "GET" and Options.parse(self.query).raw.get("$format") == "json":
            return True
        return "application/json" in self.header("accept")


@dataclass
class Result:
    status: int
    body: str = ""
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Place:
    """What the path names: a collection, one entity of it, or the children of one entity."""

    entity: Entity
    key: str | None = None
    parent: Row | None = None
    parent_entity: Entity | None = None
    nav: Nav | None = None
    count: bool = False

    @property
    def is_list(self) -> bool:
        return self.key is None and (self.nav is None or self.nav.many)


class Service:
    """`done` collects what took effect; a changeset reports it only when it has committed."""

    def __init__(self, store: C4CStore, base: str) -> None:
        self.store, self.base = store, base
        self.done: list[Done] = []

    def handle(self, operation: Operation, locked: str | None = None) -> Result:
        """The answer, refusals included; what was done is counted at once."""
        try:
            result = self.perform(operation, locked)
        except Refused as refused:
            self.done.clear()
            return self.refusal(operation, refused)
        self.count_done()
        return result

    def count_done(self) -> None:
        for kind, entity in self.done:
            self.store.activity.add(kind, entity)
        self.done.clear()

    def refusal(self, operation: Operation, refused: Refused) -> Result:
        asked = operation.header("accept-language")
        text = wording.error(self.store.settings, refused, operation.wants_json(), asked)
        return Result(refused.status, *text, headers=refused.headers)

    def perform(self, operation: Operation, locked: str | None = None) -> Result:
        """Raises Refused; then nothing has changed."""
        if operation.is_write:
            if locked:
                raise Refused(400, f"Record {locked} is locked by user {USERNAME}", self.store.settings.lock_code)
            if struck := self._struck(operation):
                return struck
        try:
            with self.store.atomic():
                return self._dispatch(operation)
        except InternalField as refused:
            if self.store.settings.lower_case_uuid == "sap_message":
                return self._sap_message(refused.text)
            raise

    def _struck(self, operation: Operation) -> Result | None:
        paths = (f"{ROOT}/{operation.path}", operation.outer_path)
        action = self.store.operation_fault(operation.method, paths, operation.text)
        if action == "lock":
            raise Refused(400, f"Record is locked by user {USERNAME}", self.store.settings.lock_code)
        if action == "duplicate":
            raise Refused(400, "Record already exists")
        return self._sap_message("Error occurred during processing") if action else None

    def _sap_message(self, text: str) -> Result:
        """Success by status, failure by header: C4C's second error channel (SAP/python-pyodata 1.12 changelog)."""
        detail = {"code": "/APBP/CENT:003", "message": text, "target": "", "severity": "error"}
        head = {"code": "ODATA_ERROR", "message": "Error occurred during processing", "severity": "error", "target": ""}
        if self.store.settings.sap_message_severity == "details":
            head |= {"message": "Saved with messages", "severity": "info"}
        return Result(204, headers={"sap-message": json.dumps({**head, "details": [detail]}), **_DATA_VERSION})

    def _dispatch(self, operation: Operation) -> Result:
        first = operation.path.split("/")[0].split("(")[0]
        if operation.path == "":
            return self._root(operation)
        if first == "$metadata":
            return self._metadata(operation)
        if first in codes.LISTS:
            return self._code_list(operation, first)
        if first in FUNCTION_IMPORTS:
            raise Refused(501, f"Function import {first} is not part of the sandbox")
        place = self._place(operation.path)
        handler = self._handlers().get(operation.method)
        if handler is None:
            raise _not_allowed(operation.method)
        return handler(operation, place)

    def _handlers(self) -> dict[str, Callable[[Operation, Place], Result]]:
        return {
            "GET": self._get, "POST": self._create, "PATCH": self._update, "PUT": self._update, "DELETE": self._delete,
        }  # fmt: skip

    # --- where

    def _place(self, path: str) -> Place:
        segments = path.split("/")
        place = self._first(segments[0])
        for segment in segments[1:]:
            place = self._next(place, segment)
        return place

    def _first(self, segment: str) -> Place:
        match = _SEGMENT.fullmatch(segment)
        if not match:
            raise _not_found(segment)
        entity = access.by_set(self.store.settings, match["name"])
        return Place(entity, _object_id(match["key"]))

    def _next(self, place: Place, segment: str) -> Place:
        if segment == "$count" and place.is_list:
            return Place(place.entity, None, place.parent, place.parent_entity, place.nav, count=True)
        nav = place.entity.navs.get(segment)
        if nav is None or place.is_list or place.count:
            raise _not_found(segment)
        row = self._row(place)
        return Place(access.entity(self.store.settings, nav.to), None, row, place.entity, nav)

    def _row(self, place: Place) -> Row:
        if place.key is not None:
            row = self.store.get(place.entity.name, place.key)
        else:
            row = next(iter(self._children(place) or []), None)
        if row is None:
            raise Refused(
                404, f"Resource not found: {place.entity.name} {place.key or ''}".strip(), "/IWBEP/CM_MGW_RT/020"
            )
        return row

    def _children(self, place: Place) -> list[Row] | None:
        if place.parent is None or place.parent_entity is None or place.nav is None:
            return None
        return navigation.neighbours(self.store, place.parent_entity.name, place.parent, place.nav)

    # --- reading

    def _root(self, operation: Operation) -> Result:
        if operation.method != "GET":
            raise _not_allowed(operation.method)
        return Result(200, *render.service_document(self.store, operation.wants_json()), headers=dict(_DATA_VERSION))

    def _metadata(self, operation: Operation) -> Result:
        only = Options.parse(operation.query).names("$filter")
        return Result(200, metadata.document(self.store, only), render.XML, dict(_DATA_VERSION))

    def _code_list(self, operation: Operation, set_name: str) -> Result:
        if operation.method != "GET":
            raise _not_allowed(operation.method)
        if codes.LISTS[set_name][0] in self.store.settings.hidden_services:
            raise Refused(403, f"No authorization to access Service '{set_name}'", "/IWFND/MED/170")
        rows = codes.listing(set_name)
        self.done.append(("read", set_name))
        text, kind = render.code_list(rows, set_name, self.base, operation.wants_json(), self.store.settings)
        return Result(200, text, kind, dict(_DATA_VERSION))

    def _get(self, operation: Operation, place: Place) -> Result:
        options = Options.parse(operation.query)
        self.done.append(("read", place.entity.name))
        if place.count:
            rows = query.select(self.store, place.entity, options, self._children(place))
            return Result(200, str(len(rows)), "text/plain;charset=utf-8", dict(_DATA_VERSION))
        if place.is_list:
            return self._get_list(operation, place, options)
        options.only(query.ENTRY_OPTIONS)
        row = self._row(place)
        body, kind = render.single(self._look(operation, place, options), place.entity, row)
        return Result(200, body, kind, {"etag": etag_header(row["ETag"]), **_DATA_VERSION})

    def _get_list(self, operation: Operation, place: Place, options: Options) -> Result:
        look = self._look(operation, place, options)
        page = query.run(self.store, place.entity, options, self._children(place))
        path = quote(operation.path, safe="/()',=$")
        following = f"{self.base}{ROOT}/{path}?{page.next_query}" if page.next_query else None
        counted = options.raw.get("$inlinecount") == "allpages"
        return Result(200, *render.page(look, place.entity, page, counted, following), headers=dict(_DATA_VERSION))

    def _look(self, operation: Operation, place: Place, options: Options) -> render.Look:
        texts = operation.header("odata-no-codedescs").lower() != "true"
        return render.Look.of(self.store, self.base, operation.wants_json(), texts, place.entity, options)

    # --- writing

    def _create(self, operation: Operation, place: Place) -> Result:
        if place.key is not None or not place.is_list or not place.entity.allows("C"):
            raise _not_allowed("POST")
        values, children = checks.for_create(self.store.settings, place.entity, _json(operation))
        if place.parent is not None:
            values["ParentObjectID"] = place.parent["ObjectID"]
        created = self.store.create(place.entity.name, values, by=USERNAME)
        self.done.append(("create", place.entity.name))
        for nav, rows in children:
            self._create_children(nav, rows, created["ObjectID"])
        return self._created(operation, place.entity, created["ObjectID"])

    def _create_children(self, nav: Nav, rows: list[Row], parent: str) -> None:
        entity = access.entity(self.store.settings, nav.to)
        for row in rows:
            values, _ = checks.for_create(self.store.settings, entity, row)
            self.store.create(entity.name, values | {"ParentObjectID": parent}, by=USERNAME)
            self.done.append(("create", entity.name))

    def _created(self, operation: Operation, entity: Entity, object_id: str) -> Result:
        row = self.store.get(entity.name, object_id) or {}
        look = self._look(operation, Place(entity, object_id), Options())
        headers = {"location": look.uri(entity, row), "etag": etag_header(row["ETag"]), **_DATA_VERSION}
        if operation.header("odata-no-response-payload").lower() == "true":
            return Result(201, headers=headers)
        return Result(201, *render.single(look, entity, row), headers=headers)

    def _update(self, operation: Operation, place: Place) -> Result:
        """204 with neither body nor ETag (C4C service ticket guide): the next If-Match needs another read."""
        row = self._writable(operation, place, "U")
        check = checks.for_replace if operation.method == "PUT" else checks.for_update
        values = check(place.entity, row, _json(operation))
        changed = self.store.change(place.entity.name, row["ObjectID"], values, by=USERNAME)
        self.done.append(("update" if changed else "no_op", place.entity.name))
        return Result(204, headers=dict(_DATA_VERSION))

    def _delete(self, operation: Operation, place: Place) -> Result:
        row = self._writable(operation, place, "D")
        self.store.delete(place.entity.name, row["ObjectID"], by=USERNAME)
        self.done.append(("delete", place.entity.name))
        return Result(204, headers=dict(_DATA_VERSION))

    def _writable(self, operation: Operation, place: Place, flag: str) -> Row:
        if place.is_list or not ENTITIES[place.entity.name].allows(flag):
            raise _not_allowed(operation.method)
        row = self._row(place)
        self._note_closed(place.entity.name, row)
        wanted = operation.header("if-match")
        framing.check_condition(wanted)
        if wanted and wanted not in ("*", etag_header(row["ETag"])):
            raise Refused(412, "Precondition failed: the record was changed in the meantime", "/IWBEP/CM_MGW_RT/412")
        return row

    def _note_closed(self, entity: str, row: Row) -> None:
        """An attempt counts, whatever becomes of it."""
        if entity == "Lead" and row.get("LifeCycleStatusCode") in leads.CLOSED:
            self.store.activity.closed_lead_writes += 1


def _json(operation: Operation) -> Row:
    if "json" not in operation.header("content-type"):
        raise bad_request("The request body must be sent as application/json")
    try:
        value = json.loads(operation.body)
    except ValueError:
        raise bad_request("Error while parsing the JSON body", "CX_SXML_PARSE_ERROR") from None
    if isinstance(value, dict) and isinstance(value.get("d"), dict):
        value = value["d"]
    if not isinstance(value, dict):
        raise bad_request("The body must be one JSON object", "CX_SXML_PARSE_ERROR")
    return value


def _object_id(key: str | None) -> str | None:
    if key is None:
        return None
    match = _KEY.fullmatch(key)
    if not match:
        raise bad_request(f"Invalid key predicate ({key})")
    return match[1]


def _not_found(segment: str) -> Refused:
    return Refused(404, f"Resource not found for segment '{segment}'", "005056A509B11EE1B9A8FEC11C21578E")


def _not_allowed(method: str) -> Refused:
    return Refused(405, f"Method {method} is not allowed for this resource", "/IWFND/CM_MGW/405")
