"""The sandbox, emptied before each test; the product with a state file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from portal import Portal, Sync

from sync import log


@pytest.fixture
def portal(announcement: dict[str, str]) -> Portal:
    portal = Portal(announcement)
    portal.reset()
    return portal


@pytest.fixture
def sync(portal: Portal, tmp_path: Path) -> Iterator[Callable[..., Sync]]:
    """Builds the product; several of them share the state file."""
    made: list[Sync] = []

    def build(**options: Any) -> Sync:
        made.append(Sync(portal, tmp_path, **options))
        return made[-1]

    yield build
    for one in made:
        one.close()
    log.configure()
