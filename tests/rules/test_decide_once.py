"""A contact is decided on and drafted once for each view of it that is loaded, however often it is planned."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import structlog
from rules_world import GOOD, MQL, PRIMARY, World, rules
from sqlalchemy import update

from sync.admin.simulate import simulate
from sync.config import Configuration, Guard, WorkerConfig
from sync.jobs import push
from sync.log import configure
from sync.planner import qualify, workspace
from sync.state import tables, work
from sync.state.pending import mark_pending

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
    return two_colleagues()


def two_colleagues() -> World:
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


def test_what_the_guard_loaded_and_read_is_what_the_run_goes_on_from(world: World, decided: Counted) -> None:
    """The bound is too large, so everything is planned before the first write; nothing is loaded or read again."""
    guarded = Configuration(WorkerConfig(guard=Guard(max_creates=5, max_changed_share=0)), rules())
    push.run(replace(world.context(rules()), config=guarded))
    assert len(world.leads()) == 2
    assert decided == {"100": LOADINGS, "101": LOADINGS}
    unguarded = two_colleagues()
    unguarded.push(rules())
    assert sorted(world.c4c.asked) == sorted(unguarded.c4c.asked)


def test_a_first_handover_drafts_a_record_anew_only_for_what_was_made_meanwhile(world: World, drafted: Counted) -> None:
    """The account once for both persons; a person for an account to be made, and for the one that was; a lead waits."""
    world.push(rules())
    times = {"CorporateAccount": 1, "Contact": 2, "Lead": 3}
    assert drafted == {
        ("CorporateAccount", "7"): times["CorporateAccount"],
        **{("Contact", contact): times["Contact"] for contact in ("100", "101")},
        **{("Lead", f"{contact}:mql:1"): times["Lead"] for contact in ("100", "101")},
    }


# ---- below the threshold


@pytest.fixture
def too_low(world: World) -> World:
    """Somebody who does not qualify, decided once and to be looked at again."""
    world.contacts(rules(), {"102": {**GOOD, "lead_score": "10"}})
    world.associate({"102": [("7", PRIMARY)]})
    world.push(rules())
    wake(world, "102")
    return world


def wake(world: World, contact: str) -> None:
    with world.store.session() as session:
        mark_pending(session, [contact], world.now)


def code_of(world: World, contact: str) -> tuple[str, str | None]:
    with world.store.reading() as session:
        progress = work.progress_of(session, contact)
    assert progress is not None
    return progress.status, progress.code


def test_what_has_not_changed_is_not_decided_again(too_low: World, decided: Counted) -> None:
    too_low.push(rules())
    assert decided["102"] == 0
    assert code_of(too_low, "102") == ("done", "SCORE_BELOW_THRESHOLD")


def test_another_value_is_decided_again(too_low: World, decided: Counted) -> None:
    too_low.contacts(rules(), {"102": {**GOOD, "lead_score": "11"}})
    too_low.push(rules())
    assert decided["102"] == 1


def test_other_rules_decide_again(too_low: World, decided: Counted) -> None:
    other = rules(MQL.replace("threshold = 75", "threshold = 74"))
    assert other.fingerprint != rules().fingerprint
    too_low.push(other)
    assert decided["102"] == 1


def test_a_decision_whose_time_has_come_is_made_again(too_low: World, decided: Counted) -> None:
    with too_low.store.session() as session:
        session.exec(update(tables.Decision).values(valid_until=too_low.now))
    too_low.push(rules())
    assert decided["102"] == 1


def test_the_same_answer_again_is_logged_for_debugging_only(too_low: World) -> None:
    told = []
    for level in ("INFO", "DEBUG"):
        stream = io.StringIO()
        configure(level=level, stream=stream)
        wake(too_low, "102")
        too_low.push(rules())
        told.append([json.loads(line)["event"] for line in stream.getvalue().splitlines()])
    structlog.reset_defaults()
    assert "contact_not_qualified" not in told[0]
    assert told[1].count("contact_not_qualified") == 1


def test_simulate_decides_once_where_both_rules_decide_alike(too_low: World, decided: Counted) -> None:
    simulate(too_low.store, rules(), rules()).close()
    assert decided["102"] == 1
    simulate(too_low.store, rules(), rules(MQL.replace("threshold = 75", "threshold = 74"))).close()
    assert decided["102"] == 1 + 2
