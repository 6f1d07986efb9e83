"""The frame of `make bench`: what it compares, and what it shows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.figures import SCENARIOS, Figures, Ratio, Row, as_json, middle, print_table, times

PROJECT = Path(__file__).parents[2]


def test_the_median_run_is_shown() -> None:
    runs = [Figures(cpu=cpu, wall=0, memory=0) for cpu in (3.0, 1.0, 2.0)]
    assert middle(runs).cpu == 2.0


def test_pairs_are_compared_each_with_its_own_run() -> None:
    # One slow minute of the machine touches both runs of a pair.
    ratio = times([2.0, 20.0, 2.2], [1.0, 10.0, 1.0], "of the script", most=2.0)
    assert (ratio.value, ratio.met) == (2.0, True)


@pytest.mark.parametrize(("value", "met"), [(1.0, True), (1.01, False)])
def test_a_target_is_met_up_to_its_value(value: float, met: bool) -> None:
    assert Ratio("of the floor", value, 1.0).met is met


def test_a_row_becomes_json_with_its_ratios() -> None:
    figures = Figures(cpu=1.5, wall=2.0, memory=10, requests={"hubspot POST /a": 2, "c4c GET /b": 1})
    found = as_json("load", Row("first", figures, (Ratio("of the floor", 1.5, 1.0),), {"start_s": 0.3}))
    assert (found["scenario"], found["sent"], found["start_s"]) == ("load", 3, 0.3)
    assert found["ratios"] == [{"of": "of the floor", "value": 1.5, "most": 1.0, "met": False}]
    json.dumps(found)


def test_a_missed_target_is_seen_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([("load", Row("first", Figures(1, 1, 1), (Ratio("of the floor", 1.5, 1.0),)))])
    assert "1.5 of the floor (most 1: MISSED)" in capsys.readouterr().out


def test_the_list_shows_every_scenario(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--list"])
    assert main() == 0
    shown = capsys.readouterr().out
    assert [name for name in SCENARIOS if name not in shown] == []


@pytest.mark.long
def test_a_scenario_runs_from_start_to_table(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    command = [sys.executable, "-m", "bench", "--pairs", "1", "--json", str(out), "start"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "--help" in done.stdout
    steps = [row["step"] for row in json.loads(out.read_text(encoding="utf-8"))]
    assert steps[1:] == ["--help", "status", "health"]
