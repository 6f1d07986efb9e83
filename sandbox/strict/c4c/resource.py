"""What a path below the service root names, and which methods it has (OData v2 URI conventions 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from sandbox.c4c import codes
from sandbox.c4c.model import BY_SET, ENTITIES, Entity, Field
from sandbox.strict.http.target import decoded
from sandbox.strict.violations import Violated

Kind = Literal["root", "metadata", "batch", "list", "entity", "count", "codes", "unknown"]

METHODS: dict[Kind, tuple[str, ...]] = {
    "root": ("GET", "HEAD"),
    "metadata": ("GET",),
    "batch": ("POST",),
    "list": ("GET", "POST"),
    "entity": ("GET", "PATCH", "DELETE"),
    "count": ("GET",),
    "codes": ("GET",),
    "unknown": ("GET", "POST", "PATCH", "DELETE"),
}
"""No PUT, which resets what it does not name, and no MERGE, which SAP does not mention (c4c.md 2)."""

_SEGMENT = re.compile(r"(\$?[A-Za-z_][A-Za-z0-9_]*)(?:\((.*)\))?", re.DOTALL)
_KEY = re.compile(r"(?:ObjectID=)?'((?:[^']|'')+)'", re.DOTALL)


@dataclass(frozen=True)
class Resource:
    """`entity` is the type that the resource consists of, where it consists of one."""

    kind: Kind
    entity: Entity | None = None


def resource(path: str) -> Resource:
    """The resource of a path relative to the service root; a collection that nobody knows is for the service to say."""
    if path == "":
        return Resource("root")
    segments = [decoded(segment) for segment in path.split("/")]
    if path.startswith("/") or "" in segments:
        raise Violated("path-segment", "OData v2 URI conventions 2", f"{path!r} holds an empty segment")
    found = _first(segments[0])
    for segment in segments[1:]:
        found = _next(found, segment)
    return found


def check_method(method: str, found: Resource) -> None:
    allowed = METHODS[found.kind]
    if method not in allowed:
        raise Violated("method", "OData v2 operations, c4c.md 2", f"no {method} on {found.kind}", 405, allowed)


def _first(segment: str) -> Resource:
    if segment in ("$metadata", "$batch"):
        return Resource("metadata" if segment == "$metadata" else "batch")
    name, key = _split(segment)
    if name in codes.LISTS and key is None:
        return Resource("codes", _code_list(name))
    if name not in BY_SET:
        return Resource("unknown")
    return Resource("list" if key is None else "entity", BY_SET[name])


def _split(segment: str) -> tuple[str, str | None]:
    match = _SEGMENT.fullmatch(segment)
    if not match:
        raise Violated("path-segment", "OData v2 URI conventions 3.1", f"{segment!r} is no resource")
    if match[2] is not None and not _KEY.fullmatch(match[2]):
        raise Violated("key", "OData v2 URI conventions 3.1", f"({match[2]}) is no key of type Edm.String")
    return match[1], match[2]


def _next(before: Resource, segment: str) -> Resource:
    if before.kind == "unknown":
        return before
    if before.kind in ("list", "codes") and segment == "$count":
        return Resource("count", before.entity)
    if before.kind != "entity" or before.entity is None or segment not in before.entity.navs:
        raise Violated("path-segment", "OData v2 URI conventions 3.1", f"{segment!r} does not follow {before.kind}")
    nav = before.entity.navs[segment]
    return Resource("list" if nav.many else "entity", ENTITIES[nav.to])


@cache
def _code_list(name: str) -> Entity:
    """A code list has the columns Code and Description, and Context where a code depends on another one."""
    columns = ("Code", "Description", "Context")
    return Entity(name, name, "---", {column: Field(column, "String", "--F") for column in columns}, {})
