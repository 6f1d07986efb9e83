"""Each alert rule fires, never falsely, and clears: by promtool, on what the worker's metrics really show."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import alert_causes as it
import pytest
from alert_scenarios import BEGIN, END, PAGE, QUIET, SCENARIOS, Scenario, table
from alert_stage import OTHER, RULES, WORKER, Stage, Step, Timeline, template
from running import PROJECT, TIMEOUT

from sync import log
from sync.admin.alerts import Alert

pytestmark = pytest.mark.long

FILE = PROJECT / "deploy/prometheus/alerts.yaml"
EVALUATED = 5
"""Minutes between two looks of promtool."""


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian, Ubuntu: apt-get install prometheus)")
    return found


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log.configure("json", "ERROR")
    return template(tmp_path_factory.mktemp("template"))


Open = Callable[[], Stage]


@pytest.fixture
def opened(empty: Path, tmp_path: Path) -> Iterator[Open]:
    """Makes stages, and closes them at the end."""
    stages: list[Stage] = []

    def make() -> Stage:
        home = tmp_path / str(len(stages))
        home.mkdir()
        stages.append(Stage(home, empty))
        return stages[-1]

    yield make
    for stage in stages:
        stage.close()


def checked(promtool: str, *arguments: str) -> None:
    ran = subprocess.run([promtool, *arguments], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_promtool_finds_nothing_wrong_with_the_rules(promtool: str) -> None:
    checked(promtool, "check", "rules", str(FILE))


def expected(rule: str, more: dict[str, str], worker: dict[str, str] = WORKER) -> dict[str, Any]:
    """The alert as promtool compares it: all labels, all annotations."""
    labels = {**worker, **more}
    texts = RULES[rule]["annotations"].items()
    annotations = {name: text.replace("{{ $labels.sync_job }}", labels.get("sync_job", "")) for name, text in texts}
    return {"exp_labels": {**labels, **RULES[rule]["labels"]}, "exp_annotations": annotations}


def looks(minute: int, firing: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """At this minute exactly these rules fire."""
    return [{"eval_time": f"{minute}m", "alertname": rule, "exp_alerts": firing.get(rule, [])} for rule in RULES]


def group(name: str, timeline: Timeline, tests: Sequence[dict[str, Any]]) -> dict[str, Any]:
    interval = f"{timeline.every}m"
    return {"name": name, "interval": interval, "input_series": timeline.rows(), "alert_rule_test": list(tests)}


def begun(stage: Stage, scenario: Scenario, quiet: Sequence[Step]) -> Timeline:
    """After a quiet hour. Another worker goes on all the time, as Prometheus' other targets do."""
    timeline = Timeline(scenario.every)
    if scenario.before:
        timeline.play(stage, [Step(scenario.every * 2, scenario.before)])
    timeline.play(stage, quiet)
    return timeline


def fires_and_clears(stage: Stage, scenario: Scenario) -> dict[str, Any]:
    timeline = begun(stage, scenario, QUIET)
    quiet = timeline.minutes - EVALUATED
    timeline.play(stage, scenario.steps)
    fired = timeline.minutes - max(EVALUATED, scenario.every)
    assert [state for alert, state in stage.heard if alert == scenario.webhook] == ["firing"][: bool(scenario.webhook)]
    timeline.play(stage, [Step(max(60, scenario.every * 4), scenario.repair)])
    heard = [state for alert, state in stage.heard if alert == scenario.webhook]
    assert heard == ["firing", "resolved"][: 2 * bool(scenario.webhook)], stage.heard
    holds = {scenario.rule: [expected(scenario.rule, scenario.labels)]}
    holds |= {rule: [expected(rule, {})] for rule in scenario.also}
    after = {rule: alerts for rule, alerts in holds.items() if rule in scenario.stays}
    others(timeline)
    tests = [*looks(quiet, {}), *looks(fired, holds), *looks(timeline.minutes - max(EVALUATED, scenario.every), after)]
    return group(f"{scenario.rule} fires and clears", timeline, tests)


