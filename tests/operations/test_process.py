"""The real process with the real scheduler: signals, a second worker, a command beside it, probes."""

import re
import signal
import socket
from pathlib import Path

import pytest
import requests
from night_stage import Product, free_port
from running import TIMEOUT
from world.sandbox import Sandbox

PATIENT = 'stop_within = "1h"'
"""The worker ends by itself: not because its time is up, however busy the machine is."""

QUICK = {"poll": "200ms", "push": "200ms", "scores": "1h", "sweep": "1h"}


@pytest.fixture
def busy(product: Product, sandbox: Sandbox) -> Product:
    """A product with a short timetable, and three contacts who qualify."""
    product.configure(**QUICK)
    company = sandbox.company("acme")
    for _ in range(3):
        sandbox.contact(company)
    return product


def test_a_signal_lets_the_write_in_hand_end(busy: Product, sandbox: Sandbox) -> None:
    busy.configure(PATIENT, **QUICK)
    slow = sandbox.fault("c4c", "slow", body="POST CorporateAccountCollection", seconds=TIMEOUT)
    with busy.started("run") as worker:
        sandbox.until_fired(slow)
        worker.process.send_signal(signal.SIGTERM)
        worker.until("worker_stopping")
        sandbox.heal()
        assert worker.ended() == 143
    links = busy.query("select entity, object_id from link where entity = 'CorporateAccount'")
    [account] = sandbox.rows("CorporateAccount")
    assert links == [("CorporateAccount", account["ObjectID"])], "what was written is known"
    assert sandbox.rows("Lead") == [], "nothing new was begun"
    assert busy.query("select holder from lease") == [("",)], "the lease was given back"
    assert busy.run("once", "--until-idle").code == 0
    assert len(sandbox.lead_keys()) == 3
    assert len(sandbox.rows("CorporateAccount")) == 1


@pytest.mark.long
def test_a_second_signal_ends_at_once(busy: Product, sandbox: Sandbox) -> None:
    busy.configure(PATIENT, **QUICK)
    slow = sandbox.fault("c4c", "slow", body="POST CorporateAccountCollection", seconds=TIMEOUT)
    with busy.started("run") as worker:
        sandbox.until_fired(slow)
        worker.process.send_signal(signal.SIGTERM)
        worker.until("worker_stopping")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.ended() == 143
    assert busy.query("select count(*) from progress where status = 'in_flight'") == [(3,)]


@pytest.mark.long
def test_the_end_is_bounded(busy: Product, sandbox: Sandbox) -> None:
    busy.configure('stop_within = "100ms"', **QUICK)
    slow = sandbox.fault("c4c", "slow", body="POST CorporateAccountCollection", seconds=TIMEOUT)
    with busy.started("run") as worker:
        sandbox.until_fired(slow)
        worker.process.send_signal(signal.SIGTERM)
        assert worker.ended() == 143
    assert any('"stop_forced"' in line for line in worker.lines)


def test_a_standby_takes_over_from_a_dead_worker(busy: Product, sandbox: Sandbox) -> None:
    with busy.started("run") as first:
        assert first.until("load_forecast", job="poll")["contacts"] == 3
        first.until("job_finished", job="push")
        with busy.started("run") as second:
            assert second.until("worker_standby")["holder"].endswith(f":{first.process.pid}")
            held = busy.run("once")
            assert held.code == 2
            assert "is at work" in held.err
            first.process.kill()
            second.until("lease_acquired")
            second.until("job_finished", job="push")
            second.process.send_signal(signal.SIGTERM)
            assert second.ended() == 143
    assert len(sandbox.lead_keys()) == 3


@pytest.mark.long
def test_commands_beside_a_worker_only_mark(busy: Product, sandbox: Sandbox) -> None:
    with busy.started("run") as worker:
        worker.until("lead_handed_over")
        marked = busy.run("resync", "--everything", "--refetch", "--yes", "--json")
        assert marked.code == 0
        assert marked.document["worker"].endswith(f":{worker.process.pid}")
        status = busy.run("status", "--json").document
        assert status["lease"]["alive"] is True
        assert busy.run("health").code == 0
        worker.process.send_signal(signal.SIGTERM)
        worker.ended()


