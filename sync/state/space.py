"""How large the state file is, and how much room its disk has left."""

import os
from dataclasses import dataclass
from pathlib import Path


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
