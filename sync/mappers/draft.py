"""Makes a draft from the rules and a contact's view: what a C4C record should hold, field by field, with warnings."""

import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo

from sync.domain.alike import code
from sync.domain.codes import Code
from sync.domain.conditions import COUNTRY_CODES, with_country_codes
from sync.domain.decision import Reason
from sync.domain.moments import moment
from sync.domain.rules import FieldMap, FieldRule, field_sources, placeholders, qualified
from sync.domain.schema import Field, Schema
from sync.domain.values import wire
from sync.domain.views import Unreadable
from sync.mappers.places import country_of, read_if_there
from sync.mappers.transforms import BY_COUNTRY, spread, transformed


@dataclass(frozen=True, slots=True)
class Awaited:
    """A placeholder for the id that C4C will give to a record that does not exist yet."""

    entity: str
    key: str

    def __str__(self) -> str:
        return f"(of the new {self.entity} {self.key})"


DraftValue = str | bool | int | Awaited | None
ValueOf = Callable[[str], str | Awaited | None]
"""From a source's full name (`contact.email`, `c4c.account_uuid`) to its value. Raises Unreadable."""


@dataclass(frozen=True, slots=True)
class DraftField:
    """One field of a draft. Fields of one `group` are one text spread over several and change together."""

    name: str
    value: DraftValue
    rule: FieldRule
    group: int
    may_blank: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """What a record should hold."""

    entity: str
    key: str
    fields: tuple[DraftField, ...]
    warnings: tuple[Reason, ...] = ()
    refused: Reason | None = None
    """A value does not fit, and its field's rule (`misfit = "reject"`) wants a person to correct it first."""

    @property
    def awaits(self) -> bool:
        return any(isinstance(field.value, Awaited) for field in self.fields)


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one entry of the mapping adds to a draft."""

    fields: Sequence[DraftField] = ()
    warnings: Sequence[Reason] = ()
    refused: Sequence[Reason] = ()


Pieces = MutableMapping[int, _Piece]
"""Pieces of a draft by place in the mapping, kept where no other record can change them."""


def draft(
    entity: str,
    key: str,
    own: str,
    maps: Iterable[FieldMap],
    value_of: ValueOf,
    schema: Schema,
    kept: Pieces | None = None,
) -> Draft:
    """The draft of one record; `own` is the space that a source without a dot belongs to.

    Fields that the tenant does not have are left out (`check` names them), and so are those whose source cannot be
    read, so that SAP Sales Cloud keeps its value there. `kept`: pieces of an earlier draft of the same record from the
    same values of HubSpot; those that depend on nothing else are added to it.
    """
    pieces: list[_Piece] = []
    for group, mapped in enumerate(maps):
        piece = kept.get(group) if kept else None
        if piece is None:
            piece = _piece(entity, own, (group, mapped), value_of, schema)
            if kept is not None and not _depends_on_records(mapped):
                kept[group] = piece
        pieces.append(piece)
    fields = tuple(field for piece in pieces for field in piece.fields)
    warnings = tuple(warning for piece in pieces for warning in piece.warnings)
    return Draft(entity, key, fields, warnings, next((why for piece in pieces for why in piece.refused), None))


def _depends_on_records(mapped: FieldMap) -> bool:
    """Whether a value comes from a C4C record (an id, an owner), which may be created or read meanwhile."""
    return any(source.startswith(("c4c.", "owner.")) for source in field_sources(mapped))


def _piece(entity: str, own: str, entry: tuple[int, FieldMap], value_of: ValueOf, schema: Schema) -> _Piece:
    group, mapped = entry
    known = [f for f in (schema.field(entity, target) for target in mapped.target) if f is not None]
    if not known:
        return _Piece()
    try:
        values, found = _values(mapped, own, value_of, known)
    except Unreadable as unread:
        text = f"{entity}.{known[0].name}: {unread}, left as it is"
        return _Piece(warnings=(Reason(Code.PROPERTY_UNREADABLE, text),))
    said = [Reason(why, f"{entity}.{known[0].name}: {text}") for why, text in found]
    # A value that was left out because it does not fit is not missing, so it must not empty the field.
    may_blank = mapped.may_blank and not found
    fields = [DraftField(f.name, value, mapped.rule, group, may_blank) for f, value in zip(known, values, strict=True)]
    return _Piece(fields, refused=said) if mapped.misfit == "reject" else _Piece(fields, said)


_Finding = tuple[Code, str]


def _values(
    mapped: FieldMap, own: str, value_of: ValueOf, fields: Sequence[Field]
) -> tuple[list[DraftValue], list[_Finding]]:
    fitting, passed_over = _first_fit(mapped, own, value_of)
    nothing: list[DraftValue] = [None] * len(fields)
    if isinstance(fitting, Awaited):
        return [fitting, *nothing[1:]], []
    if fitting is None:
        return nothing, [(Code.VALUE_INVALID, f"no {mapped.transform}, left out")] if passed_over else []
    if mapped.table:
        translated = _translated(mapped, fitting)
        if translated is None:
            return nothing, [(Code.CODE_UNKNOWN, "the value is not in the field's table, left out")]
        fitting = translated
    fitting = _day(fitting, mapped.time_zone) if fields[0].type == DATE else fitting
    values, found = _fit(fitting, mapped.transform, fields) if fitting else (nothing, [])
    # With `misfit = "reject"` too, a later source may provide the value.
    if passed_over and mapped.misfit == "warn" and mapped.transform != "country":
        text = f"the first source is not a valid {mapped.transform}, left out; a further source is taken"
        found = [(Code.VALUE_INVALID, text), *found]
    return values, found


DATE = "DateTime"
"""C4C's type of a date without a time of day; moments are of the type `DateTimeOffset`."""


