"""When a person is needed: each alert is told once when it begins and once when it is over.

What was told is kept in the state store, so that neither a restart nor a take-over tells it again. An alert that could
not be delivered is tried again at the next look.
"""

import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sqlmodel import Session

from sync.config import Configuration
from sync.jobs.context import Context
from sync.jobs.poll import STREAMS
from sync.log import Event, emit
from sync.state import budget, disappearance, guarding, streams, work
from sync.state import lease as leases
from sync.state.budget import DailyBudget
from sync.webhook import Notice


class Alert(StrEnum):
    """The closed list of alerts; docs/oncall.md says what to do for each."""

    POLL_STALE = "poll_stale"
    PARKED = "parked"
    GUARD = "guard"
    DENIED = "denied"
    BUDGET = "budget"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the alerts look at, as values."""

    now: datetime
    polled: Mapping[str, datetime | None]
    at_work_since: datetime | None
    parked: int
    guard: str | None
    failures: Mapping[str, str | None]
    budget: DailyBudget
    mismatches: Mapping[str, list[str]]
    told: Collection[str] = ()


def watch(context: Context) -> None:
    """Looks at everything, and tells what changed."""
    with context.store.reading() as session:
        found = evaluate(_facts(session, context.now()), context.config)
        told = streams.told(session)
    for alert in Alert:
        text = found.get(alert)
        if text is not None and alert not in told:
            _tell(context, alert, "firing", text, context.now().isoformat())
        elif text is None and alert in told:
            _tell(context, alert, "resolved", "it is over", told[alert])


def _tell(context: Context, alert: Alert, state: Literal["firing", "resolved"], text: str, since: str) -> None:
    if not context.notify(Notice(str(alert), state, text, since, socket.gethostname())):
        emit(Event.ALERT_UNDELIVERED, alert=str(alert), status=state)
        return
    with context.store.session() as session:
        streams.tell(session, str(alert), since if state == "firing" else None)
    emit(Event.ALERT_FIRING if state == "firing" else Event.ALERT_RESOLVED, alert=str(alert), cause=text, since=since)


def active(session: Session) -> dict[str, str]:
    """Alerts that are on, with since when."""
    return streams.told(session)


def _facts(session: Session, now: datetime) -> Facts:
    stopped = [found.text for found in (guarding.tripped(session), *disappearance.standing(session)) if found]
    return Facts(
        now=now,
        polled=streams.watermarks(session),
        at_work_since=_at_work_since(session),
        parked=sum(work.parked_counts(session).values()),
        guard="; ".join(stopped) or None,
        failures=streams.last_kinds(session),
        budget=budget.load(session),
        mismatches=streams.mismatches(session),
        told=streams.told(session),
    )


def _at_work_since(session: Session) -> datetime | None:
    holding = leases.holding(session)
    return holding.since if holding and holding.kind == "worker" else None


def evaluate(facts: Facts, config: Configuration) -> dict[Alert, str]:
    """The alerts that hold now, each with a sentence. Pure."""
    checks = {
        Alert.POLL_STALE: _poll_stale(facts, config),
        Alert.PARKED: _parked(facts, config),
        Alert.GUARD: facts.guard,
        Alert.DENIED: _denied(facts),
        Alert.BUDGET: _budget(facts, config),
        Alert.CONTRACT: _contract(facts),
    }
    return {alert: text for alert, text in checks.items() if text}


def _poll_stale(facts: Facts, config: Configuration) -> str | None:
    limit = config.worker.alerts.poll_age
    marks = [facts.polled.get(stream) for stream in STREAMS]
    oldest = min((mark for mark in marks if mark), default=None) if all(marks) else None
    told = Alert.POLL_STALE in facts.told
    # A worker that has only just begun is given the same time; but a restart does not end what was told before.
    since = max((moment for moment in (oldest, None if told else facts.at_work_since) if moment), default=None)
    if facts.now - since <= limit if since else not told:
        return None
    until = f"up to {oldest:%Y-%m-%d %H:%M} UTC" if oldest else "never yet"
    return f"HubSpot was last read completely {until}; allowed are {limit.total_seconds():g} s"


def _parked(facts: Facts, config: Configuration) -> str | None:
    limit = config.worker.alerts.parked
    return (
        f"{facts.parked} contacts are parked, from {limit} on it is told" if limit and facts.parked >= limit else None
    )


def _denied(facts: Facts) -> str | None:
    jobs = sorted(job for job, kind in facts.failures.items() if kind == "Denied")
    return f"credentials or a permission were refused in: {', '.join(jobs)}" if jobs else None


def _budget(facts: Facts, config: Configuration) -> str | None:
    share = config.worker.alerts.budget_share
    used_up = sorted(job for job, kind in facts.failures.items() if kind in ("BudgetExhausted", "BudgetClosed"))
    limit, left = facts.budget.limit or 0, facts.budget.left or 0
    if used_up:
        return f"HubSpot's daily requests do not suffice for: {', '.join(used_up)}"
    if share and limit and left < share * limit:
        return f"{left} of {limit} HubSpot requests are left today"
    return None


def _contract(facts: Facts) -> str | None:
    found = [text for system in sorted(facts.mismatches) for text in facts.mismatches[system]]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f"{'; '.join(found[:3])}{more}" if found else None
