"""Fixtures: one sandbox, emptied for each module, one product with its own rule files and state file a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("stage", "undisturbed")

from lanes import Lane, open_lanes  # noqa: E402 - the line before must come first
from stage import Product, Sandbox  # noqa: E402
from undisturbed import Undisturbed, undisturbed_run  # noqa: E402
from warm import Warm  # noqa: E402


@pytest.fixture(scope="module")
def sandbox(announcement: dict[str, str]) -> Sandbox:
    """An empty sandbox; a test fills it as it needs."""
    found = Sandbox(announcement)
    found.reset()
    return found


@pytest.fixture
def world(sandbox: Sandbox) -> Sandbox:
    """The sandbox with a small world."""
    sandbox.seed(contacts=60, companies=15, seed=4)
    return sandbox


@pytest.fixture
def product(sandbox: Sandbox, tmp_path: Path) -> Product:
    """The program, connected to the sandbox, with a state of its own."""
    return Product(tmp_path, sandbox.environment())


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """For tests that start the program dozens of times."""
    interpreter = Warm(tmp_path_factory.mktemp("warm"))
    yield interpreter
    interpreter.close()


@pytest.fixture
def forked(sandbox: Sandbox, warm: Warm, tmp_path: Path) -> Product:
    """The same as `product`, forked from a warm interpreter."""
    return Product(tmp_path, sandbox.environment(), warm=warm)


@pytest.fixture(scope="module")
def lanes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Lane]]:
    """For cases that go on side by side."""
    with open_lanes(tmp_path_factory.mktemp("lanes")) as opened:
        yield opened


@pytest.fixture(scope="module")
def undisturbed(lanes: list[Lane]) -> Undisturbed:
    """What every disturbed run has to come to."""
    return undisturbed_run(lanes[0].sandbox, lanes[0].product())
