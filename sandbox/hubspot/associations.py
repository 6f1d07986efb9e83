"""Associations contact -> company with labels: batch read, single read, label definitions (HubSpot associations v4)."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from sandbox.answers import JSONResponse
from sandbox.hubspot.errors import bad_request, not_found
from sandbox.hubspot.guard import json_body, number
from sandbox.hubspot.objects import completed
from sandbox.hubspot.store import HubSpotStore

MAX_INPUTS = 1_000  # since 2025-02-10 (HubSpot changelog; announced as 100, airbyte#48834)
NO_ASSOCIATIONS = "crm.associations.NO_ASSOCIATIONS_FOUND"


class Associations:
    """The handlers of one path family; `partial_status` is what a batch with empty rows answers."""

    def __init__(self, store: HubSpotStore, partial_status: int) -> None:
        self.store = store
        self.partial_status = partial_status

    async def batch_read(self, request: Request) -> Response:
        """Contacts without a company have no row: an error entry says so, and with v4 that makes the answer a 207."""
        _check_direction(request)
        inputs = (await json_body(request)).get("inputs")
        if not isinstance(inputs, list):
            raise bad_request("Invalid input JSON: inputs is missing")
        if len(inputs) > MAX_INPUTS:
            raise bad_request(f"No more than {MAX_INPUTS} inputs are allowed")
        rows: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for one in inputs:
            self._row(request, one, rows, errors)
        self.store.random.shuffle(rows)
        answer = completed(rows)
        if errors:
            answer |= {"numErrors": len(errors), "errors": errors}
        return JSONResponse(answer, self.partial_status if errors else 200)

    def _row(self, request: Request, one: Any, rows: list[dict[str, Any]], errors: list[dict[str, Any]]) -> None:
        if not isinstance(one, dict) or "id" not in one:
            raise bad_request("Invalid input JSON: an input needs an id")
        contact_id = str(one["id"])
        record = self.store.find("contacts", contact_id)
        if record is None:
            errors.append(_error(contact_id, None))
            return
        companies = self.store.companies_of(record.id)
        if not companies:
            errors.append(_error(contact_id, NO_ASSOCIATIONS))
            return
        page, paging = self._page(request, companies, one.get("after"), self.store.settings.association_page_size)
        # from.id is text and toObjectId a JSON integer (HubSpot associations v4 guide).
        rows.append({"from": {"id": record.id}, "to": page} | paging)

    def _page(
        self, request: Request, companies: dict[str, set[int]], after: str | None, size: int
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Paging is per input row (hubspot-api-python#135, #187)."""
        start = _offset(after)
        chosen = list(companies.items())[start : start + size]
        rows = [
            {"toObjectId": int(company_id), "associationTypes": self.store.links.types_json(types)}
            for company_id, types in chosen
        ]
        if start + size >= len(companies):
            return rows, {}
        text = b64encode(f"0-2-{start + size}".encode()).decode()
        return rows, {"paging": {"next": {"after": text, "link": f"{request.url.path}?after={quote(text)}"}}}

    async def single(self, request: Request) -> Response:
        _check_direction(request)
        record = self.store.find("contacts", request.path_params["id"])
        if record is None:
            raise not_found("resource not found")
        highest = 500
        size = min(number(request, "limit", highest, highest), self.store.settings.association_page_size)
        companies = self.store.companies_of(record.id)
        rows, paging = self._page(request, companies, request.query_params.get("after"), size)
        return JSONResponse({"results": rows} | paging)

    async def labels(self, request: Request) -> Response:
        _check_direction(request)
        return JSONResponse({"results": self.store.links.labels_json()})


def _check_direction(request: Request) -> None:
    ends = [object_type_name(request.path_params[end]) for end in ("from", "to")]
    if ends != ["contacts", "companies"]:
        raise not_found(f"This stand-in keeps associations contacts -> companies only, not {' -> '.join(ends)}")


def object_type_name(name: str) -> str:
    return {"0-1": "contacts", "contact": "contacts", "0-2": "companies", "company": "companies"}.get(name, name)


def _offset(after: str | None) -> int:
    if not after:
        return 0
    try:
        return int(b64decode(after, validate=True).decode().rpartition("-")[2])
    except (Base64Error, ValueError):
        raise bad_request("after is not a cursor that this service has given") from None


def _error(contact_id: str, sub_category: str | None) -> dict[str, Any]:
    """Both errors have the same category; only the sub-category tells empty from unknown."""
    error: dict[str, Any] = {"status": "error", "category": "OBJECT_NOT_FOUND"}
    if sub_category is None:
        return error | {
            "message": f"CONTACT={contact_id} is not valid",
            "context": {"fromObjectId": [contact_id], "fromObjectType": ["contact"]},
        }
    return error | {
        "subCategory": sub_category,
        "message": f"No company is associated with contact {contact_id}.",
        "context": {"fromObjectId": [contact_id], "fromObjectType": ["contact"], "toObjectType": ["company"]},
    }
