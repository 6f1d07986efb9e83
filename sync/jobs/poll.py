"""Polls contacts and companies that changed, and reads the associations of the contacts that did."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from sync.context import Context, Counts
from sync.errors import Malformed, RemoteError
from sync.hubspot_client import ASSOCIATION_BATCH, ObjectType
from sync.log import Event, emit
from sync.mirror import association_rows, clocks, freshness, mirrored, name_index, readable
from sync.mirror.mirrored import Fetched
from sync.reading import associations, budget, reread, storing
from sync.reading.fetched import fetched_rows, wanted
from sync.reading.prefetch import prefetch
from sync.reading.windows import BEGINNING, WindowPage, read_everything, read_window
from sync.state import streams
from sync.state.documents import LAST_ID, PORTAL
from sync.state.pending import mark_pending
from sync.state.streams import Window

STREAMS: tuple[ObjectType, ...] = ("companies", "contacts")
"""Companies first, so that a contact meets its companies."""


def run(context: Context) -> Counts:
    """One poll of every stream; what it stored is committed page by page."""
    wrong = _mind_the_clock(context)
    _begin_load(context)
    counts: Counts = {"polled": 0, "changed": reread.run(context), "associations": 0}
    for stream in STREAMS:
        found = _poll(context, stream)
        counts |= {stream: found.rows, "polled": counts["polled"] + found.rows}
        counts["changed"] += found.changed
        counts["associations"] += found.associations
    counts["associations"] += refresh_stale(context)
    _note_the_clock(context, wrong or clocks.is_fast(context.now(), context.hubspot.time))
    return counts


def _begin_load(context: Context) -> None:
    """Before the first page of a first load: the index of names is made once everything is read."""
    with context.store.reading() as session:
        unread = all(streams.watermark(session, stream).complete_until is None for stream in STREAMS)
        empty = unread and not mirrored.count_companies(session) and not mirrored.count(session)
    if empty:
        with context.store.session() as session:
            name_index.defer(session)


def refresh_stale(context: Context) -> int:
    """Reads the associations of contacts that changed: at once, and again until it succeeded."""
    read, after = 0, ""
    while True:
        with context.store.reading() as session:
            stale = association_rows.stale_associations(session, after, _STALE_AT_ONCE)
        if not stale:
            return read
        associations.refresh(context, stale)
        read, after = read + len(stale), stale[-1]


_STALE_AT_ONCE = 10 * ASSOCIATION_BATCH
"""Contacts in memory at one time; their reads run side by side."""


@dataclass
class _Found:
    """What a poll of one stream has stored so far, and the contacts whose associations it has not read yet."""

    rows: int = 0
    changed: int = 0
    associations: int = 0
    waiting: list[str] = field(default_factory=list)
    failed: bool = False
    """Whether an attempt to read associations meanwhile has failed."""


def _poll(context: Context, stream: ObjectType) -> _Found:
    """Stores what changed. The watermark moves only after the last page is stored."""
    found = _Found()
    window = _window(context, stream)
    if window.since > window.until:
        return found
    started = context.now()
    with context.store.reading() as session:
        last_id = _last_id(session, stream)
        whole = window.since == BEGINNING and not last_id
        returning = PORTAL.read(session, stream).returning if whole else frozenset()
    # The next page is on its way while this one is stored: HubSpot's pace is the bottleneck of a first load.
    there = None
    for number, page in enumerate(prefetch(_pages(context, stream, window, last_id)), 1):
        there = there or context.hubspot.time
        _take(context, stream, window, page, number, found)
    _read_beside(context, found, 1)

    def complete(session: Session) -> None:
        lag = timedelta(seconds=context.config.worker.hubspot.index_lag_seconds)
        streams.complete_stream(session, stream, clocks.read_until(session, window.until, there, lag))
        # Contacts that waited for a property are decided again once every row has been read with it.
        if readable.returned(session, stream, returning):
            mark_pending(session, mirrored.all_ids(session), context.now())
        if stream == "contacts" and whole:
            # An uninterrupted whole load has also read every contact above a threshold; one that crosses meanwhile
            # changes the total.
            for score in context.config.rules.qualification.scores:
                freshness.note_read(session, score.name, started, context.now())

    context.store.at_end(complete)
    return found


def _last_id(session: Session, stream: str) -> str | None:
    """The id after which a reading of everything goes on, empty at its start; None where times are read."""
    mark = streams.watermark(session, stream)
    if mark.cursor is None:
        return "" if mark.complete_until is None else None
    return LAST_ID.read(session, stream) or None


def _pages(context: Context, stream: ObjectType, window: Window, last_id: str | None) -> Iterator[WindowPage]:
    """The pages of the window; those of everything by id, unless HubSpot's order of ids cannot be trusted."""
    names = wanted(context, stream)
    if last_id is not None:
        try:
            yield from read_everything(context.hubspot, stream, names, last_id)
            return
        except Malformed as odd:
            cause = f"{odd}; everything is read by time instead"
            emit(Event.CONTRACT_MISMATCH, system="hubspot", kind="order of ids", key=stream, cause=cause)
    yield from read_window(context.hubspot, stream, names, _beyond(context, window))


