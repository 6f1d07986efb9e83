"""Queries for a scan, which reads what identifies records without their other fields, and the rows that they return.
Pure. C4C's filters cannot express "is not empty" (C4C OData guide: eq, ge, le, startswith, endswith). Records with an
external key are therefore read by its first digit: keys begin with a HubSpot id.
"""

from collections.abc import Iterator

from sync.c4c import odata
from sync.c4c.entities import collection
from sync.c4c.odata import Query, Row
from sync.c4c.records import record_of
from sync.domain.keys import beginning
from sync.domain.rules import Rules
from sync.domain.schema import Schema
from sync.planner.keyed_fields import KEYED_FIELDS
from sync.planner.provenance import creator
from sync.planner.target import By, Scan, Scanned


def scan_queries(scan: Scan, rules: Rules, schema: Schema | None) -> Iterator[Query]:
    """The queries of one scan. `schema`: only fields that it has are read."""
    key_field = rules.mapping.key_fields()[scan.entity]
    shown = [name for name in _shown(scan) if name and (schema is None or schema.field(scan.entity, name))]
    for filter_ in _filters(scan, key_field):
        yield Query(collection(scan.entity), filter_, ("ObjectID", key_field, *shown))


def _shown(scan: Scan) -> tuple[str, ...]:
    """The fields that are read besides id and key. Names of people are read only if needed for the decision."""
    names = KEYED_FIELDS[scan.entity]
    match scan.by:
        case By.OWNER:
            return ()
        case By.ANY_KEY:
            return (names.status,)
        case By.KEY:
            return (names.number, names.status, names.created_by)
        case _:
            return (names.number, names.status)


def _filters(scan: Scan, key_field: str) -> Iterator[str]:
    match scan.by:
        case By.ANY_KEY:
            yield from (_beginning(key_field, digit) for digit in "123456789")
        case By.OWNER:
            yield from (_beginning(key_field, beginning(value)) for value in scan.values)
        case By.KEY:
            yield from odata.chunks(key_field, scan.values)
        case By.NUMBER:
            yield from odata.chunks(KEYED_FIELDS[scan.entity].number, scan.values)
        case By.ID:
            yield from odata.chunks("ObjectID", scan.values)


def _beginning(name: str, value: str) -> str:
    return f"startswith({name},{odata.literal(value)})"


def scanned(scan: Scan, row: Row, rules: Rules) -> Scanned:
    """The identity of the record as its row shows it."""
    names, found = KEYED_FIELDS[scan.entity], record_of(scan.entity, row)
    entity_map = rules.mapping.by_entity()[scan.entity]
    return Scanned(
        scan.entity,
        found.object_id,
        key=found.text(entity_map.external_key),
        obsolete=bool(names.status) and found.text(names.status) == getattr(entity_map, "obsolete_status", None),
        number=found.text(names.number),
        creator=creator(found),
    )
