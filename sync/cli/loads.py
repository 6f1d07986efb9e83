"""Before a first load, or a part of the past read anew: how much it is, said before it starts."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sync.errors import ConfigurationError, RemoteError
from sync.jobs import forecast, poll
from sync.jobs.context import Context


def prepare(context: Context, jobs: Sequence[str], since: datetime | None, say: Callable[[str], None]) -> None:
    """Says what a coming load will cost, and sets where it starts. Raises ConfigurationError if `since` cannot be."""
    if since and since >= context.now():
        raise ConfigurationError([f"--since: found {since.isoformat()}, allowed: a time in the past"])
    if "poll" not in jobs:
        return
    try:
        sentence = forecast.announced(context, since)
    except RemoteError:
        # The job itself meets the same failure and reports it.
        sentence = None
    if sentence:
        say(sentence)
    if since:
        poll.read_again(context, since)
