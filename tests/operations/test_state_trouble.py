"""A state file that is full, read-only, damaged, of another version, not ours to use or open to everybody."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from running import PROJECT, TIMEOUT
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, OperationalError

from sync import log
from sync.admin import alerts
from sync.admin.status import status
from sync.app import Clock
from sync.config import load
from sync.context import Context
from sync.errors import StateError
from sync.jobs import runner
from sync.notify import Notice
from sync.state import streams, tables, trouble
from sync.state.documents import ALERTS, GUARD, MISMATCHES
from sync.state.store import Store, open_store
from sync.worker.gauges import StateGauges
from sync.worker.loop import Worker
from sync.worker.server import Probes
from sync.worker.signals import StopSignal

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CONFIG = load(PROJECT / "config")
UNUSED: Any = None


@pytest.fixture(autouse=True)
def _quiet() -> None:
    """What other tests set up may be closed by now."""
    log.configure("json", "ERROR")


class Heard:
    """A webhook that is always there."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def __call__(self, notice: Notice) -> bool:
        self.notices.append(notice)
        return True

    def of(self, alert: str) -> list[tuple[str, str]]:
        return [(n.state, n.text) for n in self.notices if n.alert == alert]


class Disk:
    """A state file whose every write can be made to fail, by SQLite itself."""

    def __init__(self, path: Path) -> None:
        self.store, self.read_only = open_store(path), False
        event.listen(self.store.engine, "checkout", self._checkout)

    def _checkout(self, connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA query_only={'ON' if self.read_only else 'OFF'}")


@pytest.fixture
def disk(tmp_path: Path) -> Any:
    made = Disk(tmp_path / "state.db")
    yield made
    made.store.close()


def context(store: Store, heard: Heard) -> Context:
    return Context(store, UNUSED, UNUSED, CONFIG, "run", now=lambda: NOW, notify=heard)


def worker(store: Store, heard: Heard) -> tuple[Worker, Any]:
    surroundings = context(store, heard)
    app: Any = SimpleNamespace(context=surroundings, clock=Clock(now=lambda: NOW), with_run_id=lambda: surroundings)
    return Worker(app, StopSignal()), app


def look(made: Worker) -> bool:
    return made._try(made.heartbeat)


def test_a_job_whose_turn_comes_too_late_does_nothing(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs wait for their lane: meanwhile the worker may have been asked to stop, or have lost the lease."""
    ran: list[str] = []
    monkeypatch.setattr("sync.worker.loop.run_jobs", lambda context, names, results: ran.extend(names))
    made, _ = worker(disk.store, Heard())
    slot = next(slot for slot in made.slots if slot.job == "sweep")
    waiting = made.job(slot)
    waiting()
    assert ran == []
    assert made.lease.acquire()
    waiting()
    assert ran == ["sweep"]
    made._stop.exit_code = 143
    waiting()
    assert ran == ["sweep"]


# ---- it cannot be written


def test_a_disk_that_takes_no_writes_is_told_once_shown_by_the_probe_and_over_when_it_is(disk: Disk) -> None:
    heard = Heard()
    made, app = worker(disk.store, heard)
    assert made._try(made.lease.acquire)
    made.vitals.lease = "held"
    probes = Probes(app, made.vitals)
    assert probes.readyz()[0] == 200, probes.readyz()
    disk.read_only = True
    for _ in range(3):
        assert not look(made)
    [(state, text)] = heard.of("state")
    assert state == "firing"
    assert "read-only" in text
    status_code, _, body = probes.readyz()
    assert status_code == 503
    assert b"read-only" in body
    disk.read_only = False
    assert look(made)
    assert [state for state, _ in heard.of("state")] == ["firing", "resolved"]
    assert probes.readyz()[0] == 200, probes.readyz()
    with disk.store.reading() as session:
        assert "state" not in ALERTS.read(session)


def test_other_alerts_are_told_once_too_while_nothing_can_be_written(disk: Disk) -> None:
    heard = Heard()
    with disk.store.session() as session:
        MISMATCHES.write(session, {"c4c": ["Lead.GroupCode: gone"]})
    disk.read_only = True
    surroundings = context(disk.store, heard)
    for _ in range(3):
        alerts.watch(surroundings, "the disk is full")
    assert [state for state, _ in heard.of("contract")] == ["firing"]
    disk.read_only = False
    alerts.watch(surroundings)
    alerts.watch(context(disk.store, heard))
    assert [state for state, _ in heard.of("contract")] == ["firing"], "the next process knows it, too"


def test_a_standby_that_cannot_write_says_so(disk: Disk) -> None:
    heard = Heard()
    made, _ = worker(disk.store, heard)
    disk.read_only = True
    for _ in range(2):
        assert not made._try(made.lease.acquire)
    assert [state for state, _ in heard.of("state")] == ["firing"]


def test_a_damaged_fact_that_keeps_writes_back_ends_neither_the_worker_nor_the_metrics(disk: Disk) -> None:
    heard = Heard()
    made, app = worker(disk.store, heard)
    app.settings = SimpleNamespace(client_cert=None)
    assert made._try(made.lease.acquire)
    with disk.store.session() as session:
        session.merge(tables.Remembered(name=GUARD.name, value="{"))
    assert look(made)
    assert look(made)
    [(state, text)] = heard.of("state")
    assert (state, text) == ("firing", made.vitals.state)
    assert "under the name 'guard'" in text
    shown = {metric.name: metric for metric in StateGauges(app, made.vitals).collect()}
    assert shown["sync_state_readable"].samples[0].value == 0
    with disk.store.session() as session:
        GUARD.write(session, None)
    assert look(made)
    assert [state for state, _ in heard.of("state")] == ["firing", "resolved"]
    assert made.vitals.state is None


def test_a_standby_whose_file_cannot_be_read_waits(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As while another program holds the file for itself alone."""

    def fails(*_: object) -> Any:
        raise OperationalError("SELECT 1", None, sqlite3.OperationalError("database is locked"))

    made, _ = worker(disk.store, Heard())
    monkeypatch.setattr(made.lease, "acquire", fails)
    monkeypatch.setattr(disk.store, "reading", fails)
    monkeypatch.setattr(made._stop, "wait", lambda _: setattr(made._stop, "exit_code", 143))
    assert not made.take_lease()
    assert made.vitals.lease == "standby"


def test_a_full_disk_is_called_that(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "full.db")) as connection:
        connection.execute("CREATE TABLE t (b)")
        connection.execute("PRAGMA max_page_count=3")
        with pytest.raises(sqlite3.OperationalError) as caught:
            connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    text = trouble.sentence(caught.value, tmp_path / "full.db")
    assert "the disk is full" in text
    assert "database or disk is full" in text


def test_status_says_that_the_disk_is_full(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert status(disk.store, NOW, CONFIG)["state"]["problem"] is None
    monkeypatch.setattr(trouble, "ENOUGH", 1 << 62)
    found = status(disk.store, NOW, CONFIG)["state"]
    assert "the disk is full" in found["problem"]
    assert found["free_bytes"] > 0


# ---- damage


def damage(path: Path) -> None:
    """Pages in the middle are overwritten, as by a disk that lost them; the head is as it was."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
        [size] = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek(size)
        file.write(b"\xff" * (path.stat().st_size - size))


def test_a_damaged_page_is_no_bug(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    open_store(path).close()
    damage(path)
    store = Store(path)
    try:
        with pytest.raises(DatabaseError) as caught, store.reading() as session:
            streams.watermarks(session)
        failure = runner.unexpected(caught.value, path)
    finally:
        store.close()
    assert isinstance(failure, StateError)
    assert "is damaged" in str(failure)
    assert "restore a backup" in str(failure)
    assert isinstance(runner.unexpected(ValueError("garbage of a damaged page"), path), StateError)


def test_a_bug_on_a_sound_file_stays_a_bug(disk: Disk) -> None:
    assert str(runner.unexpected(KeyError("x"), disk.store.path)).startswith("a bug: KeyError")


def test_a_file_damaged_at_its_beginning_is_named_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"\x00" * 8192)
    path.chmod(0o600)
    with pytest.raises(StateError, match=r"is damaged, or is another kind of file; .*restore a backup"):
        open_store(path)


# ---- other versions


@pytest.mark.parametrize(("version", "said"), [("0000", "older"), ("9999", "newer"), ("later", "newer")])
def test_a_version_is_called_older_or_newer_as_it_is(tmp_path: Path, version: str, said: str) -> None:
    path = tmp_path / "state.db"
    open_store(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        connection.commit()
    with pytest.raises(StateError, match=f"written by an? {said} version"):
        open_store(path)


# ---- permissions


def test_a_file_that_everybody_may_read_is_named_and_told(disk: Disk) -> None:
    disk.store.path.chmod(0o644)
    heard = Heard()
    surroundings = context(disk.store, heard)
    alerts.watch(surroundings)
    [(state, text)] = heard.of("state")
    assert (state, "mode 0644" in text, "chmod 600" in text) == ("firing", True, True)
    assert status(disk.store, NOW, CONFIG)["state"]["problem"] == text
    disk.store.path.chmod(0o600)
    alerts.watch(surroundings)
    assert [state for state, _ in heard.of("state")] == ["firing", "resolved"]


def test_rights_of_the_group_are_no_fault(disk: Disk) -> None:
    """Kubernetes gives the volume's group read and write."""
    disk.store.path.chmod(0o660)
    assert trouble.exposed(disk.store.path) is None


def as_nobody(path: Path) -> str:
    """What a process without any rights is told when it opens the state file."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            open_store(path, create=False)
            text = "opened"
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as said:
        return said.read()


@pytest.mark.skipif(sys.platform == "win32", reason="no such rights")
@pytest.mark.parametrize("what", ["the file", "the directory"])
def test_a_file_that_may_not_be_used_is_no_damage(tmp_path: Path, what: str) -> None:
    home = tmp_path / "data"
    home.mkdir()
    # pytest's own directory is its user's alone, and lies one level further up where tests run side by side.
    of_pytest = (parent for parent in home.parents if Path(tempfile.gettempdir()) in parent.parents)
    for directory in (home, *of_pytest):
        directory.chmod(directory.stat().st_mode | 0o055)
    path = home / "state.db"
    open_store(path).close()
    shut = path if what == "the file" else home
    if what == "the file":
        home.chmod(0o777)
    shut.chmod(0o000)
    try:
        said = as_nobody(path)
    finally:
        shut.chmod(0o700)
    assert said.startswith("StateError: ")
    assert "permission denied: owner " in said
    assert "mode 0000, user " in said
    assert "backup" not in said


class _Hook(BaseHTTPRequestHandler):
    heard: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        self.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing."""


def test_a_worker_that_cannot_start_on_its_state_file_tells_it(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"\x00" * 8192)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        **os.environ,
        "HUBSPOT_ACCESS_TOKEN": "t",
        "C4C_BASE_URL": "http://127.0.0.1:9",
        "C4C_USERNAME": "u",
        "C4C_PASSWORD": "p",
        "SYNC_STATE": str(path),
        "SYNC_CONFIG": str(PROJECT / "config"),
        "SYNC_ALERT_WEBHOOK": f"http://127.0.0.1:{server.server_port}/hook",
    }
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "sync", "run"], cwd=PROJECT, env=environment, check=False, timeout=TIMEOUT
        )
    finally:
        server.shutdown()
        server.server_close()
    assert ran.returncode == 2
    [notice] = _Hook.heard
    assert (notice["alert"], notice["state"]) == ("state", "firing")
    assert "is damaged, or is another kind of file" in notice["text"]
    assert notice["runbook"] == "docs/oncall.md#state"
