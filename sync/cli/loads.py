"""Before a first load, or a part of the past read anew: how much it is, said before it starts."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sync.config import Configuration
from sync.errors import ConfigurationError, RemoteError
from sync.jobs import forecast, poll
from sync.jobs.context import Context
from sync.log import bound
from sync.state import budget, mirror
from sync.state.store import Store


def prepare(context: Context, jobs: Sequence[str], since: datetime | None, say: Callable[[str], None]) -> None:
    """Says what a coming load will cost, and sets where it starts. Raises ConfigurationError if `since` cannot be."""
    if since and since >= context.now():
        raise ConfigurationError([f"--since: found {since.isoformat()}, allowed: a time in the past"])
    if "poll" not in jobs:
        return
    try:
        with bound(run_id=context.run_id, job="poll"):
            sentence = forecast.announced(context, since)
    except RemoteError:
        # The job itself meets the same failure and reports it.
        sentence = None
    if sentence:
        say(sentence)
    if since:
        poll.read_again(context, since)


def refetch(store: Store, configuration: Configuration, contacts: int, *, everything: bool) -> str:
    """What reading contacts again will cost, with a warning if it would eat into the reserve; asks nobody."""
    settings = configuration.worker.hubspot
    with store.reading() as session:
        left, companies = budget.load(session).left, mirror.count_companies(session)
    found = forecast.refetch(settings, contacts=contacts, companies=companies, everything=everything)
    sentence = found.sentence({"contacts": contacts} | ({"companies": companies} if everything else {}))
    if found.eats_reserve(left, settings.daily_reserve):
        sentence += (
            f"; only {left} are left of today and {settings.daily_reserve} are reserved for others "
            "(hubspot.daily_reserve), so part of it will wait for the reset"
        )
    return sentence
