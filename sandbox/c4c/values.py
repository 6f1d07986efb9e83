"""Values between their three forms: as sent by a client, as stored, and as shown in JSON or Atom."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from sandbox.c4c.errors import Refused, bad_request
from sandbox.c4c.model import Field

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_JSON_DATE = re.compile(r"/Date\((-?\d+)\)/")
_EDM = {"String": str, "Boolean": bool}


class InternalField(Refused):
    """A lower-case UUID: C4C takes it for an attempt on a field of its own (SAP Q&A, pyodata's sap-message hook)."""

    def __init__(self) -> None:
        super().__init__(400, "Cannot maintain internal field", "/APBP/CENT:003")


def stored_time(moment: datetime) -> str:
    """Milliseconds and a fixed width, so that stored times compare as strings."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def stored_ticks(ticks: int) -> str:
    """An ETag's instant, in units of 100 nanoseconds since 1970."""
    seconds, rest = divmod(ticks, 10_000_000)
    return f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest:07d}Z"


def etag_header(stored: str) -> str:
    """Colons percent-encoded and seven decimals, as in the C4C OData guide."""
    return f"W/\"datetimeoffset'{quote(stored)}'\""


def milliseconds(stored: str) -> int:
    moment = datetime.fromisoformat(stored[:23] + "+00:00")
    return (moment - EPOCH) // timedelta(milliseconds=1)


def parse_time(text: str) -> datetime:
    """ISO in any of the forms clients write; without an offset it is UTC. ValueError if it is none."""
    if match := _JSON_DATE.fullmatch(text):
        return EPOCH + timedelta(milliseconds=int(match[1]))
    text = re.sub(r"(\.\d{6})\d+", r"\1", text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def stored_decimal(value: object, scale: int) -> str:
    return f"{Decimal(str(value)):.{scale}f}"


def normal(field: Field, value: Any) -> Any:
    """A value of our own making (seed, control port) in stored form; nothing is checked beyond its being readable."""
    if value is None:
        return None
    if field.type.startswith("DateTime"):
        return stored_time(value if isinstance(value, datetime) else parse_time(str(value)))
    if field.type == "Decimal":
        return stored_decimal(value, field.size)
    if field.type == "Guid":
        return str(value).upper()
    return value


def accept(field: Field, value: Any) -> Any:
    """A value as a client sent it in JSON, in stored form; refused with 400 if it does not suit the Edm type."""
    if value is None:
        return None
    match field.type:
        case "String" | "Boolean":
            if not isinstance(value, _EDM[field.type]):
                raise _wrong_type(field)
        case "Int32":
            return _accept_integer(field, value)
        case "Guid":
            return _accept_guid(field, value)
        case "Decimal":
            return _accept_decimal(field, value)
        case _:
            return _accept_time(field, value)
    if field.length and isinstance(value, str) and len(value) > field.length:
        raise bad_request(f"Value of property {field.name} exceeds the maximum length {field.length}", "005056A509")
    return value


def _accept_integer(field: Field, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(field)
    return value


def _accept_guid(field: Field, value: Any) -> str | None:
    if value == "":
        return None
    if not isinstance(value, str) or not _GUID.fullmatch(value.upper()):
        raise _wrong_type(field)
    if value != value.upper():
        raise InternalField()
    return value


def _accept_decimal(field: Field, value: Any) -> str:
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise _wrong_type(field)
        return stored_decimal(value, field.size)
    except InvalidOperation:
        raise _wrong_type(field) from None


def _accept_time(field: Field, value: Any) -> str:
    try:
        if not isinstance(value, str) or not ("T" in value or _JSON_DATE.fullmatch(value)):
            raise _wrong_type(field)  # a bare date is no Edm.DateTime
        return stored_time(parse_time(value))
    except ValueError:
        raise _wrong_type(field) from None


def _wrong_type(field: Field) -> Refused:
    return bad_request(f"Invalid value for property '{field.name}' of type Edm.{field.type}", "CX_SXML_PARSE_ERROR")


def in_json(field: Field, value: Any) -> Any:
    if value is None:
        return field.missing
    if field.type.startswith("DateTime"):
        return f"/Date({milliseconds(value)})/"
    return value


def in_atom(field: Field, value: Any) -> str | None:
    value = field.missing if value is None else value
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if field.type == "DateTime":
        return str(value)[:19]
    return str(value)
