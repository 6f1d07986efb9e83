"""The documents say what the code does: commands, exit codes, events, reason codes, metrics, alerts, settings."""

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from pydantic import BaseModel

from sync import config, environment, log, metrics
from sync.admin.alerts import Alert
from sync.cli import codes as codes_page
from sync.cli.commands import cli, main
from sync.log import RETIRED_EVENTS, Event
from sync.net import certificates
from sync.worker import gauges

PROJECT = Path(__file__).parents[1]
DOCS = PROJECT / "docs"
ONCALL = (DOCS / "oncall.md").read_text(encoding="utf-8")
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")


def section(text: str, title: str, level: str = "## ") -> str:
    """What stands under a heading, up to the next one of its level."""
    _, _, rest = text.partition(f"\n{level}{title}\n")
    assert rest, f"no heading {title!r}"
    return rest.split(f"\n{level}")[0]


def first_column(table: str) -> list[str]:
    return re.findall(r"^\| `(\w+)`", table, re.MULTILINE)


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


# ---- commands


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A command sends the log to its own standard error, which is gone afterwards."""
    yield
    log.configure("json", "ERROR", sys.__stderr__)


def commands(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*before, name))
        else:
            yield (*before, name), command


ROOT = typer.main.get_command(cli)
COMMANDS = dict(commands(ROOT))
PARAGRAPHS = {
    tuple(title.split()): text
    for title, text in re.findall(
        r"^### `([^`]+)`\n\n(.*?)(?=\n### |\Z)", (DOCS / "commands.md").read_text(encoding="utf-8"), re.DOTALL | re.M
    )
}


def test_every_command_has_its_paragraph() -> None:
    assert set(PARAGRAPHS) == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS), ids=" ".join)
def test_paragraph_names_options(name: tuple[str, ...]) -> None:
    text = PARAGRAPHS[name]
    options = {option for p in COMMANDS[name].params for option in p.opts if option.startswith("--")} - {"--help"}
    assert {option for option in options if option not in text} == set()


@pytest.mark.parametrize("name", sorted(COMMANDS), ids=" ".join)
def test_paragraph_names_no_option_that_the_command_lacks(name: tuple[str, ...]) -> None:
    options = {option for p in COMMANDS[name].params for option in p.opts}
    assert {*re.findall(r"(?<![\w-])--[a-z-]+", PARAGRAPHS[name])} - options == set()


@pytest.mark.parametrize("name", sorted(COMMANDS), ids=" ".join)
def test_help(name: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` needs no configuration, ends with 0, and says something."""
    for variable in ("HUBSPOT_ACCESS_TOKEN", "C4C_BASE_URL", "SYNC_STATE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("SYNC_CONFIG", "/nowhere")
    monkeypatch.setattr(sys, "argv", ["hubspot-c4c-sync", *name, "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code or 0) == 0
    text = capsys.readouterr().out
    assert (COMMANDS[name].help or "").split("\n")[0][:40] in " ".join(text.split())


NEEDED = {
    ("explain",): ["1"],
    ("find",): ["anna"],
    ("parked", "show"): ["1"],
    ("backup",): ["copy.db"],
    ("resync",): ["--everything"],
}
NEEDED |= {
    ("links", "import"): ["none.csv"],
    ("links", "set"): ["Contact", "1", "A"],
    ("links", "forget"): ["Contact", "1"],
}
NEEDED |= {("simulate",): ["--config", str(PROJECT / "config")]}
NEEDED |= {("parked", "leave"): ["1", "--reason", "retired"], ("erase",): ["1", "--reason", "retired"]}
NEEDED |= {("export",): ["1"], ("consent",): ["1"]}
NEEDED |= {("parked", "retry"): ["--all"], ("parked", "drop"): ["--all"]}


REPORTS = {("demo",), ("migrate",), ("status",), ("health",), ("pause",), ("resume",)}
"""They need no rules, or no state."""


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - REPORTS), ids=" ".join)
def test_wrong_settings_end_with_2_and_name_the_place(
    name: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("HUBSPOT_ACCESS_TOKEN", "C4C_BASE_URL", "C4C_USERNAME", "C4C_PASSWORD"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "nowhere"))
    monkeypatch.setenv("SYNC_STATE", str(tmp_path / "state.db"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["hubspot-c4c-sync", *name, *NEEDED.get(name, [])])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "SYNC_CONFIG" in capsys.readouterr().err


# ---- events, codes, alerts, metrics


def test_every_event_is_documented() -> None:
    current, _, retired = section(ONCALL, "Events").partition("### Retired events")
    assert sorted(first_column(current)) == sorted(set(Event) - RETIRED_EVENTS)
    assert sorted(first_column(retired)) == sorted(RETIRED_EVENTS)


def test_the_program_emits_every_event_but_the_retired_ones() -> None:
    """Asked of the code, not of the list: an event that nothing emits is one that somebody waits for in vain."""
    emitted = {
        node.attr
        for path in (PROJECT / "sync").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Event"
    }
    assert {event for event in Event if event.name not in emitted} == RETIRED_EVENTS


def test_codes_page_is_up_to_date() -> None:
    assert (DOCS / "codes.md").read_text(encoding="utf-8") == codes_page.page(), (
        "python -m sync.cli.codes > docs/codes.md"
    )


def test_every_alert_is_documented_and_has_its_symptom() -> None:
    assert sorted(first_column(section(ONCALL, "Alerts"))) == sorted(Alert)
    assert {str(alert).replace("_", "-") for alert in Alert} <= anchors(ONCALL)


def metric_names() -> set[str]:
    collected = (m for m in metrics.REGISTRY.collect() if m.name.startswith("sync_"))
    own = {metric.name + ("_total" if metric.type == "counter" else "") for metric in collected}
    source = Path(gauges.__file__).read_text(encoding="utf-8")
    return own | set(re.findall(r'"(sync_\w+)"', source)) - {"sync_job"}


def test_every_metric_is_documented() -> None:
    assert sorted(first_column(section(ONCALL, "Metrics"))) == sorted(metric_names())


def expressions(document: Any) -> Iterable[str]:
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "expr":
                yield value
            yield from expressions(value)
    elif isinstance(document, list):
        for value in document:
            yield from expressions(value)


RULES = yaml.safe_load((PROJECT / "deploy/prometheus/alerts.yaml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((PROJECT / "deploy/grafana/dashboard.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", [RULES, DASHBOARD], ids=["rules", "dashboard"])
def test_rules_and_dashboard_name_metrics_that_exist(document: Any) -> None:
    used = {name for expr in expressions(document) for name in used_in(expr)}
    assert used
    assert used <= metric_names()


def used_in(expression: str) -> set[str]:
    """Metrics that the expression names; `sync_job` is a label."""
    return {re.sub(r"_(bucket|count)$", "", name) for name in re.findall(r"\bsync_\w+", expression)} - {"sync_job"}


def test_the_dashboard_shows_every_metric() -> None:
    assert metric_names() == {name for expr in expressions(DASHBOARD) for name in used_in(expr)}


def test_label_values_of_rules_exist() -> None:
    named = {value for expr in expressions(RULES) for value in re.findall(r'alert="(\w+)"', expr)}
    assert named <= set(Alert)


def test_runbooks_exist() -> None:
    runbooks = [rule["annotations"]["runbook"] for group in RULES["groups"] for rule in group["rules"]]
    assert {link.partition("#")[2] for link in runbooks} <= anchors(ONCALL)
    assert {link.partition("#")[0] for link in runbooks} == {"docs/oncall.md"}


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        assert other.exists(), target
        if anchor:
            assert anchor in anchors(other.read_text(encoding="utf-8")), target


# ---- settings


README = (PROJECT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", [section(OPERATIONS, "Install"), section(README, "1. Credentials", "### ")], ids=["operations", "README"]
)
def test_every_environment_setting_is_documented(text: str) -> None:
    source = "".join(Path(m.__file__).read_text(encoding="utf-8") for m in (environment, certificates))
    named = set(re.findall(r'"((?:HUBSPOT|C4C|SYNC)_[A-Z_]+)"', source))
    rows = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    assert named == set(re.findall(r"`((?:HUBSPOT|C4C|SYNC)_[A-Z_]+)`", rows))


def test_defaults_of_settings_are_those_of_the_program() -> None:
    rows = section(README, "1. Credentials", "### ").splitlines()
    shown = {cells[1].strip("` "): cells[-2].strip(" `") for row in rows if len(cells := row.split("|")) == 5}
    found = environment.settings(environment.Environment({}))
    for name, value in (
        ("SYNC_STATE", found.state),
        ("SYNC_CONFIG", found.config),
        ("SYNC_LOG_FORMAT", found.log_format),
        ("SYNC_LOG_LEVEL", found.log_level),
        ("SYNC_METRICS_PORT", "none" if found.metrics_port is None else found.metrics_port),
        ("SYNC_METRICS_HOST", found.metrics_host),
        ("SYNC_ALERT_WEBHOOK", "nowhere" if found.alert_webhook is None else found.alert_webhook),
        ("SYNC_SHOW_NAMES", int(found.show_names)),
    ):
        assert shown[name] == str(value), name


def test_the_shipped_worker_toml_shows_every_setting_with_its_default() -> None:
    text = (PROJECT / "config/worker.toml").read_text(encoding="utf-8")
    shown = tomllib.loads(text)
    assert config.WorkerConfig.model_validate(shown) == config.WorkerConfig()
    for name, found in config.WorkerConfig():
        assert isinstance(found, BaseModel)
        assert set(shown[name]) == set(type(found).model_fields), name
