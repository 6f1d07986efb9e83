"""Faults posted by a test: which request they strike, how often, and what then goes wrong."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

REQUEST_ACTIONS = frozenset(
    {
        "status",
        "cut_before",
        "cut_after",
        "slow",
        "html",
        "empty",
        "kill_before",
        "kill_after",
        "truncate",
        "csrf_expired",
        "rewrite",
    }
)
OPERATION_ACTIONS = frozenset({"lock", "sap_message_error", "duplicate"})  # strike one write, also one inside a $batch


@dataclass
class Fault:
    system: str
    action: str
    method: str | None = None
    path: str | None = None
    body: str | None = None
    skip: int = 0
    times: int | None = 1
    probability: float = 1.0
    seed: int = 1
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body_out: Any = None
    echo: bool = False  # "{echo}" in `body_out` becomes the values that the request held
    seconds: float = 0.0
    place: list[str | int] = field(default_factory=list)
    value: Any = None
    pid: int | None = None
    id: int = 0
    fired: int = 0
    seen: int = 0

    def __post_init__(self) -> None:
        if self.action not in REQUEST_ACTIONS | OPERATION_ACTIONS:
            raise ValueError(f"unknown action {self.action!r}")
        if self.system not in ("hubspot", "c4c"):
            raise ValueError(f"unknown system {self.system!r}")
        if self.action.startswith("kill") and self.pid is None:
            raise ValueError("a kill fault needs a pid")
        self._random = random.Random(self.seed)
        for pattern in (self.path, self.body):
            re.compile(pattern or "")

    def meets(self, method: str, paths: tuple[str, ...], body: Callable[[], str]) -> bool:
        if self.method and self.method != method:
            return False
        if self.path and not any(re.search(self.path, path) for path in paths):
            return False
        return not self.body or re.search(self.body, body()) is not None

    def fires(self) -> bool:
        """Called for a request that the fault meets: is it past `skip`, not used up, and lucky?"""
        if self.times is not None and self.fired >= self.times:
            return False
        self.seen += 1
        if self.seen <= self.skip or self._random.random() >= self.probability:
            return False
        self.fired += 1
        return True


FIELDS = {f.name for f in fields(Fault)} - {"id", "fired", "seen"}


class Faults:
    """All faults, in the order posted; the first that meets the request and fires wins."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._next_id = 1

    def add(self, values: dict[str, Any]) -> int:
        unknown = set(values) - FIELDS
        if unknown:
            raise ValueError(f"unknown keys {sorted(unknown)}")
        fault = Fault(**values, id=self._next_id)
        self._faults.append(fault)
        self._next_id += 1
        return fault.id

    def clear(self) -> None:
        self._faults.clear()

    def holds(self, fault: Fault) -> bool:
        """Whether the fault was not deleted."""
        return any(one is fault for one in self._faults)

    def overview(self) -> list[dict[str, Any]]:
        return [{"id": f.id, "system": f.system, "action": f.action, "fired": f.fired} for f in self._faults]

    def for_request(self, system: str, method: str, path: str, body: Callable[[], str]) -> Fault | None:
        return self._first(REQUEST_ACTIONS, system, method, (path,), body)

    def for_operation(self, method: str, paths: tuple[str, ...], text: str) -> str | None:
        """The action that strikes this one C4C write; `paths` are its own and that of the $batch around it."""
        fault = self._first(OPERATION_ACTIONS, "c4c", method, paths, lambda: text)
        return fault.action if fault else None

    def _first(
        self, actions: frozenset[str], system: str, method: str, paths: tuple[str, ...], body: Callable[[], str]
    ) -> Fault | None:
        for fault in self._faults:
            mine = fault.action in actions and fault.system == system
            if mine and fault.meets(method, paths, body) and fault.fires():
                return fault
        return None
