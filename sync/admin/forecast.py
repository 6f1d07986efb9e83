"""Forecasts the requests to HubSpot, and the time, that a first load or a reading anew will take."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sync.config import HubSpotSettings
from sync.context import Context
from sync.errors import RemoteError
from sync.hubspot_client import ASSOCIATION_BATCH, MODIFIED, SEARCH_PAGE, Filter, ObjectType
from sync.jobs import poll
from sync.jobs.scores import condition
from sync.log import Event, bound, emit
from sync.reading import budget
from sync.reading.windows import BEGINNING
from sync.state import streams
from sync.state.documents import BUDGET

_MOVED = 1.05
"""Rows that share a timestamp across a page boundary are read twice: one twentieth more pages in a seeded portal."""


FIXED_REQUESTS = 6
"""Owners (active and archived), properties of both kinds, labels, and the daily usage."""


@dataclass(frozen=True, slots=True)
class _Forecast:
    """Requests by kind, and the least time that the limits allow for them."""

    searches: int
    others: int
    duration: timedelta

    @property
    def requests(self) -> int:
        return self.searches + self.others

    def eats_reserve(self, left: int | None, reserve: int) -> bool:
        """Whether fewer requests than the reserve would be left of the day; False where nothing is known."""
        return left is not None and left - self.requests < reserve

    def sentence(self, counts: Mapping[str, int], left: int | None, reserve: int) -> str:
        """A sentence for people, with a warning if the load would eat into the reserve.

        `left`: today's remaining requests, if known.
        """
        rows = ", ".join(f"{number} {name}" for name, number in counts.items())
        text = f"{rows}: about {self.requests} requests to HubSpot, at least {_spelled(self.duration)}"
        if not self.eats_reserve(left, reserve):
            return text
        return (
            f"{text}; only {left} are left of today and {reserve} are reserved for others "
            "(hubspot.daily_reserve), so part of it will wait for the reset"
        )


def forecast(settings: HubSpotSettings, *, contacts: int, companies: int, qualified: int = 0) -> _Forecast:
    """The cost of reading so many contacts with their associations, companies, and contacts above a threshold."""
    pages = sum(ceil(number * _MOVED / SEARCH_PAGE) or 1 for number in (contacts, companies))
    searches = pages + (ceil(qualified / SEARCH_PAGE) or 1)
    others = ceil(contacts / min(ASSOCIATION_BATCH, settings.association_batch)) + FIXED_REQUESTS
    seconds = max(searches / settings.search_per_second, others / (settings.burst_per_10s / 10))
    return _Forecast(searches, others, timedelta(seconds=ceil(seconds)))


def refetch(settings: HubSpotSettings, *, contacts: int, companies: int, everything: bool) -> _Forecast:
    """The cost of reading contacts again: by id, or all of both streams."""
    if everything:
        return forecast(settings, contacts=contacts, companies=companies)
    others = ceil(contacts / settings.read_batch) + ceil(contacts / settings.association_batch)
    return _Forecast(0, others, timedelta(seconds=ceil(others / (settings.burst_per_10s / 10))))


def announce(context: Context, since: datetime | None = None) -> str | None:
    """What `announced` returns; None also if HubSpot cannot be reached, since the poll will meet and report the same
    failure.
    """
    try:
        with bound(run_id=context.run_id, job="poll"):
            return announced(context, since)
    except RemoteError:
        return None


def announced(context: Context, since: datetime | None = None) -> str | None:
    """Asks HubSpot for totals and returns a sentence on what the coming poll will read; None for an ordinary poll."""
    if since is None and not _first_load(context):
        return None
    budget.spare(context, "poll")
    with context.store.reading() as session:
        left = BUDGET.read(session).left
    counts = _totals(context, since or BEGINNING)
    found = forecast(
        context.config.worker.hubspot,
        contacts=counts["contacts"],
        companies=counts["companies"],
        # A whole load includes them, and the query then only compares totals.
        qualified=counts["at or above a threshold"] if since else 0,
    )
    emit(Event.LOAD_FORECAST, contacts=counts["contacts"], companies=counts["companies"], found=found.requests,
         left=left, seconds=found.duration.total_seconds(), since=since.isoformat() if since else None)  # fmt: skip
    return found.sentence(counts, left, context.config.worker.hubspot.daily_reserve)


def _first_load(context: Context) -> bool:
    with context.store.reading() as session:
        marks = [streams.watermark(session, stream) for stream in poll.STREAMS]
    return all(mark.complete_until is None and mark.cursor is None for mark in marks)


def _totals(context: Context, since: datetime) -> dict[str, int]:
    found = {stream: context.hubspot.count(stream, [_since(stream, since)]) for stream in reversed(poll.STREAMS)}
    scores = context.config.rules.qualification.scores
    return found | {"at or above a threshold": sum(context.hubspot.count("contacts", [condition(s)]) for s in scores)}


def _since(stream: ObjectType, since: datetime) -> Filter:
    return Filter(MODIFIED[stream], "GTE", str(round(since.timestamp() * 1000)))


def _spelled(duration: timedelta) -> str:
    seconds = round(duration.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h {seconds % 3600 // 60} min"
