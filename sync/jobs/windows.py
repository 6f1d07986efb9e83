"""Reading a window of changes completely: by key, never by offset, however many rows share one millisecond.

Sources: HubSpot search guide (10,000 rows per query, offsets); airbyte#43317 (one millisecond, endless loop);
airbyte#79666 (order of ids doubted, so it is asserted).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sync.errors import Malformed
from sync.hubspot_client import MODIFIED, SEARCH_CAP, SEARCH_PAGE, Filter, HubSpotObject, HubSpotPort, ObjectType, Page
from sync.state.streams import Window

EARLIEST = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
"""HubSpot answers a lower bound of epoch 0 with an error (estuary/connectors, search_objects.py)."""

ID = "hs_object_id"


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows to store, and the moment before which the window is then complete."""

    objects: tuple[HubSpotObject, ...]
    cursor: datetime
    total: int | None = None


def read_window(
    hubspot: HubSpotPort, object_type: ObjectType, properties: Sequence[str], window: Window
) -> Iterator[Batch]:
    """All rows modified within the window, oldest first.

    A row may carry a later time than the window's end: the index lags behind the record. It is stored as it is and
    comes again later. Raises Malformed if the order is not what was asked for.
    """
    reader = _Reader(hubspot, object_type, properties)
    low, high = _ms(window.since), _ms(window.until)
    while low <= high:
        page = reader.between(low, high)
        last = max(
            (_ms(o.modified_at) for o in page.objects if o.modified_at and _ms(o.modified_at) <= high), default=low
        )
        if page.after is None:
            yield Batch(page.objects, window.until, page.total)
            return
        if last > low:
            yield Batch(page.objects, _moment(last), page.total)
            low = last
        elif _single(page, low):
            yield from reader.one_millisecond(low)
            low += 1
        else:
            yield from reader.by_offset(low, high, page)
            return


def read_set(
    hubspot: HubSpotPort, object_type: ObjectType, properties: Sequence[str], condition: Filter
) -> Iterator[Page]:
    """All rows that fulfil `condition`, by ascending id. Raises Malformed if ids do not ascend as numbers."""
    last = 0
    while True:
        page = hubspot.search(object_type, [condition, Filter(ID, "GT", str(last))], ID, properties)
        last = _ascending(page, last)
        yield page
        if page.after is None:
            return


class _Reader:
    def __init__(self, hubspot: HubSpotPort, object_type: ObjectType, properties: Sequence[str]) -> None:
        self._hubspot, self._type, self._properties = hubspot, object_type, properties
        self._modified = MODIFIED[object_type]

    def between(self, low: int, high: int, after: str | None = None) -> Page:
        span = Filter(self._modified, "BETWEEN", str(low), str(high))
        return self._hubspot.search(self._type, [span], self._modified, self._properties, after)

    def one_millisecond(self, at: int) -> Iterator[Batch]:
        """Rows of one millisecond by id: month-end jobs stamp more than 10,000 rows alike."""
        moment = Filter(self._modified, "EQ", str(at))
        for page in read_set(self._hubspot, self._type, self._properties, moment):
            yield Batch(page.objects, _moment(at), page.total)

    def by_offset(self, low: int, high: int, page: Page) -> Iterator[Batch]:
        """The index shows only rows that have moved on since: nothing to go on from but the offset.

        The window stays open (its cursor does not move) unless it is read to the end within the cap.
        """
        yield Batch(page.objects, _moment(low), page.total)
        for _ in range(SEARCH_CAP // SEARCH_PAGE - 1):
            page = self.between(low, high, page.after)
            done = page.after is None
            yield Batch(page.objects, _moment(high if done else low), page.total)
            if done:
                return
        raise Malformed("hubspot", f"a window of {self._type} cannot be read to its end while so many rows move")


def _single(page: Page, low: int) -> bool:
    return any(o.modified_at and _ms(o.modified_at) == low for o in page.objects)


def _ascending(page: Page, last: int) -> int:
    for found in page.objects:
        if int(found.id) <= last:
            raise Malformed("hubspot", "search results do not ascend by id; the window stays open")
        last = int(found.id)
    if page.after is not None and not page.objects:
        raise Malformed("hubspot", "a search page is empty although more are announced")
    return last


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
