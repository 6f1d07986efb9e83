"""A real Prometheus scrapes a real worker: every expression of the dashboard and every rule is run there."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from night_stage import Product, free_port
from running import PROJECT, TIMEOUT, until
from world.sandbox import Sandbox, unkept

pytestmark = pytest.mark.long

DASHBOARD = json.loads((PROJECT / "deploy/grafana/dashboard.json").read_text(encoding="utf-8"))
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


class Prometheus:
    """The API of a running one."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._session = unkept()

    def ready(self) -> bool:
        try:
            return self._session.get(f"{self.address}/-/ready", timeout=TIMEOUT).ok
        except OSError:
            return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        answer = self._session.post(f"{self.address}/api/v1/query", data={"query": expression}, timeout=TIMEOUT)
        assert answer.ok, f"{expression}: {answer.text}"
        return list(answer.json()["data"]["result"])

    def rules(self) -> list[dict[str, Any]]:
        answer = self._session.get(f"{self.address}/api/v1/rules", timeout=TIMEOUT).json()
        return [rule for group in answer["data"]["groups"] for rule in group["rules"]]


@contextmanager
def scraping(program: str, home: Path, worker_port: int) -> Iterator[Prometheus]:
    """A Prometheus on loopback that scrapes the worker every second and has our rules."""
    target = {"targets": [f"127.0.0.1:{worker_port}"], "labels": {"namespace": "crm"}}
    document = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(PROJECT / "deploy/prometheus/alerts.yaml")],
        "scrape_configs": [{"job_name": "hubspot-c4c-sync", "static_configs": [target]}],
    }
    (home / "prometheus.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    port = free_port()
    options = [f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={home / 'tsdb'}", "--log.level=error"]
    command = [program, f"--config.file={home / 'prometheus.yml'}", *options]
    with open(home / "prometheus.err", "w", encoding="utf-8") as errors:
        process = subprocess.Popen(command, cwd=home, stdout=errors, stderr=errors)
    try:
        found = Prometheus(port)
        until(lambda: process.poll() is not None or found.ready(), "Prometheus is ready")
        assert process.poll() is None, (home / "prometheus.err").read_text(encoding="utf-8")
        yield found
    finally:
        process.kill()
        process.wait(TIMEOUT)


@pytest.fixture
def program() -> str:
    found = shutil.which("prometheus")
    if found is None:
        pytest.skip("prometheus is not installed (Debian, Ubuntu: apt-get install prometheus)")
    return found


def test_dashboard_and_rules_work_on_what_a_real_prometheus_stores(
    program: str, product: Product, sandbox: Sandbox, tmp_path: Path
) -> None:
    product.configure(poll="1s", push="1s", scores="1s", sweep="1s")
    sandbox.contact(sandbox.company("acme"))
    product.extra["SYNC_METRICS_PORT"] = str(port := free_port())
    with product.started("run") as worker, scraping(program, tmp_path, port) as prometheus:
        worker.until("lead_handed_over")
        assert product.run("backup", str(tmp_path / "copy.db")).code == 0
        until(lambda: prometheus.query("count_over_time(sync_lease_held[5m]) > 3"), "a few scrapes")
        until(lambda: prometheus.query("sync_backup_timestamp_seconds > 0"), "the backup's time")
        answers = {expression: prometheus.query(expression) for expression in EXPRESSIONS}
        empty = [expression for expression, rows in answers.items() if not rows and not is_compared(expression)]
        assert empty == [], "a panel without a line"
        assert prometheus.query('{exported_job!=""}') == [], "no label of ours is one of Prometheus' own"
        rules = prometheus.rules()
        until(lambda: all(rule["evaluationTime"] for rule in prometheus.rules()), "each rule was evaluated")
        assert [rule["name"] for rule in rules if rule["health"] == "err"] == []
        assert [rule["name"] for rule in prometheus.rules() if rule["state"] == "firing"] == []
        worker.process.send_signal(signal.SIGTERM)
        assert worker.ended() == 143


def is_compared(expression: str) -> bool:
    """A filter may leave nothing, as where nothing is wrong."""
    return re.search(r" (==|>|<) ", expression) is not None
