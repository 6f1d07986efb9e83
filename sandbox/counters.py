"""What was asked of each system: totals, by method and path, the most at once, and a log of the last requests."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

LOG_LENGTH = 1000
SYSTEMS = ("hubspot", "c4c")
_IDS = re.compile(r"\('[^']*'\)|(?<=/)\d+(?=/|$)")


def pattern(path: str) -> str:
    """The path with its ids replaced: `/crm/v3/objects/contacts/51` -> `/crm/v3/objects/contacts/*`."""
    return _IDS.sub(lambda m: "('*')" if m.group().startswith("(") else "*", path)


@dataclass
class SystemCount:
    total: int = 0
    by: Counter[str] = field(default_factory=Counter)
    in_progress: int = 0
    max_parallel: int = 0

    def enter(self, method: str, path: str) -> None:
        self.total += 1
        self.by[f"{method} {pattern(path)}"] += 1
        self.in_progress += 1
        self.max_parallel = max(self.max_parallel, self.in_progress)

    def leave(self) -> None:
        self.in_progress -= 1

    def clear(self) -> None:
        """Requests still in progress go on being counted as such, or leaving would take the number below zero."""
        self.total, self.max_parallel = 0, self.in_progress
        self.by.clear()


class Counters:
    def __init__(self) -> None:
        self.systems = {name: SystemCount() for name in SYSTEMS}
        self._log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)

    def log(self, system: str, at: str, method: str, path: str, status: int | None) -> None:
        """`status` is None when the connection was dropped without an answer."""
        self._log.append({"system": system, "at": at, "method": method, "path": path, "status": status})

    def entries(self, system: str | None) -> list[dict[str, Any]]:
        return [entry for entry in self._log if system in (None, entry["system"])]

    def summary(self, system: str) -> dict[str, Any]:
        count = self.systems[system]
        return {"total": count.total, "by": dict(sorted(count.by.items())), "max_parallel": count.max_parallel}

    def clear(self) -> None:
        for count in self.systems.values():
            count.clear()
        self._log.clear()
