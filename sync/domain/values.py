"""Values of fields: when two mean the same, whichever system writes them, and how C4C takes one. Pure."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sync.domain.moments import is_c4c_date, moment
from sync.domain.numbers import number


def blank(value: Any) -> bool:
    """Whether the value is missing. C4C shows missing text as an empty string, missing dates and UUIDs as null."""
    return value is None or value == ""


def same(left: Any, right: Any) -> bool:
    """Whether two values of one field mean the same: `"82"` is `"82.000000"`, UUIDs in any case, blank is null."""
    if left == right:
        return True
    if blank(left) or blank(right):
        return blank(left) and blank(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return str(left).lower() == str(right).lower()
    return any((found := form(left)) is not None and found == form(right) for form in _FORMS)


def canonical(value: Any) -> str:
    """One spelling for all values that mean the same."""
    if isinstance(value, bool) or str(value).lower() in ("true", "false"):
        return str(value).lower()
    number = _as_number(value)
    return str(_as_uuid(value) or value) if number is None else format(number.normalize(), "f")


def _as_number(value: Any) -> Decimal | None:
    # A leading zero or plus belongs to a code or a phone number: "01" is not "1".
    if isinstance(value, str) and not _PLAIN_NUMBER.fullmatch(value):
        return None
    # Anything else, such as a reference to a record that is still to be created, differs from every number.
    return number(value)


_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+([eE][+-]?\d+)?)?", re.ASCII)


def _as_shown_date(value: Any) -> datetime | None:
    """The moment in `/Date(ms)/`, which C4C shows for ISO text. Only whole seconds count, since no more was sent."""
    if not is_c4c_date(value) and not (isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value)):
        return None
    found = moment(value)
    return found.replace(microsecond=0) if found else None


_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _as_uuid(value: Any) -> str | None:
    return str(value).upper() if _UUID.fullmatch(str(value)) else None


_FORMS: tuple[Callable[[Any], Any], ...] = (_as_number, _as_uuid, _as_shown_date)


def wire(value: Any, edm_type: str) -> Any:
    """`value` in the JSON form of `edm_type` (`String`, `Guid`, `Boolean`, `Int32`, `Decimal`, …).

    Raises ValueError if it does not fit the type."""
    if value is None:
        return None
    match edm_type:
        case "Guid":
            return str(value).upper()
        case "DateTime":
            return _moment(value).isoformat()
        case "DateTimeOffset":
            return f"{_moment(value).isoformat()}Z"
        case "Boolean":
            return _boolean(value)
        case "Int16" | "Int32":
            return _integer(value, 16 if edm_type == "Int16" else 32)
        case "Decimal" | "Double" | "Single" | "Int64":
            return format(_decimal(value).normalize(), "f")
        case _:
            return str(value)


def _moment(value: Any) -> datetime:
    """A moment in UTC from ISO text, from milliseconds since 1970 as HubSpot may write them, or as C4C shows it."""
    found = moment(value)
    if found is None:
        raise ValueError("no date")
    return found.replace(tzinfo=None, microsecond=0)


def _boolean(value: Any) -> bool:
    text = str(value).lower()
    if text not in ("true", "false"):
        raise ValueError("neither true nor false")
    return text == "true"


def _integer(value: Any, bits: int) -> int:
    number = _decimal(value)
    if number != number.to_integral_value():
        raise ValueError("not a whole number")
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise ValueError("too large a number")
    return int(number)


def _decimal(value: Any) -> Decimal:
    found = number(value)
    if found is None:
        raise ValueError("not a number")
    return found
