"""The door before HubSpot: HTTP, the token's form, the path of one version, its parameters, its body."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError

from sandbox.hubspot import moments
from sandbox.hubspot.store import HubSpotStore
from sandbox.strict.http import json_text, request
from sandbox.strict.http.message import Message
from sandbox.strict.http.target import decoded, pairs
from sandbox.strict.hubspot.bodies import Search, explained
from sandbox.strict.hubspot.endpoints import ENDPOINTS, REPEATABLE, Endpoint
from sandbox.strict.violations import Violated, collected

_BEARER = re.compile(r"Bearer [A-Za-z0-9\-._~+/]+=*")
_LONGEST_TARGET, _LONGEST_SEARCH = 8_000, 3_000
_KINDS = {"0-1": "contacts", "0-2": "companies"}
_LOWEST_BOUND_MS = 1_000


def check(message: Message, authority: str, store: HubSpotStore) -> list[Violated]:
    """All violations of one request."""
    return request.check(message, authority) + collected(
        lambda: _check_length(message),
        lambda: _check_authorization(message),
        lambda: request.check_accepts(message, "application/json", named=False),
        lambda: _check_operation(message, store),
    )


def _check_operation(message: Message, store: HubSpotStore) -> None:
    endpoint, kind = _endpoint(message)
    _check_parameters(endpoint, message)
    if endpoint.body is not None:
        _check_body(endpoint, kind, message, store)


def _check_length(message: Message) -> None:
    if len(message.target) > _LONGEST_TARGET:
        raise Violated("target-length", "hubspot.md 2.4", f"a target of {len(message.target)} characters", 414)


def _check_authorization(message: Message) -> None:
    given = message.header("authorization")
    if given is None:
        raise Violated("authorization", "hubspot.md 0", "no Authorization", 401)
    if not _BEARER.fullmatch(given):
        raise Violated("authorization", "RFC 6750 2.1", "Authorization is not Bearer with a token")


def _endpoint(message: Message) -> tuple[Endpoint, str]:
    """The operation and, where the path names one, the object type."""
    path = decoded(message.path)
    matches = [(one, match) for one in ENDPOINTS if (match := one.path.fullmatch(path))]
    if not matches:
        raise Violated("path", "HubSpot API 2026-09, v3, v4", f"no version has {path}", 404)
    for endpoint, match in matches:
        if endpoint.method == message.method:
            kind = match.groupdict().get("type", "")
            return endpoint, _KINDS.get(kind, kind)
    allowed = tuple(endpoint.method for endpoint, _ in matches)
    raise Violated("method", "HubSpot API", f"no {message.method} on {path}", 405, allowed)


def _check_parameters(endpoint: Endpoint, message: Message) -> None:
    seen: set[str] = set()
    for name, value in pairs(message.query):
        test = endpoint.parameters.get(name)
        if test is None:
            raise Violated("unknown-parameter", "HubSpot API", f"{message.path} has no parameter {name}")
        if name in seen and name not in REPEATABLE:
            raise Violated("parameter-twice", "HubSpot API", f"{name} is given twice")
        if not test(value):
            raise Violated("parameter-value", "HubSpot API", f"{name}={value!r}")
        if name == "limit" and "propertiesWithHistory" in message.query and int(value) > 50:
            raise Violated("parameter-value", "hubspot.md 2.5", f"limit={value} with property histories")
        seen.add(name)


def _check_body(endpoint: Endpoint, kind: str, message: Message, store: HubSpotStore) -> None:
    request.check_json_content(message)
    value = json_text.parsed(message.body)
    assert endpoint.body is not None
    try:
        body = endpoint.body.model_validate(value)
    except ValidationError as error:
        text = explained(error.errors(include_input=False, include_url=False))
        raise Violated("schema", f"HubSpot API: {endpoint.body.__name__}", text) from None
    if isinstance(body, Search):
        _check_search(body, message, store.definitions.get(kind, {}))


def _check_search(body: Search, message: Message, definitions: dict[str, Any]) -> None:
    length = len(message.body.decode())
    if length > _LONGEST_SEARCH:
        raise Violated("body-length", "hubspot.md 3", f"a search of {length} characters, not {_LONGEST_SEARCH}")
    for group in body.filterGroups:
        for one in group.filters:
            kind = getattr(definitions.get(one.propertyName), "type", "")
            if kind == "string" and any(value != value.lower() for value in one.values):
                raise Violated("search-values", "hubspot.md 3", f"texts of {one.operator} must be in lower case")
            if kind == "datetime" and one.operator in ("GT", "GTE", "BETWEEN") and _too_early(one.value):
                raise Violated("search-epoch", "hubspot.md 3.1", f"a lower bound of {one.value!r} ends in a 500")


def _too_early(text: str) -> bool:
    """A text that is no moment is judged by HubSpot itself."""
    try:
        return moments.parse(text) < _LOWEST_BOUND_MS
    except ValueError:
        return False
