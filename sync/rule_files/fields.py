"""Checks keys of one field of the mapping that exclude each other, and constants that are too long for the field. Each
problem is a sentence with the key, what was found, and the remedy.
"""

from collections.abc import Iterator

from sync.domain.alike import code
from sync.domain.rules import FieldMap, FieldRule, Qualification, placeholders
from sync.domain.schema import Fields
from sync.domain.spelling import shown
from sync.mappers.transforms import spread
from sync.rule_files import values
from sync.rule_files.sources import braces


def field_problems(mapped: FieldMap, fields: Fields, qualification: Qualification | None) -> Iterator[str]:
    yield from _table(mapped)
    yield from (f"country: {problem}" for problem in values.no_country(mapped.country))
    if mapped.template is not None:
        yield from (f"template: {problem}" for problem in _template(mapped.template))
    if mapped.may_blank and mapped.rule is FieldRule.CREATE_ONLY:
        yield "may_blank: found true beside `create_only`, by which nothing is written later; remove one of them"
    for key, value in _constants(mapped, qualification):
        if cuts(mapped, fields, value):
            yield f"{key}: found {shown(value)} with {len(value)} characters, which is more than the field holds"


def _table(mapped: FieldMap) -> Iterator[str]:
    if "table" in mapped.model_fields_set and not mapped.table:
        yield "table: must not be empty; leave it out to write values as they are"
    yield from (f"table: {problem}" for problem in values.never("transform", mapped.transform, mapped.table))
    first: dict[str, str] = {}
    for known in mapped.table:
        other = first.setdefault(code(known), known)
        if other != known:
            yield f"table: found {shown(other)} and {shown(known)}, which are the same, since case does not matter"


def _template(text: str) -> Iterator[str]:
    yield from braces(text)
    if not placeholders(text) and not {"{", "}"} & {*text}:
        yield f"found {shown(text)} without a source in braces; for a constant use `value`"


def _constants(mapped: FieldMap, qualification: Qualification | None) -> Iterator[tuple[str, str]]:
    """(where, value) of constants that the rules write into the field."""
    for key in ("value", "otherwise", "default"):
        value = getattr(mapped, key)
        # A value that goes through a table is not written itself.
        if value and not (key == "default" and mapped.table):
            yield key, value
    yield from (("table", value) for value in mapped.table.values())
    keys = [name.partition(".")[2] for name in mapped.source if name.startswith("route.")]
    for name, route in qualification.routes.items() if qualification and not mapped.table else ():
        yield from (
            (f"source `route.{k}` of route {name}", v) for k in keys if isinstance(v := getattr(route, k, None), str)
        )


def cuts(mapped: FieldMap, fields: Fields, value: str) -> bool:
    """Whether the value is longer than the targets together. Unknown fields count as unlimited."""
    targets = [fields.get(name) for name in mapped.target]
    lengths = [field.length if field and field.type == "String" else 0 for field in targets]
    return bool(lengths) and spread(value, lengths)[1]
