"""Fetches items early: while a page is stored, the next ones are already being requested."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from typing import TypeVar

_T = TypeVar("_T")

_KEPT = 3
"""So many, since storing a page may take longer than requesting one: the limit is then used without a gap."""


def prefetch(items: Iterator[_T]) -> Iterator[_T]:
    """The same items in the same order; an exception arrives after the items before it."""
    with ThreadPoolExecutor(1) as pool:

        def fetch() -> Future[list[_T]]:
            # A copy of the context, so that log lines of the other thread keep their run and job.
            return pool.submit(copy_context().run, _next, items)

        coming = deque(fetch() for _ in range(_KEPT))
        try:
            while found := coming.popleft().result():
                coming.append(fetch())
                yield found[0]
        finally:
            pool.shutdown(cancel_futures=True)


def _next(items: Iterator[_T]) -> list[_T]:
    return list(islice(items, 1))
