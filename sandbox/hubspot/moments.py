"""HubSpot's spellings of time: ISO with or without a fraction on the wire, epoch milliseconds or ISO in filters."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def iso(ms: int) -> str:
    """The moment as HubSpot prints it; a whole second has no fraction at all (HubSpot API answers do both)."""
    text = (EPOCH + timedelta(milliseconds=ms)).replace(tzinfo=None)
    return text.isoformat(timespec="milliseconds" if ms % 1000 else "seconds") + "Z"


# The same few moments are compared again and again: by every search, and by every row that it looks at.
@lru_cache(maxsize=100_000)
def parse(text: str) -> int:
    """Epoch milliseconds of an epoch-ms or ISO text; whatever is finer than 1 ms is dropped (Estuary's connector)."""
    stripped = text.strip()
    if stripped.lstrip("-").isdigit():
        return int(stripped)
    moment = datetime.fromisoformat(stripped)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // _MILLISECOND
