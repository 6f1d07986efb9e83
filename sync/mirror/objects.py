"""Contacts and companies of the mirror as plain rows.

A page of HubSpot has a hundred rows or more. The ORM's object and bookkeeping for each cost several times what SQLite
itself takes, so these two tables are read and written (`sync.state.rows`) by statements for many rows.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, cast

from sqlalchemy import ColumnElement, Table, select
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


def gone() -> ColumnElement[bool]:
    """Contacts that are no longer live in HubSpot."""
    return col(tables.Contact.archived) | col(tables.Contact.erased) | col(tables.Contact.merged_into).is_not(None)
