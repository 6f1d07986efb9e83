"""From questions to OData queries, and from rows back to the questions they answer. Pure.

Filters only pre-select: every row is compared exactly on our side, because `*` in a value is a wildcard for C4C and
the case sensitivity of `eq` differs by field.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Any

from sync.c4c import odata
from sync.c4c.fields import collection
from sync.c4c.odata import Query, Row
from sync.domain.alike import postal_code, postal_parts, tax_number
from sync.domain.entities import Entity
from sync.domain.numbers import whole
from sync.domain.rules import EntityMap, FieldRule, Rules
from sync.domain.schema import Schema
from sync.mappers.web import domain, in_ascii
from sync.planner.provenance import STAMPS
from sync.planner.snapshot import Ask, Lookup, Record
from sync.planner.writes import TAX_NUMBER


def selects(rules: Rules, schema: Schema) -> dict[str, tuple[str, ...]]:
    """The fields to read by entity, derived from the rules, as far as the tenant has them."""
    fixed = {
        Entity.ACCOUNT: ("UUID", "AccountID", "OwnerUUID", "LifeCycleStatusCode", *_PLACES, *_NAMES),
        Entity.CONTACT: ("ContactUUID", "ContactID", "AccountID", "StatusCode", "Email"),
        Entity.LEAD: ("ID", "Name", "LifeCycleStatusCode", "AccountPartyUUID", "ContactUUID", "OwnerPartyUUID"),
    }
    maps = rules.mapping.by_entity()
    wanted = {
        entity: {"ObjectID", maps[entity].external_key, *names, *STAMPS[entity], *_compared(maps[entity])}
        for entity, names in fixed.items()
    }
    return {e: tuple(sorted(n for n in names if schema.field(e, n))) for e, names in wanted.items()}


def _compared(entity_map: EntityMap) -> Iterator[str]:
    """A lead's note is long, and written once it is never compared."""
    written_once = (f.rule is FieldRule.CREATE_ONLY and "score.note" in f.source for f in entity_map.fields)
    return (t for f, skipped in zip(entity_map.fields, written_once, strict=True) if not skipped for t in f.target)


_PLACES = ("WebSite", "CountryCode", "StreetPostalCode")
_NAMES = ("Name", "AdditionalName", "AdditionalName2", "AdditionalName3")


@dataclass(frozen=True, slots=True)
class FieldQuery:
    """The rows of `entity` whose `field` has one of `values`; `ask` says how a value is written in the filter."""

    ask: Ask
    entity: str
    field: str
    values: tuple[str, ...]
    select: tuple[str, ...] = ()

    @property
    def form(self) -> tuple[Ask, str, str]:
        """What two look-ups have in common that differ in their values only."""
        return self.ask, self.entity, self.field

    def query(self) -> Query:
        return Query(collection(self.entity), self.filter(), self.select)

    def filter(self) -> str:
        written = [text for value in self.values for text in _written(self.ask, value)]
        return odata.any_of(self.field, written, guid=self.ask in _BY_GUID)

    def halves(self) -> tuple["FieldQuery", "FieldQuery"]:
        half = len(self.values) // 2
        return replace(self, values=self.values[:half]), replace(self, values=self.values[half:])

    def control(self) -> "FieldQuery":
        """The same for a value that nobody has: if C4C refuses this too, no value is at fault."""
        return replace(self, values=(_NOBODYS_GUID if self.ask in _BY_GUID else NOBODYS,))

    def portions(self) -> Iterator["FieldQuery"]:
        """The same values in several look-ups, none longer than a URL may be."""
        part: list[str] = []
        size = 0
        for value in self.values:
            term = len(odata.encode(replace(self, values=(value,)).filter())) + len("%20or%20")
            if part and size + term > odata.LONGEST_FILTER:
                yield replace(self, values=tuple(part))
                part, size = [], 0
            part.append(value)
            size += term
        if part:
            yield replace(self, values=tuple(part))


NOBODYS = "zz.invalid"
"""A value that no record has, short enough for every field (`.invalid` is reserved, RFC 2606)."""

