"""What /metrics, /healthz and /readyz answer on a sound state file, on a damaged one, and when something goes wrong."""

from __future__ import annotations

import io
import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from night_stage import Product
from running import PROJECT, TIMEOUT
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError
from world.sandbox import Sandbox

from sync import log, metrics
from sync.admin import alerts
from sync.admin.status import status
from sync.app import Clock
from sync.config import load
from sync.context import Context
from sync.errors import Denied, Unavailable
from sync.jobs import runner
from sync.jobs.runner import JobResults
from sync.notify import Notice
from sync.state import documents, streams
from sync.state.documents import DUPLICATES, LAST_BACKUP, MISMATCHES
from sync.state.store import Store, open_store
from sync.worker import loop, readings, server
from sync.worker.loop import Worker
from sync.worker.server import Probes, serving
from sync.worker.signals import StopSignal
from sync.worker.vitals import Vitals

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CONFIG = load(PROJECT / "config")
UNUSED: Any = None


@pytest.fixture(autouse=True)
def lines() -> Iterator[io.StringIO]:
    """The log. What other tests left in the metrics is forgotten."""
    metrics.SUCCESSES.clear(), metrics.FAILURES.clear()
    stream = io.StringIO()
    log.configure("json", "INFO", stream)
    yield stream
    log.configure("json", "ERROR")


def events(lines: io.StringIO, name: str) -> list[dict[str, Any]]:
    return [line for text in lines.getvalue().splitlines() if (line := json.loads(text))["event"] == name]


class Webhook:
    """Takes notices, unless it is away."""

    def __init__(self) -> None:
        self.away, self.heard = False, list[Notice]()

    def __call__(self, notice: Notice) -> bool:
        if not self.away:
            self.heard.append(notice)
        return not self.away


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "state.db")
    with made.session() as session:
        for stream in ("contacts", "companies"):
            streams.complete_stream(session, stream, NOW)
    yield made
    made.close()


@pytest.fixture
def webhook() -> Webhook:
    return Webhook()


@pytest.fixture
def app(store: Store, webhook: Webhook) -> Any:
    context = Context(store, UNUSED, UNUSED, CONFIG, "run", now=lambda: NOW, notify=webhook)
    settings = SimpleNamespace(metrics_port=0, metrics_host="127.0.0.1", client_cert=None, config=PROJECT / "config")
    clock = Clock(now=lambda: NOW)
    return SimpleNamespace(context=context, clock=clock, settings=settings, with_run_id=lambda: context)


@pytest.fixture
def worker(app: Any) -> Worker:
    made = Worker(app, StopSignal())
    assert made._try(made.lease.acquire)
    made.vitals.lease = "held"
    return made


@pytest.fixture
def url(app: Any, worker: Worker) -> Iterator[str]:
    with serving(app, worker.vitals) as port:
        yield f"http://127.0.0.1:{port}"


def shown(url: str) -> dict[str, float]:
    answer = requests.get(f"{url}/metrics", timeout=TIMEOUT)
    assert answer.status_code == 200
    rows = (line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in rows}


def damage(store: Store) -> None:
    """Pages in the middle are overwritten, as by a disk that lost them; the head is as it was."""
    store.engine.dispose()
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [size] = connection.execute("PRAGMA page_size").fetchone()
    with store.path.open("r+b") as file:
        file.seek(size)
        file.write(b"\xff" * (store.path.stat().st_size - size))


# ---- a state file that cannot be used


def test_with_a_damaged_state_file_metrics_show_what_was_read_last(url: str, store: Store, worker: Worker) -> None:
    before = shown(url)
    assert before["sync_state_readable"] == 1
    damage(store)
    worker._try(worker.heartbeat)
    after = shown(url)
    assert after["sync_state_readable"] == 0
    assert after['sync_alert_active{alert="state"}'] == after['sync_alert_delivered{alert="state"}'] == 1
    name = 'sync_watermark_timestamp_seconds{stream="contacts"}'
    assert after[name] == before[name] == NOW.timestamp()
    assert set(before) <= set(after), "no series ends, so that no `for:` begins anew"
    ready = requests.get(f"{url}/readyz", timeout=TIMEOUT)
    assert ready.status_code == 503
    assert "damaged" in ready.json()["problem"]


