"""Copies of the state file: making one while it is in use (SQLite's online backup), and noticing that one was put back.

A copy is complete or not there at all, and does not know what was written since it was made. `backup` marks its
copies; another copy (of the disk, by Litestream) is noticed by the file's identity, unless the file system gave it the
same one.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from sqlmodel import Session

from sync.errors import StateError
from sync.state.documents import STATE_FILE
from sync.state.store import Store
from sync.state.trouble import connect_read_only

_ELSEWHERE = (
    "name a file on the volume of the state, or take the copy from standard output with `hubspot-c4c-sync backup -`"
)


def backup(state: Path, target: Path) -> int:
    """Copies `state` to the new file `target`, readable by its owner only; returns its size in bytes.

    Raises StateError if the target exists, cannot be written, or the copy is damaged."""
    with _explained(str(target)):
        if target.exists():
            raise StateError(f"{target}: exists already; name a new file, or move that one away first")
        part = target.with_name(target.name + ".part")
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            _copy(state, part)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        return target.stat().st_size


def stream(state: Path, output: BinaryIO) -> int:
    """Writes a copy of `state` to `output` once it is complete and sound; returns its size in bytes.

    It is made in the directory of the state file, on the same disk, and its name is removed before it is read. Raises
    StateError if there is no room for it, the copy is damaged, or its reader leaves before the end.
    """
    with _explained(f"a copy beside {state}"):
        descriptor, name = tempfile.mkstemp(prefix=f".{state.name}-", suffix=".part", dir=state.parent)
    with open(descriptor, "rb") as made:
        try:
            with _explained(f"a copy beside {state}"):
                _copy(state, Path(name))
        finally:
            os.unlink(name)
        try:
            shutil.copyfileobj(made, output)
            output.flush()
        except OSError as error:
            raise StateError(
                f"standard output: the copy was cut off ({error.strerror}); what was written cannot be used"
            ) from None
        return made.tell()


@contextmanager
def _explained(target: str) -> Iterator[None]:
    """Turns failures of writing and copying into StateError with an explanation."""
    try:
        yield
    except OSError as error:
        raise StateError(f"{target}: cannot be written ({error.strerror}); {_ELSEWHERE}") from None
    except sqlite3.Error as error:
        raise StateError(f"{target}: the copy failed ({error}); check the free space") from None


def _copy(state: Path, part: Path) -> None:
    """Fills the empty file `part`."""
    with closing(connect_read_only(state)) as live, closing(sqlite3.connect(part)) as copy:
        live.backup(copy)
        # A single file without a journal is easier to move. The store turns WAL on again.
        copy.execute("PRAGMA journal_mode=DELETE")
        _disown(copy)
        [sound] = copy.execute("PRAGMA quick_check").fetchone()
        if sound != "ok":
            raise sqlite3.DatabaseError("the copy is damaged")
    with open(part, "rb") as written:
        os.fsync(written.fileno())


# ---- a copy that was put back


def is_original(session: Session, store: Store) -> bool:
    """Whether the state file is the one that the worker wrote last."""
    return STATE_FILE.read(session) == _identity(store)


def mark_as_original(session: Session, store: Store) -> None:
    """Marks this file as the original, once the records that a copy may lack have been looked up."""
    STATE_FILE.write(session, _identity(store))


def _disown(copy: sqlite3.Connection) -> None:
    """Marks a finished copy as a copy. A state file of another version may lack the table for it."""
    if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'remembered'").fetchone():
        with copy:
            copy.execute("DELETE FROM remembered WHERE name = ?", (STATE_FILE.name,))


def _identity(store: Store) -> str:
    return " ".join(map(str, store.identity or ()))
