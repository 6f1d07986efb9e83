"""What is wrong with the state file, in a sentence that says what to do (permissions, space, damage), and its size."""

import os
import pwd
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

DISK_FULL = "the disk is full; make room or enlarge the volume, it then goes on by itself"
_READ_ONLY = "the state file or its disk is read-only; mount it for writing, it then goes on by itself"
DAMAGED = (
    "the state file is damaged, or is another kind of file; stop all workers and restore a backup (docs/operations.md)"
)
BUSY = "the state file is locked by another program; find out who has it open"
_OTHER_LAYOUT = "the state file has other tables than this version expects; stop all workers and restore a backup"

UNUSABLE = "the state file cannot be used; check the disk and its log"

_BY_CODE = {
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
}
"""By primary result code (sqlite.org/rescode.html)."""

ENOUGH = 1_000_000
"""Bytes; with less free space no commit is safe."""


def sentence(error: BaseException, path: Path) -> str:
    """A sentence on a failure of the database; `path` is the state file."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, OSError):
        return f"{path}: {cause.strerror}; {standing(path) or 'check the disk'}"
    code = getattr(cause, "sqlite_errorcode", None)
    known = _BY_CODE.get(code & 0xFF) if isinstance(code, int) else None
    if known is None and str(cause).startswith(("no such table", "no such column")):
        known = _OTHER_LAYOUT
    return f"{path}: {known or standing(path) or UNUSABLE} ({cause})"


def standing(path: Path) -> str | None:
    """Trouble that shows without opening the file: no permission, a read-only or a full disk; None if all is well."""
    for one, wanted in ((path, os.R_OK | os.W_OK), (path.parent, os.R_OK | os.W_OK | os.X_OK)):
        if one.exists() and not os.access(one, wanted):
            return _READ_ONLY if _mounted_read_only(one) else denied(one)
    room = os.statvfs(path.parent)
    return DISK_FULL if room.f_bavail * room.f_frsize < ENOUGH else None


def _mounted_read_only(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def denied(path: Path) -> str:
    """A sentence with the owner and mode of the path, and our own user."""
    found = path.stat()
    owner = f"owner {_named(found.st_uid)}, mode {found.st_mode & 0o7777:04o}, user {_named(os.geteuid())}"
    what, mode = ("the directory", "0700") if path.is_dir() else ("the file", "0600")
    return f"permission denied: {owner}; give {what} to that user with chown, and mode {mode}"


def _named(user: int) -> str:
    try:
        return f"{user} ({pwd.getpwuid(user).pw_name})"
    except KeyError:
        return str(user)


def exposed(path: Path) -> str | None:
    """A sentence on a state file that every user of the machine may read, as after a restore with the usual umask; None
    otherwise. Group rights are allowed, since Kubernetes grants them to the volume's group.
    """
    mode = path.stat().st_mode & 0o7777
    if not mode & 0o007:
        return None
    return f"{path}: can be read by everybody on this machine (mode {mode:04o}); run `chmod 600 {path}`"


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot change or create the file. Raises sqlite3.Error."""
    # Percent-encoded, since in SQLite's URIs a path ends at `#` or `?` (sqlite.org/uri.html).
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def damaged(path: Path) -> bool:
    """Whether checking all pages finds damage. Takes seconds for a large file."""
    try:
        with closing(connect_read_only(path)) as connection:
            [sound] = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return bool(sound != "ok")


@dataclass(frozen=True, slots=True)
class Space:
    """Sizes in bytes. `used` counts the state file with its journal (`-wal`), which holds the latest commits."""

    used: int
    free: int


def space(state: Path) -> Space:
    """The sizes of the state file and its disk. Raises OSError if the file is missing or its disk does not answer."""
    disk = os.statvfs(state.parent)
    try:
        # The journal may be missing: the last process that closes the file removes it.
        journal = state.with_name(state.name + "-wal").stat().st_size
    except FileNotFoundError:
        journal = 0
    return Space(state.stat().st_size + journal, disk.f_bavail * disk.f_frsize)
