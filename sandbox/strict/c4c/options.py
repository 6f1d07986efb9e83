"""Query options by resource: each known, given once, its value well formed (OData v2 URI conventions 4)."""

from __future__ import annotations

import re
from collections.abc import Callable

from sandbox.c4c.model import ENTITIES, Entity
from sandbox.strict.c4c.filters import check_filter
from sandbox.strict.c4c.resource import Kind, Resource
from sandbox.strict.http.target import pairs
from sandbox.strict.violations import Violated

_SOURCE = "OData v2 URI conventions 4"
_ENTRY = frozenset({"$select", "$expand", "$format"})
_LIST = _ENTRY | {"$filter", "$orderby", "$top", "$skip", "$skiptoken", "$inlinecount"}
ALLOWED: dict[Kind, frozenset[str]] = {
    "root": frozenset({"$format"}),
    "metadata": frozenset({"$filter", "sap-label"}),
    "batch": frozenset(),
    "list": _LIST,
    "entity": _ENTRY,
    "count": frozenset({"$filter"}),
    "codes": _LIST - {"$expand"},
    "unknown": _LIST,
}
_NUMBER = re.compile(r"0|[1-9]\d{0,8}")


def check_options(found: Resource, method: str, query: str) -> None:
    """A write has no option: they shape an answer."""
    options: dict[str, str] = {}
    for name, value in pairs(query):
        if method not in ("GET", "HEAD") or name not in ALLOWED[found.kind]:
            raise Violated("unknown-option", _SOURCE, f"{method} on {found.kind} has no option {name}")
        if name in options:
            raise Violated("option-twice", _SOURCE, f"{name} is given twice")
        options[name] = value
    for name, value in options.items():
        _check(found, name, value)


def _check(found: Resource, name: str, value: str) -> None:
    if found.kind == "metadata":
        return _check_metadata(name, value)
    if name in _VALUES and not _VALUES[name](value):
        raise Violated("option-value", _SOURCE, f"{name}={value!r}")
    if name in _BY_ENTITY and found.entity is not None:
        _BY_ENTITY[name](found.entity, value)
    return None


def _check_metadata(name: str, value: str) -> None:
    if name == "sap-label":
        known = value in ("true", "false")
    else:
        known = all(entity in ENTITIES for entity in value.split(","))
    if not known:
        raise Violated("option-value", "c4c.md 1.1", f"{name}={value!r}")


def _names(option: str, value: str) -> list[str]:
    names = value.split(",")
    if len(set(names)) < len(names):
        raise Violated("option-value", _SOURCE, f"{option} names something twice: {value!r}")
    return names


def _check_select(entity: Entity, value: str) -> None:
    for name in _names("$select", value):
        head, _, rest = name.partition("/")
        if rest and head in entity.navs:
            _check_select(ENTITIES[entity.navs[head].to], rest)
        elif rest or not (name == "*" or name in entity.fields or name in entity.texts or name in entity.navs):
            raise Violated("select", f"{_SOURCE}.8", f"{entity.name} has no property {name!r}")


def _check_expand(entity: Entity, value: str) -> None:
    for path in _names("$expand", value):
        at = entity
        for name in path.split("/"):
            if name not in at.navs:
                raise Violated("expand", f"{_SOURCE}.6", f"{at.name} has no navigation property {name!r}")
            at = ENTITIES[at.navs[name].to]


def _check_orderby(entity: Entity, value: str) -> None:
    for item in re.split(r", ?", value):
        name, _, direction = item.partition(" ")
        if name not in entity.fields or direction not in ("", "asc", "desc"):
            raise Violated("orderby", f"{_SOURCE}.2", f"{item!r} is no property of {entity.name} with asc or desc")


def _is_number(value: str) -> bool:
    return _NUMBER.fullmatch(value) is not None


_VALUES: dict[str, Callable[[str], bool]] = {
    "$top": _is_number,
    "$skip": _is_number,
    "$skiptoken": _is_number,
    "$format": lambda value: value in ("json", "atom", "xml"),
    "$inlinecount": lambda value: value in ("allpages", "none"),
}
_BY_ENTITY: dict[str, Callable[[Entity, str], None]] = {
    "$select": _check_select,
    "$expand": _check_expand,
    "$orderby": _check_orderby,
    "$filter": check_filter,
}
