"""What is shown of a contact that this program fails on: by `plan`, `verify`, `explain`, `simulate` and `status`."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from c4c_world import World
from test_faults import Concerns, about_view, break_for, crowd

from sync.admin import explain, foreseen, preview, simulate
from sync.handover import handover, journal
from sync.mirror import loading
from sync.planner import effects

pytestmark = pytest.mark.long

VIEWING = pytest.param(loading, "_views", lambda contacts, _, ids: bool(set(contacts) & set(ids)), id="viewing")


def shown(world: World, *command: str) -> tuple[int, Any]:
    answer = world.cli(*command, "--json")
    return answer.code, json.loads(answer.out)


def names(entry: Any, contact: str) -> bool:
    return (entry["contact"], entry["code"]) == (contact, "INTERNAL_ERROR") and "KeyError at " in entry["text"]


@pytest.mark.parametrize(
    ("module", "name", "concerns"),
    [
        VIEWING,
        pytest.param(preview, "qualify", about_view, id="deciding"),
        pytest.param(handover, "plan", about_view, id="planning"),
        pytest.param(
            effects,
            "wrote",
            lambda contacts, write, *_: write.entity == "Lead" and write.key.partition(":")[0] in contacts,
            id="pretending",
        ),
    ],
)
def test_plan_lists_the_contact(
    world: World, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, concerns: Concerns
) -> None:
    odd, *others = crowd(world, 3)
    world.once("poll", "sweep")
    with monkeypatch.context() as broken:
        break_for(broken, module, name, concerns, [odd])
        code, document = shown(world, "plan")
        said = world.cli("plan").out
    assert code == 0
    [parked] = document["parked"]
    assert names(parked, odd)
    assert re.search(rf"would be parked: contact {odd}[^:]*: INTERNAL_ERROR: KeyError at ", said)
    leads = {record["key"].partition(":")[0] for record in document["records"] if record["entity"] == "Lead"}
    assert leads == set(others)


def test_plan_fails_where_many_contacts_have_the_same_exception(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    contacts = crowd(world, 11)
    world.once("poll", "sweep")
    break_for(monkeypatch, handover, "plan", about_view, contacts[:10])
    answer = world.cli("plan")
    assert answer.code == 1
    assert "10 contacts" in answer.err


@pytest.mark.parametrize(
    ("module", "name", "concerns"),
    [
        VIEWING,
        pytest.param(journal, "qualify", about_view, id="deciding"),
        pytest.param(handover, "plan", about_view, id="planning"),
    ],
)
def test_verify_names_who_was_not_compared(
    world: World, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, concerns: Concerns
) -> None:
    odd, *others = crowd(world, 3)
    world.sync()
    lead = world.control.row("Lead", HubSpotID_KUT=f"{others[0]}:mql:1")
    world.control.sales_delete("Lead", lead["ObjectID"])
    with monkeypatch.context() as broken:
        break_for(broken, module, name, concerns, [odd])
        code, document = shown(world, "verify")
        said = world.cli("verify").out
    assert code == 4
    [failed] = document["not_compared"]
    assert names(failed, odd)
    assert [entry["contacts"] for entry in document["missing"]] == [[others[0]]]
    assert "INTERNAL_ERROR" in said
    assert "everything fits" not in said


def test_verify_fails_where_many_contacts_have_the_same_exception(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = crowd(world, 11)
    world.sync()
    break_for(monkeypatch, handover, "plan", about_view, contacts[:10])
    answer = world.cli("verify")
    assert answer.code == 1
    assert "10 contacts" in answer.err


@pytest.mark.parametrize(
    ("module", "name", "concerns"), [VIEWING, pytest.param(explain, "qualify", about_view, id="deciding")]
)
def test_explain_says_where_the_program_failed(
    world: World, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, concerns: Concerns
) -> None:
    odd, other = crowd(world, 2)
    world.once("poll", "sweep")
    with monkeypatch.context() as broken:
        break_for(broken, module, name, concerns, [odd])
        code, document = shown(world, "explain", odd)
        answer = world.cli("explain", odd)
        assert shown(world, "explain", other)[1]["code"] == "QUALIFIED"
    assert (code, document["code"], document["codes"]) == (0, "INTERNAL_ERROR", ["INTERNAL_ERROR"])
    assert re.search(rf"Contact {odd}[^:]*: INTERNAL_ERROR", answer.out)
    assert "KeyError at " in answer.out
    assert answer.code == 0


@pytest.mark.parametrize(
    ("module", "name", "concerns"), [VIEWING, pytest.param(simulate, "predict", about_view, id="predicting")]
)
def test_simulate_warns_of_the_contact(
    world: World, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, concerns: Concerns
) -> None:
    odd, *_ = crowd(world, 3)
    world.sync()
    with monkeypatch.context() as broken:
        break_for(broken, module, name, concerns, [odd])
        code, document = shown(world, "simulate", "--config", str(world.directory / "config"))
    assert code == 0
    [warning] = [warning for warning in document["warnings"] if warning["code"] == "INTERNAL_ERROR"]
    assert names(warning, odd)


@pytest.mark.parametrize(
    ("module", "name", "concerns"), [VIEWING, pytest.param(foreseen, "qualify", about_view, id="deciding")]
)
def test_status_counts_the_contact(
    world: World, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, concerns: Concerns
) -> None:
    odd, *_ = crowd(world, 3)
    world.once("poll", "sweep")
    break_for(monkeypatch, module, name, concerns, [odd])
    code, document = shown(world, "status")
    assert (code, document["foreseen"]) == (0, {"QUALIFIED": 2, "INTERNAL_ERROR": 1})


def test_a_contact_that_fails_in_the_guards_dry_run_is_parked_and_not_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the guard could not look at is not carried over: it counted nothing of it."""
    odd, *others = crowd(world, 4)
    path = world.directory / "config" / "worker.toml"
    path.write_text(path.read_text().replace("max_creates = 0", "max_creates = 20"))
    break_for(
        monkeypatch,
        effects,
        "wrote",
        lambda contacts, write, *_: write.entity == "Lead" and write.key.partition(":")[0] in contacts,
        [odd],
    )
    world.sync()
    assert (world.progress(odd).status, world.progress(odd).code) == ("parked", "INTERNAL_ERROR")
    assert {world.progress(other).status for other in others} == {"done"}
    assert len(world.control.rows("Lead")) == 3
