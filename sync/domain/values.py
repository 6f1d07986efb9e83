"""When two values of one field mean the same, whichever system writes them. Pure."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from sync.domain.moments import is_c4c_date, moment
from sync.domain.numbers import number


def blank(value: Any) -> bool:
    """C4C shows missing text as an empty string, missing dates and UUIDs as null."""
    return value is None or value == ""


def same(left: Any, right: Any) -> bool:
    """Whether two values of one field mean the same: `"82"` is `"82.000000"`, UUIDs in any case, blank is null."""
    if blank(left) or blank(right):
        return blank(left) and blank(right)
    if left == right:
        return True
    if isinstance(left, bool) or isinstance(right, bool):
        return str(left).lower() == str(right).lower()
    forms = (_as_number, _as_uuid, _as_shown_date)
    return any(form(left) == form(right) is not None for form in forms)


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
    # What is neither text nor number (a reference to a record that is still to be created) equals no number.
    return number(value)


_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+([eE][+-]?\d+)?)?", re.ASCII)


def _as_shown_date(value: Any) -> datetime | None:
    """C4C shows `/Date(ms)/` for what was written as ISO text; whole seconds count, that is all that was sent."""
    if not is_c4c_date(value) and not (isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value)):
        return None
    found = moment(value)
    return found.replace(microsecond=0) if found else None


_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _as_uuid(value: Any) -> str | None:
    return str(value).upper() if _UUID.fullmatch(str(value)) else None
