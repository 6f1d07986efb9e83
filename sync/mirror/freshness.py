"""Remembers when a value of each score last changed, so that a score that has stopped is noticed."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlmodel import Session

from sync.domain.views import Properties
from sync.state.documents import IN_SERVICE, SCORE_CHANGED, SCORE_READ


def note_values(
    session: Session, properties: Iterable[str], pairs: Iterable[tuple[Properties | None, Properties]], now: datetime
) -> None:
    """Compares former and present values; a property that is new to us counts as changed now."""
    rows = list(pairs)
    for name in set(properties):
        changed = any(before is not None and before.get(name) != after.get(name) for before, after in rows)
        if changed or (rows and SCORE_CHANGED.read(session, name) is None):
            SCORE_CHANGED.write(session, now, name)


def last_changes(session: Session, properties: Iterable[str]) -> Mapping[str, datetime]:
    """By score property, when one of its values last changed, or when it was first read."""
    found = {name: SCORE_CHANGED.read(session, name) for name in properties}
    return {name: moment for name, moment in found.items() if moment}


def note_read(session: Session, score: str, started: datetime, now: datetime) -> None:
    """Notes that all contacts at or above the threshold of the score were read between `started` and now."""
    SCORE_READ.write(session, started, score)
    if IN_SERVICE.read(session) is None:
        IN_SERVICE.write(session, now)


def last_read(session: Session, score: str) -> datetime | None:
    """When the last full reading of the score began. Contacts that it did not show were below the threshold."""
    return SCORE_READ.read(session, score)
