"""The state of the whole, for people and for programs; no network."""

from datetime import datetime, timedelta
from typing import Any

from sync.config import Configuration
from sync.jobs import freshness
from sync.state import budget, streams, work
from sync.state.store import Store
from sync.state.tables import JobRun

LATE = 3
"""A worker that has missed this many poll intervals in a row does not turn any more."""


def status(store: Store, now: datetime, configuration: Configuration | None = None) -> dict[str, Any]:
    """Backlog, parked contacts by code, watermarks with their age, and the last success and failure of each job."""
    with store.reading() as session:
        oldest = work.oldest_pending(session)
        return {
            "pending": work.pending_count(session),
            "due": work.due_count(session, now),
            "oldest_pending": _iso(oldest),
            "done": work.done_counts(session),
            "parked": work.parked_counts(session),
            "handed_over": work.handover_count(session),
            "watermarks": {name: _mark(until, now) for name, until in streams.watermarks(session).items()},
            "jobs": {name: _job(success, failure) for name, (success, failure) in streams.last_runs(session).items()},
            "budget": _budget(budget.load(session), configuration),
            "frozen_scores": freshness.frozen(session, configuration, now) if configuration else [],
        }


def _budget(known: budget.DailyBudget, configuration: Configuration | None) -> dict[str, Any]:
    """HubSpot's requests of the day: the whole account's, as told last."""
    return {
        "limit": known.limit,
        "used": known.used,
        "left": known.left,
        "reserved": configuration.worker.hubspot.daily_reserve if configuration else None,
        "resets_at": _iso(known.resets_at),
        "exhausted_until": _iso(known.exhausted_until),
    }


def _mark(until: datetime | None, now: datetime) -> dict[str, Any]:
    return {"until": _iso(until), "age_seconds": round((now - until).total_seconds()) if until else None}


def _job(success: JobRun | None, failure: JobRun | None) -> dict[str, Any]:
    return {
        "last_success": _iso(success.finished_at) if success else None,
        "last_failure": _iso(failure.finished_at) if failure else None,
        "last_error": failure.error if failure else None,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def unhealthy(store: Store, config: Configuration, now: datetime) -> str | None:
    """Why the worker counts as stuck, or None. An outage of a remote system does not: the loop still turns."""
    limit = max(LATE * config.worker.schedule.poll, timedelta(minutes=5))
    with store.reading() as session:
        running = streams.running_since(session)
        pulse = streams.last_start(session)
    if running and now - running < config.worker.schedule.full_sweep:
        return None
    if pulse is None:
        return "no job was ever started"
    if now - pulse > limit:
        return f"the last job was started {round((now - pulse).total_seconds())} s ago, allowed are {limit.seconds} s"
    return None
