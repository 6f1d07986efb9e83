"""Makes state files cheap: hundreds of tests have one each, and all are made alike.

Alembic's scripts and SQLAlchemy's compiler would do the same work for every one of them, which is a fifth of the
processor time of a test that goes through a whole sync.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from sync.state import migration

_migrate = migration.upgrade


class Alike(SQLiteDialect_pysqlite):
    """Equal to all others of its class, so that a statement compiled for one engine is found by every other."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alike)

    def __hash__(self) -> int:
        return hash(Alike)


def compile_once() -> None:
    """Each statement is compiled once in this process, not once for each state file."""
    compiled: dict[Any, Any] = {}
    registry.register("sqlite", __name__, "Alike")

    @event.listens_for(Engine, "engine_connect")
    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)


def copy_instead_of_migrating() -> None:
    """An empty state file gets its tables from the first one that the scripts made in this process."""
    migration.upgrade = _upgrade


@cache
def _newest() -> sqlite3.Connection:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "state.db"
        engine = create_engine(f"sqlite:///{path}")
        _migrate(engine)
        engine.dispose()
        kept = sqlite3.connect(":memory:", check_same_thread=False)
        with closing(sqlite3.connect(path)) as made:
            made.backup(kept)
        return kept


def _upgrade(engine: Engine, version: str = "head") -> None:
    with closing(engine.raw_connection()) as connection:
        file: Any = connection.driver_connection
        empty = file.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        if empty and version == "head":
            _newest().backup(file)
            return
    _migrate(engine, version)
