"""Contacts that changed and must be looked at again."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, update
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from sync.lifecycle import Status
from sync.state import tables
from sync.state.rows import insert_rows

_MAX_VARIABLES = 5000
"""Ids in one statement; SQLite allows 32,766 variables."""


def portions(ids: Iterable[str], size: int = _MAX_VARIABLES) -> Iterator[list[str]]:
    """The distinct ids in portions that fit one statement or request."""
    distinct = list(dict.fromkeys(ids))
    return (distinct[n : n + size] for n in range(0, len(distinct), size))


def among(column: Any, values: Iterable[Any]) -> ColumnElement[bool]:
    """The condition that the column holds one of the values.

    They are one parameter. As a parameter each, SQLAlchemy writes and SQLite prepares another statement for every
    number of values: that took longer than the query, and the texts were kept in memory.
    """
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    found: ColumnElement[bool] = column.in_(sa_select(listed.c.value))
    return found


def mark_pending(session: Session, contact_ids: Iterable[str], now: datetime) -> None:
    """Marks contacts as changed: due at once, with the count of attempts reset. Those in flight stay in flight."""
    touched = {"attempts": 0, "waits": 0, "due_at": now, "code": None, "detail": None}
    waiting = {"status": Status.PENDING, "pending_since": now}
    for ids in portions(contact_ids):
        known = set(session.exec(select(tables.Progress.contact_id).where(among(tables.Progress.contact_id, ids))))
        if known:
            of = among(tables.Progress.contact_id, known)
            settled = ~col(tables.Progress.status).in_((Status.PENDING, Status.IN_FLIGHT))
            session.exec(update(tables.Progress).where(of, settled).values(**waiting))
            session.exec(update(tables.Progress).where(of).values(change_seq=tables.Progress.change_seq + 1, **touched))
        columns = ("contact_id", "change_seq", *waiting, *touched)
        fresh = [(i, 1, *waiting.values(), *touched.values()) for i in ids if i not in known]
        insert_rows(session, _PROGRESS, columns, fresh)


_PROGRESS = tables.Base.metadata.tables["progress"]
