"""Removes a person from every table, in one transaction. Figures stay: a handover keeps its times and its score."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, delete
from sqlmodel import Session, col, select

from sync.domain.entities import Entity
from sync.domain.keys import Key, owner_of
from sync.domain.views import Properties
from sync.state import consents, documents, tables
from sync.state.pending import among

NOBODY = "erased-"
"""What the ids begin with that replace those of an erased person; no HubSpot id does."""


def mirrored_of(session: Session, contact_ids: Sequence[str]) -> list[tuple[str, Properties]]:
    """(id, what the mirror holds) of those of the contacts that it knows."""
    of = select(tables.Contact).where(col(tables.Contact.id).in_(contact_ids))
    return [(row.id, row.properties) for row in session.exec(of)]


def all_ids_of(session: Session, contact_id: str) -> list[str]:
    """The id under which the person lives on in HubSpot, and all ids that were merged into it."""
    contact = (tables.Alias.entity == Entity.CONTACT,)
    alias = session.exec(select(tables.Alias.new_id).where(*contact, tables.Alias.old_id == contact_id)).first()
    living = alias or contact_id
    return [living, *session.exec(select(tables.Alias.old_id).where(*contact, tables.Alias.new_id == living))]


def pairs_of(session: Session, contact_ids: Sequence[str]) -> list[tables.Link]:
    """The pairs that belong to these contacts: all but accounts."""
    of = select(tables.Link).where(_of(tables.Link.hubspot_id, contact_ids), tables.Link.entity != Entity.ACCOUNT)
    return sorted(session.exec(of), key=lambda row: (row.entity, row.key))


def is_known(session: Session, contact_ids: Sequence[str]) -> bool:
    """Whether the state holds anything about these contacts."""
    return any(_count(session, table, where) for table, where in rows_of(contact_ids)) or bool(
        session.exec(select(tables.Handover.lead_key).where(_of(tables.Handover.contact_id, contact_ids))).first()
    )


def counts(session: Session, contact_ids: Sequence[str]) -> dict[str, int]:
    """How many rows `purge` would remove or make nameless, by table."""
    found = {str(table.__tablename__): _count(session, table, where) for table, where in rows_of(contact_ids)}
    of = select(tables.Handover.lead_key).where(_of(tables.Handover.contact_id, contact_ids))
    found["handover"] = len(session.exec(of).all())
    found["consent_event"] = len(consents.of_contacts(session, contact_ids))
    return {name: number for name, number in found.items() if number}


def purge(session: Session, contact_ids: Sequence[str]) -> dict[str, int]:
    """Removes these contacts; returns how many rows went, by table. Of handovers only the person goes."""
    removed = counts(session, contact_ids)
    _make_nameless(session, contact_ids)
    for table, where in rows_of(contact_ids):
        session.exec(delete(table).where(where))
    _forget_in_documents(session, frozenset(contact_ids))
    return removed


def rows_of(contact_ids: Sequence[str]) -> list[tuple[Any, ColumnElement[bool]]]:
    """Every table with rows of a contact, and which rows these are. Handovers are not removed."""
    merged = _of(tables.Alias.old_id, contact_ids) | _of(tables.Alias.new_id, contact_ids)
    return [
        (tables.Contact, _of(tables.Contact.id, contact_ids)),
        (tables.NameWord, (col(tables.NameWord.kind) == "contacts") & _of(tables.NameWord.id, contact_ids)),
        (tables.Association, _of(tables.Association.contact_id, contact_ids)),
        (tables.Alias, (col(tables.Alias.entity) == Entity.CONTACT) & merged),
        (
            tables.Link,
            _of(tables.Link.hubspot_id, contact_ids) & (col(tables.Link.entity) != Entity.ACCOUNT),
        ),
        (tables.Progress, _of(tables.Progress.contact_id, contact_ids)),
        (tables.Crossing, _of(tables.Crossing.contact_id, contact_ids)),
        (tables.Decision, _of(tables.Decision.contact_id, contact_ids)),
        (tables.LeftAlone, _of(tables.LeftAlone.contact_id, contact_ids)),
        (tables.Reread, _of(tables.Reread.contact_id, contact_ids)),
    ]


def _of(column: Any, contact_ids: Sequence[str]) -> ColumnElement[bool]:
    return among(column, contact_ids)


def _count(session: Session, table: Any, where: ColumnElement[bool]) -> int:
    return len(session.exec(select(table).where(where)).all())


def _make_nameless(session: Session, contact_ids: Sequence[str]) -> None:
    """Gives the handovers of a person an id that leads to nobody, the same for all of them."""
    nobody = f"{NOBODY}{secrets.token_hex(6)}"
    consents.make_nameless(session, contact_ids, nobody)
    for row in session.exec(select(tables.Handover).where(_of(tables.Handover.contact_id, contact_ids))).all():
        link = session.get(tables.Link, (Entity.LEAD, row.lead_key))
        origin = "created" if link is None or link.origin == "created" else "adopted"
        key = str(Key.of_lead(nobody, row.score, row.cycle))
        while session.get(tables.Handover, key) is not None:
            key = f"{key}-{secrets.token_hex(2)}"
        session.delete(row)
        session.flush()
        figures = row.model_dump() | {"lead_key": key, "contact_id": nobody, "object_id": ""}
        session.add(tables.Handover(**figures | {"evidence": {"origin": origin}}))
        session.flush()


# ---- ids in remembered facts


def _forget_in_documents(session: Session, ids: frozenset[str]) -> None:
    confirmed = documents.CONFIRMED_DELETIONS.read(session)
    _write(session, documents.CONFIRMED_DELETIONS, confirmed, confirmed - ids)
    doubtful = documents.DELETIONS.read(session)
    left = [replace(one, contacts=tuple(i for i in one.contacts if i not in ids)) for one in doubtful]
    _write(session, documents.DELETIONS, doubtful, left)
    stopped = documents.GUARD.read(session)
    if stopped:
        others = {contact: part for contact, part in stopped.contacts.items() if contact not in ids}
        _write(session, documents.GUARD, stopped, replace(stopped, contacts=others))
    lost = documents.LOST_CREATES.read(session)
    _write(session, documents.LOST_CREATES, lost, {k: at for k, at in lost.items() if not _is_of(k, ids)})
    looks = documents.SECOND_LOOK.read(session)
    _write(session, documents.SECOND_LOOK, looks, [row for row in looks if not _names(row[0], row[1], ids)])


def _is_of(entity_and_key: str, ids: frozenset[str]) -> bool:
    """Whether `Lead 101:mql:1` belongs to one of the contacts."""
    entity, _, key = entity_and_key.partition(" ")
    return _names(entity, key, ids)


def _names(entity: str, key: str, ids: frozenset[str]) -> bool:
    return entity != Entity.ACCOUNT and owner_of(key) in ids


def _write(session: Session, document: Any, before: Any, after: Any) -> None:
    if before != after:
        document.write(session, after)
