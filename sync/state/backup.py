"""A consistent copy of a state file that is in use (SQLite's online backup), complete or not there at all."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sync.errors import StateError


def backup(state: Path, target: Path) -> int:
    """Copies `state` to the new file `target`, readable by its owner only; returns its size in bytes.

    Raises StateError if the target exists, cannot be written, or the copy is not sound.
    """
    if target.exists():
        raise StateError(f"{target}: exists already; name a new file, or move that one away first")
    part = target.with_name(target.name + ".part")
    try:
        _copy(state, part)
        os.replace(part, target)
    except OSError as error:
        raise StateError(
            f"{target}: cannot be written ({error.strerror}); check the directory and its rights"
        ) from None
    except sqlite3.Error as error:
        raise StateError(f"{target}: the copy failed ({error}); check the free space") from None
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def _copy(state: Path, part: Path) -> None:
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as live, closing(sqlite3.connect(part)) as copy:
        live.backup(copy)
        # One file without a journal beside it: easier to carry about. The store turns WAL on again.
        copy.execute("PRAGMA journal_mode=DELETE")
        [sound] = copy.execute("PRAGMA quick_check").fetchone()
        if sound != "ok":
            raise sqlite3.DatabaseError("the copy is damaged")
    with open(part, "rb") as written:
        os.fsync(written.fileno())
