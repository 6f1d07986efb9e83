"""What a command says reaches whoever reads it, as far as they read: a pipe that closes, a terminal, a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from running import PROJECT, TIMEOUT

from sync.domain.views import Label
from sync.mirror.association_rows import save_associations
from sync.mirror.mirrored import Fetched, save_companies, save_contacts
from sync.state.store import open_store

pytestmark = pytest.mark.long

NAME = "Łódź → Müller 😀"
SETTINGS = {"HUBSPOT_ACCESS_TOKEN": "t", "C4C_BASE_URL": "http://127.0.0.1:9", "C4C_USERNAME": "u", "C4C_PASSWORD": "p"}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A mirror with one contact at a company whose name few encodings can carry."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    store = open_store(tmp_path / "state.db")
    with store.session() as session:
        save_companies(session, [Fetched("7", {"name": NAME}, now)], now)
        save_contacts(session, [Fetched("1", {"lead_score": "80", "lastname": "Muster"}, now)], (), now)
        save_associations(session, {"1": frozenset({("7", Label("HUBSPOT_DEFINED", 1, "Primary"))})}, now)
    store.close()
    return tmp_path / "state.db"


def start(state: Path, *arguments: str, stdout: int = subprocess.PIPE, **more: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **SETTINGS, "SYNC_STATE": str(state), "SYNC_CONFIG": str(PROJECT / "config"), **more}
    command = [sys.executable, "-m", "sync", *arguments]
    return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=stdout, stderr=subprocess.PIPE)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("status",), 0),
        (("status", "--json"), 0),
        (("explain", "1"), 0),
        (("simulate", "--config", str(PROJECT / "config"), "--json"), 0),
        (("links", "export"), 0),
        (("--help",), 0),
        (("check", "--offline"), 0),
        (("explain", "2", "--json"), 2),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else str(value),
)
def test_a_reader_that_leaves_is_no_failure(state: Path, arguments: tuple[str, ...], code: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(state, *arguments, stdout=writing)
    os.close(writing)
    _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == code
    assert b"bug" not in said
    assert b"Traceback" not in said
    assert b"BrokenPipe" not in said


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_terminal_of_another_encoding_shows_everything(state: Path, encoding: str) -> None:
    process = start(state, "explain", "1", PYTHONIOENCODING=encoding)
    shown, said = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, said) == (0, b"")
    assert NAME.encode(encoding, "backslashreplace") in shown


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_says_the_same_in_every_encoding(state: Path, encoding: str) -> None:
    process = start(state, "explain", "1", "--json", PYTHONIOENCODING=encoding)
    shown, _ = process.communicate(timeout=TIMEOUT)
    assert json.loads(shown.decode(encoding))["companies"][0]["name"] == NAME


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("status",), "the output cannot be written (No space left on device); check where it goes"),
        (("explain", "2", "--json"), "contact 2 is not in the mirror"),
    ],
    ids=["of a result", "of a failure"],
)
def test_a_full_disk_behind_the_output_is_said(state: Path, arguments: tuple[str, ...], sentence: str) -> None:
    with open("/dev/full", "wb") as full:
        process = start(state, *arguments, stdout=full.fileno())
        _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert said.decode().startswith(sentence)
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (("once", "poll", "push", "--json"), 3, "Unavailable"),
        (("check", "--json"), 3, "Unavailable"),
        (("explain", "2", "--json"), 2, "ConfigurationError"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_json_is_one_document_also_when_something_fails(
    state: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, kind: str
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    for file in (PROJECT / "config").glob("*.toml"):
        (config / file.name).write_text(file.read_text().replace('request_wait = "1s"', 'request_wait = "1ms"'))
    nobody = "http://127.0.0.1:9"
    process = start(state, *arguments, HUBSPOT_BASE_URL=nobody, SYNC_CONFIG=str(config))
    shown, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == code
    error = json.loads(shown)["error"]
    assert error["kind"] == kind
    assert error["message"] in error["problems"]
    assert error["message"] in said.decode()


def test_json_names_the_state_file_that_is_missing(tmp_path: Path) -> None:
    process = start(tmp_path / "none.db", "status", "--json")
    shown, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert json.loads(shown)["error"]["kind"] == "StateError"
