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


STEPS = {
    Alert.POLL_STALE: "`hubspot-c4c-sync runs --job poll`; its last column says why",
    Alert.PARKED: "`hubspot-c4c-sync parked list`",
    Alert.GUARD: "`hubspot-c4c-sync approve` shows what waits; nothing was written",
    Alert.DENIED: "`hubspot-c4c-sync check` names what is refused; correct it before any restart",
    Alert.BUDGET: "`hubspot-c4c-sync status` shows what is left; it goes on after midnight in the portal's time zone",
    Alert.CONTRACT: "`hubspot-c4c-sync check`, then correct the rules or the other side",
}
"""The first thing to do, as docs/oncall.md says at more length."""

OVER = {
    Alert.POLL_STALE: "HubSpot is read again",
    Alert.PARKED: "fewer contacts are parked than it takes to tell",
    Alert.GUARD: "nothing is held back any more",
    Alert.DENIED: "both systems accept the credentials again",
    Alert.BUDGET: "HubSpot's daily requests suffice again",
    Alert.CONTRACT: "everything that the rules name is there",
}
"""What is over."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How the last run of a job ended: the type of its failure, and its message, which begins with the system."""

    kind: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the alerts look at, as values."""

    now: datetime
    polled: Mapping[str, datetime | None]
    at_work_since: datetime | None
    parked: int
    guard: str | None
    failures: Mapping[str, Failure | None]
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
            _tell(context, alert, "resolved", over(alert, told[alert], context.now()), told[alert])


def over(alert: Alert, since: str, now: datetime) -> str:
    """What is over, and how long it lasted. Pure."""
    minutes = max(0, round((now - datetime.fromisoformat(since)).total_seconds() / 60))
    hours, rest = divmod(minutes, 60)
    return f"{OVER[alert]}; it lasted {f'{hours} h {rest} min' if hours else f'{rest} min'}"


def _tell(context: Context, alert: Alert, state: Literal["firing", "resolved"], text: str, since: str) -> None:
    step = STEPS[alert] if state == "firing" else ""
    if not context.notify(Notice(str(alert), state, text, since, socket.gethostname(), step)):
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
        failures=_failures(session),
        budget=budget.load(session),
        mismatches=streams.mismatches(session),
        told=streams.told(session),
    )


def _failures(session: Session) -> dict[str, Failure | None]:
    """By job, None after a success; the last failure is the last run's own where that one failed."""
    failed = {job: run for job, (_, run) in streams.last_runs(session).items()}
    return {
        job: Failure(kind, (run.error if (run := failed.get(job)) else None) or "") if kind else None
        for job, kind in streams.last_kinds(session).items()
    }


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
    refused = {job: failed.message for job, failed in facts.failures.items() if failed and failed.kind == "Denied"}
    causes = sorted({message.rstrip(".") for message in refused.values() if message})
    jobs = f"in: {', '.join(sorted(refused))}"
    return f"{'; '.join(causes) or 'credentials or a permission were refused'} ({jobs})" if refused else None


def _budget(facts: Facts, config: Configuration) -> str | None:
    share = config.worker.alerts.budget_share
    closed = ("BudgetExhausted", "BudgetClosed")
    used_up = sorted(job for job, failed in facts.failures.items() if failed and failed.kind in closed)
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
