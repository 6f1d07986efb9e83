"""Values of one property in a JSON body (OData v2 JSON format, with C4C's own ways of writing dates and GUIDs)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.c4c.model import Field
from sandbox.strict.violations import Violated

_JSON_DATE = re.compile(r"/Date\(-?\d{1,15}(?:[+-]\d{1,4})?\)/")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,7})?")
_OFFSET = re.compile(_MOMENT.pattern + r"(?:Z|[+-]\d{2}:\d{2})")
_GUID = re.compile(r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_DECIMAL = re.compile(r"-?\d+(?:\.(\d+))?")
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def check_value(field: Field, value: Any) -> None:
    """`null` clears a property that is not required."""
    if value is None:
        if field.required:
            raise Violated("value-null", "rule_files/standard_fields.json", f"{field.name} is not nullable")
        return
    check = _CHECKS.get(field.type)
    if check is None or not check(field, value):
        raise Violated("value-type", "OData v2 JSON format 4", f"{field.name} of Edm.{field.type} holds {value!r}")


def _text(field: Field, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if field.length and len(value) > field.length:
        raise Violated(
            "value-length",
            "rule_files/standard_fields.json",
            f"{field.name} has {field.length}, not {len(value)} characters",
        )
    if _NO_XML.search(value):
        raise Violated("value-character", "XML 1.0 2.2", f"{field.name} holds a character that Atom cannot show")
    return True


def _guid(field: Field, value: Any) -> bool:
    """In upper case: C4C takes a lower-case UUID for an attempt on a field of its own (c4c.md 1.4)."""
    return isinstance(value, str) and _GUID.fullmatch(value) is not None


def _integer(field: Field, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31


def _decimal(field: Field, value: Any) -> bool:
    match = _DECIMAL.fullmatch(value) if isinstance(value, str) else None
    return match is not None and len(match[1] or "") <= field.size


def _moment(pattern: re.Pattern[str]) -> Callable[[Field, Any], bool]:
    def check(field: Field, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        return _JSON_DATE.fullmatch(value) is not None or (pattern.fullmatch(value) is not None and _exists(value))

    return check


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(re.sub(r"(\.\d{6})\d", r"\1", text))
    except ValueError:
        return False
    return True


_CHECKS: dict[str, Callable[[Field, Any], bool]] = {
    "String": _text,
    "Boolean": lambda field, value: isinstance(value, bool),
    "Int32": _integer,
    "Decimal": _decimal,
    "Guid": _guid,
    "DateTime": _moment(_MOMENT),
    "DateTimeOffset": _moment(_OFFSET),
}
