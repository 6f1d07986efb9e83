"""C4C's storm against the strict front: what is sent again after a cut or a refusal breaks no rule either."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from c4c_world import Control, World
from strictly import nothing_violated, strict_sandbox
from test_storm import storm

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    with strict_sandbox() as started:
        yield Control(started)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_the_storm_breaks_no_rule(world: World, seed: int) -> None:
    with nothing_violated(world.control.announced):
        storm(world, seed)
