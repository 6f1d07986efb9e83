"""HubSpot's daily requests: a reserve is left to others, and a used-up day is waited out without a single call.

The day is shared by all integrations of the account and ends at midnight of the portal's own time zone (HubSpot usage
guidelines). Only answers other than searches tell what is left, so the usage itself is asked for where nothing
is known.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from sync.context import Context
from sync.errors import BudgetClosed
from sync.hubspot_client import Budget
from sync.log import Event, emit
from sync.state import budget as kept
from sync.state.budget import DailyBudget

RESERVE_SHARE = {"sweep": 1.5, "scores": 1.5, "poll": 1.0}
"""How much of `hubspot.daily_reserve` must be left for a job to go on: what runs in the background stops first."""

ASK_AGAIN = timedelta(hours=1)
"""Between two looks at the usage while it tells no reset."""

LONGEST = timedelta(hours=25)
"""No day is longer, also when the clocks are changed; a later reset is not believed."""


def spare(context: Context, job: str) -> None:
    """Called before a job. Raises BudgetClosed if the day is used up, or if the rest is for others."""
    if job not in RESERVE_SHARE:
        return
    budget = _known(context)
    if budget.exhausted_until:
        until = f"{budget.exhausted_until:%Y-%m-%d %H:%M} UTC"
        raise BudgetClosed("hubspot", f"the daily request limit is used up; nothing is asked before {until}")
    _leave_reserve(context, job, budget.limit, budget.left)


def still_spare(context: Context, job: str) -> None:
    """Called between portions of a job: costs nothing. Raises BudgetClosed."""
    reported = context.hubspot.budget
    if reported and job in RESERVE_SHARE:
        _leave_reserve(context, job, reported.limit, reported.left)


def exhausted(context: Context, wait: float | None) -> None:
    """HubSpot refused because the day is used up: nothing is asked until it resets.

    `wait` is the pause in seconds that the refusal named; a reset that the usage told is trusted more.
    """
    now = context.now()
    with context.store.session() as session:
        budget = kept.load(session)
        named = now + min(timedelta(seconds=wait), LONGEST) if wait else now + ASK_AGAIN
        until = _reset(budget, now) or named
        kept.save(session, replace(budget, left=0, exhausted_until=until))
    emit(Event.BUDGET_LOW, system="hubspot", limit=budget.limit, found=0, until=until.isoformat())


def note(context: Context) -> None:
    """Keeps what the answers of a job told."""
    reported = context.hubspot.budget
    if reported:
        with context.store.session() as session:
            budget = kept.load(session)
            if budget.exhausted_until is None:
                kept.save(session, replace(budget, limit=reported.limit, left=reported.left))


def _known(context: Context) -> DailyBudget:
    """What was remembered, renewed by a question to HubSpot after the reset or where nothing is known."""
    now = context.now()
    with context.store.reading() as session:
        budget = kept.load(session)
    if budget.exhausted_until:
        # Further off than any reset: noted by a clock that ran ahead.
        if now < budget.exhausted_until <= now + LONGEST:
            return budget
        budget = DailyBudget()
    lately = budget.asked_at is not None and timedelta(0) <= now - budget.asked_at < ASK_AGAIN
    if _reset(budget, now) is None and not lately:
        return _asked(context, now)
    reported = context.hubspot.budget
    return replace(budget, limit=reported.limit, left=reported.left) if reported else budget


def _asked(context: Context, now: datetime) -> DailyBudget:
    """Where the portal does not tell, nothing is held against the job: its answers will tell how much is left."""
    usage = context.hubspot.usage() or Budget(0, 0)
    fresh = DailyBudget(usage.limit or None, usage.left if usage.limit else None, usage.resets_at, asked_at=now)
    with context.store.session() as session:
        kept.save(session, fresh)
    return fresh


def _reset(budget: DailyBudget, now: datetime) -> datetime | None:
    """The next reset, if it is known and believable."""
    return budget.resets_at if budget.resets_at and now < budget.resets_at <= now + LONGEST else None


def _leave_reserve(context: Context, job: str, limit: int | None, left: int | None) -> None:
    reserve = context.config.worker.hubspot.daily_reserve
    if left is None or left >= reserve * RESERVE_SHARE[job]:
        return
    emit(Event.BUDGET_LOW, system="hubspot", limit=limit, found=left)
    raise BudgetClosed(
        "hubspot",
        f"{left} requests of {limit} are left today and {reserve} are reserved for others (hubspot.daily_reserve); "
        f"{job} waits for the reset",
    )
