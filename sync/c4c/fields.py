"""C4C's entities and fields: the shipped table, and a tenant's own `$metadata`.

The table in `fields.json` holds, per field, `[type, length, flags, code list, context field]` with the flags
C(reatable) U(pdatable) F(ilterable) R(equired). It was taken from public EDMX files (2022 and 2026, unchanged in the
fields we use); the tenant's own `$metadata` replaces it at run time, since custom fields exist only there.
"""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from sync.domain.numbers import whole
from sync.domain.schema import Field, Fields, Schema


def collection(entity: str) -> str:
    """The name of the entity set."""
    return f"{entity}Collection"


@cache
def standard() -> Schema:
    """The shipped table."""
    return from_table(json.loads(resources.files(__package__).joinpath("fields.json").read_text(encoding="utf-8")))


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


@lru_cache(maxsize=1)
def parse_edmx(text: str) -> Schema:
    """The schema in a tenant's `$metadata`. Raises ValueError if the text is no EDMX document.

    The last document is remembered: it hardly ever changes, and reading its 300 kB takes longer than asking for it.
    """
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"$metadata is no XML document: {error}") from None
    types = [element for element in root.iter() if _local(element.tag) == "EntityType"]
    if not types:
        raise ValueError("$metadata names no entity types")
    return Schema({element.get("Name", ""): _entity(element) for element in types})


def _entity(element: ElementTree.Element) -> Fields:
    fields = [_edmx_field(child) for child in element if _local(child.tag) == "Property"]
    return {field.name: field for field in fields}


def _edmx_field(element: ElementTree.Element) -> Field:
    marks = {_local(name): value for name, value in element.attrib.items()}
    length = marks.get("MaxLength", "")
    creatable = _flag(marks, "creatable")
    return Field(
        name=marks.get("Name", ""),
        type=marks.get("Type", "Edm.String").removeprefix("Edm."),
        length=whole(length) or 0,
        creatable=creatable,
        updatable=_flag(marks, "updatable"),
        filterable=_flag(marks, "filterable"),
        required=creatable and marks.get("Nullable") == "false",
        code_list=marks.get("value-help"),
        context=marks.get("context-property"),
    )


def _flag(marks: Mapping[str, str], name: str) -> bool:
    # An absent sap: flag means true (SAP annotations for OData 2.0).
    return marks.get(name, "true") != "false"


def _local(name: Any) -> str:
    return str(name).rsplit("}", 1)[-1]
