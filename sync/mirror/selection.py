"""Selects contacts of the mirror by what a person named."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from sync.domain.entities import Entity
from sync.lifecycle import Status
from sync.mirror.association_rows import contacts_of
from sync.state import decisions, tables
from sync.state.pending import among, portions


def survivors(session: Session, contact_ids: Sequence[str]) -> dict[str, str]:
    """By id, the id under which the contact lives on: the same one, unless it was merged into another."""
    found = {i: i for i in contact_ids}
    for ids in portions(contact_ids):
        of = tables.Alias.entity == Entity.CONTACT, among(tables.Alias.old_id, ids)
        found |= {row.old_id: row.new_id for row in session.exec(select(tables.Alias).where(*of))}
    return found


def merged_away(session: Session) -> dict[tuple[str, str], str]:
    """(`Contact` or `CorporateAccount`, HubSpot id that was merged into another) → the id that lives on."""
    return {(row.entity, row.old_id): row.new_id for row in session.exec(select(tables.Alias))}


def known_contacts(session: Session, contact_ids: Sequence[str]) -> list[str]:
    """Those of the ids that the mirror holds, in the order given."""
    held: set[str] = set()
    for ids in portions(contact_ids):
        held |= set(session.exec(select(tables.Contact.id).where(among(tables.Contact.id, ids))))
    return [i for i in dict.fromkeys(contact_ids) if i in held]


def of_companies(session: Session, company_ids: Sequence[str]) -> list[str]:
    return sorted({i for ids in portions(company_ids) for i in contacts_of(session, ids)})


def modified_since(session: Session, since: datetime) -> list[str]:
    """Contacts whose HubSpot modification time is at or after that time."""
    of = select(tables.Contact.id).where(col(tables.Contact.modified_at) >= since)
    return list(session.exec(of.order_by(tables.Contact.id)))


def with_code(session: Session, code: str) -> list[str]:
    """Contacts whose work last ended with that code, parked or done, or whose last decision warns of it."""
    ended = session.exec(select(tables.Progress.contact_id).where(tables.Progress.code == code))
    return sorted({*ended, *decisions.warned(session, code)})


def parked(session: Session, code: str | None = None) -> list[tables.Progress]:
    """Parked contacts, the oldest first."""
    of = select(tables.Progress).where(tables.Progress.status == Status.PARKED)
    chosen = of.where(tables.Progress.code == code) if code else of
    return list(session.exec(chosen.order_by(col(tables.Progress.settled_at), tables.Progress.contact_id)))


def done(session: Session) -> list[str]:
    """Contacts that are settled: neither pending nor parked."""
    of = select(tables.Progress.contact_id).where(tables.Progress.status == Status.DONE)
    return list(session.exec(of.order_by(tables.Progress.contact_id)))


def drop_parked(session: Session, contact_ids: Sequence[str]) -> int:
    """Takes contacts off the parked list. Their code stays, and any change makes them pending again."""
    rows = [session.get(tables.Progress, i) for i in contact_ids]
    for row in rows:
        if row is not None and row.status == Status.PARKED:
            row.status, row.detail = Status.DONE, "dropped by hand"
            session.add(row)
    return sum(row is not None for row in rows)


def links(session: Session, entities: Sequence[str]) -> list[tables.Link]:
    """Pairs of these kinds, without mere intents."""
    of = select(tables.Link).where(col(tables.Link.entity).in_(entities), tables.Link.object_id != "")
    return list(session.exec(of.order_by(tables.Link.entity, tables.Link.key)))
