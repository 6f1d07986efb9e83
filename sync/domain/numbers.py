"""Reads numbers and ids as either system writes them. Never raises."""

import re
from decimal import Decimal

_LONGEST = 60
"""The most characters of a number."""

_LARGEST = 30
"""Digits before or after the decimal point. A number with more is not a real score, revenue or amount."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
"""Stricter than Python, which accepts `1_000` and digits of every script. A comma is refused, since it may separate
thousands or decimals.
"""


def number(value: object) -> Decimal | None:
    """The number that a value spells (`82`, `"+80"`, `"8.0E1"`, `" 82.0 "`), or None where it spells none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    text = _text(value)
    if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
        return None
    found = Decimal(text)
    return found if -_LARGEST <= found.adjusted() <= _LARGEST or not found else None


def _text(value: str | int | float | Decimal) -> str:
    try:
        return str(value).strip()
    except ValueError:
        # Python refuses to convert a number of thousands of digits to text.
        return ""


def whole(value: object) -> int | None:
    """The whole number of up to 18 plain digits; None for anything else, signs and digits of other scripts included."""
    text = _text(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return int(text) if _DIGITS.fullmatch(text) else None


_DIGITS = re.compile(r"[0-9]{1,18}")


def identifier(value: object) -> str | None:
    """A HubSpot id: plain digits, as text or as a JSON number. None for anything else.

    `str.isdigit` would let `"²5"` pass, which `int()` cannot read."""
    text = value if isinstance(value, str) else "" if whole(value) is None else str(value)
    return text if _DIGITS.fullmatch(text) else None


def in_order(identifier_: str) -> tuple[int, str]:
    """Sort key for ids as numbers. An older state file may hold an id that is not a number."""
    return len(identifier_), identifier_
