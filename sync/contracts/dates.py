"""Finds date fields that get a time of day, for which a rule must say whose day counts."""

from collections.abc import Callable, Iterator, Sequence

from sync.domain.entities import TYPES
from sync.domain.rules import Rules, qualified
from sync.domain.schema import Schema
from sync.domain.spelling import entry
from sync.hubspot.answers import ObjectType, Property
from sync.mappers.draft import DATE


def without_zone(
    rules: Rules, schema: Schema, properties: Callable[[ObjectType], Sequence[Property]]
) -> Iterator[tuple[str, str]]:
    """(place, problem) of each entry that puts a property with a time of day into a date field and names no zone."""
    kinds: dict[str, ObjectType] = {"contact": "contacts", "company": "companies"}
    moments = {f"{space}.{p.name}" for space, kind in kinds.items() for p in properties(kind) if p.type == "datetime"}
    for entity, section in rules.mapping.by_entity().items():
        own = TYPES[entity].owner
        for n, mapped in enumerate(section.fields):
            field = schema.field(entity, mapped.target[0])
            named = [name for name in mapped.source if qualified(own, name) in moments]
            if named and field and field.type == DATE and "time_zone" not in mapped.model_fields_set:
                what = f"{', '.join(named)} has a time of day, and {mapped.target[0]} holds a date"
                where = entry(f"{TYPES[entity].section}.fields", n, ", ".join(mapped.target))
                yield where, f'{what}: say which day counts, for example by `time_zone = "Europe/Berlin"`'
