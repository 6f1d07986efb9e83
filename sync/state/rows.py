"""Many rows at once, past the ORM and past SQLAlchemy's work for each row.

A statement is written once for a table and its columns; values become what the columns' types store, column by column.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Dialect, Table, bindparam, insert, update
from sqlalchemy.sql.dml import UpdateBase
from sqlmodel import Session

Values = tuple[Any, ...]
"""One row, in the order of the columns."""

_Process = Callable[[Any], Any]


def insert_rows(session: Session, table: Table, columns: tuple[str, ...], rows: Sequence[Values]) -> None:
    """Inserts rows; columns that are not named keep what the database sets."""
    _execute(session, table, _insertion, columns, rows)


def update_rows(session: Session, table: Table, columns: tuple[str, ...], rows: Sequence[Values]) -> None:
    """Updates rows. The first column finds the row, the others are set."""
    _execute(session, table, _change, columns, rows)


_Prepare = Callable[[Table, tuple[str, ...], Dialect], tuple[str, tuple[int, ...]]]


def _execute(
    session: Session, table: Table, prepare: _Prepare, columns: tuple[str, ...], rows: Sequence[Values]
) -> None:
    if rows:
        connection = session.connection()
        dialect = connection.dialect
        text, order = prepare(table, columns, dialect)
        stored = _stored(table, columns, dialect, rows)
        connection.exec_driver_sql(text, list(zip(*(stored[n] for n in order), strict=True)))


@cache
def _insertion(table: Table, columns: tuple[str, ...], dialect: Dialect) -> tuple[str, tuple[int, ...]]:
    return _written(insert(table).values({name: bindparam(f"v_{name}") for name in columns}), columns, dialect)


@cache
def _change(table: Table, columns: tuple[str, ...], dialect: Dialect) -> tuple[str, tuple[int, ...]]:
    key, *others = columns
    of_row = update(table).where(table.c[key] == bindparam(f"v_{key}"))
    return _written(of_row.values({name: bindparam(f"v_{name}") for name in others}), columns, dialect)


def _written(statement: UpdateBase, columns: tuple[str, ...], dialect: Dialect) -> tuple[str, tuple[int, ...]]:
    """(text of the statement, for each of its parameters the place of its column)."""
    compiled = statement.compile(dialect=dialect)
    names = compiled.positiontup or ()
    return str(compiled), tuple(columns.index(name.removeprefix("v_")) for name in names)


def _stored(table: Table, columns: tuple[str, ...], dialect: Dialect, rows: Sequence[Values]) -> list[Iterable[Any]]:
    """The values column by column, as the database takes them."""
    processes = _processes(table, columns, dialect)
    by_column = zip(processes, zip(*rows, strict=True), strict=True)
    return [values if process is None else [process(value) for value in values] for process, values in by_column]


@cache
def _processes(table: Table, columns: tuple[str, ...], dialect: Dialect) -> tuple[_Process | None, ...]:
    found = (table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns)
    return tuple(found)
