"""Reads a tenant's `$metadata` into a schema. Pure."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sync.domain.numbers import whole
from sync.domain.schema import Field, Fields, Schema


@lru_cache(maxsize=1)
def parse_edmx(text: str) -> Schema:
    """The schema in a tenant's `$metadata`.

    Raises ValueError if the text is not an EDMX document. The result for the last document is cached: it hardly ever
    changes, and parsing its 300 kB takes longer than fetching it.
    """
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"$metadata is not an XML document: {error}") from None
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
