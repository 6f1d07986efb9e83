"""Starts the sandbox as a process of its own, once a test module, and speaks to its control port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from running import PROJECT, Control, announced

__all__ = ["PROJECT", "Sandbox"]


class Sandbox(Control):
    def reset(self) -> None:
        self.post("/reset")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """An empty sandbox; seed it with `sandbox.post("/seed", {...})`."""
    with announced() as started:
        yield Sandbox(started)
