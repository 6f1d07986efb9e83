"""JSON as either system sends it. Whatever is wrong with a document is one kind of error, and its texts are clean."""

import json
from typing import Any

from sync.domain.text import clean

LONGEST_NUMBER = 40
"""Digits; a longer number is kept as text, since Python refuses to read one of thousands of digits."""


def parsed(raw: bytes | str) -> Any:
    """The document, every text in it cleaned. Raises ValueError: no JSON, not UTF-8, or nested too deeply."""
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "surrogatepass")
    try:
        return _cleaned(json.loads(text.removeprefix("\ufeff"), parse_int=_integer, parse_constant=str))
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(name): _cleaned(item) for name, item in value.items()}
    return value
