"""Decides which records answer a lookup, by exact comparison, whatever the search returned. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from sync.domain.alike import postal_code
from sync.domain.entities import Entity
from sync.domain.keys import Key
from sync.mappers.web import domain
from sync.planner.keyed_fields import UUIDS
from sync.planner.snapshot import Ask, Lookup, Record
from sync.planner.writes import TAX_NUMBER

Matches = dict[tuple[Ask, str], dict[str, list[Record]]]
"""Records by kind of lookup and entity, then by the value that they answer to."""

_FIELDS = {
    Ask.BY_ID: "ObjectID",
    Ask.ACCOUNT_BY_TAX: "TaxID",
    Ask.ACCOUNT_BY_DOMAIN: "WebSite",
    Ask.ACCOUNT_BY_POSTAL: "StreetPostalCode",
    Ask.CONTACTS_OF: "AccountID",
    Ask.PARTS_OF: "ParentObjectID",
    Ask.PERMISSIONS_OF: "BusinessPartnerUUID",
    Ask.ATTRIBUTES_OF: "BusinessPartnerID",
}


def place(lookup: Lookup, key_fields: Mapping[str, str]) -> tuple[str, str, str]:
    """(entity, field, value) by which the lookup is made."""
    kind, entity = lookup.kind, lookup.entity
    return read_from(kind, entity), field_of(kind, entity, key_fields), lookup.value


def field_of(kind: Ask, entity: str, key_fields: Mapping[str, str]) -> str:
    """The field by which lookups of this kind are made."""
    return _FIELDS.get(kind) or _own_field(kind, entity, key_fields)


def read_from(kind: Ask, entity: str) -> str:
    """The entity whose records are searched. A tax number is a record of its own, below its account."""
    return TAX_NUMBER if kind is Ask.ACCOUNT_BY_TAX else entity


def _own_field(kind: Ask, entity: str, key_fields: Mapping[str, str]) -> str:
    """The field to go by where it differs by entity: its UUID, else its external key."""
    return UUIDS[entity] if kind is Ask.BY_UUID else key_fields.get(entity, "")


def index(lookups: Iterable[Lookup], records: Mapping[str, Sequence[Record]], key_fields: Mapping[str, str]) -> Matches:
    """The records by the values that they really answer to."""
    return {
        (kind, entity): _by_value(kind, records.get(read_from(kind, entity), ()), _own_field(kind, entity, key_fields))
        for kind, entity in {(q.kind, q.entity) for q in lookups}
    }


def _by_value(kind: Ask, records: Iterable[Record], key_field: str) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        value = _answer(kind, record, key_field)
        if value:
            found.setdefault(value, []).append(record)
    return found


def answered(lookup: Lookup, matches: Matches) -> list[Record]:
    """The records that answer one lookup."""
    return list(matches[lookup.kind, lookup.entity].get(_asked(lookup), ()))


def _asked(lookup: Lookup) -> str:
    """The lookup's value in the form in which answers are compared."""
    match lookup.kind:
        case Ask.PERMISSIONS_OF | Ask.BY_UUID:
            return lookup.value.upper()
        case Ask.ACCOUNT_BY_POSTAL:
            country_code, _, written = lookup.value.partition(" ")
            return f"{country_code} {postal_code(written, country_code)}"
        case _:
            return lookup.value


def _answer(kind: Ask, record: Record, key_field: str) -> str | None:
    """The value of the lookup that this record answers; None if it answers none."""
    match kind:
        case Ask.BY_KEY:
            return record.text(key_field)
        case Ask.LEADS_OF:
            key = Key.read(Entity.LEAD, record.text(key_field))
            return key.stem if key else None
        case Ask.ACCOUNT_BY_DOMAIN:
            return domain(record.text("WebSite"))
        case Ask.ACCOUNT_BY_POSTAL:
            country_code = record.text("CountryCode")
            return f"{country_code} {postal_code(record.text('StreetPostalCode'), country_code)}"
        case Ask.PERMISSIONS_OF:
            return record.text("BusinessPartnerUUID").upper()
        case Ask.BY_UUID:
            return record.text(key_field).upper()
        case _:
            return record.text(_FIELDS[kind])