_NOBODYS_GUID = "00000000-0000-0000-0000-000000000000"
_BY_GUID = (Ask.PERMISSIONS_OF, Ask.BY_UUID)


def queries(
    lookups: Iterable[Lookup], key_fields: Mapping[str, str], select: Mapping[str, tuple[str, ...]]
) -> list[FieldQuery]:
    """The look-ups that pre-select the rows for these questions, as few as the URL length allows."""
    return [
        part
        for (kind, entity), values in _grouped(lookups).items()
        for part in _query(kind, entity, tuple(values), key_fields, select).portions()
    ]


def _query(
    kind: Ask,
    entity: str,
    values: tuple[str, ...],
    key_fields: Mapping[str, str],
    select: Mapping[str, tuple[str, ...]],
) -> FieldQuery:
    read_from = _read_from(kind, entity)
    return FieldQuery(kind, read_from, field_of(kind, entity, key_fields), values, select.get(read_from, ()))


def place(lookup: Lookup, key_fields: Mapping[str, str]) -> tuple[str, str, str]:
    """(entity, field, value) by which the question is looked up."""
    kind, entity = lookup.kind, lookup.entity
    return _read_from(kind, entity), field_of(kind, entity, key_fields), lookup.value


def field_of(kind: Ask, entity: str, key_fields: Mapping[str, str]) -> str:
    """The field by which questions of this kind are looked up."""
    return _FIELDS.get(kind) or _own_field(kind, entity, key_fields)


def _read_from(kind: Ask, entity: str) -> str:
    return TAX_NUMBER if kind is Ask.ACCOUNT_BY_TAX else entity


def _own_field(kind: Ask, entity: str, key_fields: Mapping[str, str]) -> str:
    """The field to go by where it differs by entity: its UUID, else its external key."""
    return UUIDS[entity] if kind is Ask.BY_UUID else key_fields.get(entity, "")


UUIDS: Mapping[str, str] = {Entity.ACCOUNT: "UUID", Entity.CONTACT: "ContactUUID"}
"""The field that holds a record's UUID, where records are asked for by it."""


def _grouped(lookups: Iterable[Lookup]) -> dict[tuple[Ask, str], list[str]]:
    grouped: dict[tuple[Ask, str], list[str]] = {}
    for lookup in sorted(lookups, key=lambda q: (q.kind, q.entity, q.value)):
        grouped.setdefault((lookup.kind, lookup.entity), []).append(lookup.value)
    return grouped


def _written(kind: Ask, value: str) -> tuple[str, ...]:
    """The literals that stand for one value in the filter."""
    match kind:
        case Ask.LEADS_OF:
            # The first cycle is asked for by its exact key too, so that idempotency does not rest on the wildcard.
            return f"{value}:1", f"{value}:*"
        case Ask.ACCOUNT_BY_DOMAIN:
            return _spellings(value)
        case Ask.ACCOUNT_BY_TAX:
            return _tax_spellings(value)
        case Ask.ACCOUNT_BY_POSTAL:
            return _postal_spellings(value)
        case _:
            return (value,)


_FIELDS = {
    Ask.BY_ID: "ObjectID",
    Ask.ACCOUNT_BY_TAX: "TaxID",
    Ask.ACCOUNT_BY_DOMAIN: "WebSite",
    Ask.ACCOUNT_BY_POSTAL: "StreetPostalCode",
    Ask.CONTACTS_OF: "AccountID",
    Ask.RELATIONS_OF: "ParentObjectID",
    Ask.PERMISSIONS_OF: "BusinessPartnerUUID",
    Ask.CHANNELS_OF: "ParentObjectID",
    Ask.ATTRIBUTES_OF: "BusinessPartnerID",
    Ask.ATTRIBUTES_IN: "ParentObjectID",
}


def _spellings(value: str) -> tuple[str, ...]:
    """C4C spells web sites freely and may compare case-sensitively: wildcards around the usual spellings.

    An international name may stand there in letters or as the name system spells it.
    """
    foreign = (f"*{in_ascii(value)}*",) if not value.isascii() else ()
    plain = (
        value,
        f"www.{value}",
        f"http://{value}",
        f"https://{value}",
        f"http://www.{value}",
        f"https://www.{value}",
    )
    host, dot, ending = value.rpartition(".")
    named = (f"{spelled}{dot}{ending}" for spelled in (host.title(), host.upper()))
    cases = (value, value.capitalize(), *named, value.title(), value.upper())
    return (*plain, *foreign, *(f"*{spelled}*" for spelled in dict.fromkeys(cases)))


