"""Reads the times that people type: a moment, a day, or how long ago."""

import re
from datetime import datetime, timedelta, tzinfo

from sync.errors import ConfigurationError

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, option: str, now: datetime, zone: tzinfo) -> datetime:
    """`7d` is seven days ago; a time without a zone is one of `zone`. Raises ConfigurationError."""
    try:
        if ago := _AGO.fullmatch(text.strip()):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        allowed = "how long ago, such as 7d or 12h, or a time, such as 2026-11-21 or 2026-11-21T17:00:00Z"
        raise ConfigurationError([f"{option}: found {text!r}, allowed: {allowed}"]) from None
