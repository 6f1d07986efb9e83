"""Decides when a person is needed. Each alert is delivered once when it begins and once when it ends.

Some alerts can hold several times at once (mismatches of the contract, failing jobs, frozen scores): each has a
subject, and begins and ends on its own.

The state store keeps two lists, so that neither a restart nor a take-over repeats a message: the alerts that hold (for
metrics and `status`) and those that were delivered. An alert that could not be delivered is tried again at the next
look.
"""

import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from sync.config import Configuration
from sync.context import Context
from sync.contracts import freshness
from sync.errors import StateError
from sync.jobs.poll import STREAMS
from sync.log import Event, bound, emit
from sync.mirror import clocks, mass_deletion, readable
from sync.notify import Notice
from sync.state import alert_lists, guarding, pausing, second_writer, streams, trouble, work
from sync.state import lease as leases
from sync.state.documents import ALERTS, BUDGET, IN_SERVICE, MISMATCHES, DailyBudget
from sync.state.streams import Streak


class Alert(StrEnum):
    """The closed list of alerts; docs/oncall.md says what to do for each."""

    POLL_STALE = "poll_stale"
    PARKED = "parked"
    GUARD = "guard"
    SECOND_WRITER = "second_writer"
    DENIED = "denied"
    BUDGET = "budget"
    CONTRACT = "contract"
    JOB_FAILING = "job_failing"
    C4C_AWAY = "c4c_away"
    HANDOVERS_LATE = "handovers_late"
    NO_LEADS = "no_leads"
    SCORE_FROZEN = "score_frozen"
    STATE = "state"
    CLOCK = "clock"


STEPS = {
    Alert.POLL_STALE: "`hubspot-c4c-sync runs --job poll`; its last column says why",
    Alert.PARKED: "`hubspot-c4c-sync parked list`",
    Alert.GUARD: "`hubspot-c4c-sync approve` shows what waits; nothing was written",
    Alert.SECOND_WRITER: "stop the other worker; `hubspot-c4c-sync approve` shows which records exist twice",
    Alert.DENIED: "`hubspot-c4c-sync check` names what is refused; correct it before any restart",
    Alert.BUDGET: "`hubspot-c4c-sync status` shows what is left; it goes on after midnight in the portal's time zone",
    Alert.CONTRACT: "`hubspot-c4c-sync check`, then correct the rules or the other side",
    Alert.JOB_FAILING: "`hubspot-c4c-sync runs` shows the job and its cause",
    Alert.C4C_AWAY: "`hubspot-c4c-sync runs --job push`; look at the tenant and the network, it goes on by itself",
    Alert.HANDOVERS_LATE: "`hubspot-c4c-sync status`, then `hubspot-c4c-sync runs --job push`",
    Alert.NO_LEADS: "`hubspot-c4c-sync status` shows who waits or is parked; then look at the scores in HubSpot",
    Alert.SCORE_FROZEN: "look in HubSpot whether the score is switched on; `hubspot-c4c-sync check` names it",
    Alert.STATE: "`df -h` and `ls -ln` on the directory of SYNC_STATE; `hubspot-c4c-sync status` shows it too",
    Alert.CLOCK: "set the machine's clock (NTP); `hubspot-c4c-sync status` shows how far HubSpot is read",
}
"""The first thing to do, as docs/oncall.md says at more length."""

OVER = {
    Alert.POLL_STALE: "HubSpot is read again",
    Alert.PARKED: "fewer contacts are parked than the alert threshold",
    Alert.GUARD: "the guard holds nothing back",
    Alert.SECOND_WRITER: "a person approved that this worker writes again",
    Alert.DENIED: "both systems accept the credentials again",
    Alert.BUDGET: "HubSpot's daily requests suffice again",
    Alert.CONTRACT: "settled",
    Alert.JOB_FAILING: "the job succeeds again",
    Alert.C4C_AWAY: "SAP Sales Cloud answers again",
    Alert.HANDOVERS_LATE: "no contact waits too long",
    Alert.NO_LEADS: "a lead was created",
    Alert.SCORE_FROZEN: "values of the score change again",
    Alert.STATE: "the state file can be used again",
    Alert.CLOCK: "the clock agrees with HubSpot's, and HubSpot is read completely",
}
"""The sentence for an alert that has ended."""