def _tax_spellings(value: str) -> tuple[str, ...]:
    """As it is written, in one piece, and in groups of three from the right with the usual marks between them."""
    bare = tax_number(value)
    digits = bare.lstrip(ascii_uppercase)
    letters = bare.removesuffix(digits)
    first = len(digits) % 3 or 3
    groups = [digits[:first], *(digits[n : n + 3] for n in range(first, len(digits), 3))]
    set_apart = (f"{letters}{mark}{sign.join(groups)}" for mark in ("", " ", "-") for sign in ("", " ", "."))
    return tuple(dict.fromkeys((value, bare, *(spelled.strip(" -") for spelled in set_apart))))


def _postal_spellings(value: str) -> tuple[str, ...]:
    """With anything before it (`D-20095`) and between its groups (`SW1A 1AA`), and without a zero that was lost."""
    country_code, _, written = value.partition(" ")
    bare = postal_code(written, country_code)
    if not bare:
        return (value,)
    return tuple(
        dict.fromkeys((written, bare, bare.lstrip("0") or bare, f"*{'*'.join(postal_parts(bare, country_code))}*"))
    )


Answers = dict[tuple[Ask, str], dict[str, list[Row]]]
"""Rows by kind of question and entity, and then by the value that was asked for."""


def index(lookups: Iterable[Lookup], rows: Mapping[str, Sequence[Row]], key_fields: Mapping[str, str]) -> Answers:
    """The rows by what they really answer, compared exactly."""
    return {
        (kind, entity): _by_value(kind, rows.get(_read_from(kind, entity), ()), _own_field(kind, entity, key_fields))
        for kind, entity in {(q.kind, q.entity) for q in lookups}
    }


def _by_value(kind: Ask, rows: Iterable[Row], key_field: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        value = _answer(kind, row, key_field)
        if value:
            found.setdefault(value, []).append(row)
    return found


def answered(lookup: Lookup, answers: Answers) -> list[Record]:
    """The records that answer one question."""
    return [record(lookup.entity, row) for row in answers[lookup.kind, lookup.entity].get(_asked(lookup), ())]


def _asked(lookup: Lookup) -> str:
    """The question's value as answers are compared with it."""
    match lookup.kind:
        case Ask.PERMISSIONS_OF | Ask.BY_UUID:
            return lookup.value.upper()
        case Ask.ACCOUNT_BY_POSTAL:
            country_code, _, written = lookup.value.partition(" ")
            return f"{country_code} {postal_code(written, country_code)}"
        case _:
            return lookup.value


def _answer(kind: Ask, row: Row, key_field: str) -> str | None:
    """The value that a question must have to be answered by this row."""
    match kind:
        case Ask.BY_KEY:
            return str(row.get(key_field) or "")
        case Ask.LEADS_OF:
            stem, _, number = str(row.get(key_field) or "").rpartition(":")
            return stem if whole(number) is not None else None
        case Ask.ACCOUNT_BY_DOMAIN:
            return domain(str(row.get("WebSite") or ""))
        case Ask.ACCOUNT_BY_POSTAL:
            country_code = str(row.get("CountryCode") or "")
            return f"{country_code} {postal_code(str(row.get('StreetPostalCode') or ''), country_code)}"
        case Ask.PERMISSIONS_OF:
            return str(row.get("BusinessPartnerUUID") or "").upper()
        case Ask.BY_UUID:
            return str(row.get(key_field) or "").upper()
        case _:
            return str(row.get(_FIELDS[kind]) or "")


def record(entity: str, row: Mapping[str, Any]) -> Record:
    """A row as a record, without OData's own entries."""
    fields = {name: value for name, value in row.items() if not name.startswith("__")}
    return Record(entity, str(row["ObjectID"]), fields, odata.etag(row))
