"""A contact is decided on and drafted once for each view of it that is loaded, however often it is planned."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from rules_world import GOOD, PRIMARY, World, rules

from sync.planner import qualify, workspace

LOADINGS = 2
"""In a handover: once to find out whether C4C is concerned at all, and once to carry the contact over."""

Counted = Counter[Any]


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """How often each contact was qualified: choosing its company is the first step, done once each time."""
    return _counted(monkeypatch, qualify, "_chosen", lambda view, _: view.id)


@pytest.fixture
def drafted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """How often each record was drafted, by entity and key."""
    return _counted(monkeypatch, workspace, "draft", lambda entity, key, *_: (entity, key))


def _counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, of: Any) -> Counted:
    real, counts = getattr(module, name), Counter[Any]()

    def counting(*arguments: Any) -> Any:
        counts[of(*arguments)] += 1
        return real(*arguments)

    monkeypatch.setattr(module, name, counting)
    return counts


@pytest.fixture
def world() -> World:
    """Two colleagues who qualify, of whom nothing is handed over yet."""
    made = World()
    made.companies({"7": {"name": "Firma 7", "domain": "firma7.example"}})
    made.contacts(rules(), {i: {**GOOD, "email": f"{i}@firma7.example", "jobtitle": "CEO"} for i in ("100", "101")})
    made.associate({"100": [("7", PRIMARY)], "101": [("7", PRIMARY)]})
    return made


def test_a_first_handover_decides_once_a_loading(world: World, decided: Counted) -> None:
    world.push(rules())
    assert len(world.leads()) == 2
    assert decided == {"100": LOADINGS, "101": LOADINGS}


def test_a_first_handover_drafts_a_record_anew_only_for_what_was_made_meanwhile(world: World, drafted: Counted) -> None:
    """A person is drafted for an account that is still to be made, and for the one that was; a lead waits for both."""
    world.push(rules())
    times = {"CorporateAccount": 1, "Contact": 2, "Lead": 3}
    assert drafted == {
        ("CorporateAccount", "7"): 2 * times["CorporateAccount"],
        **{("Contact", contact): times["Contact"] for contact in ("100", "101")},
        **{("Lead", f"{contact}:mql:1"): times["Lead"] for contact in ("100", "101")},
    }
