"""How large the state file is, and how much room its disk has left."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes; `used` counts the state file without its journal."""

    used: int
    free: int


def space(state: Path) -> Space:
    """Raises OSError if the file is gone or its disk does not answer."""
    disk = os.statvfs(state.parent)
    return Space(state.stat().st_size, disk.f_bavail * disk.f_frsize)
