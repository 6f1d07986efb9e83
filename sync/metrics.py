"""Metrics of the process itself for Prometheus. The worker adds those of the state store at scrape time.

Times are exported as timestamps, so that an age is right even without updates (Prometheus instrumentation guide). Known
series exist from the start with 0. No label ever holds an id, a name or a text.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

EVENTS = Counter("sync_events", "Log lines by event.", ["event"], registry=REGISTRY)
DECISIONS = Counter("sync_decisions", "Contacts settled, by deciding code.", ["code"], registry=REGISTRY)
HANDOVERS = Counter(
    "sync_handovers",
    "Leads that this process created in SAP Sales Cloud; adopted ones do not count.",
    registry=REGISTRY,
)
_LATENCY = Histogram(
    "sync_handover_latency_seconds",
    "From the crossing of the threshold, as it was seen, to the lead in SAP Sales Cloud. load: first for contacts that "
    "were above the threshold before the first load ended, later for all others.",
    ["load"],
    buckets=(60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800),
    registry=REGISTRY,
)
_PROMISED = Counter(
    "sync_slo_handovers",
    "Leads that this process created, of contacts that crossed the threshold after the first load: within the time "
    "that [slo] promises (kept), or later (missed).",
    ["result"],
    registry=REGISTRY,
)
_REQUESTS = Counter("sync_requests", "Requests sent.", ["system", "endpoint", "status"], registry=REGISTRY)
_WAITS = Counter(
    "sync_rate_limit_waits", "Requests put off because the system asked for it.", ["system"], registry=REGISTRY
)
_WAITED = Counter(
    "sync_rate_limit_wait_seconds", "Time spent waiting because the system asked for it.", ["system"], registry=REGISTRY
)
LEFT_OUT = Counter(
    "sync_rows_left_out", "Rows of HubSpot without a usable id, by kind of record.", ["kind"], registry=REGISTRY
)
_JOB_RUNS = Counter("sync_job_runs", "Runs of jobs.", ["sync_job", "result"], registry=REGISTRY)
_JOB_SECONDS = Gauge(
    "sync_job_duration_seconds", "How long the last run of the job took.", ["sync_job"], registry=REGISTRY
)
AT_WORK_SINCE = Gauge(
    "sync_at_work_since_timestamp_seconds", "When this process took the lease; 0 while it stands by.", registry=REGISTRY
)
LEASE_HELD = Gauge("sync_lease_held", "1 while this process does the work, 0 while it stands by.", registry=REGISTRY)
ALERTS_SENT = Counter("sync_alerts_sent", "Webhook messages, by outcome.", ["outcome"], registry=REGISTRY)

SUCCESSES: dict[str, datetime] = {}
FAILURES: dict[str, datetime] = {}
"""By job, when it last succeeded or failed in this process. For earlier processes the state store knows it."""

_JobResult = Literal["success", "failure", "interrupted"]
Load = Literal["first", "later"]

_RESULTS: tuple[_JobResult, ...] = ("success", "failure", "interrupted")
_LOADS: tuple[Load, ...] = ("first", "later")
_SYSTEMS = ("hubspot", "c4c")


def expect(events: Iterable[str], codes: Iterable[str], jobs: Iterable[str]) -> None:
    """Makes the known series exist with 0, so that a rate over them is never "no data"."""
    known = {
        EVENTS: events,
        DECISIONS: codes,
        _WAITS: _SYSTEMS,
        _WAITED: _SYSTEMS,
        ALERTS_SENT: ("delivered", "failed"),
        LEFT_OUT: ("contacts", "companies"),
        _LATENCY: _LOADS,
        _PROMISED: ("kept", "missed"),
    }
    for metric, values in known.items():
        for value in values:
            metric.labels(value)
    for job in jobs:
        _JOB_SECONDS.labels(job)
        for result in _RESULTS:
            _JOB_RUNS.labels(job, result)


def at_work(since: datetime | None) -> None:
    """Notes that this process took the lease, or (None) gave it back."""
    LEASE_HELD.set(since is not None)
    AT_WORK_SINCE.set(since.timestamp() if since else 0)


def job_ended(job: str, seconds: float, ok: bool | None, now: datetime) -> None:
    """Notes the end of a run; `ok` is None if it was asked to stop."""
    _JOB_RUNS.labels(job, "interrupted" if ok is None else "success" if ok else "failure").inc()
    _JOB_SECONDS.labels(job).set(seconds)
    if ok is not None:
        (SUCCESSES if ok else FAILURES)[job] = now


def job_unrecorded(job: str, now: datetime) -> None:
    """Notes a run that failed outside its own record, as when the state file cannot be written."""
    _JOB_RUNS.labels(job, "failure").inc()
    FAILURES[job] = now


def count_answer(system: str, endpoint: str, status: int | None) -> None:
    """Counts a request by HTTP status; None without an answer."""
    _REQUESTS.labels(system, endpoint, str(status) if status else "none").inc()


def requests_sent(system: str) -> int:
    """How many requests this process has sent to the system."""
    [family] = _REQUESTS.collect()
    return sum(int(s.value) for s in family.samples if s.name.endswith("_total") and s.labels["system"] == system)


def waited(system: str, seconds: float) -> None:
    """Notes a pause that a system asked for."""
    _WAITS.labels(system).inc()
    _WAITED.labels(system).inc(seconds)


def count_handover(crossed_at: datetime | None, load: Load, now: datetime, promised: timedelta) -> None:
    """Counts a lead that we created. Its latency is at least 0, even if our clock disagrees with HubSpot's.

    `promised`: how long a handover may take by [slo].
    """
    HANDOVERS.inc()
    if crossed_at is None:
        return
    _LATENCY.labels(load).observe(max(0.0, (now - crossed_at).total_seconds()))
    if load == "later":
        _PROMISED.labels("kept" if now - crossed_at <= promised else "missed").inc()
