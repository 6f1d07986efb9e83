"""Polls contacts and companies that changed, and reads the associations of the contacts that did."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from sync.context import Context, Counts
from sync.hubspot_client import ObjectType
from sync.log import Event, emit
from sync.mirror import association_rows, clocks, freshness, mirrored, readable
from sync.mirror.mirrored import Fetched
from sync.reading import associations, budget, reread, storing
from sync.reading.fetched import fetched_rows, wanted
from sync.reading.prefetch import prefetch
from sync.reading.windows import BEGINNING, WindowPage, read_window
from sync.state import streams
from sync.state.documents import PORTAL
from sync.state.pending import mark_pending
from sync.state.streams import Window

STREAMS: tuple[ObjectType, ...] = ("companies", "contacts")
"""Companies first, so that a contact meets its companies."""


def run(context: Context) -> Counts:
    """One poll of every stream; what it stored is committed page by page."""
    _mind_the_clock(context)
    counts: Counts = {"polled": 0, "changed": reread.run(context)}
    for stream in STREAMS:
        polled, changed = _poll(context, stream)
        counts |= {stream: polled, "polled": counts["polled"] + polled}
        counts["changed"] += changed
    counts["associations"] = refresh_stale(context)
    return counts


def refresh_stale(context: Context) -> int:
    """Reads the associations of contacts that changed: at once, and again until it succeeded."""
    with context.store.reading() as session:
        stale = association_rows.stale_associations(session, limit=1_000_000)
    associations.refresh(context, stale)
    return len(stale)


def _poll(context: Context, stream: ObjectType) -> tuple[int, int]:
    """Rows read and rows changed. The watermark moves only after the last page is stored."""
    window = _window(context, stream)
    if window.since > window.until:
        return 0, 0
    polled = changed = 0
    started = context.now()
    with context.store.reading() as session:
        returning = PORTAL.read(session, stream).returning if window.since == BEGINNING else frozenset()
    pages = read_window(context.hubspot, stream, wanted(context, stream), _beyond(context, window))
    for number, page in enumerate(prefetch(pages), 1):
        ids = _store(context, stream, window, page)
        polled += len(page.objects)
        changed += len(ids)
        emit(Event.POLL_PAGE, kind=stream, page=number, rows=len(page.objects), changed=len(ids))
        context.progress(f"poll {stream}", polled, page.total if number == 1 else None)
        context.checkpoint()
        budget.still_spare(context, "poll")
    with context.store.session() as session:
        streams.complete_stream(session, stream, window.until)
        if readable.returned(session, stream, returning):
            mark_pending(session, mirrored.all_ids(session), context.now())
        if stream == "contacts" and window.since == BEGINNING:
            # An uninterrupted whole load has also read every contact above a threshold; one that crosses meanwhile
            # changes the total.
            for score in context.config.rules.qualification.scores:
                freshness.note_read(session, score.name, started, context.now())
    return polled, changed


def _window(context: Context, stream: str) -> Window:
    """From the watermark less the overlap up to now less the index lag; an interrupted window goes on first.

    A watermark in the future was set while our clock ran ahead. It is ignored, and everything since the last poll with
    a credible time is read again.
    """
    options = context.config.worker.hubspot
    overlap, lag = timedelta(minutes=options.overlap_minutes), timedelta(seconds=options.index_lag_seconds)
    with context.store.reading() as session:
        mark = streams.watermark(session, stream)
        now = clocks.believed(session, context.now())
        certain = clocks.last_certain(session, now)
    until = now - lag
    if mark.cursor and mark.until:
        return Window(mark.cursor, mark.until if mark.until <= now + clocks.TOLERANCE else max(mark.cursor, until))
    if mark.complete_until is None:
        return Window(BEGINNING, until)
    if mark.complete_until > now + clocks.TOLERANCE:
        return Window(max(certain - lag - overlap, BEGINNING) if certain else BEGINNING, until)
    # The clock may have been set back a little: never read less than the overlap.
    since = min(mark.complete_until, until) - overlap
    return Window(max(since, BEGINNING), max(until, mark.complete_until))


def _beyond(context: Context, window: Window) -> Window:
    """The window to read. While our clock is in doubt it is extended, since HubSpot's clock may be ahead of ours."""
    with context.store.reading() as session:
        doubted = clocks.doubted(session, context.now())
    return replace(window, until=window.until + clocks.FAR) if doubted else window


def _mind_the_clock(context: Context) -> None:
    """Logs when our clock, or the one that set a watermark, disagrees with the times that HubSpot shows."""
    now = context.now()
    with context.store.session() as session:
        before, text = clocks.noted(session), clocks.disagreement(session, now)
        clocks.note_clock(session, text or "")
    if text and text != before:
        emit(Event.CLOCK_WRONG, cause=text)


def read_again(context: Context, since: datetime) -> None:
    """The next poll of each stream starts at `since`: a bounded first load, or a part of the past read anew.

    Nothing unread is skipped: if there was a poll before, the window starts no later than it would have anyway."""
    until = context.now() - timedelta(seconds=context.config.worker.hubspot.index_lag_seconds)
    for stream in STREAMS:
        start = max(min(since, _window(context, stream).since if _was_polled(context, stream) else since), BEGINNING)
        with context.store.session() as session:
            streams.remember_cursor(session, stream, Window(start, max(until, start)), start)


def _was_polled(context: Context, stream: str) -> bool:
    with context.store.reading() as session:
        return streams.watermark(session, stream).complete_until is not None


def _store(context: Context, stream: ObjectType, window: Window, page: WindowPage) -> list[str]:
    changed = storing.store_rows(
        context,
        "company" if stream == "companies" else "contact",
        fetched_rows(context, stream, page.objects),
        partial(_SAVE[stream], context),
        lambda session: streams.remember_cursor(session, stream, window, page.cursor),
    )
    with context.store.reading() as session:
        affected = association_rows.contacts_by_company(session, changed) if stream == "companies" else {}
    if stream == "contacts":
        for contact in changed:
            emit(Event.CONTACT_CHANGED, contact=contact, cause="properties")
    for company, contacts in affected.items():
        for contact in contacts:
            emit(Event.CONTACT_CHANGED, contact=contact, cause="company", company=company)
    return changed


_SAVE: dict[ObjectType, Callable[[Context, Session, Sequence[Fetched]], list[str]]] = {
    "contacts": storing.store_contacts,
    "companies": storing.store_companies,
}
