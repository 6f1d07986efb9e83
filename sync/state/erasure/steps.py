"""An erasure as recorded steps: whatever cuts it off, the next start goes on with the first step that is open.

`begun`: recorded. `purged`: tombstones written, the person gone from the tables. `scrubbed`: gone from free pages and
log too. `done`: settled in C4C as well, as far as it can be, and certified.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from sync.domain.entities import Entity
from sync.domain.erasing import addresses_in, ids_in
from sync.domain.numbers import in_order
from sync.state import tables
from sync.state.erasure import purge
from sync.state.erasure.tombstones import Tombstone, Tombstones

SETTLED_IN_C4C = (Entity.LEAD, Entity.RELATION, Entity.ATTRIBUTES, Entity.ATTRIBUTE, Entity.CONTACT)
"""The kinds of record that hold something of a person, in the order in which they are cleared: the person last, since
C4C may refuse changes below a retired one.
"""

OPEN = "open"
"""The result of a record that has not been cleared yet."""


@dataclass(frozen=True, slots=True)
class Order:
    """Who asked for the erasure of which contact, and why."""

    contact_id: str
    by: str
    reason: str


def begin(session: Session, marks: Tombstones, order: Order, now: datetime) -> tables.Erasure:
    """Records an erasure; from here on it is carried out, whatever happens."""
    ids = purge.all_ids_of(session, order.contact_id)
    found = tables.Erasure(
        id=_free_id(session, now),
        contact_hash=marks.of_contact(order.contact_id),
        asked_at=now,
        asked_by=order.by,
        reason=order.reason,
        stage="begun",
        contact_ids=list(dict.fromkeys([order.contact_id, *ids])),
    )
    session.add(found)
    session.flush()
    return found


def _free_id(session: Session, now: datetime) -> str:
    """The time of the erasure, which is also the name of its certificate."""
    name = f"{now:%Y%m%dT%H%M%S.%fZ}"
    number = 1
    while session.get(tables.Erasure, name) is not None:
        number += 1
        name = f"{now:%Y%m%dT%H%M%S.%fZ}-{number}"
    return name


def again(session: Session, former: tables.Erasure, order: Order, now: datetime) -> tables.Erasure:
    """Records that what `former` could not clear in C4C is tried again."""
    found = tables.Erasure(
        id=_free_id(session, now),
        contact_hash=former.contact_hash,
        asked_at=now,
        asked_by=order.by,
        reason=order.reason,
        stage="purged",
        contact_ids=[order.contact_id],
        records=[row | {"result": OPEN} for row in former.records],
    )
    session.add(found)
    return found


def unfinished(session: Session) -> list[tables.Erasure]:
    """Erasures with an open step, the oldest first."""
    of = select(tables.Erasure).where(tables.Erasure.stage != "done").order_by(tables.Erasure.id)
    return list(session.exec(of))


def of_deleted(session: Session) -> list[str]:
    """Contacts that HubSpot was found to have deleted for good, at two looks, and that are not being erased yet."""
    under_way = {i for erasure in unfinished(session) for i in erasure.contact_ids}
    gone = select(tables.Contact.id).where(
        col(tables.Contact.erased).is_(True), col(tables.Contact.merged_into).is_(None)
    )
    return sorted(set(session.exec(gone)) - under_way, key=in_order)


def last_of(session: Session, contact_hash: str) -> tables.Erasure | None:
    """The newest erasure of the contact with this hash."""
    of = select(tables.Erasure).where(tables.Erasure.contact_hash == contact_hash)
    return session.exec(of.order_by(col(tables.Erasure.id).desc()).limit(1)).first()


def remove(session: Session, marks: Tombstones, erasure: tables.Erasure, email: str, now: datetime) -> None:
    """Writes the tombstones, notes which records in C4C are to be cleared, and removes the person from the tables.

    `email`: the property that holds the address. The tombstones are on the disk before the transaction ends.
    """
    known = purge.mirrored_of(session, erasure.contact_ids)
    ids = dict.fromkeys([*erasure.contact_ids, *(i for contact, found in known for i in ids_in(contact, found))])
    addresses = [address for _, found in known for address in addresses_in(found, email)]
    kinds = marks.marks(ids, addresses)
    marks.add(session, (Tombstone(digest, kind, erasure.id, now) for digest, kind in kinds.items()))
    erasure.contact_ids = list(ids)
    erasure.records = to_clear(session, erasure.contact_ids)
    erasure.removed = purge.purge(session, erasure.contact_ids)
    erasure.stage = "purged"
    session.add(erasure)


def to_clear(session: Session, contact_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The records in C4C that hold something of these contacts, leads first. One that stands for another contact too
    is kept.
    """
    found = [row for row in purge.pairs_of(session, contact_ids) if row.object_id and row.entity in SETTLED_IN_C4C]
    rows = {(row.entity, row.object_id): entry_of(row.entity, row.object_id, _number(row)) for row in found}
    for pair in rows:
        if others := _others(session, pair, contact_ids):
            rows[pair] |= {"result": "kept", "text": f"it also stands for contact {', '.join(others)}"}
    return sorted(rows.values(), key=lambda row: (SETTLED_IN_C4C.index(row["entity"]), row["object_id"]))


def entry_of(entity: str, object_id: str, number: str | None = None) -> dict[str, Any]:
    """The entry of a record that is still to be cleared."""
    return {"entity": str(entity), "object_id": object_id, "number": number, "result": OPEN}


def _number(row: tables.Link) -> str | None:
    """The number that people call the record by, as it was last read."""
    return row.observed.get(_NUMBERS[row.entity]) if row.entity in _NUMBERS else None


_NUMBERS: Mapping[str, str] = {Entity.CONTACT: "ContactID", Entity.LEAD: "ID"}
"""The fields of `sync.planner.keyed_fields`, which the state store does not import."""


def _others(session: Session, pair: tuple[str, str], contact_ids: Sequence[str]) -> list[str]:
    """Other contacts whose pair names the same record."""
    entity, object_id = pair
    of = select(tables.Link.hubspot_id).where(
        tables.Link.entity == entity,
        tables.Link.object_id == object_id,
        col(tables.Link.hubspot_id).not_in(contact_ids),
    )
    return sorted(set(session.exec(of)), key=in_order)


# ---- after a restore


def back_again(session: Session, marks: Tombstones, digests: Iterable[str], email: str) -> list[str]:
    """Contacts of the state that bear one of these hashes: an older copy of the state was restored."""
    wanted = set(digests)
    under_way = {i for erasure in unfinished(session) for i in erasure.contact_ids}
    found = [
        contact
        for contact, properties in _everybody(session).items()
        if contact not in under_way
        and not wanted.isdisjoint(marks.marks(ids_in(contact, properties), addresses_in(properties, email)))
    ]
    return sorted(found, key=in_order)


def _everybody(session: Session) -> dict[str, Mapping[str, str | None]]:
    """Every contact of which the state holds anything, with its properties as far as the mirror has them."""
    nothing: Mapping[str, str | None] = {}
    of_links = select(tables.Link.hubspot_id).where(tables.Link.entity != Entity.ACCOUNT).distinct()
    of_handovers = select(tables.Handover.contact_id).distinct()
    found = dict.fromkeys((*session.exec(of_links), *session.exec(of_handovers)), nothing)
    of_contacts = session.exec(select(tables.Contact.id, tables.Contact.properties)).all()
    return found | dict(of_contacts)
