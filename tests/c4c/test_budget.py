"""Few gentle requests: counted by the sandbox, not by us."""

from __future__ import annotations

from collections import Counter

import pytest
from c4c_world import World
from crowd import crowd

LEADS, ACCOUNTS = 1000, 400


# Everything about the guard as shipped, except that so many at once are let through.
GUARD = "max_creates = 0\n"


@pytest.fixture
def handed_over(world: World) -> World:
    """A thousand new leads on four hundred new accounts, handed over in one run."""
    world.replace_rule("worker", f"{GUARD}max_changed_share = 0\n", GUARD)
    with world.application() as built:
        crowd(built, LEADS, ACCOUNTS)
    # Writes take their time, so that requests really overlap.
    world.control.settings(latency_seconds=0.02)
    results = world.once("push")
    assert not results.failures
    return world


def test_a_thousand_leads_cost_few_requests_and_a_rerun_hardly_any(handed_over: World) -> None:
    control = handed_over.control
    first = control.counts()
    assert first["operations"]["create"]["Lead"] == LEADS
    assert first["operations"]["create"]["CorporateAccount"] == ACCOUNTS
    assert first["total"] <= 0.15 * LEADS, first["by"]
    assert first["no_op_updates"] == 0
    assert 1 < first["max_parallel"] <= 4
    _nothing_twice(control.truth("CorporateAccount", "Contact", "Lead"))

    control.reset_counts()
    handed_over.once("push")
    assert control.counts()["total"] == 0
    handed_over.wake_all()
    control.reset_counts()
    handed_over.once("push")
    again = control.counts()
    assert again["total"] <= 5, again["by"]
    assert not any(again["operations"][kind] for kind in ("create", "update", "delete"))
    assert again["no_op_updates"] == 0


def _nothing_twice(truth: dict[str, list[dict[str, str]]]) -> None:
    for rows in truth.values():
        keys = Counter(row["HubSpotID_KUT"] for row in rows if row["HubSpotID_KUT"])
        assert [key for key, n in keys.items() if n > 1] == []
