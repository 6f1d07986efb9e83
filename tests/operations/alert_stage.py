"""A worker's state file, its metrics and its webhook, as promtool's series; both systems are left out.

The metrics come from the real collector on a real state file, into which is written what jobs leave behind. Time is
promtool's own: a scenario of hours takes no time.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import yaml
from prometheus_client.core import Metric
from running import PROJECT

from sync import metrics
from sync.admin import alerts
from sync.config import Configuration, load
from sync.context import Context
from sync.domain.codes import Code
from sync.jobs.runner import JOBS
from sync.log import Event
from sync.mirror import freshness
from sync.notify import Notice
from sync.state import streams
from sync.state.store import Store, open_store
from sync.state.trouble import Space
from sync.worker import gauges
from sync.worker.gauges import StateGauges
from sync.worker.vitals import Vitals

BASE = datetime(2026, 11, 30, tzinfo=UTC)
"""What promtool's clock, which begins with 1970, stands for."""

RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load((PROJECT / "deploy/prometheus/alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}
WATCHED = {name for rule in RULES.values() for name in re.findall(r"\bsync_\w+", rule["expr"])}
"""The other metrics would only cost time."""

WORKER = {"namespace": "crm", "job": "hubspot-c4c-sync"}
HOLDER, STANDBY = {**WORKER, "instance": "a:9090"}, {**WORKER, "instance": "b:9090"}
OTHER = {**WORKER, "namespace": "test", "instance": "c:9090"}
"""Another worker that the same Prometheus scrapes: always well, and never named by an alert."""

Series = dict[tuple[tuple[str, str], ...], float]
Action = Callable[["Stage"], None]
UNUSED: Any = None
MOVING = ("sync_watermark_timestamp_seconds", "sync_job_last_success_timestamp_seconds")
REPEATED = "sync_job_last_failure_timestamp_seconds"


def configuration() -> Configuration:
    """The shipped one, with a threshold for the last lead."""
    found = load(PROJECT / "config")
    of_alerts = found.worker.alerts.model_copy(update={"no_leads": timedelta(hours=24)})
    return replace(found, worker=found.worker.model_copy(update={"alerts": of_alerts}))


CONFIG = configuration()


@dataclass
class Stage:
    """A holder and a standby on one state file, at `now`."""

    home: Path
    template: Path
    now: datetime = BASE
    away: bool = False
    """Whether the webhook takes nothing."""
    gone: bool = False
    """Whether neither process can be scraped."""
    at_work: int | None = 0
    """Which of the two holds the lease."""
    certificate: Path | None = None
    writer: sqlite3.Connection | None = None
    """Another program that has the file open for writing."""
    free: int = 5_000_000_000
    """Bytes on the disk: a test cannot fill a real one."""
    heard: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        shutil.copy(self.template, self.home / "state.db")
        (self.home / "state.db").chmod(0o600)
        self.store = Store(self.home / "state.db")
        metrics.SUCCESSES.clear(), metrics.FAILURES.clear()
        metrics.expect(Event, Code, JOBS)
        self.vitals = Vitals(stuck_after=3600, heartbeat_every=10)
        self.context = Context(self.store, UNUSED, UNUSED, CONFIG, "run", now=lambda: self.now, notify=self._notify)
        self._gauges = [StateGauges(self._app(self.context), self.vitals), self._of_a_standby()]

    def _app(self, context: Context) -> Any:
        """The certificate is looked for anew each time."""
        stage = self

        class Settings:
            @property
            def client_cert(self) -> Path | None:
                return stage.certificate

        return SimpleNamespace(context=context, settings=Settings())

    def _of_a_standby(self) -> StateGauges:
        context = Context(self.store, UNUSED, UNUSED, CONFIG, "run", now=lambda: self.now)
        return StateGauges(self._app(context), Vitals(stuck_after=3600, heartbeat_every=10))

    def _notify(self, notice: Notice) -> bool:
        if not self.away:
            self.heard.append((notice.alert, notice.state))
        return not self.away

    def ran(self, job: str, failure: str | None = None, message: str = "") -> None:
        """A run of the job, as the runner records it."""
        with self.store.session() as session:
            run = streams.start_job(session, "run", job, self.now)
            streams.finish_job(session, run, self.now, streams.Ended({}, failure, message or None, ok=failure is None))

    def well(self, except_for: str = "") -> None:
        """All jobs but one end well, HubSpot is read completely, and values of the score change."""
        for job in JOBS:
            if job != except_for:
                self.ran(job)
        if except_for == "poll":
            return
        with self.store.session() as session:
            for stream in ("contacts", "companies"):
                streams.complete_stream(session, stream, self.now)
            freshness.note_values(session, ["lead_score"], [({"lead_score": "1"}, {"lead_score": "2"})], self.now)
            freshness.note_read(session, "mql", self.now, self.now)

    def look(self) -> None:
        """What the worker's loop does with each sign of life."""
        if not self.gone:
            self.vitals.state = alerts.watch(self.context)

    def series(self) -> Series:
        """What Prometheus stores of one scrape of both processes."""
        if self.gone:
            return {}
        found: Series = {}
        for n, (labels, of_state) in enumerate(zip((HOLDER, STANDBY), self._gauges, strict=True)):
            metrics.at_work(BASE if self.at_work == n else None)
            # The counters are those of this process, so only one of the two can have them.
            own = metrics.REGISTRY.collect() if n == 0 else _lease()
            with patch.object(gauges, "space", lambda _: Space(1_000_000, self.free)):
                families = [*own, *of_state.collect()]
            for sample in (sample for family in families for sample in family.samples):
                if sample.name in WATCHED:
                    found[_key(sample.name, {**sample.labels, **labels})] = _value(sample.name, sample.value)
        return found

    def close(self) -> None:
        self.store.close()


def _lease() -> list[Metric]:
    return [*metrics.LEASE_HELD.collect(), *metrics.AT_WORK_SINCE.collect()]


def _key(name: str, labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return (("__name__", name), *sorted(labels.items()))


def _value(name: str, value: float) -> float:
    """Times count from the beginning of promtool's clock; 0 stays "never"."""
    return value - BASE.timestamp() if name.endswith("_timestamp_seconds") and value else value


def template(home: Path) -> Path:
    """An empty state file that is copied for each stage."""
    path = home / "template.db"
    open_store(path).close()
    return path


@dataclass(frozen=True)
class Step:
    """Something happens, and then so many minutes pass."""

    minutes: int
    act: Action


@dataclass
class Timeline:
    """Series as promtool writes them, filled step by step. `every`: minutes between two scrapes."""

    every: int = 1
    minutes: int = field(init=False)
    values: dict[tuple[tuple[str, str], ...], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # The first moment of all would be 0, which means "never".
        self.minutes = self.every

    def play(self, stage: Stage, steps: Sequence[Step]) -> None:
        for step in steps:
            stage.now = BASE + timedelta(minutes=self.minutes)
            step.act(stage)
            stage.look()
            self._add(stage.series(), step.minutes // self.every)
            self.minutes += step.minutes

    def _add(self, found: Series, samples: int) -> None:
        for key in found.keys() | self.values.keys():
            before = self.values.setdefault(key, [f"_x{self.minutes // self.every}"] if self.minutes else [])
            if key in found:
                before.append(self._run(key, found[key], samples))
            else:
                before.append("stale" if samples == 1 else f"stale _x{samples - 1}")

    def _run(self, key: tuple[tuple[str, str], ...], value: float, samples: int) -> str:
        """The samples of one step: what happened just now goes on to happen, and ages grow."""
        name, seconds = key[0][1], self.every * 60
        fresh = name in (*MOVING, REPEATED) and value == self.minutes * 60
        aging = name == "sync_oldest_pending_age_seconds" and value > 0
        slope = seconds if fresh or aging else 0
        return f"{value:g}+{slope}x{samples - 1}" if samples > 1 else f"{value:g}"

    def rows(self) -> list[dict[str, str]]:
        """`input_series` of promtool."""
        return [{"series": _text(key), "values": " ".join(values)} for key, values in sorted(self.values.items())]


def _text(key: tuple[tuple[str, str], ...]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in key) + "}"
