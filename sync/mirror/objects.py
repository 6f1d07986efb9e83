"""Contacts and companies of the mirror as plain rows.

A page of HubSpot has a hundred rows or more. The ORM's object and bookkeeping for each cost several times what SQLite
itself takes (docs/performance.md), so these two tables are read and written by statements for many rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, cast

from sqlalchemy import ColumnElement, Table, bindparam, insert, select, update
from sqlmodel import Session, col

from sync.state import tables
from sync.state.pending import among, portions

CONTACTS: Table = tables.Base.metadata.tables["contact"]
COMPANIES: Table = tables.Base.metadata.tables["company"]


class ObjectRow(Protocol):
    """A row as `tables.Contact` describes it; a row of a company ends with `modified_at`."""

    id: str
    properties: dict[str, str | None]
    unreadable: list[str]
    modified_at: datetime | None
    archived: bool
    erased: bool
    merged_into: str | None
    missing_since: datetime | None


def rows(session: Session, table: Table, ids: Iterable[str]) -> dict[str, ObjectRow]:
    """The rows with these ids, by id; unknown ids are left out."""
    found = (session.execute(select(table).where(among(table.c.id, part))) for part in portions(ids))
    return {row.id: cast(ObjectRow, row) for part in found for row in part}


def insert_rows(session: Session, table: Table, values: Sequence[Mapping[str, Any]]) -> None:
    if values:
        session.execute(insert(table), values)


def update_rows(session: Session, table: Table, values: Sequence[Mapping[str, Any]]) -> None:
    """Updates rows. Each mapping names its row by `id`, and all name the same columns."""
    if values:
        of_row = update(table).where(table.c.id == bindparam("row"))
        session.execute(of_row, [{"row": v["id"], **{n: x for n, x in v.items() if n != "id"}} for v in values])


def gone() -> ColumnElement[bool]:
    """Contacts that are no longer live in HubSpot."""
    return col(tables.Contact.archived) | col(tables.Contact.erased) | col(tables.Contact.merged_into).is_not(None)
