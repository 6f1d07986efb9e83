"""C4C's data: rows by entity and ObjectID, with indexes for equality, a journal to roll back, and derived fields."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from sandbox.c4c import derive, views
from sandbox.c4c.activity import Activity
from sandbox.c4c.csrf import Csrf
from sandbox.c4c.model import ENTITIES
from sandbox.c4c.settings import Settings
from sandbox.c4c.values import normal, stored_ticks, stored_time
from sandbox.clock import Clock

Row: TypeAlias = dict[str, Any]
FIRST_NUMBERS = {"business_partner": 1_000_001, "lead": 2001, "opportunity": 5001}


class C4CStore:
    """Rows are sparse: a field never entered has no key. Names that start with `_` are kept but never shown."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.settings = Settings()
        self.activity = Activity()
        self.csrf = Csrf()
        self.locks: dict[str, int] = {}  # object id -> writes under way
        self.operation_fault: Callable[[str, tuple[str, ...], str], str | None] = lambda *_: None
        self.list_reads = 0
        self._tables: dict[str, dict[str, Row]] = {name: {} for name in ENTITIES}
        self._indexes: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
        self._journal: list[tuple[str, str, Row | None]] | None = None
        self._numbers = dict(FIRST_NUMBERS)
        self._random = random.Random(20240103)
        self._ticks = 0

    # --- what seeds, sales people and the service call

    def create(self, entity: str, fields: dict[str, Any], *, by: str = "SALES") -> Row:
        """A new row with everything C4C derives; no checks on what an API client may write."""
        row = self._normal(entity, fields)
        if views.base(entity):
            return self.full(entity, views.create(self, entity, row, by))
        row["ObjectID"] = row.get("ObjectID") or self.new_object_id()
        derive.before_create(self, entity, row, by)
        row["ETag"] = self.stamp()
        self._put(entity, row["ObjectID"], row)
        derive.after_create(self, entity, row, by)
        return self.full(entity, row)

    def change(self, entity: str, object_id: str, fields: dict[str, Any], *, by: str = "SALES") -> bool:
        """Whether anything changed; a save without a change moves no ETag."""
        values = self._normal(entity, fields)
        if views.base(entity):
            return views.change(self, entity, object_id, values, by)
        old = self.get(entity, object_id)
        if old is None:
            raise ValueError(f"no {entity} {object_id}")
        row = dict(old)
        derive.before_change(self, entity, old, row, values, by)
        if _same(old, row):
            return False
        self.save(entity, row, by)
        derive.after_change(self, entity, old, row, by)
        return True

    def delete(self, entity: str, object_id: str, *, by: str = "SALES") -> None:
        if base := views.base(entity):
            entity = base
        row = self.get(entity, object_id)
        if row is None:
            raise ValueError(f"no {entity} {object_id}")
        derive.before_delete(self, entity, row, by)
        self._put(entity, object_id, None)

    def rows(self, entity: str) -> list[Row]:
        """Every row with all its fields, as plain JSON."""
        return [self.full(entity, row) for row in self.all(entity)]

    def truth(self, entities: list[str] | None = None) -> dict[str, list[Row]]:
        return {name: self.rows(name) for name in entities or ENTITIES}

    def take_over(self, truth: Mapping[str, Iterable[Row]]) -> None:
        """Fill an empty tenant with what `truth` of another one showed: the same ids, numbers and ETags."""
        for entity, rows in truth.items():
            for row in () if views.base(entity) else rows:
                self._put(entity, row["ObjectID"], dict(row))
        for row in truth[views.FROM_ACCOUNT]:
            self.update(views.RELATION, row["ObjectID"], _MainIndicator=row.get("MainIndicator", False))
        # Neither an id nor a number that the other tenant gave is given again.
        self._random = random.Random(20240104)
        self._numbers = {name: first + 100_000 for name, first in FIRST_NUMBERS.items()}

    # --- reading

    def all(self, entity: str) -> Iterable[Row]:
        if views.base(entity):
            return views.rows(self, entity)
        return self._tables[entity].values()

    def get(self, entity: str, object_id: str) -> Row | None:
        if base := views.base(entity):
            row = self._tables[base].get(object_id)
            return views.show(self, entity, row) if row else None
        return self._tables[entity].get(object_id)

    def find(self, entity: str, name: str, value: str | None) -> list[Row]:
        """All rows in which the text field equals the value; upper and lower case are the same here."""
        if not value:
            return []
        if views.base(entity):
            return views.find(self, entity, name, value)
        table = self._tables[entity]
        return [table[object_id] for object_id in self._index(entity, name).get(value.casefold(), ())]

    def first(self, entity: str, name: str, value: str | None) -> Row | None:
        return next(iter(self.find(entity, name, value)), None)

    def full(self, entity: str, row: Row) -> Row:
        shown = {name: value for name, value in row.items() if value is not None and not name.startswith("_")}
        return ENTITIES[entity].empty | shown

    # --- ids and times

    def new_object_id(self) -> str:
        return f"00163E{self._random.getrandbits(104):026X}"

    def new_uuid(self) -> str:
        digits = self.new_object_id()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def number(self, range_name: str) -> str:
        number = self._numbers[range_name]
        self._numbers[range_name] += 1
        return str(number)

    def now(self) -> str:
        return stored_time(self.clock.now())

    def stamp(self) -> str:
        """A new ETag: later than every one before, and never on a whole millisecond."""
        ticks = max(self.clock.ms() * 10_000 + 1, self._ticks + 1)
        self._ticks = ticks + 1 if ticks % 10_000 == 0 else ticks
        return stored_ticks(self._ticks)

    # --- writing, for the modules that derive

    def save(self, entity: str, row: Row, by: str) -> None:
        """Store a changed row under a new ETag and change date."""
        row = dict(row)
        derive.stamp_change(self, entity, row, by)
        row["ETag"] = self.stamp()
        self._put(entity, row["ObjectID"], row)

    def update(self, entity: str, object_id: str, **values: Any) -> None:
        """Set derived fields without any consequence: no ETag moves."""
        row = self._tables[entity][object_id]
        self._put(entity, object_id, row | values)

    def remove(self, entity: str, object_id: str) -> None:
        self._put(entity, object_id, None)

    @contextmanager
    def atomic(self) -> Any:
        """All writes inside, or none: an exception rolls back and goes on its way. Number ranges keep their gaps."""
        outer, self._journal = self._journal, []
        try:
            yield
        except BaseException:
            journal, self._journal = self._journal, None
            for entity, object_id, row in reversed(journal):
                self._put(entity, object_id, row)
            self._journal = outer
            raise
        inner, self._journal = self._journal, outer
        if outer is not None:
            outer.extend(inner)

    def _put(self, entity: str, object_id: str, row: Row | None) -> None:
        table = self._tables[entity]
        old = table.get(object_id)
        if self._journal is not None:
            self._journal.append((entity, object_id, old))
        self._reindex(entity, object_id, old, row)
        if row is None:
            table.pop(object_id, None)
        else:
            table[object_id] = row

    def _reindex(self, entity: str, object_id: str, old: Row | None, new: Row | None) -> None:
        for (indexed, name), index in self._indexes.items():
            if indexed != entity:
                continue
            before, after = _key(old, name), _key(new, name)
            if before == after:
                continue
            if before is not None:
                index.get(before, {}).pop(object_id, None)
            if after is not None:
                index.setdefault(after, {})[object_id] = None

    def _index(self, entity: str, name: str) -> dict[str, dict[str, None]]:
        if (entity, name) not in self._indexes:
            index: dict[str, dict[str, None]] = {}
            for object_id, row in self._tables[entity].items():
                index.setdefault(_key(row, name) or "", {})[object_id] = None
            self._indexes[entity, name] = index
        return self._indexes[entity, name]

    def _normal(self, entity: str, fields: dict[str, Any]) -> Row:
        known = ENTITIES[entity].fields
        if unknown := [name for name in fields if name not in known]:
            raise ValueError(f"{entity} has no fields {unknown}")
        return {name: normal(known[name], value) for name, value in fields.items()}


def _key(row: Row | None, name: str) -> str | None:
    """The form in which a value is indexed; None for no row."""
    return None if row is None else str(row.get(name) or "").casefold()


def _same(old: Row, new: Row) -> bool:
    return all((old.get(name) or None) == (new.get(name) or None) for name in old.keys() | new.keys())
