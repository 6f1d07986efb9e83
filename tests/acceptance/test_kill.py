"""Killed anywhere: the next run ends with the very records of a run that nothing disturbed."""

from __future__ import annotations

import signal

import pytest
from stage import Product, Sandbox
from undisturbed import ASSOCIATIONS, BATCH, OWNERS, SEARCH, Undisturbed, fill, undisturbed_run


@pytest.fixture(scope="module")
def undisturbed(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return undisturbed_run(sandbox, Product(tmp_path_factory.mktemp("undisturbed"), sandbox.environment()))


def killed(sandbox: Sandbox, product: Product, action: str, system: str, path: str, nth: int) -> None:
    """Runs the program until it dies by the n-th such request."""
    fill(sandbox)
    prepared = product.prepared()
    fault = sandbox.fault(system, action, path=path, skip=nth - 1, pid=prepared.pid)
    ran = prepared.go()
    assert sandbox.fired(fault) == 1
    assert ran.code == -signal.SIGKILL
    assert ran.out == ""


def test_the_kill_points_reach_to_the_end_of_the_run(undisturbed: Undisturbed) -> None:
    assert undisturbed.batches >= 12
    for entity in ("Lead", "ChannelPermission", "ContactIsContactPersonFor"):
        assert undisturbed.likeness[entity]


@pytest.mark.parametrize(
    ("action", "path", "nth"),
    [
        ("kill_after", SEARCH, 1),
        ("kill_before", SEARCH, 2),
        ("kill_after", SEARCH, 3),
        ("kill_before", ASSOCIATIONS, 1),
        ("kill_after", ASSOCIATIONS, 1),
        ("kill_before", OWNERS, 2),
    ],
)
def test_killed_while_it_talks_to_hubspot(
    sandbox: Sandbox, undisturbed: Undisturbed, forked: Product, action: str, path: str, nth: int
) -> None:
    killed(sandbox, forked, action, "hubspot", path, nth)
    forked.run_well()
    undisturbed.check(sandbox)


@pytest.mark.parametrize(
    ("action", "nth"),
    [
        ("kill_after", 1),
        ("kill_before", 5),
        ("kill_after", 6),
        ("kill_after", 7),
        ("kill_before", 8),
        ("kill_after", 9),
        ("kill_after", 10),
        ("kill_before", 11),
        ("kill_after", 12),
    ],
)
def test_killed_while_it_talks_to_c4c(
    sandbox: Sandbox, undisturbed: Undisturbed, forked: Product, action: str, nth: int
) -> None:
    killed(sandbox, forked, action, "c4c", BATCH, nth)
    forked.run_well()
    undisturbed.check(sandbox)
