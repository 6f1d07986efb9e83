"""Literals of `$filter` by the type of the property that they are compared with (OData v2 abstract types)."""

from __future__ import annotations

import re
from datetime import datetime

from sandbox.c4c.model import Field
from sandbox.strict.violations import Violated

_DAY = r"\d{4}-\d{2}-\d{2}"
_CLOCK = r"T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?"
TEXT = re.compile(r"'(?:[^']|'')*'", re.DOTALL)
LITERAL = {
    "String": TEXT,
    "Guid": re.compile(r"guid'[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}'"),
    "DateTime": re.compile(rf"datetime'({_DAY}{_CLOCK})'"),
    "DateTimeOffset": re.compile(rf"datetimeoffset'({_DAY}{_CLOCK}(?:Z|[+-]\d{{2}}:\d{{2}}))'"),
    "Boolean": re.compile(r"true|false"),
    "Int32": re.compile(r"-?\d{1,10}"),
    "Decimal": re.compile(r"-?\d+(?:\.\d+)?[mM]"),
}
ORDERED = ("String", "DateTime", "DateTimeOffset", "Int32", "Decimal")


def literal_end(text: str, at: int, field: Field) -> int:
    """Where the literal for this property ends."""
    pattern = LITERAL.get(field.type)
    match = pattern.match(text, at) if pattern else None
    if not match:
        near = text[at : at + 24]
        raise Violated(
            "literal", "OData v2 abstract types", f"{near!r} is no literal of Edm.{field.type} ({field.name})"
        )
    if field.type.startswith("DateTime"):
        _check_moment(match[1])
    return match.end()


def _check_moment(text: str) -> None:
    try:
        datetime.fromisoformat(re.sub(r"(\.\d{6})\d", r"\1", text))
    except ValueError:
        raise Violated("literal", "OData v2 abstract types", f"{text!r} is no moment") from None
