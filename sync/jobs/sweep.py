"""Re-reads what changes without a timestamp: association labels, and owners."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from sync.context import Context, Counts
from sync.contracts import portal
from sync.hubspot_client import ASSOCIATION_BATCH
from sync.mirror import association_rows, mirrored
from sync.reading import associations, budget
from sync.state import streams
from sync.state.documents import LAST_ID
from sync.state.pending import portions
from sync.state.streams import Window

FULL_SWEEP = "full_sweep"


def run(context: Context) -> Counts:
    """Reads owners and labels of the portal, then the associations of contacts that matter; once a day those of all
    contacts.

    An interrupted full sweep goes on where it stopped.
    """
    # Labels first: the associations that follow are understood by the ids that the rules' labels have now.
    portal.labels(context)
    counts: Counts = {"owners": _owners(context), "contacts": 0, "changed": 0}
    full = _full_pass(context)
    for ids in _everybody(context, full.since) if full else _those_that_matter(context):
        budget.still_spare(context, "sweep")
        found = associations.refresh(context, ids)
        counts["contacts"] += found["contacts"]
        counts["changed"] += found["changed"]
        context.progress("sweep", counts["contacts"], None)
        if full:
            # After the batch is stored, so that a sweep that is killed repeats this batch instead of leaving it out.
            _note_progress(context, full, ids[-1])
        context.checkpoint()
    if full:
        context.store.at_end(partial(streams.complete_stream, stream=FULL_SWEEP, until=full.until))
    return counts


def _note_progress(context: Context, full: Window, last_id: str) -> None:
    with context.store.session() as session:
        streams.remember_cursor(session, FULL_SWEEP, full, full.since, last_id)


def _owners(context: Context) -> int:
    owners = context.hubspot.owners()
    with context.store.session() as session:
        mirrored.save_owners(session, owners, context.now())
    return len(owners)


def _full_pass(context: Context) -> Window | None:
    """The full sweep that is running, or that begins now because it is due; None otherwise.

    It ends when all contacts have been read since `since`, one sweep interval before its start. Contacts read shortly
    before (after a first load, all) are not read again.
    """
    now, schedule = context.now(), context.config.worker.schedule
    with context.store.session() as session:
        mark = streams.watermark(session, FULL_SWEEP)
        if mark.cursor and mark.until:
            return Window(mark.cursor, mark.until)
        # A time in the future was noted while our clock ran ahead.
        if mark.complete_until and timedelta(0) <= now - mark.complete_until < schedule.full_sweep:
            return None
        found = Window(now - schedule.sweep, now)
        streams.remember_cursor(session, FULL_SWEEP, found, found.since)
    return found


def _those_that_matter(context: Context) -> Iterator[list[str]]:
    with context.store.reading() as session:
        ids = mirrored.handed_over_or_crossed(session)
    return portions(ids, ASSOCIATION_BATCH)


def _everybody(context: Context, since: datetime) -> Iterator[list[str]]:
    """All contacts whose associations have not been read since then, from where an interrupted sweep stopped."""
    with context.store.reading() as session:
        after = LAST_ID.read(session, FULL_SWEEP)
    while True:
        with context.store.reading() as session:
            ids = association_rows.unread_since(session, since, context.now(), after, ASSOCIATION_BATCH)
        if not ids:
            return
        yield ids
        after = ids[-1]
