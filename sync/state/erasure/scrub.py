"""Removes what SQLite leaves of deleted rows: in free pages of the file, and in the write-ahead log.

`VACUUM` builds the file anew from the rows that are left; the checkpoint then takes the log into the file and cuts the
log to nothing (sqlite.org: lang_vacuum, pragma_wal_checkpoint). Both need a moment without another writer.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

_WAIT = 30
"""Seconds that each step waits for other processes."""


def scrub(path: Path) -> bool:
    """Whether the state file and its log hold nothing any more but their rows; False while another process reads.

    Raises sqlite3.Error if the file cannot be written: `VACUUM` needs as much free space as the file is large.
    """
    with closing(sqlite3.connect(path, timeout=_WAIT, isolation_level=None)) as connection:
        # What the file loses is overwritten too, for the time until the file system gives the space to others.
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("VACUUM")
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy


def older_copies(path: Path) -> list[str]:
    """Names of copies beside the state file that were made earlier: before a migration, or cut off half-way."""
    found = [*path.parent.glob(f"{path.name}.before-*"), *path.parent.glob(f".{path.name}-*.part")]
    return sorted(one.name for one in found)
