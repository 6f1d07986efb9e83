"""Opening the state file: permissions, pragmas, migrations, transactions."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, inspect
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, create_engine

from sync.errors import StateError
from sync.state import trouble

HEAD = "0005"
"""The newest version, as the last script of `migrations` has it: known without reading the scripts."""


class Store:
    """The state store behind one file; a session is one transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = _engine(path)
        self._opened = _identity(path)

    @property
    def replaced(self) -> bool:
        """Whether the path leads to another file by now, or to none: what is written here, nobody finds any more."""
        return _identity(self.path) != self._opened

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A writing transaction: committed at the end, rolled back on an exception."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads, on one snapshot, and never waits for a writer."""
        engine = self.engine.execution_options(read_only=True)
        with Session(engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    def close(self) -> None:
        self.engine.dispose()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def open_store(path: Path, *, create: bool = True) -> Store:
    """The store at `path`, brought to the newest version.

    Raises StateError if the file cannot be used: it is missing and `create` is False, may not be used, has the version
    of another program, is damaged or is not ours.
    """
    _prepare_file(path, create)
    store = Store(path)
    try:
        _migrate(store)
    except (DatabaseError, sqlite3.DatabaseError) as error:
        store.close()
        text = trouble.sentence(error, path)
        raise StateError(f"{text}; or set SYNC_STATE to another path") from None
    except StateError:
        store.close()
        raise
    return store


def _prepare_file(path: Path, create: bool) -> None:
    """Makes the file where it may be made. Raises StateError."""
    try:
        path.stat()
    except FileNotFoundError:
        if not create:
            raise StateError(
                f"{path}: there is no state file yet; run `hubspot-c4c-sync once` or `hubspot-c4c-sync run` first"
            ) from None
        _make(path)
    except PermissionError:
        raise StateError(f"{path.parent}: {trouble.denied(path.parent)}") from None
    except OSError as error:
        raise StateError(f"{path}: cannot be used ({error.strerror}); check SYNC_STATE") from None
    problem = trouble.standing(path)
    if problem and problem != trouble.FULL:
        raise StateError(f"{path}: {problem}")


def _make(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except PermissionError:
        raise StateError(f"{path}: cannot create the state file: {trouble.denied(path.parent)}") from None
    except OSError as error:
        raise StateError(f"{path}: cannot create the state file ({error.strerror}); check SYNC_STATE") from None


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        # The driver's own transaction handling commits before DDL; ours is explicit (SQLAlchemy's SQLite notes).
        connection.isolation_level = None
        # FULL: an intent or a link that was committed must survive a power cut.
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "busy_timeout=30000",
            "foreign_keys=ON",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction that turns into a writer fails at once when another wrote in between.
        read_only = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def versions(store: Store) -> tuple[str | None, str]:
    """(version of the file, newest version that this program knows)."""
    with store.engine.execution_options(read_only=True).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None, HEAD
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar(), HEAD


def _migrate(store: Store) -> None:
    current, head = versions(store)
    if current == head:
        return
    # Alembic takes a fifth of the time that a command needs to start; nearly every start finds the newest version.
    from sync.state.migration import UnknownVersion, upgrade

    try:
        upgrade(store.engine)
    except UnknownVersion:
        raise StateError(f"{store.path}: {_other_version(current, head)}") from None


def _other_version(current: str | None, head: str) -> str:
    """Versions are numbers that grow; one of which no script is known is a newer one, or one that was given up."""
    known = f"state version {current}, this one knows {head}"
    if current and current.isdigit() and int(current) <= int(head):
        return (
            f"written by an older version of this program that this one cannot migrate ({known}); restore a backup of "
            "this version, or set SYNC_STATE to a new path: everything is read anew and adopted"
        )
    return (
        f"written by a newer version of this program ({known}); install that version again, or set SYNC_STATE to "
        "another path"
    )
