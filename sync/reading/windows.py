"""Reads a window of changes completely: by key instead of by offset, however many rows share one millisecond.

HubSpot's index is sorted by the times it last indexed, but its rows show their present times. A row may therefore show
a later time than the one that it was found by, and going on from there would jump over rows. The totals of two
successive searches reveal that. Why keys and not windows split by count: docs/adr/0001-windows-by-key.md. Sources:
HubSpot search guide (10,000 rows per query, offsets); airbyte#43317 (one millisecond, endless loop);
estuary/connectors#1861 and #2210 (rows out of order, values outside the filter); airbyte#79666 (order of ids doubted).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from sync.errors import Malformed
from sync.hubspot_client import MODIFIED, Filter, HubSpotObject, HubSpotPort, ObjectType, Page
from sync.state.streams import Window
from sync.transport import Pages

BEGINNING = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
"""HubSpot answers a lower bound of epoch 0 with an error (estuary/connectors, search_objects.py)."""

ID = "hs_object_id"


@dataclass(frozen=True, slots=True)
class WindowPage:
    """Rows to store, and the moment before which the window is then complete; or, where rows are read by id, the
    `last_id` up to which it is.
    """

    objects: tuple[HubSpotObject, ...]
    cursor: datetime
    total: int | None = None
    last_id: str = ""


def read_window(
    hubspot: HubSpotPort, object_type: ObjectType, properties: Sequence[str], window: Window
) -> Iterator[WindowPage]:
    """All rows modified within the window, oldest first; some appear twice.

    A row may carry a later time than the window's end: the index lags behind the record. It is stored as it is and
    comes again later. Raises Malformed if HubSpot's answers contradict each other; the window then stays open.
    """
    return _Reader(hubspot, object_type, properties).between(_ms(window.since), _ms(window.until))


def read_everything(
    hubspot: HubSpotPort, object_type: ObjectType, properties: Sequence[str], last_id: str
) -> Iterator[WindowPage]:
    """All rows by ascending id, from the one after `last_id` on.

    A row never moves in this order, so each is read once, and rows that are neighbours here become neighbours in the
    state file. What changes meanwhile belongs to the next window. Raises Malformed like `read_set`.
    """
    for page in read_set(hubspot, object_type, properties, after=last_id or _FIRST):
        last_id = page.objects[-1].id if page.objects else last_id
        yield WindowPage(page.objects, BEGINNING, page.total, last_id)


_FIRST = "0"
"""An id before all others."""


def read_set(
    hubspot: HubSpotPort, object_type: ObjectType, properties: Sequence[str], *conditions: Filter, after: str = _FIRST
) -> Iterator[Page]:
    """All rows after that id that fulfil the conditions, by ascending id.

    Raises Malformed if the pages do not add up.
    """
    last, read = after, 0
    start = [] if after == _FIRST else [Filter(ID, "GT", after)]
    order, pages = _IdOrder(), Pages("hubspot", f"a search of {object_type} by id")
    before: Page | None = None
    while True:
        page = hubspot.search(object_type, [*conditions, Filter(ID, "GT", last)], ID, properties)
        short = before is not None and page.total < before.total - before.rows
        # Either rows have left the set meanwhile, or some were jumped over. Counting the rows up to here tells which.
        if short and hubspot.count(object_type, [*conditions, *start, Filter(ID, "LTE", last)]) > read:
            raise Malformed("hubspot", "a search by id jumped over rows; they are read again")
        yield page
        if page.after is None:
            return
        last, read, before = pages.next(order.after(page, last)) or last, read + page.rows, page


class _IdOrder:
    """Checks that ids ascend.

    Whether HubSpot sorts them as numbers or as texts is disputed (airbyte#79666): either is accepted, if it is the same
    throughout.
    """

    def __init__(self) -> None:
        self._numbers = self._texts = True

    def after(self, page: Page, last: str) -> str:
        """The id to go on from. Raises Malformed if that would read the same rows again."""
        ids = [last, *(found.id for found in page.objects)]
        self._numbers = self._numbers and all(int(a) < int(b) for a, b in pairwise(ids))
        self._texts = self._texts and all(a < b for a, b in pairwise(ids))
        if len(ids) == 1:
            raise Malformed("hubspot", "a search page is empty although more are announced")
        if not self._numbers and not self._texts:
            raise Malformed("hubspot", "search results do not ascend by id; nothing is concluded from them")
        return ids[-1]


class _Reader:
    def __init__(self, hubspot: HubSpotPort, object_type: ObjectType, properties: Sequence[str]) -> None:
        self._hubspot, self._type, self._properties = hubspot, object_type, properties
        self._modified = MODIFIED[object_type]

    def between(self, low: int, high: int) -> Iterator[WindowPage]:
        """Page by page, each search starting at the last moment of the page before."""
        before: _Step | None = None
        while low <= high:
            page = self._page(low, high)
            if before and page.total < before.page.total - before.passed(low):
                yield from self._make_sure(before, low - 1)
            yield WindowPage(page.objects, _moment(low), page.total)
            if page.after is None:
                return
            before, last = _Step(low, page), _last(page, low, high)
            # Not `last + 1`: further rows of that millisecond may be on the next page.
            if last > low:
                low = last
            # The whole page shows one millisecond; going on by time would read it again for ever (airbyte#43317).
            elif low == high or _holds(page, low):
                yield from self._one_millisecond(low)
                before, low = None, low + 1
            else:
                yield from self._halves(low, high)
                return

    def _make_sure(self, step: "_Step", end: int) -> Iterator[WindowPage]:
        """Called when fewer rows are left than expected: either some have changed again, or a row that showed a later
        time misled us. The page held the first rows from `step.low` on. If there are no more than these up to `end`,
        none was missed.
        """
        if self._hubspot.count(self._type, [self._span(step.low, end)]) > step.page.rows:
            yield from self._halves(step.low, end)

    def _halves(self, low: int, high: int) -> Iterator[WindowPage]:
        """Called when no row of the page shows where to go on: halves the time until the rest fits a page or one
        millisecond.
        """
        if low >= high:
            yield from self._one_millisecond(low)
            return
        middle = (low + high) // 2
        yield from self.between(low, middle)
        yield from self.between(middle + 1, high)

    def _one_millisecond(self, at: int) -> Iterator[WindowPage]:
        """Reads the rows of one millisecond by id: month-end jobs give more than 10,000 rows the same time."""
        for page in read_set(self._hubspot, self._type, self._properties, Filter(self._modified, "EQ", str(at))):
            yield WindowPage(page.objects, _moment(at), page.total)

    def _page(self, low: int, high: int) -> Page:
        return self._hubspot.search(self._type, [self._span(low, high)], self._modified, self._properties)

    def _span(self, low: int, high: int) -> Filter:
        return Filter(self._modified, "BETWEEN", str(low), str(high))


@dataclass(frozen=True, slots=True)
class _Step:
    """A page, and the time from which it was read."""

    low: int
    page: Page

    def passed(self, low: int) -> int:
        """Number of rows of the page that lie before `low` and are not expected again."""
        shown = sum(o.modified_at is not None and _ms(o.modified_at) < low for o in self.page.objects)
        return shown + self.page.left_out


def _last(page: Page, low: int, high: int) -> int:
    """The latest time within the window that a row of the page shows."""
    shown = (_ms(o.modified_at) for o in page.objects if o.modified_at)
    return max((ms for ms in shown if ms <= high), default=low)


def _holds(page: Page, low: int) -> bool:
    return any(o.modified_at and _ms(o.modified_at) == low for o in page.objects)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
