"""The sandbox, emptied for each test module, and its control port."""

from __future__ import annotations

import pytest
import world.sandbox
from running import PROJECT

__all__ = ["PROJECT", "Sandbox"]


class Sandbox(world.sandbox.Sandbox):
    """With its rate limits, which are tested here."""

    def reset(self) -> None:
        self.post("/reset")


@pytest.fixture(scope="module")
def sandbox(announcement: dict[str, str]) -> Sandbox:
    """An empty sandbox; seed it with `sandbox.post("/seed", {...})`."""
    found = Sandbox(announcement)
    found.reset()
    return found