def test_probes_and_metrics(busy: Product, sandbox: Sandbox) -> None:
    port = free_port()
    busy.extra["SYNC_METRICS_PORT"] = str(port)
    url = f"http://127.0.0.1:{port}"
    sandbox.fault("hubspot", "status", status=503, times=None)
    with busy.started("run") as worker:
        worker.until("job_failed", job="poll")
        alive, ready = (requests.get(f"{url}/{path}", timeout=TIMEOUT) for path in ("healthz", "readyz"))
        assert (alive.status_code, ready.status_code) == (200, 200), f"a remote outage fails no probe: {ready.text}"
        assert ready.json()["lease"] == "held"
        assert (
            'sync_job_runs_total{result="failure",sync_job="poll"}'
            in requests.get(f"{url}/metrics", timeout=TIMEOUT).text
        )
        sandbox.heal()
        worker.until("lead_handed_over")
        text = requests.get(f"{url}/metrics", timeout=TIMEOUT).text
        assert 'sync_decisions_total{code="C4C_REJECTED"} 0.0' in text, "known series exist from the start"
        assert "sync_lease_held 1.0" in text
        assert re.search(r'sync_requests_total{endpoint="\w+",status="503",system="hubspot"}', text)
        assert requests.get(f"{url}/else", timeout=TIMEOUT).status_code == 404
        busy.extra["PYTHONPROFILEIMPORTTIME"] = "1"
        health = busy.run("health")
        assert (health.code, health.out) == (0, "healthy\n")
        assert "sync.cli.probe" in health.err
        assert "sqlalchemy" not in health.err, "a probe comes every minute and costs next to nothing"
        worker.process.send_signal(signal.SIGTERM)
        assert worker.ended() == 143


@pytest.mark.long
def test_a_port_in_use_is_explained(product: Product) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        product.extra["SYNC_METRICS_PORT"] = str(taken.getsockname()[1])
        ended = product.run("run")
    assert ended.code == 2
    assert "SYNC_METRICS_PORT" in ended.err


@pytest.mark.long
def test_a_worker_whose_state_file_was_replaced_ends_and_writes_nothing_more(busy: Product, sandbox: Sandbox) -> None:
    """Whoever restores a backup under a running worker must not get every lead twice."""
    with busy.started("run") as first:
        first.until("lead_handed_over")
        first.until("job_finished", job="push")
        before = sandbox.written()
        for leftover in busy.home.glob("state.db*"):
            leftover.unlink()
        with busy.started("run") as second:
            sandbox.contact(sandbox.company("late"))
            second.until("lead_handed_over")
            assert first.process.wait(TIMEOUT) == 2
            second.process.send_signal(signal.SIGTERM)
            assert second.ended() == 143
    assert sandbox.written() > before
    keys = sandbox.lead_keys()
    assert len(keys) == len(set(keys)) == 4
    assert len(sandbox.rows("CorporateAccount")) == 2


@pytest.mark.long
def test_reports_work_while_the_rules_are_broken(busy: Product) -> None:
    assert busy.run("once").code == 0
    (busy.home / "config" / "qualification.toml").write_text("x = [", encoding="utf-8")
    status = busy.run("status")
    assert status.code == 0
    assert "handed over 3 leads" in status.out
    assert "`hubspot-c4c-sync check --offline` names them" in status.err
    assert busy.run("health").code == 0


@pytest.mark.long
def test_health_asks_whether_the_worker_lives(busy: Product) -> None:
    with busy.started("run") as worker:
        worker.until("lease_acquired")
        assert busy.run("health").code == 0
        worker.process.kill()
        worker.process.wait()
    gone = busy.run("health")
    assert (gone.code, gone.err) == (1, "unhealthy: the worker that held the lease has ended\n")


def test_a_refused_password_is_not_sent_again_before_its_file_changes(
    busy: Product, sandbox: Sandbox, tmp_path: Path
) -> None:
    """SAP Sales Cloud locks a user after a few wrong ones; the right one needs no restart."""
    file = tmp_path / "password"
    file.write_text("wrong-password-1", encoding="utf-8")
    busy.extra["C4C_PASSWORD_FILE"] = str(file)
    with busy.started("run") as worker:
        for _ in range(6):
            worker.until("job_failed", job="push")
        refused = [entry for entry in sandbox.get("/requests/log", system="c4c") if entry["status"] == 401]
        file.write_text(sandbox.announced["password"], encoding="utf-8")
        worker.until("credentials_read", field="C4C_PASSWORD")
        worker.until("job_finished", job="push")
        worker.process.send_signal(signal.SIGTERM)
        worker.ended()
    assert len(refused) == 3
    assert any("are not sent again" in line for line in worker.lines)
    assert not any("wrong-password-1" in line for line in worker.lines)
