"""The consent trail in the state: consent at each handover, and each change of it since."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from sync.state import tables
from sync.state.documents import CONSENT_TRAIL
from sync.state.pending import among

Values = Mapping[str, str | None]

MOST_TRIES = 5
"""How often the history of a value is asked for; after that its source stays unknown."""


def add(session: Session, events: Iterable[tables.ConsentEvent]) -> None:
    session.add_all(events)


def last_values(session: Session, contact_ids: Sequence[str]) -> dict[str, Values]:
    """By contact, the consent properties of the newest event."""
    event = tables.ConsentEvent
    newest = select(func.max(event.id)).where(among(event.contact_id, contact_ids)).group_by(event.contact_id)
    rows = session.exec(select(event.contact_id, event.read_values).where(col(event.id).in_(newest))).all()
    return dict(rows)


def open_events(session: Session, limit: int) -> list[tables.ConsentEvent]:
    """Events whose source has not been read yet, the oldest first."""
    event = tables.ConsentEvent
    of = select(event).where(col(event.open).is_(True)).order_by(col(event.id))
    return list(session.exec(of.limit(limit)))


def of_contacts(session: Session, contact_ids: Sequence[str]) -> list[tables.ConsentEvent]:
    """The events of these contacts, the oldest first."""
    event = tables.ConsentEvent
    return list(
        session.exec(select(event).where(among(event.contact_id, contact_ids)).order_by(col(event.at), col(event.id)))
    )


def since(session: Session, start: datetime) -> Iterable[tables.ConsentEvent]:
    """All events from then on, the oldest first, a portion at a time."""
    event = tables.ConsentEvent
    of = select(event).where(col(event.at) >= start).order_by(col(event.at), col(event.id))
    return session.exec(of.execution_options(yield_per=1000))


def make_nameless(session: Session, contact_ids: Sequence[str], nobody: str) -> None:
    """Keeps kinds, times, bases and permissions of an erased person as figures, under an id that leads to nobody."""
    for event in of_contacts(session, contact_ids):
        event.contact_id, event.lead_key, event.read_values, event.open = nobody, None, {}, False
        event.source = event.source.partition(" ")[0] if event.source else None
        session.add(event)
    session.flush()


def move(session: Session, old_id: str, new_id: str) -> None:
    """Hands the events of a contact that HubSpot merged away to the survivor."""
    event = tables.ConsentEvent
    session.exec(update(event).where(col(event.contact_id) == old_id).values(contact_id=new_id))


def older_handovers(session: Session) -> Sequence[tables.Handover]:
    """Handovers of versions that kept no trail."""
    known = select(tables.ConsentEvent.lead_key).where(col(tables.ConsentEvent.lead_key).is_not(None))
    return session.exec(select(tables.Handover).where(col(tables.Handover.lead_key).not_in(known))).all()


def were_taken_over(session: Session) -> bool:
    return bool(CONSENT_TRAIL.read(session))


def taken_over(session: Session) -> None:
    CONSENT_TRAIL.write(session, "1")
