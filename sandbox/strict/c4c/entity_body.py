"""The JSON body of a write: known properties that may be written, required ones there, children only where allowed."""

from __future__ import annotations

from typing import Any

from sandbox.c4c.model import ENTITIES, Entity, Field, Nav
from sandbox.strict.c4c.values import check_value
from sandbox.strict.violations import Violated

_GUIDE = "C4C OData guide (since 1811), rule_files/standard_fields.json"


def check_create(entity: Entity, body: Any) -> None:
    """An ObjectID is ignored by C4C, so it passes (c4c.md 2)."""
    if not entity.allows("C"):
        raise Violated("method", _GUIDE, f"{entity.name} is not creatable", 405, ("GET",))
    members = _object(entity, body)
    for name, value in members.items():
        if name in entity.navs:
            _check_children(entity, entity.navs[name], value)
        elif name not in ("ObjectID", "__metadata"):
            field = _field(entity, name)
            if not field.creatable:
                raise Violated("not-creatable", _GUIDE, f"{entity.name}.{name} is not creatable")
            check_value(field, value)
    missing = [field.name for field in entity.required() if members.get(field.name) in (None, "")]
    if missing:
        raise Violated("required", _GUIDE, f"{entity.name} without {', '.join(missing)}")


def check_update(entity: Entity, body: Any) -> None:
    """ETag and code texts are ignored by C4C, so they pass; any other property must be updatable."""
    if not entity.allows("U"):
        raise Violated("method", _GUIDE, f"{entity.name} is not updatable", 405, ("GET",))
    members = _object(entity, body)
    for name, value in members.items():
        if name in entity.navs:
            raise Violated("deep-update", _GUIDE, f"there is no deep update of {name}")
        if name in ("ETag", "__metadata") or name in entity.texts:
            continue
        field = _field(entity, name)
        if not field.updatable:
            raise Violated("not-updatable", _GUIDE, f"{entity.name}.{name} is not updatable")
        check_value(field, value)
        if field.required and value == "":
            raise Violated("required", _GUIDE, f"{entity.name}.{name} must not be blank")


def _object(entity: Entity, body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Violated("entity-body", "OData v2 JSON format 4", f"the body of {entity.name} is no object")
    if not body:
        raise Violated("entity-body", "OData v2 JSON format 4", f"the body of {entity.name} is empty")
    return body


def _field(entity: Entity, name: str) -> Field:
    if name not in entity.fields:
        raise Violated("unknown-property", _GUIDE, f"{entity.name} has no property {name} that could be written")
    return entity.fields[name]


def _check_children(entity: Entity, nav: Nav, value: Any) -> None:
    if not nav.deep:
        raise Violated("deep-insert", "EDMX AssociationSet", f"{nav.name} cannot be created with {entity.name}")
    rows = value.get("results") if isinstance(value, dict) and set(value) == {"results"} else value
    if not isinstance(rows, list):
        raise Violated("deep-insert", "OData v2 JSON format 4", f"{nav.name} is no list")
    for row in rows:
        check_create(ENTITIES[nav.to], row)
