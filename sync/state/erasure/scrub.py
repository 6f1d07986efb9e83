"""Removes what SQLite leaves of deleted rows: in free pages of the file, and in the write-ahead log.

`VACUUM` builds the file anew from the rows that are left; the checkpoint then takes the log into the file and cuts the
log to nothing (sqlite.org: lang_vacuum, pragma_wal_checkpoint). Both need a moment without another writer.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

_WAIT = 5
"""Seconds that each step waits for other processes; it is tried again at the next push."""


def vacuum(path: Path) -> int:
    """Builds the file anew; returns the size of the log afterwards, which holds the new file and what was before.

    Raises sqlite3.Error if the file cannot be written: it needs as much free space as the file is large.
    """
    with closing(_opened(path)) as connection:
        # What the file loses is overwritten too, for the time until the file system gives the space to others.
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("VACUUM")
        return _log_size(path)


def cut_log(path: Path, size: int) -> bool:
    """Cuts the log to nothing; whether nothing is left of what it held when it had this size.

    Another process that reads prevents it: a backup for a while, Litestream as long as it runs. But a log that is
    smaller than it was has been cut or removed since, at the latest when the last process closed the file.
    """
    with closing(_opened(path)) as connection:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy or _log_size(path) < size


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_WAIT, isolation_level=None)


def _log_size(path: Path) -> int:
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except FileNotFoundError:
        return 0


def older_copies(path: Path) -> list[str]:
    """Names of copies beside the state file that were made earlier: before a migration, or cut off half-way."""
    found = [*path.parent.glob(f"{path.name}.before-*"), *path.parent.glob(f".{path.name}-*.part")]
    return sorted(one.name for one in found)
