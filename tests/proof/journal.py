"""What really happened, in order: what HubSpot showed, which readings ended well, what was written to C4C and by whom.

The checker judges by this journal and by the truth of both sides; it never sees the product's own view.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.c4c import USERNAME
from sandbox.c4c.store import C4CStore
from sandbox.clock import Clock

Row = dict[str, Any]
OURS = USERNAME


@dataclass(frozen=True)
class Shown:
    """A contact as one answer of HubSpot showed it."""

    at: int
    properties: dict[str, str | None]


@dataclass(frozen=True)
class Effect:
    """A change of one record in C4C; `before` is empty for a new one, `after` for a deleted one."""

    at: int
    when: datetime
    entity: str
    object_id: str
    ours: bool
    before: Row
    after: Row

    @property
    def kind(self) -> str:
        return "create" if not self.before else "update" if self.after else "delete"


@dataclass
class Journal:
    """`at` counts what happens, so that any two entries have an order."""

    at: int = 0
    shown: dict[str, list[Shown]] = field(default_factory=dict)
    readings: list[int] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    """How often each event, fault and death was met."""
    rules: list[tuple[int, float]] = field(default_factory=lambda: [(0, 75.0)])
    """Since when which threshold is in force."""
    restored: set[str] = field(default_factory=set)
    """Contacts that came back in HubSpot without a new time stamp: below the threshold nothing shows that."""
    refreshed: int = 0
    """How many updates of ours changed nothing."""

    def tick(self) -> int:
        self.at += 1
        return self.at

    def answered(self, system: str, url: str, status: int, body: bytes) -> None:
        """Notes the contacts that an answer of HubSpot shows."""
        if system != "hubspot" or status != 200 or "/contacts/" not in url or "associations" in url:
            return
        try:
            document = json.loads(body)
        except ValueError:
            return
        at = self.tick()
        for row in document.get("results", []) if isinstance(document, dict) else []:
            properties = row.get("properties", {})
            if "hs_legal_basis" in properties:
                self.shown.setdefault(row["id"], []).append(Shown(at, properties))

    def read_well(self) -> None:
        """A job that reads contacts has ended without a failure."""
        self.readings.append(self.tick())

    def last_reading(self, before: int) -> int:
        """When the last complete reading before that moment ended; 0 if there was none."""
        return next((at for at in reversed(self.readings) if at < before), 0)

    def ours(self, since: int = 0) -> list[Effect]:
        return [effect for effect in self.effects if effect.ours and effect.at > since]


class JournaledC4C(C4CStore):
    """C4C's store, with every effective write in the journal."""

    def __init__(self, clock: Clock, journal: Journal) -> None:
        super().__init__(clock)
        self._notes, self._by = journal, ""

    def create(self, entity: str, fields: Row, *, by: str = "SALES") -> Row:
        self._by, before = by, self._by
        try:
            return super().create(entity, fields, by=by)
        finally:
            self._by = before

    def change(self, entity: str, object_id: str, fields: Row, *, by: str = "SALES") -> bool:
        self._by, before = by, self._by
        try:
            changed = super().change(entity, object_id, fields, by=by)
        finally:
            self._by = before
        self._notes.refreshed += by == OURS and not changed
        return changed

    def delete(self, entity: str, object_id: str, *, by: str = "SALES") -> None:
        self._by, before = by, self._by
        try:
            super().delete(entity, object_id, by=by)
        finally:
            self._by = before

    @contextmanager
    def atomic(self) -> Any:
        """What is rolled back has not happened."""
        known = len(self._notes.effects)
        try:
            with super().atomic():
                yield
        except BaseException:
            del self._notes.effects[known:]
            raise

    def _put(self, entity: str, object_id: str, row: Row | None) -> None:
        before = dict(self._tables[entity].get(object_id) or {})
        super()._put(entity, object_id, row)
        ours = self._by == OURS
        self._notes.effects.append(
            Effect(self._notes.tick(), self.clock.now(), entity, object_id, ours, before, dict(row or {}))
        )
