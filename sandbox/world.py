"""Everything the sandbox knows, in one place: both systems, the clock, the faults posted and the requests counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.c4c.store import C4CStore
from sandbox.clock import Clock
from sandbox.counters import Counters
from sandbox.faults import Faults
from sandbox.hubspot.store import HubSpotStore
from sandbox.seed import seed as seed_world
from sandbox.strict.violations import Violations


@dataclass
class World:
    clock: Clock
    hubspot: HubSpotStore
    c4c: C4CStore
    faults: Faults
    counters: Counters
    violations: Violations = field(default_factory=Violations)
    generation: int = 0  # moves with every reset, so that whoever holds an app over an old store builds a new one

    @classmethod
    def empty(cls) -> World:
        clock = Clock()
        world = cls(clock, HubSpotStore(clock), C4CStore(clock), Faults(), Counters())
        world._connect()
        return world

    def reset(self) -> None:
        self.clock.reset()
        self.hubspot = HubSpotStore(self.clock)
        self.c4c = C4CStore(self.clock)
        self.faults.clear()
        self.counters.clear()
        self.generation += 1
        self._connect()

    def seed(self, contacts: int, companies: int, seed: int, bulk: int | None = None) -> None:
        """`bulk` contacts share one millisecond; a share of them all if it is not given."""
        seed_world(self, contacts=contacts, companies=companies, seed=seed, bulk=bulk)
        self.c4c.activity.clear()

    def take_over(self, truth: Mapping[str, Any]) -> None:
        """The world that `truth` of both systems shows, in place of this one."""
        self.reset()
        self.hubspot.take_over(truth["hubspot"])
        self.c4c.take_over(truth["c4c"])

    def _connect(self) -> None:
        """A write inside a $batch is no request of its own, so the C4C store asks for operation faults itself."""
        self.c4c.operation_fault = self.faults.for_operation
