"""Reads the contacts of the refetch queue (`resync --refetch`) again, with their associations."""

from sync.context import Context
from sync.contracts import belongs
from sync.hubspot_client import BATCH_READ
from sync.mirror import refetch_queue, selection
from sync.reading import associations, tombstone_check
from sync.state.pending import portions


def run(context: Context) -> int:
    """Reads the whole queue; a contact is dequeued once it was read. Returns how many really changed."""
    with context.store.reading() as session:
        ids = refetch_queue.queued_ids(session)
    if ids:
        belongs.same_portal(context)
    changed = 0
    for part in portions(ids, BATCH_READ):
        changed += tombstone_check.bring_up_to_date(context, part)
        with context.store.reading() as session:
            known = selection.known_contacts(session, part)
        changed += associations.refresh(context, known)["changed"]
        with context.store.session() as session:
            refetch_queue.dequeue(session, part)
        context.checkpoint()
    return changed
