"""The search index: a second store that trails the records (estuary#1861, airbyte#69203)."""

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict, deque
from collections.abc import Iterable
from zlib import crc32

from sandbox.hubspot import moments
from sandbox.hubspot.schema import Property

Properties = dict[str, str]
Value = float | int | str
Entry = tuple[Value, int, str]

_BULK = 500
_REMEMBERED = 64


class SearchIndex:
    """Documents as they were when the index last saw them, with one sorted column per property asked for."""

    def __init__(self, definitions: dict[str, Property], not_indexed: frozenset[str]) -> None:
        self.definitions = definitions
        self.not_indexed = not_indexed
        self.documents: dict[str, Properties] = {}
        self.version = 0
        self.id_sort = "numeric"
        self._waiting: deque[tuple[int, str, Properties | None]] = deque()
        self._columns: dict[str, list[Entry]] = {}
        self._answers: OrderedDict[str, list[str]] = OrderedDict()

    def note(self, at_ms: int, record_id: str, properties: Properties | None) -> None:
        """Remember a change (None: the record is gone) that the index will see later."""
        self._waiting.append((at_ms, record_id, properties))

    def catch_up(self, until_ms: int | None) -> None:
        """See every change noted up to that moment; None means all of them."""
        due: dict[str, Properties | None] = {}
        while self._waiting and (until_ms is None or self._waiting[0][0] <= until_ms):
            _, record_id, properties = self._waiting.popleft()
            due[record_id] = properties
        if not due:
            return
        if len(due) > _BULK:
            self._columns.clear()
        for record_id, properties in due.items():
            self._see(record_id, properties)
        self._answers.clear()
        self.version += 1

    def forget_order(self) -> None:
        """Drop everything that is derived from definitions or from the sort rule for ids."""
        self._columns.clear()
        self._answers.clear()
        self.version += 1

    def _see(self, record_id: str, properties: Properties | None) -> None:
        before = self.documents.get(record_id, {})
        for name, column in self._columns.items():
            old = self.comparable(name, before.get(name))
            new = self.comparable(name, (properties or {}).get(name))
            if old != new:
                _move(column, record_id, old, new)
        if properties is None:
            self.documents.pop(record_id, None)
        else:
            self.documents[record_id] = properties

    def comparable(self, name: str, value: str | None) -> Value | None:
        """The value as search compares it: numbers as numbers, moments in ms, texts in lower case, nothing as None."""
        if value is None or value == "" or name in self.not_indexed:
            return None
        if name == "hs_object_id":
            # Whether ids compare as numbers or as text is disputed (airbyte PR #79666 against Estuary's assertion).
            return int(value) if self.id_sort == "numeric" else value
        kind = self.definitions[name].type if name in self.definitions else "string"
        if kind == "number":
            return float(value)
        if kind in ("datetime", "date"):
            return moments.parse(value)
        # Texts are compared in lower case, enumeration values as they are (HubSpot search guide).
        return value if kind == "enumeration" else value.lower()

    def column(self, name: str) -> list[Entry]:
        """All rows with a value, in its order; equal values come in no order a client could guess."""
        if name not in self._columns:
            self._columns[name] = sorted(self._entries(name))
        return self._columns[name]

    def _entries(self, name: str) -> Iterable[Entry]:
        for record_id, properties in self.documents.items():
            value = self.comparable(name, properties.get(name))
            if value is not None:
                yield value, tie(record_id), record_id

    def span(self, name: str, low: Value | None, high: Value | None) -> tuple[int, int]:
        """Where the column holds the values from low to high, both included."""
        column = self.column(name)
        start = 0 if low is None else bisect_left(column, (low, -1, ""))
        stop = len(column) if high is None else bisect_right(column, (high, 1 << 33, ""))
        return start, max(start, stop)

    def remembered(self, key: str) -> list[str] | None:
        if key in self._answers:
            self._answers.move_to_end(key)
        return self._answers.get(key)

    def remember(self, key: str, ids: list[str]) -> None:
        self._answers[key] = ids
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)


def tie(record_id: str) -> int:
    """Place among equals: fixed for a record, but not the order of ids."""
    return crc32(record_id.encode())


def _move(column: list[Entry], record_id: str, old: Value | None, new: Value | None) -> None:
    place = tie(record_id)
    if old is not None:
        del column[bisect_left(column, (old, place, record_id))]
    if new is not None:
        insort(column, (new, place, record_id))
