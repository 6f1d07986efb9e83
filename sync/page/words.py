"""Times, durations and texts as people read them on the page."""

from datetime import datetime, tzinfo

from sync.domain.text import clean

_LONGEST = 200
"""Characters of a text from outside; a name may have 64 kB."""


def short(text: object) -> str:
    """A text from outside on one line, without what is invisible, and not longer than a person reads."""
    line = " ".join(clean(str(text)).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def moment(at: datetime | str | None, zone: tzinfo) -> str:
    """A time in the zone, to the minute."""
    if at is None:
        return "never"
    return f"{_parsed(at).astimezone(zone):%Y-%m-%d %H:%M}"


def age(at: datetime | str | None, now: datetime) -> str:
    """How long ago it was."""
    return took(max(0.0, (now - _parsed(at)).total_seconds())) if at is not None else "unknown"


def took(seconds: float) -> str:
    """A duration in its largest fitting unit."""
    whole = round(seconds)
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def count(number: int, one: str, many: str) -> str:
    """ "1 lead", "2,500 leads"."""
    return f"{number:,} {one if number == 1 else many}"


def _parsed(at: datetime | str) -> datetime:
    return datetime.fromisoformat(at) if isinstance(at, str) else at