def test_damage_that_only_jobs_meet_turns_the_probe_red_until_they_end_well(
    url: str, worker: Worker, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    [sweep] = [slot for slot in worker.slots if slot.job == "sweep"]
    monkeypatch.setattr(loop, "run_jobs", raising(corrupt()))
    worker.job(sweep)()
    assert worker._try(worker.heartbeat), "a sign of life succeeds"
    assert requests.get(f"{url}/readyz", timeout=TIMEOUT).status_code == 503
    assert shown(url)["sync_state_readable"] == 0
    monkeypatch.setattr(loop, "run_jobs", lambda *_: None)
    worker.job(sweep)()
    worker._try(worker.heartbeat)
    assert requests.get(f"{url}/readyz", timeout=TIMEOUT).status_code == 200
    assert [notice.state for notice in webhook.heard if notice.alert == "state"] == ["firing", "resolved"]


def raising(error: Exception) -> Any:
    def run(*_: object) -> None:
        raise error

    return run


def test_one_message_while_notes_can_be_written_and_the_rest_cannot_be_read(
    url: str, app: Any, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "_facts", raising(DatabaseError("select", {}, corrupt())))
    monkeypatch.setattr(readings, "read", raising(DatabaseError("select", {}, corrupt())))
    for _ in range(3):
        assert "damaged" in (alerts.watch(app.context) or "")
    assert [notice.state for notice in webhook.heard] == ["firing"]
    found = shown(url)
    assert found['sync_alert_active{alert="state"}'] == found['sync_alert_delivered{alert="state"}'] == 1


def corrupt() -> sqlite3.DatabaseError:
    """What SQLite says when it meets a damaged page."""
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


# ---- failures outside the record of a job


def test_a_failure_outside_the_record_of_a_job_is_recorded_and_counted(
    url: str, worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch, lines: io.StringIO
) -> None:
    monkeypatch.setattr(loop, "run_jobs", raising(KeyError("x")))
    [sweep] = [slot for slot in worker.slots if slot.job == "sweep"]
    for _ in range(5):
        worker.job(sweep)()
    with store.reading() as session:
        assert streams.streaks(session)["sweep"].count == 5
    worker._try(worker.heartbeat)
    found = shown(url)
    assert found['sync_job_last_failure_timestamp_seconds{sync_job="sweep"}'] == NOW.timestamp()
    assert found['sync_alert_active{alert="job_failing"}'] == 1
    [*_, line] = events(lines, "job_failed")
    assert (line["level"], line["kind"], line["job"]) == ("error", "Defect", "sweep")


def test_it_is_counted_even_if_nothing_can_be_written(
    url: str, worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    event.listen(store.engine, "checkout", lambda connection, *_: connection.execute("PRAGMA query_only=ON"))
    monkeypatch.setattr(loop, "run_jobs", raising(KeyError("x")))
    [sweep] = [slot for slot in worker.slots if slot.job == "sweep"]
    worker.job(sweep)()
    assert shown(url)['sync_job_last_failure_timestamp_seconds{sync_job="sweep"}'] == NOW.timestamp()


@pytest.mark.parametrize(
    ("failure", "level"), [(Denied("c4c", "refused (401)"), "error"), (Unavailable("c4c", "no answer"), "warning")]
)
def test_a_failure_that_needs_a_person_is_an_error(
    app: Any, failure: Exception, level: str, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(runner.JOBS, "housekeeping", raising(failure))
    hubspot: Any = SimpleNamespace(left_out=SimpleNamespace(take=dict))
    runner.run_job(replace(app.context, hubspot=hubspot), "housekeeping", JobResults())
    [line] = events(lines, "job_failed")
    assert line["level"] == level


def test_a_job_with_a_long_interval_runs_again_soon_after_a_failure(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its alert would hold for a day otherwise, although the cause is gone."""
    moved: list[str] = []
    scheduler: Any = SimpleNamespace(modify_job=lambda job, next_run_time: moved.append(job))
    worker._scheduler = scheduler
    monkeypatch.setattr(loop, "run_jobs", raising(KeyError("x")))
    for slot in worker.slots:
        worker.job(slot)()
    assert moved == [slot.job for slot in worker.slots if slot.every > loop.SOON]
    assert "housekeeping" in moved


# ---- alerts that hold, and alerts that were delivered


def test_an_alert_holds_whether_or_not_the_webhook_took_it(
    url: str, worker: Worker, store: Store, webhook: Webhook
) -> None:
    webhook.away = True
    with store.session() as session:
        MISMATCHES.write(session, {"c4c": ["Lead.GroupCode: gone"]})
    worker._try(worker.heartbeat)
    active, delivered = (f'sync_alert_{what}{{alert="contract"}}' for what in ("active", "delivered"))
    found = shown(url)
    assert (found[active], found[delivered]) == (1, 0)
    document = status(store, NOW, CONFIG)
    assert document["alerts"] == {"contract: Lead.GroupCode: gone": NOW.isoformat()}
    assert document["alerts_undelivered"] == ["contract: Lead.GroupCode: gone"]
    webhook.away = False
    worker._try(worker.heartbeat)
    found = shown(url)
    assert (found[active], found[delivered]) == (1, 1)
    assert status(store, NOW, CONFIG)["alerts_undelivered"] == []


def test_what_holds_is_dated_by_its_beginning_not_by_its_delivery(store: Store, app: Any, webhook: Webhook) -> None:
    webhook.away = True
    with store.session() as session:
        MISMATCHES.write(session, {"c4c": ["gone"]})
    alerts.watch(app.context)
    webhook.away = False
    alerts.watch(replace(app.context, now=lambda: NOW + timedelta(minutes=10)))
    [notice] = webhook.heard
    assert notice.since == NOW.isoformat()


def test_an_end_that_was_not_delivered_holds_no_longer(
    url: str, worker: Worker, store: Store, webhook: Webhook
) -> None:
    with store.session() as session:
        MISMATCHES.write(session, {"c4c": ["gone"]})
    worker._try(worker.heartbeat)
    webhook.away = True
    with store.session() as session:
        MISMATCHES.write(session, {"c4c": []})
    worker._try(worker.heartbeat)
    found = shown(url)
    assert found['sync_alert_active{alert="contract"}'] == 0
    assert found['sync_alert_delivered{alert="contract"}'] == 1, "the end waits"


# ---- the server itself


def test_head_answers_as_get_without_a_body(url: str) -> None:
    for path in ("metrics", "readyz", "healthz", "else"):
        head, get = (requests.request(method, f"{url}/{path}", timeout=TIMEOUT) for method in ("HEAD", "GET"))
        assert head.status_code == get.status_code
        assert head.headers["Content-Type"] == get.headers["Content-Type"]
        assert int(head.headers["Content-Length"]) > 0
        assert head.content == b""


def test_a_connection_that_stays_silent_is_closed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert server._Handler.timeout == server.IDLE
    monkeypatch.setattr(server._Handler, "timeout", 0.05)
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=TIMEOUT) as silent:
        assert silent.recv(1) == b"", "closed by the server"


def test_what_goes_wrong_in_the_server_is_a_line_and_an_answer(
    app: Any, lines: io.StringIO, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Probes, "healthz", raising(KeyError("somebody@example.com")))
    with serving(app, Vitals(stuck_after=1, heartbeat_every=1)) as port:
        answer = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=TIMEOUT)
    assert answer.status_code == 500
    assert "KeyError" in answer.json()["problem"]
    [line] = events(lines, "probe_failed")
    assert (line["endpoint"], line["level"]) == ("/healthz", "warning")
    assert "somebody" not in answer.text + lines.getvalue()
    assert capfd.readouterr().err == ""


def test_a_worker_says_what_starts(worker: Worker, lines: io.StringIO) -> None:
    worker._say_what_starts()
    [line] = events(lines, "worker_started")
    assert line["version"]
    assert line["rules"] == CONFIG.rules.fingerprint
    assert line["config"] == str(PROJECT / "config")
    assert line["state_version"].isdigit()
    assert line["host"] == socket.gethostname()


def test_the_size_counts_what_only_the_journal_holds(url: str, store: Store) -> None:
    before = shown(url)["sync_state_bytes"]
    with store.session() as session:
        documents.CLOCK.write(session, "x" * 1_000_000)
    assert store.path.stat().st_size < 1_000_000
    assert shown(url)["sync_state_bytes"] >= before + 1_000_000


# ---- leads that were there already


def test_adopted_leads_count_as_no_handover(product: Product, sandbox: Sandbox, command: Any) -> None:
    company = sandbox.company("acme")
    for _ in range(2):
        sandbox.contact(company)
    assert command("once", "--until-idle").code == 0
    first = command("status", "--json").document
    assert (first["handed_over"], first["adopted"]) == (2, 0)
    for file in product.home.glob("state.db*"):
        file.unlink()
    counted = metrics.HANDOVERS._value.get()
    again = command("once", "--until-idle")
    assert again.code == 0
    assert '"lead_adopted"' in again.err
    assert '"lead_handed_over"' not in again.err
    assert metrics.HANDOVERS._value.get() == counted
    second = command("status", "--json").document
    assert (second["handed_over"], second["adopted"]) == (0, 2)
    assert len(sandbox.lead_keys()) == 2


def test_a_backup_and_the_duplicates_that_verify_found_are_remembered(
    product: Product, sandbox: Sandbox, command: Any, tmp_path: Path
) -> None:
    sandbox.contact(sandbox.company("acme"))
    assert command("once", "--until-idle").code == 0
    assert command("backup", str(tmp_path / "copy.db")).code == 0
    [lead] = sandbox.rows("Lead")
    sandbox.post(f"/c4c/Lead/{lead['ObjectID']}/copy", {})
    assert command("verify").code == 4
    store = open_store(product.state)
    with store.reading() as session:
        assert LAST_BACKUP.read(session) is not None
        assert DUPLICATES.read(session) == 1
    store.close()
