"""One sandbox for each module, a fresh product for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from night_stage import Product, Sandbox, running_sandbox


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Sandbox]:
    with running_sandbox() as found:
        yield found


@pytest.fixture
def sandbox(stand_in: Sandbox) -> Sandbox:
    stand_in.reset()
    return stand_in


@pytest.fixture
def product(tmp_path: Path, sandbox: Sandbox) -> Product:
    return Product(tmp_path, sandbox)
