"""A value in the JSON form of an Edm type (OData v2, 6). Pure."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sync.domain.moments import moment
from sync.domain.numbers import number


def wire(value: Any, edm_type: str) -> Any:
    """`value` in the JSON form of `edm_type` (`String`, `Guid`, `Boolean`, `Int32`, `Decimal`, …).

    Raises ValueError where it does not fit.
    """
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
