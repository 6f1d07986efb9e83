"""Checks that the mapping fills every field that C4C requires of a new record: otherwise each create is refused."""

from collections.abc import Iterable, Iterator

from sync.domain.entities import TYPES, Entity
from sync.domain.rules import EntityMap, FieldMap, Qualification
from sync.domain.schema import Fields, Schema, names

_BY_THE_SYNC = frozenset({(Entity.LEAD, "Name")})
"""Fields that are filled without an entry in the mapping: a lead's name comes from its route's `lead_name`."""


def unfilled(
    entity: str, found: EntityMap, qualification: Qualification | None, offered: Schema
) -> Iterator[tuple[str, str]]:
    """(field, what is wrong and what to do) for each required field that some new records would lack.

    This checks that the rules provide a value; whether a single record has one only HubSpot knows."""
    fields = offered.entities.get(entity, {})
    for name, field in fields.items():
        if not field.required or name in ("ObjectID", found.external_key) or (entity, name) in _BY_THE_SYNC:
            continue
        filling = [mapped for mapped in found.fields if _first(mapped, fields) in names(name)]
        gap = _gap(entity, name, filling, qualification)
        if gap:
            yield name, f"is required of every new record, which SAP Sales Cloud refuses without it; {gap}"


def _first(mapped: FieldMap, fields: Fields) -> str | None:
    """The field that every value of the entry reaches; further targets get the rest of a long value."""
    return next((target for target in mapped.target if target in fields), None)


def _gap(entity: str, name: str, filling: Iterable[FieldMap], qualification: Qualification | None) -> str | None:
    """A sentence on the records that get no value, with the remedy; None if every record gets one.

    Only leads differ by `when`.
    """
    kinds = {"account", "no_account"} if entity == Entity.LEAD else {"account"}
    covered: set[str] = set()
    poor: set[str] = set()
    for mapped in filling:
        routes = _routes_without(mapped, qualification)
        poor |= routes
        if not routes:
            covered |= kinds if mapped.when == "always" else {mapped.when}
    if kinds <= covered:
        return None
    if poor:
        return (
            f"found no value for it in route {', '.join(sorted(poor))}: give one there, or a `default` in the mapping"
        )
    entry = f'`target = "{name}"` to {TYPES[entity].section}.fields'
    if covered & kinds:
        return f"leads {'without' if 'account' in covered else 'with'} an account do not get it: add {entry} for them"
    return f"no entry fills it first: add one with {entry}"


def _routes_without(mapped: FieldMap, qualification: Qualification | None) -> set[str]:
    """Routes without a value for an entry whose only source is the route."""
    keys = [name.partition(".")[2] for name in mapped.source if name.startswith("route.")]
    if not keys or len(keys) < len(mapped.source) or mapped.default is not None or qualification is None:
        return set()
    return {
        name
        for name, route in qualification.routes.items()
        if not any(key == "name" or getattr(route, key, None) for key in keys)
    }
