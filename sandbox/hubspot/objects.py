"""Contacts and companies by list, by id and by batch (HubSpot CRM objects API)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.answers import JSONResponse
from sandbox.hubspot.errors import bad_request, not_found
from sandbox.hubspot.guard import cursor, flag, json_body, names, number
from sandbox.hubspot.records import Record
from sandbox.hubspot.schema import KINDS, SINGULAR
from sandbox.hubspot.search import MAX_BODY, search
from sandbox.hubspot.store import HubSpotStore

MAX_PAGE = 100
MAX_INPUTS = 100
MAX_WITH_HISTORY = 50


class Objects:
    """The handlers of one path family; `partial_status` is what a partly failed batch answers."""

    def __init__(self, store: HubSpotStore, partial_status: int) -> None:
        self.store = store
        self.partial_status = partial_status

    async def search(self, request: Request) -> Response:
        kind = object_type(request)
        return JSONResponse(search(self.store, kind, await json_body(request, MAX_BODY)))

    async def page(self, request: Request) -> Response:
        """The list has no filter and no lag; `archived=true` shows archived rows only."""
        kind = object_type(request)
        history = names(request, "propertiesWithHistory")
        limit = number(request, "limit", 10, MAX_WITH_HISTORY if history else MAX_PAGE)
        records, more = self.store.page(kind, cursor(request), limit, archived=flag(request, "archived"))
        answer: dict[str, Any] = {"results": [self._shown(request, record, history) for record in records]}
        if more:
            after = records[-1].id
            answer["paging"] = {"next": {"after": after, "link": f"{request.url.path}?after={after}"}}
        return JSONResponse(answer)

    async def one(self, request: Request) -> Response:
        kind, record_id = object_type(request), request.path_params["id"]
        record = self._find(kind, record_id, request.query_params.get("idProperty"), flag(request, "archived"))
        if record is None:
            raise not_found("resource not found")
        return JSONResponse(self._shown(request, record, names(request, "propertiesWithHistory")))

    def _find(self, kind: str, value: str, id_property: str | None, archived: bool) -> Record | None:
        if id_property and id_property != "hs_object_id":
            return self.store.by_value(kind, id_property, value, archived=archived)
        return self.store.find(kind, value, archived=archived)

    def _shown(self, request: Request, record: Record, history: list[str]) -> dict[str, Any]:
        body = record.as_json(names(request, "properties"), self.store.definitions[record.kind])
        if history:
            body["propertiesWithHistory"] = record.history_of(history)
        if record.kind == "contacts" and "companies" in names(request, "associations"):
            body["associations"] = {"companies": {"results": self._inline(record)}}
        return body

    def _inline(self, record: Record) -> list[dict[str, str]]:
        """Inline associations name no labels and repeat a company once per type (airbyte#30292)."""
        rows = []
        for company_id, types in self.store.companies_of(record.id).items():
            rows.append({"id": company_id, "type": "contact_to_company_unlabeled"})
            rows += [{"id": company_id, "type": "contact_to_company"} for _ in types]
        return rows

    async def batch_read(self, request: Request) -> Response:
        """Rows come in any order, one per record found; what is missing is an error entry, never a failure."""
        kind = object_type(request)
        body = await json_body(request)
        history = list(body.get("propertiesWithHistory") or [])
        wanted = _inputs(body, MAX_WITH_HISTORY if history else MAX_INPUTS, bool(history))
        found: dict[str, Record] = {}
        missing: list[str] = []
        for value in wanted:
            record = self._find(kind, value, body.get("idProperty"), flag(request, "archived"))
            if record is None:
                missing.append(value)
            else:
                found[record.id] = record
        return self._batch_answer(kind, body, list(found.values()), missing, history)

    def _batch_answer(
        self, kind: str, body: dict[str, Any], found: list[Record], missing: list[str], history: list[str]
    ) -> Response:
        known = self.store.shown(kind, body.get("properties"))
        rows = []
        for record in self.store.random.sample(found, len(found)):
            row = record.as_json(body.get("properties"), known)
            if history:
                row["propertiesWithHistory"] = record.history_of(history)
            rows.append(row)
        answer = completed(rows)
        if missing:
            answer |= {"numErrors": 1, "errors": [_missing(kind, missing)]}
        return JSONResponse(answer, self.partial_status if missing else 200)


def object_type(request: Request) -> str:
    """Object types go by name or by type id (0-1, 0-2)."""
    name = str(request.path_params["type"])
    kind = {"0-1": "contacts", "0-2": "companies", "contact": "contacts", "company": "companies"}.get(name, name)
    if kind not in KINDS:
        raise bad_request(f"Unable to infer object type from: {name}")
    return kind


def completed(rows: list[Any]) -> dict[str, Any]:
    stamp = "2026-11-21T00:00:00.000Z"
    return {"status": "COMPLETE", "results": rows, "startedAt": stamp, "completedAt": stamp}


def _inputs(body: dict[str, Any], highest: int, history: bool) -> list[str]:
    inputs = body.get("inputs")
    if not isinstance(inputs, list):
        raise bad_request("Invalid input JSON: inputs is missing")
    if len(inputs) > highest:
        what = " for property histories" if history else ""
        raise bad_request(f"The maximum number of inputs supported in a batch request{what} is {highest}.")
    return [str(one["id"]) for one in inputs if isinstance(one, dict) and "id" in one]


def _missing(kind: str, ids: list[str]) -> dict[str, Any]:
    what = SINGULAR[kind].upper()
    message = f"Could not get some {what} objects, they may be deleted or not exist. Check that ids are valid."
    return {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"ids": ids}}
