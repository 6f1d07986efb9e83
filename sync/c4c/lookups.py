"""Turns lookups into OData queries. Pure.

Filters only pre-select: every record is compared exactly on our side (`planner/matching.py`), because `*` in a value is
a wildcard for C4C and the case sensitivity of `eq` differs by field.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from types import MappingProxyType

from sync.c4c import odata
from sync.c4c.entities import collection
from sync.c4c.odata import Query
from sync.domain.alike import postal_code, postal_parts, tax_number
from sync.domain.entities import Entity
from sync.domain.rules import EntityMap, FieldRule, Rules
from sync.domain.schema import Schema
from sync.mappers.web import in_ascii
from sync.planner.keyed_fields import KEYED_FIELDS
from sync.planner.matching import field_of, read_from
from sync.planner.snapshot import Ask, Lookup

NO_MORE: Mapping[str, Sequence[str]] = MappingProxyType({})
"""No fields besides those of the rules."""


def selects(rules: Rules, schema: Schema, besides: Mapping[str, Sequence[str]] = NO_MORE) -> dict[str, tuple[str, ...]]:
    """The fields to read by entity, derived from the rules, and those named besides, as far as the tenant has them."""
    wanted = {
        entity: {
            "ObjectID",
            section.external_key,
            *_ALWAYS.get(entity, ()),
            *_names(entity),
            *_compared(section),
            *besides.get(entity, ()),
        }
        for entity, section in rules.mapping.by_entity().items()
    }
    return {e: tuple(sorted(n for n in names if schema.field(e, n))) for e, names in wanted.items()}


def _names(entity: str) -> Iterator[str]:
    named = KEYED_FIELDS[entity]
    yield from filter(None, (named.number, named.uuid, named.status, *named.stamps))


def _compared(entity_map: EntityMap) -> Iterator[str]:
    """A lead's note is long, and is never compared once it was written, so it is not read."""
    written_once = (f.rule is FieldRule.CREATE_ONLY and "score.note" in f.source for f in entity_map.fields)
    return (t for f, skipped in zip(entity_map.fields, written_once, strict=True) if not skipped for t in f.target)


_PLACES = ("WebSite", "CountryCode", "StreetPostalCode")
_NAMES = ("Name", "AdditionalName", "AdditionalName2", "AdditionalName3")
_ALWAYS: Mapping[str, tuple[str, ...]] = {
    Entity.ACCOUNT: ("OwnerUUID", *_PLACES, *_NAMES),
    Entity.CONTACT: ("AccountID", "Email"),
    Entity.LEAD: ("Name", "LifeCycleStatusCode", "AccountPartyUUID", "ContactUUID", "OwnerPartyUUID"),
}
"""What the planner needs besides the fields of the mapping."""


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
        """What lookups have in common that differ only in their values."""
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
        """The same query for a value that no record has: if C4C refuses this too, the values are not at fault."""
        return replace(self, values=(_NOBODYS_GUID if self.ask in _BY_GUID else NOBODYS,))

    def portions(self) -> Iterator["FieldQuery"]:
        """The same values in as many queries as the length of a URL makes necessary."""
        for part in odata.fitting(self.values, lambda value: replace(self, values=(value,)).filter()):
            yield replace(self, values=part)


NOBODYS = "zz.invalid"
"""A value that no record has, short enough for every field (`.invalid` is reserved, RFC 2606)."""

_NOBODYS_GUID = "00000000-0000-0000-0000-000000000000"
_BY_GUID = (Ask.PERMISSIONS_OF, Ask.BY_UUID)


def queries(
    lookups: Iterable[Lookup], key_fields: Mapping[str, str], select: Mapping[str, tuple[str, ...]]
) -> list[FieldQuery]:
    """The queries that pre-select the rows for these lookups, as few as the URL length allows."""
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
    source = read_from(kind, entity)
    return FieldQuery(kind, source, field_of(kind, entity, key_fields), values, select.get(source, ()))


def _grouped(lookups: Iterable[Lookup]) -> dict[tuple[Ask, str], list[str]]:
    grouped: dict[tuple[Ask, str], list[str]] = {}
    for lookup in sorted(lookups, key=lambda q: (q.kind, q.entity, q.value)):
        grouped.setdefault((lookup.kind, lookup.entity), []).append(lookup.value)
    return grouped


def _written(kind: Ask, value: str) -> tuple[str, ...]:
    """The texts by which one value is searched for."""
    match kind:
        case Ask.LEADS_OF:
            # The first cycle is also searched by its exact key, so that idempotency does not depend on the wildcard.
            return f"{value}:1", f"{value}:*"
        case Ask.ACCOUNT_BY_DOMAIN:
            return _spellings(value)
        case Ask.ACCOUNT_BY_TAX:
            return _tax_spellings(value)
        case Ask.ACCOUNT_BY_POSTAL:
            return _postal_spellings(value)
        case _:
            return (value,)


def _spellings(value: str) -> tuple[str, ...]:
    """Usual spellings of a web site with wildcards around them, since C4C spells web sites freely and may compare
    case-sensitively. An international name may be written in letters or in its DNS spelling.
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
    """A tax number as written, without separators, and in groups of three from the right with the usual separators."""
    bare = tax_number(value)
    digits = bare.lstrip(ascii_uppercase)
    letters = bare.removesuffix(digits)
    first = len(digits) % 3 or 3
    groups = [digits[:first], *(digits[n : n + 3] for n in range(first, len(digits), 3))]
    set_apart = (f"{letters}{mark}{sign.join(groups)}" for mark in ("", " ", "-") for sign in ("", " ", "."))
    return tuple(dict.fromkeys((value, bare, *(spelled.strip(" -") for spelled in set_apart))))


def _postal_spellings(value: str) -> tuple[str, ...]:
    """A postal code with any prefix (`D-20095`), with any separator between its groups (`SW1A 1AA`), in capitals and
    small letters, since C4C may compare case-sensitively, and without a leading zero.
    """
    country_code, _, written = value.partition(" ")
    bare = postal_code(written, country_code)
    if not bare:
        return (value,)
    loose = f"*{'*'.join(postal_parts(bare, country_code))}*"
    return tuple(dict.fromkeys((written, bare, bare.lstrip("0") or bare, loose, loose.lower())))