def _day(value: str, time_zone: str) -> str:
    """The day of a moment in the zone; any other text, and a date without a time of day, unchanged."""
    found = moment(value)
    if found is None or found.time() == time():
        return value
    return found.astimezone(ZoneInfo(time_zone)).date().isoformat()


def _first_fit(mapped: FieldMap, own: str, value_of: ValueOf) -> tuple[str | Awaited | None, bool]:
    """(the value that is used, whether one before it was passed over because it does not fit)."""
    country_code = _country_code(mapped, own, value_of) if mapped.transform in BY_COUNTRY else None
    passed_over = False
    for raw in _raws(mapped, own, value_of):
        fitting = raw if isinstance(raw, Awaited) else transformed(mapped.transform, raw, country_code)
        if fitting is not None:
            return fitting, passed_over
        passed_over = True
    return None, passed_over


def _country_code(mapped: FieldMap, own: str, value_of: ValueOf) -> str | None:
    """The country by whose rules the value is read: the record's own, else the rule's."""
    space, _, name = qualified(own, mapped.country_source or "").partition(".")
    return (country_of(lambda source: _text(value_of(f"{space}.{source}")), name) if name else None) or mapped.country


def _text(value: str | Awaited | None) -> str | None:
    return value if isinstance(value, str) else None


def _translated(mapped: FieldMap, value: str) -> str | None:
    """The table's entry for the value, ignoring case and surrounding blanks."""
    table = {code(key): translated for key, translated in mapped.table.items()}
    return table.get(code(value), mapped.otherwise)


def _fit(value: str, transform: str, fields: Sequence[Field]) -> tuple[list[DraftValue], list[_Finding]]:
    lengths = [field.length if field.type == "String" else 0 for field in fields]
    if transform not in _SPREADABLE and lengths[0] and len(value) > lengths[0]:
        return [None] * len(fields), [(Code.VALUE_TOO_LONG, f"longer than {lengths[0]}, left out")]
    parts, cut = spread(value, lengths)
    lost = _lost(value, parts, cut, lengths)
    findings = [(Code.VALUE_TOO_LONG, lost)] if lost else []
    try:
        return [wire(part, field.type) if part else None for part, field in zip(parts, fields, strict=True)], findings
    except ValueError as error:
        return [None] * len(fields), [(Code.VALUE_INVALID, f"{error}, left out")]


def _lost(value: str, parts: Sequence[str], cut: bool, lengths: Sequence[int]) -> str | None:
    """A warning about a text that was cut or broken; None if all its words are whole."""
    kept, words = " ".join(parts).split(), value.split()
    whole = kept == words[: len(kept)]
    if cut:
        return f"longer than {sum(lengths)}, cut {'at' if whole else 'inside'} a word"
    return None if whole else f"a word is longer than {min(filter(None, lengths))}, broken over two fields"


_SPREADABLE = frozenset({"text", "plain_text", "upper", "lower"})
"""Transforms whose value is still useful when it is cut, unlike part of a phone number."""


def _raws(mapped: FieldMap, own: str, value_of: ValueOf) -> Iterator[str | Awaited]:
    """The values that the field may get, in order.

    A source is read only if those before it do not fit, so only then must it be readable.
    """
    given = iter(_given(mapped, own, value_of))
    if mapped.join is not None:
        given = filter(None, [mapped.join.join(map(str, given))])
    first = next(given, mapped.default)
    if first is not None:
        yield first
    yield from given


def _given(mapped: FieldMap, own: str, value_of: ValueOf) -> Iterable[str | Awaited]:
    if mapped.value is not None:
        return (mapped.value,)
    if mapped.template is not None:
        return filter(None, [fill(mapped.template, lambda name: value_of(qualified(own, name)))])
    return (found for name in _sources(mapped, own) if (found := _looked_up(value_of, name)) is not None)


def _looked_up(value_of: ValueOf, name: str) -> str | Awaited | None:
    return read_if_there(value_of, name) if name.endswith(_CODES) else value_of(name)


_CODES = tuple(f".{source}" for sources in COUNTRY_CODES.values() for source in sources)


def _sources(mapped: FieldMap, own: str) -> list[str]:
    """The sources with their space in front. A country's code, if the portal has it, goes before the country's name."""
    names = [qualified(own, name) for name in mapped.source]
    if mapped.transform != "country":
        return names
    parts = [name.partition(".") for name in names]
    return [f"{space}.{source}" for space, _, name in parts for source in with_country_codes((name,))]


def fill(template: str, value_of: ValueOf) -> str | None:
    """The template with its placeholders filled; missing values leave no gap. None if all are missing."""
    found = {name: value_of(name) for name in placeholders(template)}
    if found and all(value is None for value in found.values()):
        return None
    filled = re.sub(r"{([^{}]*)}", lambda match: str(found[match[1]] or ""), template)
    return re.sub(r"\s+", " ", filled).strip()
