"""What an API client may write: known, creatable or updatable, of the right type and length, with a known code.

The rules are those the C4C OData guide announces as strict since release 1811.
"""

from __future__ import annotations

from typing import Any

from sandbox.c4c import codes
from sandbox.c4c.errors import Refused, bad_request
from sandbox.c4c.model import ENTITIES, Entity, Field, Nav
from sandbox.c4c.settings import Settings
from sandbox.c4c.values import accept

Row = dict[str, Any]
Children = list[tuple[Nav, list[Row]]]
_BLANK_RESETS = ("Consent",)  # a blank consent is taken, and means "undefined"


def for_create(settings: Settings, entity: Entity, body: Row) -> tuple[Row, Children]:
    """The values in stored form, and the children of a deep insert."""
    values: Row = {}
    children: Children = []
    for name, value in body.items():
        if name in entity.navs:
            children.append((entity.navs[name], _deep(entity, entity.navs[name], value)))
        elif name not in ("__metadata", "ObjectID"):  # ObjectID is not nullable either, so it is ignored
            field = _field(entity, name)
            if not field.creatable:
                raise bad_request(f"Property {name} is not creatable")
            values[name] = accept(field, value)
    _check_required(settings, entity, values)
    _check_codes(entity, values, values)
    return values, children


def for_update(entity: Entity, row: Row, body: Row) -> Row:
    """The values to change; a value that may not be updated passes as long as it equals the stored one."""
    values: Row = {}
    for name, value in body.items():
        if name in ("__metadata", "ETag") or name in entity.texts or _is_deferred(value):
            continue
        if name in entity.navs:
            raise bad_request(f"Deep update is not supported: {name}")
        field = _field(entity, name)
        accepted = accept(field, value)
        if field.updatable:
            values[name] = accepted
        elif _shown(field, accepted) != _shown(field, row.get(name)):
            raise bad_request(f"Property {name} is not updatable")
    _check_not_blanked(entity, values)
    _check_codes(entity, values, row | values)
    return values


def for_replace(entity: Entity, row: Row, body: Row) -> Row:
    """PUT: what is not in the body is reset."""
    values = for_update(entity, row, body)
    reset = {name: None for name, field in entity.fields.items() if field.updatable and name not in values}
    _check_not_blanked(entity, reset)
    return reset | values


def _field(entity: Entity, name: str) -> Field:
    if name in entity.texts:
        raise bad_request(f"Property {name} is not creatable")
    if name not in entity.fields:
        raise bad_request(f"Property {name} is invalid: not found in type {entity.name}", "CX_SXML_PARSE_ERROR")
    return entity.fields[name]


def _deep(entity: Entity, nav: Nav, value: Any) -> list[Row]:
    if not nav.deep:
        raise bad_request(f"Deep insert is not supported for navigation property {nav.name} of {entity.name}")
    rows = value.get("results") if isinstance(value, dict) else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise bad_request(f"Navigation property {nav.name} must be a list of {ENTITIES[nav.to].name}")
    return rows


def _is_deferred(value: Any) -> bool:
    return isinstance(value, dict) and "__deferred" in value


def _shown(field: Field, value: Any) -> Any:
    return field.missing if value is None else value


def _check_required(settings: Settings, entity: Entity, values: Row) -> None:
    names = [field.name for field in entity.required()] + settings.mandatory.get(entity.name, [])
    for name in names:
        if values.get(name) in (None, ""):
            raise _missing(name)


def _check_not_blanked(entity: Entity, values: Row) -> None:
    for field in entity.required():
        if field.name in values and values[field.name] in (None, ""):
            raise _missing(field.name)


def _missing(name: str) -> Refused:
    return bad_request(f"Property '{name}' is mandatory and must not be blank")


def _check_codes(entity: Entity, values: Row, whole: Row) -> None:
    for name, value in values.items():
        field = entity.fields[name]
        if not field.code_list or not value:
            continue
        country = ""
        if codes.is_state(field):
            country = whole.get(field.context) or ""
            if not country:
                raise bad_request(f"{name} {value} needs a {field.context}")
        if value not in codes.codes(entity.name, name, country):
            raise bad_request(f"Value {value} of {name} does not exist in the code list")