def _take(context: Context, stream: ObjectType, window: Window, page: WindowPage, number: int, found: _Found) -> None:
    """Stores a page. While everything is read, associations are read as soon as they fill a request: their limit is
    another one than that of searches.
    """
    ids = _store(context, stream, window, page)
    found.rows += len(page.objects)
    found.changed += len(ids)
    emit(Event.POLL_PAGE, kind=stream, page=number, rows=len(page.objects), changed=len(ids))
    context.progress(f"poll {stream}", found.rows, page.total if number == 1 else None)
    if page.last_id and stream == "contacts":
        found.waiting += () if found.failed else ids
        _read_beside(context, found)
    context.checkpoint()
    budget.still_spare(context, "poll")


def _read_beside(context: Context, found: _Found, enough: int = ASSOCIATION_BATCH) -> None:
    """Reads the associations of contacts that wait, as soon as there are enough of them.

    If that fails, they wait until all contacts are stored (`refresh_stale`), where it counts as the poll's failure.
    """
    if found.failed or len(found.waiting) < enough:
        return
    batch, found.waiting = found.waiting[:ASSOCIATION_BATCH], found.waiting[ASSOCIATION_BATCH:]
    try:
        associations.refresh(context, batch, associations.as_page)
    except RemoteError:
        found.failed = True
    else:
        found.associations += len(batch)


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


def _mind_the_clock(context: Context) -> str | None:
    """What is wrong with our clock, or with the one that set a watermark, by the times that are stored."""
    with context.store.reading() as session:
        text = clocks.disagreement(session, context.now())
    if text:
        _note_the_clock(context, text)
    return text


def _note_the_clock(context: Context, text: str | None) -> None:
    """Notes what is wrong with the clock, or that nothing is, and logs it once."""
    with context.store.reading() as session:
        before = clocks.noted(session)
    if (text or "") != (before or ""):
        with context.store.session() as session:
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
        partial(_note_cursor, stream, window, page),
    )
    if page.last_id:
        # Everything is read: the line of the page counts them, and a line for each would bury all others.
        return changed
    with context.store.reading() as session:
        affected = association_rows.contacts_by_company(session, changed) if stream == "companies" else {}
    if stream == "contacts":
        for contact in changed:
            emit(Event.CONTACT_CHANGED, contact=contact, cause="properties")
    for company, contacts in affected.items():
        for contact in contacts:
            emit(Event.CONTACT_CHANGED, contact=contact, cause="company", company=company)
    return changed


def _note_cursor(
    stream: ObjectType, window: Window, page: WindowPage, session: Session, changed: Sequence[str]
) -> None:
    """Has an interrupted poll go on after this page.

    A page of changes that were known already costs no write: an interrupted poll reads it again.
    """
    if changed or page.last_id:
        streams.remember_cursor(session, stream, window, page.cursor, page.last_id)


_SAVE: dict[ObjectType, Callable[[Context, Session, Sequence[Fetched]], list[str]]] = {
    "contacts": storing.store_contacts,
    "companies": storing.store_companies,
}
