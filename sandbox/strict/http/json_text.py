"""JSON texts by RFC 8259, with what RFC 7493 asks of those who want to be understood everywhere."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from sandbox.strict.violations import Violated

_SURROGATE = re.compile("[\ud800-\udfff]")


def parsed(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Violated("json-utf-8", "RFC 8259 8.1", "the text is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise Violated("json-bom", "RFC 8259 8.1", "the text begins with a byte order mark")
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Violated("json", "RFC 8259 2", str(error)) from None
    _check_strings(value)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise Violated("json-member-twice", "RFC 7493 2.3", f"{', '.join(twice)} is given twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Violated("json-number", "RFC 8259 6", f"{name} is no JSON number")


def _check_strings(value: Any) -> None:
    """Half a surrogate pair is grammar, but no character (RFC 8259 8.2)."""
    if isinstance(value, str) and _SURROGATE.search(value):
        raise Violated("json-surrogate", "RFC 7493 2.1", "a string holds half a surrogate pair")
    if isinstance(value, dict):
        for name, item in value.items():
            _check_strings(name)
            _check_strings(item)
    elif isinstance(value, list):
        for item in value:
            _check_strings(item)