def key(alert: Alert, subject: str) -> str:
    """The name under which one alert of a kind is remembered and shown."""
    return f"{alert}: {subject}"


def kind(name: str) -> Alert | None:
    """The kind of a remembered alert; None for one that this version does not know."""
    return next((alert for alert in Alert if alert == name.partition(": ")[0]), None)


@dataclass(frozen=True, slots=True)
class Failure:
    """How the last run of a job ended: the type of its failure, and its message, which begins with the system."""

    kind: str
    message: str = ""


_OWN_ALERT = frozenset({"Denied", "BudgetExhausted", "BudgetClosed", "GuardTripped", "SecondWriter", "Vanished"})
"""Kinds of failure that have alerts of their own."""


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """What the alerts look at, as values."""

    now: datetime
    polled: Mapping[str, datetime | None]
    at_work_since: datetime | None
    parked: int
    guard: str | None
    failures: Mapping[str, Failure | None]
    budget: DailyBudget
    mismatches: Mapping[str, list[str]]
    polling: bool = False
    """Whether a poll is running."""
    holding: Collection[str] = ()
    """Alerts that held at the last look."""
    streaks: Mapping[str, Streak] = field(default_factory=dict)
    oldest_pending: datetime | None = None
    frozen: Mapping[str, str] = field(default_factory=dict)
    """By score what is wrong with it."""
    last_lead: datetime | None = None
    """When the last lead was created; before the first lead, when the first load ended."""
    clock: str | None = None
    state: str | None = None
    """What is wrong with the state file."""
    second_writer: str | None = None
    paused_since: str | None = None


def watch(context: Context, problem: str | None = None) -> str | None:
    """Looks at everything, and notifies people of alerts that began or ended.

    `problem`: what is known to be wrong with the state file. Returns it, or what this look found.
    """
    if problem is None:
        context.holding.store(context.store)
        context.delivered.store(context.store)
    try:
        with context.store.reading() as session:
            facts = _facts(session, context, problem or _exposed(context))
            held = context.holding.overlaid(alert_lists.holding(session))
            delivered = context.delivered.overlaid(ALERTS.read(session))
    except (SQLAlchemyError, OSError, StateError) as error:
        # An alert that cannot be evaluated has neither begun nor ended.
        text = str(error) if isinstance(error, StateError) else trouble.sentence(error, context.store.path)
        return watch_state(context, problem or text)
    _compare(context, evaluate(facts, context.config), held, delivered)
    return problem


def watch_state(context: Context, problem: str | None) -> str | None:
    """Looks at the state file only, from what this process knows: for a standby, and for a file that cannot be read.
    Returns the problem.
    """
    found = {str(Alert.STATE): problem} if problem else {}
    _compare(context, found, _of_state(context.holding.here()), _of_state(context.delivered.here()))
    return problem


def _of_state(known: Mapping[str, str]) -> dict[str, str]:
    return {name: since for name, since in known.items() if name == Alert.STATE}


def _exposed(context: Context) -> str | None:
    try:
        return trouble.exposed(context.store.path)
    except OSError:
        return None


def _compare(context: Context, found: Mapping[str, str], held: Mapping[str, str], delivered: Mapping[str, str]) -> None:
    since = {name: held.get(name) or delivered.get(name) or context.now().isoformat() for name in found}
    changes = {name: at for name, at in since.items() if name not in held}
    ended = {name: None for name in held if name not in found and kind(name)}
    for name, at in {**changes, **ended}.items():
        context.holding.note(name, at)
    context.holding.store(context.store)
    for name, text in found.items():
        if name not in delivered:
            _deliver(context, name, "firing", text, since[name])
    for name, at in delivered.items():
        if name not in found and kind(name):
            _deliver(context, name, "resolved", over(name, at, context.now()), at)


def over(name: str, since: str, now: datetime) -> str:
    """The message that an alert has ended, and how long it lasted. Pure."""
    alert, _, subject = name.partition(": ")
    ended = f"{OVER[Alert(alert)]}: {subject}" if subject else OVER[Alert(alert)]
    minutes = max(0, round((now - datetime.fromisoformat(since)).total_seconds() / 60))
    hours, rest = divmod(minutes, 60)
    return f"{ended}; it lasted {f'{hours} h {rest} min' if hours else f'{rest} min'}"


