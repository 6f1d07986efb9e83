"""The shipped table of an ordinary tenant's fields, and the compact form of such tables.

The table in `standard_fields.json` holds, per field, `[type, length, flags, code list, context field]` with the flags
C(reatable) U(pdatable) F(ilterable) R(equired). It was taken from public EDMX files (2022 and 2026, unchanged in the
fields we use); the tenant's own `$metadata`, which also has the custom fields, replaces it at run time.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from sync.domain.schema import Field, Schema


@cache
def standard() -> Schema:
    """The shipped table."""
    return from_table(
        json.loads(resources.files(__package__).joinpath("standard_fields.json").read_text(encoding="utf-8"))
    )


def to_table(schema: Schema) -> dict[str, dict[str, list[Any]]]:
    """The compact table of a schema; `from_table` reads it again."""
    return {entity: {name: _row(field) for name, field in fields.items()} for entity, fields in schema.entities.items()}


def from_table(table: Mapping[str, Mapping[str, list[Any]]]) -> Schema:
    return Schema({entity: {n: _field(n, *row) for n, row in fields.items()} for entity, fields in table.items()})


def _row(field: Field) -> list[Any]:
    marks = (("C", field.creatable), ("U", field.updatable), ("F", field.filterable), ("R", field.required))
    flags = "".join(mark for mark, holds in marks if holds)
    return [field.type, field.length, flags, field.code_list, field.context]


def _field(
    name: str, type_: str, length: int, flags: str, code_list: str | None = None, context: str | None = None
) -> Field:
    return Field(name, type_, length, "C" in flags, "U" in flags, "F" in flags, "R" in flags, code_list, context)
