"""HubSpot's daily requests: a reserve is left for other programs, and after the limit is reached no request is sent
until its reset.

The day is shared by all integrations of the account and ends at midnight of the portal's own time zone (HubSpot usage
guidelines). Answers to searches do not say how many are left, so the usage is requested where nothing is known.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from sync.context import Context
from sync.errors import BudgetClosed
from sync.hubspot_client import Budget
from sync.log import Event, emit
from sync.state.documents import BUDGET, DailyBudget

_RESERVE_SHARE = {"sweep": 1.5, "scores": 1.5, "poll": 1.0}
"""The share of `hubspot.daily_reserve` that must be left for a job to go on: background jobs stop first."""

_ASK_AGAIN = timedelta(hours=1)
"""Time between two requests for the usage while it shows no reset."""

_LONGEST = timedelta(hours=25)
"""The longest day, including changes of summer time. A later reset is not credible."""


def spare(context: Context, job: str) -> None:
    """Called before a job. Raises BudgetClosed if the daily limit is reached, or the rest is reserved for others."""
    if job not in _RESERVE_SHARE:
        return
    budget = _known(context)
    if budget.exhausted_until:
        until = f"{budget.exhausted_until:%Y-%m-%d %H:%M} UTC"
        raise BudgetClosed("hubspot", f"the daily request limit is used up; no request is sent before {until}")
    _leave_reserve(context, job, budget.limit, budget.left)


def still_spare(context: Context, job: str) -> None:
    """Called between portions of a job; sends no request. Raises BudgetClosed."""
    reported = context.hubspot.budget
    if reported and job in _RESERVE_SHARE:
        _leave_reserve(context, job, reported.limit, reported.left)


def exhausted(context: Context, wait: float | None) -> None:
    """Notes that HubSpot refused because the daily limit is reached: no request is sent until its reset.

    `wait`: the pause in seconds that the refusal named; a reset time from the usage is preferred.
    """
    now = context.now()
    with context.store.session() as session:
        budget = BUDGET.read(session)
        named = now + timedelta(seconds=min(wait, _LONGEST.total_seconds())) if wait else now + _ASK_AGAIN
        until = _reset(budget, now) or named
        BUDGET.write(session, replace(budget, left=0, exhausted_until=until))
    emit(Event.BUDGET_LOW, system="hubspot", limit=budget.limit, found=0, until=until.isoformat())


def note_budget(context: Context) -> None:
    """Keeps the numbers that the answers of a job reported, once they differ by more than an idle cycle spends."""
    reported = context.hubspot.budget
    if reported is None:
        return
    with context.store.reading() as session:
        budget = BUDGET.read(session)
    if budget.exhausted_until or not _differ(budget, reported):
        return
    context.store.at_end(partial(_keep, reported=reported))


def _keep(session: Session, reported: Budget) -> None:
    """Keeps the numbers, unless a job in another thread has met the end of the day's requests meanwhile."""
    budget = BUDGET.read(session)
    if budget.exhausted_until is None:
        BUDGET.write(session, replace(budget, limit=reported.limit, left=reported.left))


_NOTED = 0.001
"""The share of the day's requests by which the kept number may be too high."""


def _differ(kept: DailyBudget, reported: Budget) -> bool:
    if kept.limit != reported.limit or kept.left is None:
        return True
    return abs(kept.left - reported.left) > _NOTED * reported.limit


def _known(context: Context) -> DailyBudget:
    """The remembered budget; requested from HubSpot anew after the reset, or if nothing is known."""
    now = context.now()
    with context.store.reading() as session:
        budget = BUDGET.read(session)
    if budget.exhausted_until:
        # Later than any possible reset: noted while our clock ran ahead.
        if now < budget.exhausted_until <= now + _LONGEST:
            return budget
        budget = DailyBudget()
    lately = budget.asked_at is not None and timedelta(0) <= now - budget.asked_at < _ASK_AGAIN
    if _reset(budget, now) is None and not lately:
        return _asked(context, now)
    reported = context.hubspot.budget
    return replace(budget, limit=reported.limit, left=reported.left) if reported else budget


def _asked(context: Context, now: datetime) -> DailyBudget:
    """The usage from HubSpot.

    If the portal does not report it, the job may run: its answers will show how much is left.
    """
    usage = context.hubspot.usage() or Budget(0, 0)
    fresh = DailyBudget(usage.limit or None, usage.left if usage.limit else None, usage.resets_at, asked_at=now)
    with context.store.session() as session:
        BUDGET.write(session, fresh)
    return fresh


def _reset(budget: DailyBudget, now: datetime) -> datetime | None:
    """The next reset, if it is known and credible."""
    return budget.resets_at if budget.resets_at and now < budget.resets_at <= now + _LONGEST else None


def _leave_reserve(context: Context, job: str, limit: int | None, left: int | None) -> None:
    reserve = context.config.worker.hubspot.daily_reserve
    if left is None or left >= reserve * _RESERVE_SHARE[job]:
        return
    emit(Event.BUDGET_LOW, system="hubspot", limit=limit, found=left)
    raise BudgetClosed(
        "hubspot",
        f"{left} requests of {limit} are left today and {reserve} are reserved for others (hubspot.daily_reserve); "
        f"{job} waits for the reset",
    )
