"""Keeps the rows of a long comparison in a temporary SQLite file, so that memory does not grow with them."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sync.planner.predicting.predicted import Predicted


class Spool:
    """Predicted writes of both worlds, decisions by code, and the contacts that enter or leave."""

    def __init__(self) -> None:
        # An empty name is a private file that vanishes with the connection (SQLite, "Temporary Databases").
        self._db = sqlite3.connect("", isolation_level=None)
        for statement in _TABLES:
            self._db.execute(statement)
        self._db.execute("BEGIN")
        # There are only so many codes, so these need no file.
        self._decided: Counter[tuple[str, str]] = Counter()

    def close(self) -> None:
        self._db.close()

    def write(self, world: str, contact: str, writes: Sequence[Predicted], *, again: bool = False) -> None:
        """Keeps predicted writes, one row for a record that several contacts share. `again` replaces what was kept."""
        if not writes:
            return
        rows = (
            (world, w.entity, w.key, w.action, contact, json.dumps({n: f.to_json() for n, f in w.fields.items()}))
            for w in writes
        )
        known = "REPLACE" if again else "IGNORE"
        self._db.executemany(f"INSERT OR {known} INTO written VALUES (?, ?, ?, ?, ?, ?)", rows)

    def move(self, contact: str, direction: str, now: str, then: str) -> None:
        """Keeps a contact that enters or leaves, with the deciding code in each world."""
        self._db.execute("INSERT INTO moved VALUES (?, ?, ?, ?)", (contact, direction, now, then))

    def warn(self, contact: str, code: str, text: str) -> None:
        self._db.execute("INSERT INTO warning VALUES (?, ?, ?)", (contact, code, text))

    def count(self, world: str, code: str) -> None:
        self._decided[world, code] += 1

    def new_accounts(self, world: str, portion: int) -> Iterator[list[str]]:
        """Companies that become accounts, in portions."""
        after = ""
        while rows := self._db.execute(f"{_MADE} AND key > ? ORDER BY key LIMIT ?", (world, after, portion)).fetchall():
            yield [key for (key,) in rows]
            after = rows[-1][0]

    def makes_account(self, world: str, company: str) -> bool:
        """Whether the company becomes an account."""
        return self._db.execute(f"{_MADE} AND key = ?", (world, company)).fetchone() is not None

    def moved(self, direction: str) -> Iterator[tuple[str, str, str]]:
        """(contact, code now, code then)."""
        of = "SELECT contact, now, then_ FROM moved WHERE direction = ? ORDER BY length(contact), contact"
        return iter(self._db.execute(of, (direction,)))

    def written(self, world: str) -> Iterator[dict[str, Any]]:
        """Every write of the next run in one world."""
        return self._rows("SELECT * FROM written WHERE world = ? ORDER BY entity, key", world)

    def changed(self) -> Iterator[dict[str, Any]]:
        """Writes under the other rules that differ from those under the rules in force."""
        return self._rows(_CHANGED, "then", "now")

    def dropped(self) -> Iterator[dict[str, Any]]:
        """Writes under the rules in force to records that are left unchanged under the other rules."""
        return self._rows(_DROPPED, "now", "then")

    def _rows(self, query: str, *worlds: str) -> Iterator[dict[str, Any]]:
        for _, entity, key, action, contact, fields in self._db.execute(query, worlds):
            record = {"entity": entity, "key": key, "action": action, "contact": contact}
            yield {**record, "fields": json.loads(fields)}

    def warnings(self) -> Iterator[dict[str, Any]]:
        of = "SELECT DISTINCT contact, code, text FROM warning ORDER BY length(contact), contact, code, text"
        return ({"contact": c or None, "code": code, "text": text} for c, code, text in self._db.execute(of))

    def grouped_warnings(self) -> Iterator[tuple[str, str, int, str]]:
        """(code, text, number of contacts, one of them).

        Warnings about no single contact come first, then the most frequent ones.
        """
        of = (
            "SELECT code, text, count(DISTINCT contact), min(contact) FROM warning GROUP BY code, text "
            "ORDER BY min(contact) != '', count(DISTINCT contact) DESC, code, text"
        )
        return iter(self._db.execute(of))

    def decisions(self, world: str) -> dict[str, int]:
        found = {code: number for (of, code), number in self._decided.items() if of == world}
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))

    def counts(self, world: str) -> dict[str, dict[str, int]]:
        """Writes of one world by action and entity."""
        found: dict[str, dict[str, int]] = {"create": {}, "update": {}, "delete": {}}
        of = "SELECT action, entity, count(*) FROM written WHERE world = ? GROUP BY action, entity"
        for action, entity, number in self._db.execute(of, (world,)):
            found[action][entity] = number
        return found

    def numbers(self) -> dict[str, int]:
        """How many rows each list has."""
        moved = dict(self._db.execute("SELECT direction, count(*) FROM moved GROUP BY direction"))
        (changed,) = self._db.execute(f"SELECT count(*) FROM ({_CHANGED})", ("then", "now")).fetchone()
        (dropped,) = self._db.execute(f"SELECT count(*) FROM ({_DROPPED})", ("now", "then")).fetchone()
        (warnings,) = self._db.execute("SELECT count(*) FROM (SELECT DISTINCT * FROM warning)").fetchone()
        lists = {"entering": moved.get("entering", 0), "leaving": moved.get("leaving", 0)}
        return {**lists, "changed": changed, "dropped": dropped, "warnings": warnings}


_TABLES = (
    "PRAGMA cache_size = -4000",
    "CREATE TABLE written (world TEXT, entity TEXT, key TEXT, action TEXT, contact TEXT, fields TEXT, "
    "PRIMARY KEY (world, entity, key)) WITHOUT ROWID",
    "CREATE TABLE moved (contact TEXT, direction TEXT, now TEXT, then_ TEXT)",
    "CREATE TABLE warning (contact TEXT, code TEXT, text TEXT)",
)
_MADE = "SELECT key FROM written WHERE world = ? AND entity = 'CorporateAccount' AND action = 'create'"
_ONLY = """
    SELECT this.* FROM written AS this
    WHERE this.world = ? AND NOT EXISTS (
        SELECT 1 FROM written AS other WHERE other.world = ? AND other.entity = this.entity AND other.key = this.key
        {as_well})
    ORDER BY length(this.contact), this.contact, this.entity, this.key
"""
_CHANGED = _ONLY.format(as_well="AND other.action = this.action AND other.fields = this.fields")
_DROPPED = _ONLY.format(as_well="")
