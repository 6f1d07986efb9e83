"""After a restore: releases contacts that the copy holds as parked and that were handed over after it was made.

No job would look at them again: a person had them tried again, and that is no change in HubSpot.
"""

from sync.context import Context
from sync.domain.entities import Entity
from sync.domain.keys import owner_of
from sync.handover import links
from sync.log import Event, emit
from sync.mirror import selection
from sync.planner.target import By, Scan
from sync.state import backup
from sync.state.pending import mark_pending


def release(context: Context) -> None:
    """Looks up once, after a copy of the state was restored, the leads of parked contacts, and links those that exist.

    Raises RemoteError if SAP Sales Cloud cannot be read; the next push then tries again."""
    store = context.store
    with store.reading() as session:
        if backup.is_original(session, store):
            return
        parked = [row.contact_id for row in selection.parked(session)]
    found = _leads(context, parked)
    with store.session() as session:
        now = context.now()
        unknown = {owner_of(key) for key, object_id in found if links.adopt(session, Entity.LEAD, key, object_id, now)}
        mark_pending(session, sorted(unknown), now)
        backup.mark_as_original(session, store)
    if unknown:
        emit(Event.RESYNC_MARKED, kind="restored", contacts=len(unknown))


def _leads(context: Context, contacts: list[str]) -> list[tuple[str, str]]:
    """(key, ObjectID) of the leads of these contacts. A contact whose scan is refused stays parked."""
    scans = [Scan(Entity.LEAD, By.OWNER, (contact,)) for contact in contacts]
    answers = context.c4c.scan(scans, context.config.rules)
    found = (lead for answer in answers if isinstance(answer, list) for lead in answer)
    return [(lead.key, lead.object_id) for lead in found]
