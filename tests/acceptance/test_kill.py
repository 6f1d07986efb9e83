"""Killed anywhere: the next run ends with the very records of a run that nothing disturbed."""

from __future__ import annotations

import signal
from functools import partial

import pytest
from lanes import Lane, side_by_side
from undisturbed import ASSOCIATIONS, BATCH, OWNERS, SEARCH, Undisturbed, fill

POINTS = [
    ("kill_after", "hubspot", SEARCH, 1),
    ("kill_before", "hubspot", SEARCH, 2),
    ("kill_after", "hubspot", SEARCH, 3),
    ("kill_before", "hubspot", SEARCH, 4),
    ("kill_after", "hubspot", SEARCH, 5),
    ("kill_before", "hubspot", ASSOCIATIONS, 1),
    ("kill_after", "hubspot", ASSOCIATIONS, 1),
    ("kill_before", "hubspot", OWNERS, 2),
    ("kill_after", "c4c", BATCH, 1),
    ("kill_before", "c4c", BATCH, 5),
    ("kill_after", "c4c", BATCH, 6),
    ("kill_after", "c4c", BATCH, 7),
    ("kill_before", "c4c", BATCH, 8),
    ("kill_after", "c4c", BATCH, 9),
    ("kill_after", "c4c", BATCH, 10),
    ("kill_before", "c4c", BATCH, 11),
    ("kill_after", "c4c", BATCH, 12),
]
NAMES = {f"{action} {system} {path} {nth}": (action, system, path, nth) for action, system, path, nth in POINTS}
SHORT = {
    ("kill_after", "c4c", BATCH, 6),
    ("kill_after", "c4c", BATCH, 12),
}
"""The first write and a late one: `make test`. All others: `make test-long`."""


@pytest.fixture(scope="module")
def ends(request: pytest.FixtureRequest, lanes: list[Lane], undisturbed: Undisturbed) -> dict[str, Exception]:
    """What went wrong at the points asked for."""
    asked = {item.callspec.params.get("point") for item in request.session.items if hasattr(item, "callspec")}
    cases = {name: partial(killed, undisturbed, *NAMES[name]) for name in NAMES if name in asked}
    return side_by_side(cases, lanes)


def killed(undisturbed: Undisturbed, action: str, system: str, path: str, nth: int, lane: Lane) -> None:
    """The program dies by the n-th such request; the next one has to end well."""
    fill(lane.sandbox)
    product = lane.product()
    prepared = product.prepared()
    fault = lane.sandbox.fault(system, action, path=path, skip=nth - 1, pid=prepared.pid)
    ran = prepared.go()
    assert lane.sandbox.fired(fault) == 1
    assert ran.code == -signal.SIGKILL
    assert ran.out == ""
    product.run_well()
    undisturbed.check(lane.sandbox)


def test_the_kill_points_reach_to_the_end_of_the_run(undisturbed: Undisturbed) -> None:
    assert undisturbed.batches >= 12
    for entity in ("Lead", "ChannelPermission", "ContactIsContactPersonFor"):
        assert undisturbed.likeness[entity]


@pytest.mark.parametrize(
    "point", [n if at in SHORT else pytest.param(n, marks=pytest.mark.long) for n, at in NAMES.items()]
)
def test_killed_at_any_point_the_next_run_ends_well(ends: dict[str, Exception], point: str) -> None:
    if point in ends:
        raise ends[point]
