"""Ids that HubSpot merged into another one: they lead to the survivor, which gets their links and handovers."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from sync.domain.entities import TYPES, Entity
from sync.domain.keys import Key, ending, moved
from sync.domain.numbers import identifier
from sync.domain.rules import MERGED_PROPERTY
from sync.domain.views import Properties
from sync.mirror import objects
from sync.state import consents, tables
from sync.state.pending import mark_pending


def follow_merges(session: Session, survivors: Mapping[str, Properties], entity: str, now: datetime) -> None:
    """Reads which ids were merged into each object, and marks a contact pending if the merge is new."""
    for survivor, properties in survivors.items():
        merged = (identifier(old.strip()) for old in (properties.get(MERGED_PROPERTY) or "").split(";"))
        for old in merged:
            if old and old != survivor and _adopt_alias(session, old, survivor, entity) and entity == Entity.CONTACT:
                mark_pending(session, objects.rows(session, objects.CONTACTS, [old]), now)


def _adopt_alias(session: Session, old_id: str, new_id: str, entity: str) -> bool:
    """Records that `old_id` lives on as `new_id`, and hands its links over where the new id has none.

    `entity` is what the HubSpot object is in C4C: `Contact` or `CorporateAccount`. Contacts and companies are numbered
    separately, so one number can occur in both. Source: HubSpot changelog on merges, 2025: the survivor has a new id.
    Returns False if the merge was known already.
    """
    known = (entity, old_id)
    alias = session.get(tables.Alias, known)
    if alias and alias.new_id == new_id:
        return False
    session.merge(tables.Alias(entity=entity, old_id=old_id, new_id=new_id))
    chained = (col(tables.Alias.entity) == entity, col(tables.Alias.new_id) == old_id)
    session.exec(update(tables.Alias).where(*chained).values(new_id=new_id))
    _move_links(session, old_id, new_id, entity)
    if entity == Entity.CONTACT:
        session.exec(update(tables.Contact).where(col(tables.Contact.id) == old_id).values(merged_into=new_id))
        _move_handovers(session, old_id, new_id)
        consents.move(session, old_id, new_id)
    return True


def _move_links(session: Session, old_id: str, new_id: str, entity: str) -> None:
    """Moves the pairs of the id that was merged away.

    Pairs of relationships, permissions and attributes move only together with the record that they belong to. If the
    survivor has a record of its own, the other one's refusal or relationship would otherwise be taken for the
    survivor's.
    """
    _drop_twin(session, old_id, new_id, entity)
    party = session.get(tables.Link, (entity, new_id))
    stays = _bound_to(entity) if party and party.object_id else frozenset()
    if entity == Entity.CONTACT:
        moves = [kind for kind, row in TYPES.items() if row.owner == "contact" and kind not in stays]
        of = select(tables.Link).where(tables.Link.hubspot_id == old_id, col(tables.Link.entity).in_(moves))
        for link in session.exec(of).all():
            _rename(session, link, moved(link.key, new_id), new_id)
    elif not stays:
        _move_account(session, old_id, new_id)


def _bound_to(entity: str) -> frozenset[str]:
    """The kind itself, and those that hang on its records."""
    return frozenset({entity, *(kind for kind, row in TYPES.items() if row.hangs_on == entity)})


def _drop_twin(session: Session, old_id: str, new_id: str, entity: str) -> None:
    """Removes one of two pairs that name the same record.

    The one that is not shared stays, since only its record is kept up to date.
    """
    old, new = (session.get(tables.Link, (entity, i)) for i in (old_id, new_id))
    if old and new and old.object_id and old.object_id == new.object_id:
        session.delete(new if new.origin == "shared" else old)
        session.flush()


def _move_account(session: Session, old_id: str, new_id: str) -> None:
    if link := session.get(tables.Link, (Entity.ACCOUNT, old_id)):
        _rename(session, link, new_id, new_id)
    # A relationship's key ends with the company's id.
    pairs = select(tables.Link).where(tables.Link.entity == Entity.RELATION)
    for link in session.exec(pairs.where(col(tables.Link.key).endswith(ending(old_id)))).all():
        _rename(session, link, str(Key(Entity.RELATION, link.hubspot_id, (new_id,))), link.hubspot_id)


def _rename(session: Session, link: tables.Link, new_key: str, hubspot_id: str) -> None:
    if session.get(tables.Link, (link.entity, new_key)) is None:
        of_link = (col(tables.Link.entity) == link.entity, col(tables.Link.key) == link.key)
        session.exec(update(tables.Link).where(*of_link).values(key=new_key, hubspot_id=hubspot_id))


def _move_handovers(session: Session, old_id: str, new_id: str) -> None:
    for handover in session.exec(select(tables.Handover).where(col(tables.Handover.contact_id) == old_id)).all():
        new_key = str(Key.of_lead(new_id, handover.score, handover.cycle))
        if session.get(tables.Handover, new_key) is None:
            of_old = col(tables.Handover.lead_key) == handover.lead_key
            session.exec(update(tables.Handover).where(of_old).values(lead_key=new_key, contact_id=new_id))
