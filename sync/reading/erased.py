"""Leaves out of what HubSpot sends the persons who were erased, until they consent anew and a person lifts it."""

from collections.abc import Sequence

from sqlmodel import Session

from sync.context import Context
from sync.domain.erasing import addresses_in, ids_in
from sync.log import Event, emit
from sync.mirror import selection
from sync.mirror.mirrored import Fetched
from sync.state.erasure import tombstones
from sync.state.erasure.tombstones import Tombstone


def without_erased(context: Context, session: Session, rows: Sequence[Fetched]) -> Sequence[Fetched]:
    """The rows that may be stored.

    A person who comes back under a new id, with the old address, is recognised, and the new id gets a tombstone too,
    so that `explain` can say why the contact is missing. So is a contact into which HubSpot merged an erased one.
    """
    marks = context.tombstones
    if marks.key is None or not tombstones.any_in_force(session):
        return rows
    email = context.config.rules.mapping.contact.email_source
    by_row = {
        row.id: list(marks.marks(ids_in(row.id, row.properties), addresses_in(row.properties, email))) for row in rows
    }
    known = tombstones.erased_before(session, (digest for digests in by_row.values() for digest in digests))
    kept_out = {i: known[hit] for i, digests in by_row.items() if (hit := next(filter(known.get, digests), None))}
    for contact, reason in kept_out.items():
        _mark_id(context, session, contact, reason.erasure)
    return [row for row in rows if row.id not in kept_out]


def _mark_id(context: Context, session: Session, contact: str, erasure: str) -> None:
    [digest] = context.tombstones.marks([contact])
    if not tombstones.erased_before(session, [digest]):
        context.tombstones.add(session, [Tombstone(digest, "contact", erasure, context.now())])
        emit(Event.ERASED_CAME_BACK, contact=contact)


def still_known(context: Context, session: Session, contact_ids: Sequence[str]) -> Sequence[str]:
    """Those of the contacts that were not erased since they were asked for."""
    return selection.known_contacts(session, contact_ids) if context.tombstones.key else contact_ids
