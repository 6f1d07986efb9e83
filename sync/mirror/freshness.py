"""Remembers when a value of each score last changed, so that a score that has stopped is noticed."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlmodel import Session

from sync.domain.views import Properties
from sync.state.streams import enter_service, remember, remembered


def note_values(
    session: Session, properties: Iterable[str], pairs: Iterable[tuple[Properties | None, Properties]], now: datetime
) -> None:
    """Compares former and present values; a property that is new to us counts as changed now."""
    rows = list(pairs)
    for name in set(properties):
        changed = any(before is not None and before.get(name) != after.get(name) for before, after in rows)
        if changed or (rows and remembered(session, _key(name)) is None):
            remember(session, _key(name), now.isoformat())


def last_changes(session: Session, properties: Iterable[str]) -> Mapping[str, datetime]:
    """By score property, when one of its values last changed, or when it was first read."""
    found = {name: remembered(session, _key(name)) for name in properties}
    return {name: datetime.fromisoformat(text) for name, text in found.items() if text}


def note_read(session: Session, score: str, started: datetime, now: datetime) -> None:
    """Notes that all contacts at or above the threshold of the score were read between `started` and now."""
    remember(session, f"score {score} read", started.isoformat())
    enter_service(session, now)


def last_read(session: Session, score: str) -> datetime | None:
    """When the last full reading of the score began. Contacts that it did not show were below the threshold."""
    text = remembered(session, f"score {score} read")
    return datetime.fromisoformat(text) if text else None


def _key(name: str) -> str:
    return f"score {name} changed"
