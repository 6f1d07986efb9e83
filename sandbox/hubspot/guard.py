"""What every HubSpot call passes: URL length, token, rate limit, and the way errors are answered."""

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sandbox.answers import JSONResponse
from sandbox.hubspot.errors import HubSpotError, bad_request
from sandbox.hubspot.store import TOKEN, HubSpotStore

Handler = Callable[[Request], Awaitable[Response]]

_LONGEST_URL = 8_000


def guarded(store: HubSpotStore, handler: Handler, *, search: bool = False) -> Handler:
    """The handler behind HubSpot's front door."""

    async def endpoint(request: Request) -> Response:
        headers: Mapping[str, str] = {}
        try:
            _check_url(request)
            _check_token(request)
            headers = store.limits.take(search=search)
            response = await handler(request)
        except HubSpotError as error:
            response = answer(store, error)
        response.headers.update(headers)
        return response

    return endpoint


def answer(store: HubSpotStore, error: HubSpotError) -> Response:
    if error.html:
        return HTMLResponse(f"<html><body><h1>{error.status} {error.message}</h1></body></html>", error.status)
    correlation = str(uuid.UUID(int=store.random.getrandbits(128), version=4))
    return JSONResponse(error.body(correlation), error.status, error.headers)


def _check_url(request: Request) -> None:
    # Too many property names in a GET: 414 with an HTML body, not JSON (airbyte#33976).
    if len(request.url.path) + len(request.url.query) > _LONGEST_URL:
        raise HubSpotError(414, "Request-URI Too Large", html=True)


def _check_token(request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        raise HubSpotError(
            401, "Authentication credentials not found. This API supports OAuth 2.0 authentication.",
            "INVALID_AUTHENTICATION",
        )  # fmt: skip


async def json_body(request: Request, longest: int | None = None) -> dict[str, Any]:
    raw = await request.body()
    if longest is not None and len(raw.decode(errors="replace")) > longest:
        raise bad_request(f"The request body must not be longer than {longest} characters")
    try:
        body = json.loads(raw)
    except ValueError:
        raise bad_request("Invalid input JSON") from None
    if not isinstance(body, dict):
        raise bad_request("Invalid input JSON")
    return body


def flag(request: Request, name: str) -> bool:
    """A boolean of the query; the official Python client sends True with a capital letter."""
    return request.query_params.get(name, "false").lower() == "true"


def names(request: Request, parameter: str) -> list[str]:
    """A list of the query: repeated, or joined by commas."""
    values = request.query_params.getlist(parameter)
    return [name for value in values for name in value.split(",") if name]


def number(request: Request, name: str, default: int, highest: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdigit() or not 1 <= int(text) <= highest:
        raise bad_request(f"{name} must be between 1 and {highest}")
    return int(text)


def cursor(request: Request) -> int:
    text = request.query_params.get("after") or "0"
    if not text.isdigit():
        raise bad_request("after is not a cursor that this service has given")
    return int(text)
