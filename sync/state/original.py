"""Whether the state file is the one that the worker wrote last, or a copy of it that was put back.

A copy does not know what was written since it was made. `backup` marks its copies; another copy (of the disk, by
Litestream) is noticed by the file's identity, unless the file system gave it the same one.
"""

import sqlite3

from sqlmodel import Session

from sync.state.store import Store
from sync.state.streams import remember, remembered

NAME = "state file"


def is_original(session: Session, store: Store) -> bool:
    return remembered(session, NAME) == _text(store)


def settle(session: Session, store: Store) -> None:
    """Marks this file as the original, once the records that a copy cannot know of were looked for."""
    remember(session, NAME, _text(store))


def disown(copy: sqlite3.Connection) -> None:
    """Marks a finished copy as one. A state file of another age may have no table for it."""
    if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'remembered'").fetchone():
        with copy:
            copy.execute("DELETE FROM remembered WHERE name = ?", (NAME,))


def _text(store: Store) -> str:
    return " ".join(map(str, store.identity or ()))
