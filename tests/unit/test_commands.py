"""What single commands say and with which code they end, without a process or a remote system."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import typer

from sync import log
from sync.admin.status import unhealthy
from sync.cli import main, output
from sync.cli.commands import cli
from sync.config import Schedule, WorkerConfig, load
from sync.domain.entities import Entity
from sync.domain.views import Link
from sync.errors import ConfigurationError
from sync.handover import links
from sync.state import documents, streams, work
from sync.state.store import open_store

PROJECT = Path(__file__).parents[2]
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command in this process, with a state file of its own."""
    monkeypatch.setenv("SYNC_STATE", str(tmp_path / "state.db"))
    monkeypatch.setenv("SYNC_CONFIG", str(PROJECT / "config"))
    open_store(tmp_path / "state.db").close()

    def run(*arguments: str) -> Ended:
        out, err = StringIO(), StringIO()
        monkeypatch.setattr(sys, "argv", ["hubspot-c4c-sync", *arguments])
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        monkeypatch.setattr(output, "out", output.Console(file=out, width=output.WIDE))
        monkeypatch.setattr(output, "err", output.Console(file=err, width=output.WIDE))
        with pytest.raises(SystemExit) as ended:
            main()
        log.configure()
        return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())

    return run


def commands(found: Any) -> list[Any]:
    """A command, or those of a group."""
    inner = getattr(found, "commands", None)
    return [found] if inner is None else [command for one in inner.values() for command in commands(one)]


def test_no_help_begins_like_a_private_name() -> None:
    found = commands(typer.main.get_command(cli))
    texts = {text for one in found for text in (one.help, *(getattr(p, "help", None) for p in one.params)) if text}
    assert len(texts) > 50
    assert {text for text in texts if text.startswith("_") or " _" in text} == set()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("runs", "--job", "pol"), "--job: found 'pol', allowed: poll, scores, sweep, push, housekeeping"),
        (("links", "list", "--entity", "leads"), "entity: found 'leads', allowed: CorporateAccount, Contact,"),
        (("links", "forget", "leads", "1"), "entity: found 'leads', allowed: CorporateAccount, Contact,"),
    ],
)
def test_an_unknown_name_is_not_answered_by_an_empty_list(
    command: Command, arguments: tuple[str, ...], said: str
) -> None:
    ended = command(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


@pytest.mark.parametrize("kind", ["company", "account", "CorporateAccount", "corporateaccount"])
def test_a_kind_of_record_is_known_by_each_of_its_names(command: Command, tmp_path: Path, kind: str) -> None:
    keep(tmp_path, Link(Entity.ACCOUNT, "7", "A1", {}), Link(Entity.CONTACT, "7", "C1", {}))
    ended = command("links", "list", "--entity", kind, "--json")
    assert [pair["object_id"] for pair in json.loads(ended.out)["links"]] == ["A1"]
    ended = command("links", "forget", kind, "7", "--json")
    assert (ended.code, json.loads(ended.out)) == (0, {"entity": "CorporateAccount", "key": "7"})
    assert command("links", "list").out.split() == ["Contact", "7", "C1", "adopted", "never", "written"]


def keep(home: Path, *pairs: Link) -> None:
    store = open_store(home / "state.db")
    with store.session() as session:
        for pair in pairs:
            work.save_link(session, pair, AT, written=False)
    store.close()


def test_an_export_that_cannot_be_written_is_not_called_unreadable(command: Command, tmp_path: Path) -> None:
    ended = command("links", "export", str(tmp_path / "missing" / "pairs.csv"))
    assert ended.code == 2
    assert ended.err.endswith("pairs.csv: cannot be written (No such file or directory); check path and rights\n")


@pytest.mark.parametrize("before", ["", "entity,key,object_id\n"])
def test_a_file_that_is_not_csv_is_no_bug(before: str) -> None:
    line = 2 if before else 1
    with pytest.raises(ConfigurationError, match=f"line {line}: is not CSV"):
        links.read_csv(StringIO(f"{before}Contact,{'1' * 200_000},1\n"), load(PROJECT / "config").rules)


def test_reading_everything_again_without_a_worker_is_left_to_the_polls(command: Command) -> None:
    ended = command("resync", "--everything", "--refetch", "--yes")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "0 contacts marked; no worker runs: start it, or run `hubspot-c4c-sync once`",
        "they are read from HubSpot first",
    ]


def test_the_status_shows_no_reserve_that_broken_rule_files_hide(command: Command, tmp_path: Path) -> None:
    store = open_store(tmp_path / "state.db")
    with store.session() as session:
        documents.BUDGET.write(session, documents.DailyBudget(1000, 400))
    store.close()
    assert "600 used, 400 of 1000 left, 50000 reserved for others" in command("status").out
    broken = tmp_path / "config"
    copytree(PROJECT / "config", broken)
    (broken / "worker.toml").write_text("[gaurd]")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNC_CONFIG", str(broken))
        ended = command("status")
    assert "600 used, 400 of 1000 left\n" in ended.out


def test_rules_to_compare_with_that_are_no_directory_are_a_sentence(command: Command, tmp_path: Path) -> None:
    ended = command("simulate", "--config", str(tmp_path / "nowhere"))
    assert (ended.code, ended.out) == (2, "")
    assert f"--config: {tmp_path / 'nowhere'} is not a directory; name one" in ended.err


def test_the_longest_pause_of_a_worker_is_said_in_whole_seconds(tmp_path: Path) -> None:
    store = open_store(tmp_path / "state.db")
    with store.session() as session:
        streams.start_job(session, "run", "poll", AT)
    worker = WorkerConfig(schedule=Schedule.model_validate({"poll": "10h"}))
    text = unhealthy(store, worker, AT + timedelta(hours=40))
    store.close()
    assert text == "the last job was started 144000 s ago, allowed are 108000 s"
