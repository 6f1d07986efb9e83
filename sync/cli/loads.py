"""Announces the size of a first load, or of a reading anew, before it starts."""

from collections.abc import Sequence
from datetime import datetime

from sync.admin import forecast
from sync.config import Configuration
from sync.context import Context
from sync.errors import ConfigurationError
from sync.jobs import poll
from sync.mirror import mirrored
from sync.state.documents import BUDGET
from sync.state.store import Store


def prepare(context: Context, jobs: Sequence[str], since: datetime | None) -> str | None:
    """Sets where a load starts, and returns a sentence about its cost.

    Raises ConfigurationError where `since` is impossible.
    """
    if since and since >= context.now():
        raise ConfigurationError([f"--since: found {since.isoformat()}, allowed: a time in the past"])
    if "poll" not in jobs:
        return None
    sentence = forecast.announce(context, since)
    if since:
        poll.read_again(context, since)
    return sentence


def refetch_cost(store: Store, configuration: Configuration, contacts: int, *, everything: bool) -> str:
    """What reading contacts again will cost, with a warning if it would eat into the reserve. Uses no network."""
    settings = configuration.worker.hubspot
    with store.reading() as session:
        left, companies = BUDGET.read(session).left, mirrored.count_companies(session)
    found = forecast.refetch(settings, contacts=contacts, companies=companies, everything=everything)
    counts = {"contacts": contacts} | ({"companies": companies} if everything else {})
    return found.sentence(counts, left, settings.daily_reserve)
