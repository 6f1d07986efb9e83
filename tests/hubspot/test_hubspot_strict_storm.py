"""HubSpot's storm against the strict front, in a smaller size: windows halved and pages asked again break no rule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from portal import Portal
from strictly import nothing_violated, strict_sandbox
from test_hubspot_storm import Build, storm

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def running() -> Iterator[Portal]:
    with strict_sandbox() as started:
        yield Portal(started)


@pytest.fixture
def portal(running: Portal) -> Portal:
    running.reset()
    return running


@pytest.mark.parametrize("contacts", [1_500, pytest.param(4_000, marks=pytest.mark.long)])
def test_the_storm_breaks_no_rule(portal: Portal, sync: Build, contacts: int) -> None:
    with nothing_violated(portal.announced):
        storm(portal, sync, contacts, companies=100, shared=400, chance=0.12)
