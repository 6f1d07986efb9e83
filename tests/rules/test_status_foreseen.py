"""How many qualify, how many do not, and why: answered by `status` also before the first push."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from rules_world import BASIS, GOOD, MQL, PRIMARY, PROJECT, World, rules

from sync.admin.foreseen import foreseen
from sync.cli import main, output

PEOPLE = {
    "1": GOOD,
    "2": GOOD,
    "3": {**GOOD, "lead_score": "40"},
    "4": {"lastname": "Ohne", "hs_legal_basis": BASIS},
    "5": {"lastname": "Muster", "lead_score": "90"},
}


@pytest.fixture
def world() -> World:
    made = World()
    made.companies({"7": {"name": "Acme", "country": "DE"}})
    made.contacts(rules(MQL), PEOPLE)
    made.associate({contact: [("7", PRIMARY)] for contact in PEOPLE})
    return made


EXPECTED = {"QUALIFIED": 2, "SCORE_BELOW_THRESHOLD": 1, "SCORE_MISSING": 1, "NO_LEGAL_BASIS": 1}


def test_everybody_in_the_mirror_is_decided_on_the_fly(world: World) -> None:
    assert foreseen(world.store, rules(MQL)) == EXPECTED
    world.push(rules(MQL))
    assert foreseen(world.store, rules(MQL)) == {}, "now it is recorded"


@pytest.mark.parametrize("form", ["json", "people"])
def test_status_says_it_and_writes_nothing(
    world: World, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = world.store.path
    world.store.close()
    before = path.read_bytes()
    monkeypatch.setenv("SYNC_STATE", str(path))
    monkeypatch.setenv("SYNC_CONFIG", str(Path(PROJECT) / "config"))
    monkeypatch.setattr(sys, "argv", ["hubspot-c4c-sync", "status", *(["--json"] if form == "json" else [])])
    monkeypatch.setattr(output, "out", output.console())
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    if form == "json":
        assert json.loads(shown)["foreseen"] == EXPECTED
    else:
        assert "Before the first push: how the rules decide now" in shown
        assert all(code in shown for code in EXPECTED)
    assert path.read_bytes() == before
