"""The sandbox, emptied for each test module, and its control port."""

from __future__ import annotations

import pytest
from running import PROJECT, Control

__all__ = ["PROJECT", "Sandbox"]


class Sandbox(Control):
    def reset(self) -> None:
        self.post("/reset")


@pytest.fixture(scope="module")
def sandbox(announcement: dict[str, str]) -> Sandbox:
    """An empty sandbox; seed it with `sandbox.post("/seed", {...})`."""
    found = Sandbox(announcement)
    found.reset()
    return found
