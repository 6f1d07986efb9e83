"""Names and addresses are answers at a terminal: after everything that shows them, no log, metric, alert or error holds one."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from people_world import PEOPLE, RULES, crowd
from prometheus_client import generate_latest
from rules_world import PROJECT

from sync import log, metrics
from sync.admin import alerts
from sync.cli import main, output
from sync.notify import Notice

SECRETS = ("anna", "schäfer", "müller", "mueller", "acme", "marley", "sagan", "olga", "example", "Geheimrat")
COMMANDS = (
    ["find", "schäfer"],
    ["find", "Geheimrat"],
    ["contacts"],
    ["contacts", "--owner", "olga@sales.example"],
    ["leads"],
    ["explain", "anna.schaefer@mueller.example"],
    ["explain", "anna"],
    ["explain", "Geheimrat"],
    ["parked", "list"],
    ["report"],
    ["status"],
)


def test_nothing_but_the_answer_holds_a_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logged, heard = io.StringIO(), list[Notice]()
    log.configure("json", "DEBUG", logged)
    world = crowd()
    world.push(RULES)
    context = world.context(RULES)
    object.__setattr__(context, "notify", lambda notice: heard.append(notice) or True)
    alerts.watch(context)
    monkeypatch.setenv("SYNC_STATE", str(world.store.path))
    monkeypatch.setenv("SYNC_CONFIG", str(Path(PROJECT) / "config"))
    monkeypatch.setenv("SYNC_LOG_LEVEL", "DEBUG")
    errors, answers = "", ""
    for words in COMMANDS:
        monkeypatch.setattr(sys, "argv", ["hubspot-c4c-sync", *words])
        monkeypatch.setattr(output, "out", output.console())
        monkeypatch.setattr(output, "err", type(output.err)(stderr=True, highlight=False, soft_wrap=True))
        with pytest.raises(SystemExit):
            main()
        shown = capsys.readouterr()
        answers, errors = answers + shown.out, errors + shown.err
    log.configure("json", "ERROR", sys.__stderr__)
    found = {
        "log": logged.getvalue(),
        "standard error, with the commands' log": errors,
        "metrics": generate_latest(metrics.REGISTRY).decode(),
        "alerts": repr(heard),
    }
    assert all(PEOPLE[i]["firstname"] in answers for i in ("101", "102", "103")), "the answers themselves name people"
    assert found["log"], "the push has logged"
    assert "contacts fit" in errors
    for where, text in found.items():
        assert [secret for secret in SECRETS if secret.casefold() in text.casefold()] == [], where
