"""Contacts that are left alone for good at a person's request. Kept apart from `progress`, which any change resets."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from sync.state import tables
from sync.state.pending import among


def leave_alone(session: Session, contact_ids: Iterable[str], reason: str, now: datetime) -> None:
    """Leaves these contacts alone from now on; a new reason replaces the former one."""
    for contact in contact_ids:
        session.merge(tables.LeftAlone(contact_id=contact, reason=reason, since=now))


def take_back(session: Session, contact_ids: Iterable[str]) -> None:
    """Treats these contacts like all others again."""
    for contact in contact_ids:
        if row := session.get(tables.LeftAlone, contact):
            session.delete(row)


def reasons(session: Session, contact_ids: Sequence[str]) -> Mapping[str, str]:
    """Those of the contacts that are left alone, with the reason; as many ids as fit one statement."""
    rows = session.exec(select(tables.LeftAlone).where(among(tables.LeftAlone.contact_id, contact_ids)))
    return {row.contact_id: row.reason for row in rows}


def everybody(session: Session) -> Sequence[tables.LeftAlone]:
    """All contacts that are left alone, the oldest first."""
    in_order = select(tables.LeftAlone).order_by(col(tables.LeftAlone.since), col(tables.LeftAlone.contact_id))
    return session.exec(in_order).all()
