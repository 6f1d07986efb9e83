"""Opens the state file: permissions, pragmas, versions, transactions."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, event, inspect
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, create_engine

from sync.errors import StateError
from sync.state import trouble

HEAD = "0009"
"""The version of the last script of `migrations`, written here so that the scripts need not be read."""


class Store:
    """The state store behind one file; a session is one transaction. `version`: that of the tables it may write."""

    def __init__(self, path: Path, version: str | None = HEAD, *, read_only: bool = False) -> None:
        self.path, self.version = path, version
        self.engine = _engine(path, read_only=read_only)
        self.identity = _identity(path)
        """Device and number of the file as it was opened; None if there was none."""

    @property
    def replaced(self) -> bool:
        """Whether the path now leads to another file or to none, so that what is written here would be lost."""
        return _identity(self.path) != self.identity

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A writing transaction: committed at the end, rolled back on an exception.

        Raises StateError if a newer program has migrated the file since it was opened: its tables mean something else.
        """
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            found = session.connection().exec_driver_sql(_VERSION).scalar()
            if found != self.version:
                raise StateError(f"{self.path}: {_migrated_meanwhile(found, self.version)}")
            yield session

    def at_end(self, write: Callable[[Session], object]) -> None:
        """Writes what a job has completed.

        A run of a job writes it together with its record (`sync.state.run_store`).
        """
        with self.session() as session:
            write(session)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads, from one consistent state of the file, and never waits for a writer."""
        engine = self.engine.execution_options(read_only=True)
        with Session(engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    def close(self) -> None:
        self.engine.dispose()


_VERSION = "SELECT version_num FROM alembic_version"


def _migrated_meanwhile(found: str | None, ours: str | None) -> str:
    return (
        f"was brought to state version {found} while this program, which needs {ours}, was running; it writes "
        "nothing more. Start the version that migrated the file, or restore the copy from before it"
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def open_store(path: Path, *, create: bool = True) -> Store:
    """The store at `path`, with the tables of this program; a file that is older is left as it is.

    Raises StateError if the file cannot be used: it is missing and `create` is False, may not be accessed, has another
    program's version, is damaged, or was not made by this program.
    """
    store = open_unmigrated(path, create=create)
    if store.version == HEAD:
        return store
    store.close()
    raise StateError(f"{path}: {_older(path, store.version)}")


def open_read_only(path: Path) -> Store:
    """The store at `path` over connections that cannot write (`mode=ro`), for what is only shown.

    Raises StateError if the file is missing, cannot be read, or has not the tables of this program.
    """
    store = Store(path, read_only=True)
    try:
        if store.identity is None:
            _prepare_file(path, create=False)
        current, _ = versions(store)
    except (DatabaseError, sqlite3.DatabaseError) as error:
        store.close()
        raise StateError(trouble.sentence(error, path)) from None
    if current != HEAD:
        store.close()
        raise StateError(f"{path}: {_older(path, current) if _is_older(current) else _other_version(current, HEAD)}")
    return store


def _is_older(version: str | None) -> bool:
    return version is None or (version.isdigit() and int(version) < int(HEAD))


def open_unmigrated(path: Path, *, create: bool = False) -> Store:
    """The store at `path` with the tables of this program or of an older one.

    An empty file gets ours. Raises StateError like `open_store`, except for an older file that can be migrated.
    """
    _prepare_file(path, create)
    store = Store(path)
    try:
        store.version = _usable_version(store)
    except (DatabaseError, sqlite3.DatabaseError) as error:
        store.close()
        text = trouble.sentence(error, path)
        raise StateError(f"{text}; or set SYNC_STATE to another path") from None
    except StateError:
        store.close()
        raise
    return store


def copy_before(path: Path) -> Path:
    """The path of the copy of an older state file that is made before its migration."""
    return path.with_name(f"{path.name}.before-{HEAD}")


def _older(path: Path, version: str | None) -> str:
    return (
        f"has state version {version} of an older program, this one needs {HEAD}. Stop the older worker; then "
        "`hubspot-c4c-sync migrate` (or the start of this version's worker) brings the file there, and keeps a copy as "
        f"{copy_before(path).name}"
    )


def _prepare_file(path: Path, create: bool) -> None:
    """Creates the file if it is missing and `create` allows it. Raises StateError."""
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
    if problem and problem != trouble.DISK_FULL:
        raise StateError(f"{path}: {problem}")


def _make(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except PermissionError:
        raise StateError(f"{path}: cannot create the state file: {trouble.denied(path.parent)}") from None
    except OSError as error:
        raise StateError(f"{path}: cannot create the state file ({error.strerror}); check SYNC_STATE") from None


_CHECKPOINT = 4000
"""Pages of the log (16 MB) after which SQLite copies them into the file. A page that changed often is copied once."""


_CACHE = 8_000
"""Kilobytes of pages in memory, at most. A transaction that changes more writes pages early, and then once more."""


def _engine(path: Path, *, read_only: bool = False) -> Engine:
    # Not a URL in text form, in which `?` and `%` of a path would mean something else.
    place = URL.create("sqlite", database=str(path))
    if read_only:
        place = URL.create("sqlite", database=path.absolute().as_uri(), query={"mode": "ro", "uri": "true"})
    engine = create_engine(place, connect_args={"timeout": 30}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        # The driver's own transaction handling commits before DDL; ours is explicit (SQLAlchemy's SQLite notes).
        connection.isolation_level = None
        for pragma in (
            *(() if read_only else _WRITING),
            "busy_timeout=30000",
            "temp_store=MEMORY",
            f"cache_size=-{_CACHE}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # IMMEDIATE, since a deferred transaction that starts to write fails at once if another one wrote in between.
        read_only = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


_WRITING = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"wal_autocheckpoint={_CHECKPOINT}")
"""FULL: an intent or a link that was committed must survive a power cut."""


def versions(store: Store) -> tuple[str | None, str]:
    """(version of the file, newest version that this program knows)."""
    with store.engine.execution_options(read_only=True).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None, HEAD
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar(), HEAD


def _usable_version(store: Store) -> str | None:
    """The version of the file, after an empty file got its tables. Raises StateError if no script knows the version."""
    current, head = versions(store)
    if current == head:
        return current
    # Loading Alembic would take a fifth of a command's start, and nearly every start finds the newest version.
    from sync.state.migration import leads_on_from, upgrade

    if current is None:
        _demand_empty(store)
        upgrade(store.engine)
        return head
    if not leads_on_from(current):
        raise StateError(f"{store.path}: {_other_version(current, head)}")
    return current


def _demand_empty(store: Store) -> None:
    """Raises StateError if a file without a version has tables, except those of the replication by Litestream."""
    with store.engine.execution_options(read_only=True).connect() as connection:
        names = inspect(connection).get_table_names()
    if any(not name.startswith("_litestream_") for name in names):
        raise StateError(f"{store.path}: is a database of another program; set SYNC_STATE to another path")


def _other_version(current: str | None, head: str) -> str:
    """Explains a version that no script knows. Versions are growing numbers, so it is newer, or was abandoned."""
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
