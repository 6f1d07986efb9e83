"""Reads contacts again that somebody asked for with `resync --refetch`, with their associations."""

from sync.context import Context
from sync.contracts import belongs
from sync.hubspot_client import BATCH_READ
from sync.mirror import selection, wishes
from sync.reading import associations, existence
from sync.state.pending import portions


def run(context: Context) -> int:
    """Everything wished for; a wish is struck off once its contact was read. Returns how many really changed."""
    with context.store.reading() as session:
        ids = wishes.all_ids(session)
    if ids:
        belongs.same_portal(context)
    changed = 0
    for part in portions(ids, BATCH_READ):
        changed += existence.reread(context, part)
        with context.store.reading() as session:
            known = selection.known(session, part)
        changed += associations.refresh(context, known)["changed"]
        with context.store.session() as session:
            wishes.strike(session, part)
        context.checkpoint()
    return changed