def _deliver(context: Context, name: str, state: Literal["firing", "resolved"], text: str, since: str) -> None:
    alert, _, subject = name.partition(": ")
    step = STEPS[Alert(alert)] if state == "firing" else ""
    with bound(run_id=context.run_id, job="alerts"):
        if not context.notify(Notice(alert, state, text, since, socket.gethostname(), step, subject)):
            emit(Event.ALERT_UNDELIVERED, alert=alert, status=state)
            return
        context.delivered.note(name, since if state == "firing" else None)
        context.delivered.store(context.store)
        emit(Event.ALERT_FIRING if state == "firing" else Event.ALERT_RESOLVED, alert=alert, cause=text, since=since)


def of_kind(alert: Alert, names: Collection[str]) -> set[str]:
    """Those of the names that are alerts of this kind."""
    return {name for name in names if kind(name) is alert}


def _facts(session: Session, context: Context, state: str | None) -> AlertFacts:
    stopped = [found.text for found in (guarding.tripped(session), *mass_deletion.sets_in_the_way(session)) if found]
    return AlertFacts(
        now=context.now(),
        polled=streams.watermarks(session),
        at_work_since=_at_work_since(session),
        parked=sum(work.parked_counts(session).values()),
        guard="; ".join(stopped) or None,
        failures=_failures(session),
        budget=BUDGET.read(session),
        mismatches=MISMATCHES.read(session),
        polling=streams.is_running(session, "poll"),
        holding=context.holding.overlaid(alert_lists.holding(session)),
        streaks=streams.streaks(session),
        oldest_pending=work.oldest_pending(session),
        frozen=_frozen(session, context),
        last_lead=work.last_created_lead(session) or IN_SERVICE.read(session),
        clock=clocks.noted(session),
        state=state,
        paused_since=pause.since if (pause := pausing.paused(session)) else None,
        second_writer=found.text if (found := second_writer.finding_in_force(session)) else None,
    )


def _frozen(session: Session, context: Context) -> dict[str, str]:
    """Scores whose values have stopped changing. A score that cannot be read at all has a mismatch alert instead."""
    unread = readable.unreadable(session, "contacts")
    found = freshness.frozen(session, context.config, context.now())
    return {score["score"]: freshness.frozen_sentence(score) for score in found if score["property"] not in unread}


def _failures(session: Session) -> dict[str, Failure | None]:
    """The last failure by job; None where the last run succeeded."""
    failed = {job: run for job, (_, run) in streams.last_runs(session).items()}
    return {
        job: Failure(kind, (run.error if (run := failed.get(job)) else None) or "") if kind else None
        for job, kind in streams.last_kinds(session).items()
    }


def _at_work_since(session: Session) -> datetime | None:
    holding = leases.current_holder(session)
    return holding.since if holding and holding.kind == "worker" else None


def evaluate(facts: AlertFacts, config: Configuration) -> dict[str, str]:
    """The alerts that hold now, each with a sentence. Pure."""
    single = {
        Alert.POLL_STALE: _poll_stale(facts, config),
        Alert.PARKED: _parked(facts, config),
        Alert.GUARD: facts.guard,
        Alert.SECOND_WRITER: facts.second_writer,
        Alert.DENIED: _denied(facts),
        Alert.BUDGET: _budget(facts, config),
        Alert.C4C_AWAY: _c4c_away(facts, config),
        Alert.HANDOVERS_LATE: _handovers_late(facts, config),
        Alert.NO_LEADS: _no_leads(facts, config),
        Alert.CLOCK: facts.clock,
        Alert.STATE: facts.state,
    }
    several = {
        Alert.CONTRACT: {text: text for texts in facts.mismatches.values() for text in texts},
        Alert.JOB_FAILING: _failing(facts, config),
        Alert.SCORE_FROZEN: facts.frozen,
    }
    found = {str(alert): text for alert, text in single.items() if text}
    return found | {key(alert, of): text for alert, texts in several.items() for of, text in texts.items()}


