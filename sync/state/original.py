"""Tells whether the state file is the one that the worker last wrote, or a restored copy.

A copy lacks what was written after it was made. `backup` marks its copies; other copies (of the disk, by Litestream)
show by the file's identity, unless the file system gives them the same one.
"""

import sqlite3

from sqlmodel import Session

from sync.state.store import Store
from sync.state.streams import remember, remembered

NAME = "state file"


def is_original(session: Session, store: Store) -> bool:
    return remembered(session, NAME) == _text(store)


def settle(session: Session, store: Store) -> None:
    """Marks this file as the original, once the records that a copy may lack have been looked up."""
    remember(session, NAME, _text(store))


def disown(copy: sqlite3.Connection) -> None:
    """Marks a finished copy as a copy. A state file of another version may lack the table for it."""
    if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'remembered'").fetchone():
        with copy:
            copy.execute("DELETE FROM remembered WHERE name = ?", (NAME,))


def _text(store: Store) -> str:
    return " ".join(map(str, store.identity or ()))
