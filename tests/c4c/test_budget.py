"""Few gentle requests: counted by the sandbox, not by us."""

from __future__ import annotations

from collections import Counter

import pytest
from c4c_world import World
from crowd import crowd

# Everything about the guard as shipped, except that so many at once are let through.
GUARD = "max_creates = 0\n"


def handed_over(world: World, leads: int, accounts: int) -> None:
    """New leads on new accounts, handed over in one run."""
    world.replace_rule("worker", f"{GUARD}max_changed_share = 0\n", GUARD)
    with world.application() as built:
        crowd(built, leads, accounts)
    # Writes take their time, so that requests really overlap.
    world.control.settings(latency_seconds=0.02)
    results = world.once("push")
    assert not results.failures


@pytest.mark.parametrize(
    ("leads", "accounts", "most"), [(200, 80, 23), pytest.param(1000, 400, 65, marks=pytest.mark.long)]
)
def test_many_leads_cost_few_requests_and_a_rerun_hardly_any(
    world: World, leads: int, accounts: int, most: int
) -> None:
    handed_over(world, leads, accounts)
    control = world.control
    first = control.counts()
    assert first["operations"]["create"]["Lead"] == leads
    assert first["operations"]["create"]["CorporateAccount"] == accounts
    assert first["total"] <= most, first["by"]
    assert first["no_op_updates"] == 0
    assert 1 < first["max_parallel"] <= 4
    _nothing_twice(control.tables("CorporateAccount", "Contact", "Lead"))

    control.reset_counts()
    world.once("push")
    assert control.counts()["total"] == 0
    world.wake_all()
    control.reset_counts()
    world.once("push")
    again = control.counts()
    assert again["total"] <= 5, again["by"]
    assert not any(again["operations"][kind] for kind in ("create", "update", "delete"))
    assert again["no_op_updates"] == 0


def _nothing_twice(truth: dict[str, list[dict[str, str]]]) -> None:
    for rows in truth.values():
        keys = Counter(row["HubSpotID_KUT"] for row in rows if row["HubSpotID_KUT"])
        assert [key for key, n in keys.items() if n > 1] == []
