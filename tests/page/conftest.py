"""One state for all tests of the page: they only look at it."""

from collections.abc import Iterator

import pytest
from page_world import NAMED, NAMELESS, Browser, browsing, hostile
from rules_world import World

from sync.log import configure


@pytest.fixture(scope="session")
def world() -> World:
    configure("json", "ERROR")
    return hostile()


@pytest.fixture(scope="session")
def named(world: World) -> Iterator[Browser]:
    with browsing(world, NAMED) as browser:
        yield browser


@pytest.fixture(scope="session")
def nameless(world: World) -> Iterator[Browser]:
    with browsing(world, NAMELESS) as browser:
        yield browser
