"""Contacts that a person wants read from HubSpot again. Kept in the state store, so that any process can read them."""

from collections.abc import Iterable

from sqlalchemy import delete
from sqlmodel import Session, select

from sync.state import tables
from sync.state.pending import among, portions


def enqueue(session: Session, contact_ids: Iterable[str]) -> None:
    for contact_id in dict.fromkeys(contact_ids):
        session.merge(tables.Reread(contact_id=contact_id))


def queued_ids(session: Session) -> list[str]:
    return list(session.exec(select(tables.Reread.contact_id).order_by(tables.Reread.contact_id)))


def dequeue(session: Session, contact_ids: Iterable[str]) -> None:
    for ids in portions(contact_ids):
        session.exec(delete(tables.Reread).where(among(tables.Reread.contact_id, ids)))