def _poll_stale(facts: AlertFacts, config: Configuration) -> str | None:
    limit, held = config.worker.alerts.poll_age, Alert.POLL_STALE in facts.holding
    marks = [facts.polled.get(stream) for stream in STREAMS]
    oldest = min((mark for mark in marks if mark), default=None) if all(marks) else None
    # A first load may take any time; /healthz notices one that makes no progress.
    if oldest is None and facts.polling and not held:
        return None
    # A worker that has just started gets the same time; but a restart does not end an alert that holds.
    since = max((moment for moment in (oldest, None if held else facts.at_work_since) if moment), default=None)
    if facts.now - since <= limit if since else not held:
        return None
    until = f"up to {oldest:%Y-%m-%d %H:%M} UTC" if oldest else "never yet"
    return f"HubSpot was last read completely {until}; allowed are {limit.total_seconds():g} s"


def _c4c_away(facts: AlertFacts, config: Configuration) -> str | None:
    streak, limit = facts.streaks.get("push"), config.worker.alerts.c4c_away
    if streak is None or streak.kind != "Unavailable" or facts.now - streak.since <= limit:
        return None
    return f"SAP Sales Cloud is out of reach since {streak.since:%Y-%m-%d %H:%M} UTC; nothing is lost, leads wait"


def _handovers_late(facts: AlertFacts, config: Configuration) -> str | None:
    limit, oldest = config.worker.alerts.handovers_late, facts.oldest_pending
    # As for the poll, a worker that has just started gets the same time.
    held = Alert.HANDOVERS_LATE in facts.holding
    since = max((moment for moment in (oldest, None if held else facts.at_work_since) if moment), default=None)
    if oldest is None or since is None or facts.now - since <= limit:
        return None
    why = f"; a person paused writes at {facts.paused_since[:16]} UTC" if facts.paused_since else ""
    return (
        f"the oldest contact has waited since {oldest:%Y-%m-%d %H:%M} UTC; allowed are {limit.total_seconds():g} s{why}"
    )


def _no_leads(facts: AlertFacts, config: Configuration) -> str | None:
    limit, last = config.worker.alerts.no_leads, facts.last_lead
    if not limit or last is None or facts.now - last <= limit:
        return None
    return f"no lead was created since {last:%Y-%m-%d %H:%M} UTC; alerts.no_leads allows {limit.total_seconds():g} s"


def _failing(facts: AlertFacts, config: Configuration) -> dict[str, str]:
    """Jobs that fail repeatedly for a reason that has no alert of its own, or once for a reason that lasts."""
    limit = config.worker.alerts.failures
    return {
        job: f"{job} has failed {_times(streak.count)}: {streak.message.rstrip('.') or streak.kind}"
        for job, streak in sorted(facts.streaks.items())
        if limit and _tells(streak, limit) and streak.kind not in _OWN_ALERT and not _is_outage(job, streak)
    }


def _tells(streak: Streak, limit: int) -> bool:
    """Whether one failure is enough for an alert.

    A refused request is refused again, so waiting for more failures shows nothing.
    """
    return streak.count >= limit or streak.kind == "Refused"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times in a row"


def _is_outage(job: str, streak: Streak) -> bool:
    """Whether a remote system is out of reach.

    That has alerts by age: of the last poll, and of SAP Sales Cloud's last answer.
    """
    return streak.kind == "Unavailable" and job in ("poll", "push")


def _parked(facts: AlertFacts, config: Configuration) -> str | None:
    limit = config.worker.alerts.parked
    return f"{facts.parked} contacts are parked (alert threshold {limit})" if limit and facts.parked >= limit else None


def _denied(facts: AlertFacts) -> str | None:
    refused = {job: failed.message for job, failed in facts.failures.items() if failed and failed.kind == "Denied"}
    causes = sorted({message.rstrip(".") for message in refused.values() if message})
    jobs = f"in: {', '.join(sorted(refused))}"
    return f"{'; '.join(causes) or 'credentials or a permission were refused'} ({jobs})" if refused else None


def _budget(facts: AlertFacts, config: Configuration) -> str | None:
    share = config.worker.alerts.budget_share
    closed = ("BudgetExhausted", "BudgetClosed")
    used_up = sorted(job for job, failed in facts.failures.items() if failed and failed.kind in closed)
    limit, left = facts.budget.limit or 0, facts.budget.left or 0
    if used_up:
        return f"HubSpot's daily requests do not suffice for: {', '.join(used_up)}"
    if share and limit and left < share * limit:
        return f"{left} of {limit} HubSpot requests are left today"
    return None
