"""What both clients share: pacing by our own clock, and the one retry layer (tenacity)."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from sync import metrics
from sync.domain.numbers import number
from sync.errors import Malformed, System, Unavailable
from sync.log import Event, emit

_T = TypeVar("_T")

LONGEST_WAIT = 60.0
"""Seconds; a system that asks for more ends the job instead of blocking it."""


@dataclass(frozen=True, slots=True)
class RequestRetry:
    """How often one request is tried, and the first pause in seconds (it doubles)."""

    attempts: int = 5
    wait: float = 1.0


class Pacer:
    """Spaces calls so that no more than `per_second` start, however many threads call."""

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval = 1 / per_second
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next = self._eased_until = 0.0

    def wait(self) -> None:
        """Waits until the next call may start."""
        with self._lock:
            now = self._clock()
            # The start is reserved under the lock and waited for outside of it: threads queue up without holding each
            # other.
            start = max(now, self._next)
            self._next = start + self._interval * (_EASED if start < self._eased_until else 1)
        if start > now:
            self._sleep(start - now)

    def hold(self, seconds: float) -> None:
        """Lets no thread start a call for so many seconds, because the other side asked for a pause."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)

    def ease(self) -> None:
        """Spaces the calls of the next minute wider, because others use the same limit."""
        with self._lock:
            self._eased_until = self._clock() + _EASED_FOR


_EASED, _EASED_FOR = 1.25, 60.0
"""How much wider, and for how many seconds: at five a second, one is left to others."""


class Requests:
    """Counts requests by endpoint; several threads may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.by_endpoint: Counter[str] = Counter()

    def count(self, endpoint: str) -> None:
        with self._lock:
            self.by_endpoint[endpoint] += 1

    @property
    def total(self) -> int:
        return sum(self.by_endpoint.values())


class Tally:
    """Counts by name until it is taken; several threads may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Counter[str] = Counter()

    def count(self, name: str, more: int) -> None:
        if more:
            with self._lock:
                self._found[name] += more

    def take(self) -> dict[str, int]:
        """The counts since the last call of this method."""
        with self._lock:
            found, self._found = dict(self._found), Counter()
        return found


_MOST_PAGES = 10_000
"""The most pages of one listing. With 100 rows each, that is ten times the largest portal."""


class Pages:
    """Follows the pages of one listing, and ends it if a cursor repeats, so that no listing is endless."""

    def __init__(self, system: System, what: str) -> None:
        self._system, self._what = system, what
        self._cursors: set[str] = set()

    def next(self, cursor: str | None) -> str | None:
        """The cursor to go on with, None at the end. Raises Malformed if the listing makes no progress."""
        if cursor is None:
            return None
        if cursor in self._cursors:
            raise Malformed(self._system, f"{self._what} does not get on: the same page is announced again")
        if len(self._cursors) >= _MOST_PAGES:
            raise Malformed(self._system, f"{self._what} does not end: {_MOST_PAGES} pages were read")
        self._cursors.add(cursor)
        return cursor


def retry_after(header: str | None) -> float | None:
    """Seconds that a `Retry-After` header asks for, as a number or as a date (RFC 9110, 10.2.3); None for nonsense."""
    seconds = number(header)
    if seconds is not None:
        return max(0.0, float(seconds))
    try:
        return max(0.0, parsedate_to_datetime(header or "").timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def with_retry(policy: RequestRetry, call: Callable[[], _T], sleep: Callable[[float], None] = time.sleep) -> _T:
    """The result of `call`, which is repeated after `Unavailable`; the last failure is raised.

    Only for reads: a call that may have changed the remote system must not be repeated.
    """
    retrying = Retrying(
        stop=_stop(policy),
        wait=lambda state: _pause(policy, state),
        retry=retry_if_exception_type(Unavailable),
        before_sleep=_report,
        sleep=sleep,
        reraise=True,
    )
    return retrying(call)


def _stop(policy: RequestRetry) -> Callable[[RetryCallState], bool]:
    enough = stop_after_attempt(policy.attempts)
    # A server that asks for more is not waited for within a request; the job ends, and its next run tries again.
    return lambda state: enough(state) or (_asked(state) or 0) > LONGEST_WAIT or _lasting(state)


def _lasting(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    return isinstance(error, Unavailable) and not error.again


def _pause(policy: RequestRetry, state: RetryCallState) -> float:
    doubled = policy.wait * (1 << (state.attempt_number - 1))
    return min(max(doubled, _asked(state) or 0.0), LONGEST_WAIT)


def _asked(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.wait if isinstance(error, Unavailable) else None


def _report(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Unavailable):
        pause = round(state.next_action.sleep, 2) if state.next_action else 0
        event = Event.RATE_LIMITED if error.wait else Event.REQUEST_RETRIED
        if error.wait:
            metrics.waited(error.system, pause)
        emit(event, system=error.system, attempt=state.attempt_number, wait=pause, cause=str(error))