def never_falsely(stage: Stage, scenario: Scenario) -> dict[str, Any]:
    timeline = begun(stage, scenario, QUIET[:0] if scenario.before else [Step(10, QUIET[0].act)])
    timeline.play(stage, scenario.near.steps)
    assert stage.heard == [], "nor does the webhook hear of it"
    others(timeline)
    every = max(EVALUATED, scenario.every)
    tests = [look for minute in range(every, timeline.minutes, every) for look in looks(minute, {})]
    return group(f"{scenario.rule} does not fire: {scenario.near.text}", timeline, tests)


def others(timeline: Timeline) -> None:
    """The other worker's most telling series."""
    labels = tuple(sorted(OTHER.items()))
    steady = f"1x{timeline.minutes // timeline.every}"
    for name in ("sync_lease_held", "sync_state_readable"):
        timeline.values[("__name__", name), *labels] = [steady]


def run(promtool: str, tmp_path: Path, groups: list[dict[str, Any]], every: int) -> None:
    document = {"rule_files": [str(FILE)], "evaluation_interval": f"{every}m", "tests": groups}
    # JSON is YAML, and is written ten times as fast.
    path = tmp_path / "tests.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    checked(promtool, "test", "rules", str(path))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.rule)
def test_it_fires_never_falsely_and_clears(scenario: Scenario, promtool: str, opened: Open, tmp_path: Path) -> None:
    groups = [fires_and_clears(opened(), scenario), never_falsely(opened(), scenario)]
    run(promtool, tmp_path, groups, max(EVALUATED, scenario.every))


def test_a_quiet_hour_is_quiet_all_the_time(promtool: str, opened: Open, tmp_path: Path) -> None:
    stage, timeline = opened(), Timeline()
    timeline.play(stage, QUIET)
    others(timeline)
    tests = [look for minute in range(timeline.minutes) for look in looks(minute, {})]
    run(promtool, tmp_path, [group("a quiet hour", timeline, tests)], 1)
    assert stage.heard == []


def test_two_standbys_are_nobody_at_work_whoever_works_elsewhere(promtool: str, opened: Open, tmp_path: Path) -> None:
    stage, timeline = opened(), Timeline()
    timeline.play(stage, [Step(10, it.well), Step(15, it.stands_by)])
    others(timeline)
    tests = looks(20, {"SyncNobodyAtWork": [expected("SyncNobodyAtWork", {})]})
    run(promtool, tmp_path, [group("two standbys", timeline, tests)], EVALUATED)


def test_a_job_that_fails_by_what_pages_already_opens_no_second_ticket(
    promtool: str, opened: Open, tmp_path: Path
) -> None:
    stage, timeline = opened(), Timeline()
    timeline.play(stage, [Step(10, it.well), Step(60, it.stops), Step(60, it.stops)])
    others(timeline)
    tests = looks(125, {"SyncGuardTripped": [expected("SyncGuardTripped", {})]})
    run(promtool, tmp_path, [group("a plan is held back", timeline, tests)], EVALUATED)


def test_a_worker_that_never_made_a_backup_is_not_reminded_of_one(promtool: str, opened: Open, tmp_path: Path) -> None:
    """Its state may be copied by other means, of which it knows nothing."""
    stage, timeline = opened(), Timeline(every=60)
    timeline.play(stage, [Step(12 * 60, it.creates_lead)] * 6)
    others(timeline)
    run(promtool, tmp_path, [group("never backed up", timeline, looks(70 * 60, {}))], 60)


def test_a_worker_that_was_never_there_is_missed(promtool: str, tmp_path: Path) -> None:
    """Without a worker there is no namespace and no job to name."""
    alert = expected("SyncNobodyAtWork", {}, {})
    tests = [{"eval_time": "10m", "alertname": "SyncNobodyAtWork", "exp_alerts": [alert]}]
    run(promtool, tmp_path, [group("never there", Timeline(), tests)], EVALUATED)


def test_every_rule_has_its_scenario_and_every_alert_of_the_webhook_its_rule() -> None:
    assert [scenario.rule for scenario in SCENARIOS] == list(RULES)
    assert {scenario.webhook for scenario in SCENARIOS} - {""} == set(Alert)


def test_operations_shows_the_table() -> None:
    shown = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert shown == table(), "python tests/operations/alert_scenarios.py"
