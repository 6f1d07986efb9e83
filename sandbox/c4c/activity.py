"""What really took effect in C4C, operation by operation: $batch parts included, rolled back changesets not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

KINDS = ("create", "update", "delete", "read")


@dataclass
class Activity:
    operations: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})
    no_op_updates: int = 0
    closed_lead_writes: int = 0  # a client must never try to change a converted or declined lead

    def clear(self) -> None:
        for counter in self.operations.values():
            counter.clear()
        self.no_op_updates = self.closed_lead_writes = 0

    def add(self, kind: str, entity: str) -> None:
        if kind == "no_op":
            self.no_op_updates += 1
        else:
            self.operations[kind][entity] += 1

    def summary(self) -> dict[str, Any]:
        return {
            "operations": {kind: dict(counter) for kind, counter in self.operations.items()},
            "no_op_updates": self.no_op_updates,
            "closed_lead_writes": self.closed_lead_writes,
        }
