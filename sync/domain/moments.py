"""Reads dates and times as either system writes them, and writes them as ISO. Never raises."""

import re
from datetime import UTC, datetime, timedelta

EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"/Date\((-?\d{1,30})(?:[+-]\d{1,4})?\)/", re.ASCII)
_MILLISECONDS = re.compile(r"-?\d{9,16}", re.ASCII)


def moment(value: object) -> datetime | None:
    """A moment in UTC from ISO text, milliseconds since 1970 (HubSpot) or `/Date(ms)/` (C4C).

    None for an empty value, and for anything that is not a time. C4C writes "valid since ever" as a date below year 1
    and "for ever" as one beyond 9999 (pyodata#143): such dates become the earliest and the latest moment that Python
    knows.
    """
    text = str(value).strip() if isinstance(value, str) or type(value) is int else ""
    if match := _DATE.fullmatch(text):
        return _after_epoch(int(match[1]))
    if _MILLISECONDS.fullmatch(text):
        found = _after_epoch(int(text))
        return found if EARLIEST < found < LATEST else None
    return _from_iso(text)


def iso(found: datetime | None) -> str | None:
    """The moment in ISO form for JSON; None stays None."""
    return found.isoformat() if found else None


def is_c4c_date(value: object) -> bool:
    """Whether the value is written as `/Date(ms)/`."""
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def _after_epoch(ms: int) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return EARLIEST if ms < 0 else LATEST


def _from_iso(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None:
        return found.replace(tzinfo=UTC)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        # The offset of a date at either edge of the calendar moves it out of range.
        return EARLIEST if found.year == 1 else LATEST
