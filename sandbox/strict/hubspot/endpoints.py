"""HubSpot's operations by version, each with the query parameters and the body that its schema names.

Dated paths and the legacy ones (v3, associations v4) are two families; a path of the one with the version of the other
does not exist. Source: HubSpot's published API descriptions of 2026-09, v3 and v4.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.strict.hubspot.bodies import AssociationsRead, BatchRead, Body, Search

Test = Callable[[str], bool]


@dataclass(frozen=True)
class Endpoint:
    """`parameters` tests a value by name; those in `repeatable` are lists, repeated or joined by commas."""

    method: str
    path: re.Pattern[str]
    parameters: dict[str, Test] = field(default_factory=dict)
    body: type[Body] | None = None


def _matching(pattern: str) -> Test:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _between(lowest: int, highest: int) -> Test:
    return lambda text: re.fullmatch(r"[1-9][0-9]{0,5}", text) is not None and lowest <= int(text) <= highest


_NAMES = _matching(r"[a-zA-Z][a-zA-Z0-9_]*(?:,[a-zA-Z][a-zA-Z0-9_]*)*")
_FLAG = _matching(r"true|false")
_CURSOR = _matching(r"[\x21-\x7e]+")
_OBJECT = {
    "properties": _NAMES,
    "propertiesWithHistory": _NAMES,
    "associations": _matching(r"(?:contacts|companies)(?:,(?:contacts|companies))*"),
    "archived": _FLAG,
}
_PROPERTY = {
    "archived": _FLAG,
    "dataSensitivity": _matching(r"non_sensitive|sensitive|highly_sensitive"),
    "locale": _matching(r"[a-z]{2}(?:-[a-zA-Z]{2,4})?"),
    "properties": _NAMES,
}
_OWNERS = {"limit": _between(1, 500), "after": _CURSOR, "archived": _FLAG, "email": _matching(r"[^@\s]+@[^@\s]+")}
REPEATABLE = frozenset({"properties", "propertiesWithHistory", "associations"})


def _objects(base: str) -> list[Endpoint]:
    kind = f"{base}/(?P<type>contacts|companies|0-1|0-2)"
    return [
        Endpoint("POST", re.compile(f"{kind}/search"), {}, Search),
        Endpoint("POST", re.compile(f"{kind}/batch/read"), {"archived": _FLAG}, BatchRead),
        Endpoint("GET", re.compile(kind), {**_OBJECT, "limit": _between(1, 100), "after": _CURSOR}),
        Endpoint("GET", re.compile(f"{kind}/[0-9]+"), {**_OBJECT, "idProperty": _NAMES}),
    ]


def _associations(base: str) -> list[Endpoint]:
    ends = f"{base}/(?:contacts?|0-1)/(?:companies|company|0-2)"
    return [
        Endpoint("POST", re.compile(f"{ends}/batch/read"), {}, AssociationsRead),
        Endpoint("GET", re.compile(f"{ends}/labels")),
    ]


def _portal(owners: str, properties: str) -> list[Endpoint]:
    owner = f"{owners.removesuffix('/?')}/[0-9]+"
    kind = f"{properties}/(?P<type>contacts|companies|0-1|0-2)"
    return [
        Endpoint("GET", re.compile(owners), _OWNERS),
        Endpoint("GET", re.compile(owner), {"archived": _FLAG, "idProperty": _matching("id|userId")}),
        Endpoint("GET", re.compile(kind), _PROPERTY),
        Endpoint("GET", re.compile(f"{kind}/[a-zA-Z][a-zA-Z0-9_]*"), _PROPERTY),
    ]


ENDPOINTS = [
    *_objects("/crm/objects/2026-09"),
    *_associations("/crm/associations/2026-09"),
    *_portal("/crm/owners/2026-09", "/crm/properties/2026-09"),
    *_objects("/crm/v3/objects"),
    *_associations("/crm/v4/associations"),
    Endpoint(
        "GET",
        re.compile(r"/crm/v4/objects/(?:contacts?|0-1)/[0-9]+/associations/(?:companies|company|0-2)"),
        {"limit": _between(1, 500), "after": _CURSOR},
    ),
    # The published path has no slash at its end, the official Python client sends one (hubspot.md 1.2).
    *_portal("/crm/v3/owners/?", "/crm/v3/properties"),
    Endpoint("GET", re.compile("/account-info/v3/api-usage/daily/private-apps")),
    Endpoint("GET", re.compile("/account-info/v3/details")),
]
