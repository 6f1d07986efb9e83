"""The state of the whole program, for people and for other programs. No network."""

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session

from sync.admin import erasure
from sync.config import Configuration, Slo, WorkerConfig
from sync.contracts import freshness
from sync.domain.moments import iso
from sync.mirror import mass_deletion
from sync.net import certificates
from sync.state import alert_lists, belonging, guarding, pausing, second_writer, streams, trouble, work
from sync.state import lease as leases
from sync.state.documents import ALERTS, BUDGET, IN_SERVICE, DailyBudget, Duplication, MassDeletion, Stopped
from sync.state.store import Store
from sync.state.tables import JobRun
from sync.state.trouble import space

_LATE = 3
"""A worker that has missed this many poll intervals in a row counts as stuck."""


def status(store: Store, now: datetime, configuration: Configuration | None = None) -> dict[str, Any]:
    """Backlog, parked contacts by code, watermarks with their age, and the last success and failure of each job."""
    with store.reading() as session:
        return {
            "done": work.done_counts(session),
            "parked": work.parked_counts(session),
            "handed_over": work.created_lead_count(session),
            "adopted": work.adopted_lead_count(session),
            **standing(session, store, now, configuration),
        }


def standing(
    session: Session, store: Store, now: datetime, configuration: Configuration | None = None
) -> dict[str, Any]:
    """The part of it that costs the same however many contacts there are, in an open transaction of this store."""
    oldest, latencies = work.oldest_pending(session), _latencies(session)
    return {
        "pending": work.pending_count(session),
        "due": work.due_count(session, now),
        "oldest_pending": iso(oldest),
        "watermarks": {name: _mark(until, now) for name, until in streams.watermarks(session).items()},
        "jobs": {name: _job(success, failure) for name, (success, failure) in streams.last_runs(session).items()},
        "budget": _budget(BUDGET.read(session), configuration),
        "frozen_scores": freshness.frozen(session, configuration, now) if configuration else [],
        "lease": _lease(store, leases.current_holder(session), now),
        "guard": _guard(guarding.last_stopped(session)),
        "belongs_to": asdict(belonging.known(session)),
        "paused": asdict(pause) if (pause := pausing.paused(session)) else None,
        "second_writer": _second_writer(second_writer.finding_in_force(session)),
        "disappearances": [_doubted(found) for found in mass_deletion.sets_in_the_way(session)],
        "erasures": erasure.under_way(session),
        "alerts": alert_lists.holding(session),
        "alerts_undelivered": sorted(set(alert_lists.holding(session)) ^ set(ALERTS.read(session))),
        "state": _state(store),
        "latency_seconds": _latency(latencies),
        "slo": _promise(latencies, configuration.worker.slo) if configuration else None,
    }


def client_certificate(path: Path | None, now: datetime) -> dict[str, Any] | None:
    """When our certificate for SAP Sales Cloud ends, and what is wrong with its dates; None without one."""
    validity = certificates.of_file(path) if path else None
    if validity is None:
        return None
    return {"path": str(path), "expires_at": iso(validity.not_after), "problem": validity.problem(now)}


def _state(store: Store) -> dict[str, Any]:
    """The state file from outside, and what is wrong with it."""
    path = store.path
    problem = trouble.standing(path)
    named = f"{path}: {problem}" if problem else trouble.exposed(path)
    found = space(path)
    return {"path": str(path), "bytes": found.used, "free_bytes": found.free, "problem": named}


def _budget(known: DailyBudget, configuration: Configuration | None) -> dict[str, Any]:
    """HubSpot's requests of the day for the whole account, as HubSpot last reported them."""
    return {
        "limit": known.limit,
        "used": known.used,
        "left": known.left,
        "reserved": configuration.worker.hubspot.daily_reserve if configuration else None,
        "resets_at": iso(known.resets_at),
        "exhausted_until": iso(known.exhausted_until),
    }


def _mark(until: datetime | None, now: datetime) -> dict[str, Any]:
    return {"until": iso(until), "age_seconds": round((now - until).total_seconds()) if until else None}


def _job(success: JobRun | None, failure: JobRun | None) -> dict[str, Any]:
    return {
        "last_success": iso(success.finished_at) if success else None,
        "last_failure": iso(failure.finished_at) if failure else None,
        "last_error": failure.error if failure else None,
    }


def _lease(store: Store, holding: leases.Holding | None, now: datetime) -> dict[str, Any] | None:
    """The holder of the lease. `alive` comes from the kernel where possible, so that a dead holder shows at once."""
    if holding is None:
        return None
    return {
        "holder": holding.holder,
        "kind": holding.kind,
        "since": iso(holding.since),
        "beat_age_seconds": round((now - holding.heartbeat_at).total_seconds()),
        "alive": leases.is_alive(store),
    }


def _guard(stopped: Stopped | None) -> dict[str, Any] | None:
    if stopped is None:
        return None
    return {"plan": stopped.digest, "text": stopped.text, "at": stopped.at, "approved_at": stopped.approved_at}


def _second_writer(found: Duplication | None) -> dict[str, Any] | None:
    return {"digest": found.digest, "text": found.text, "at": found.at} if found else None


def _doubted(found: MassDeletion) -> dict[str, Any]:
    return {"plan": found.digest, "text": found.text, "at": found.at}


_LATENCIES = 1000
"""Number of handovers for the percentiles and the promise."""


def _latencies(session: Session) -> list[float]:
    """Seconds from crossing the threshold to the lead, of the last handovers, in order."""
    since = IN_SERVICE.read(session)
    return sorted(work.recent_latencies(session, since, _LATENCIES)) if since else []


def _latency(ordered: list[float]) -> dict[str, int] | None:
    """Median and 95th percentile."""
    if not ordered:
        return None
    return {"p50": round(ordered[len(ordered) // 2]), "p95": round(ordered[int(len(ordered) * 0.95)])}


def _promise(latencies: list[float], slo: Slo) -> dict[str, Any]:
    """How the last handovers kept the promise of `[slo]`; `share` is None without any."""
    within = sum(seconds <= slo.handover.total_seconds() for seconds in latencies)
    return {
        "handover_seconds": round(slo.handover.total_seconds()),
        "target": slo.target,
        "handovers": len(latencies),
        "within": within,
        "share": round(within / len(latencies), 4) if latencies else None,
    }


def unhealthy(store: Store, worker: WorkerConfig, now: datetime) -> str | None:
    """Why the worker counts as stuck, or None. An outage of a remote system is not a reason: the loop still turns."""
    limit = max(_LATE * worker.schedule.poll, timedelta(minutes=5))
    patience = max(_LATE * worker.schedule.takeover_after, timedelta(minutes=2))
    with store.reading() as session:
        holding = leases.current_holder(session)
        pulse = streams.last_start(session)
    if holding and holding.kind == "worker" and not leases.is_alive(store):
        return "the worker that held the lease has ended"
    if holding and abs(now - holding.heartbeat_at) <= patience:
        return None
    if pulse is None:
        return "no job was ever started"
    if now - pulse > limit:
        age, allowed = (round(time.total_seconds()) for time in (now - pulse, limit))
        return f"the last job was started {age} s ago, allowed are {allowed} s"
    return None
