"""The shortest history that still breaks the promise: whole casts are left out first, then single steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from proof.histories import Happens, Life, Step

T = TypeVar("T")

MOST_TRIES = 250
"""A life is played once for each try."""


def shortest(life: Life, breaks: Callable[[Life], bool]) -> Life:
    """A life from which nothing can be left out, or as short as so many tries make it."""
    left = [MOST_TRIES]

    def still(steps: Life) -> bool:
        left[0] -= 1
        return left[0] >= 0 and breaks(steps)

    casts = sorted({one.cast for one in life if isinstance(one, Happens)})
    kept = reduced(casts, lambda some: still(_of(life, some)))
    return reduced(_of(life, kept), lambda some: still(list(some)))


def _of(life: Life, casts: Sequence[int]) -> list[Step]:
    return [one for one in life if not isinstance(one, Happens) or one.cast in casts]


def reduced(items: Sequence[T], breaks: Callable[[Sequence[T]], bool]) -> list[T]:
    """Delta debugging (Zeller): leaves out ever smaller parts as long as what is left still breaks."""
    kept, size = list(items), max(1, len(items) // 2)
    while True:
        shorter = _without_parts(kept, size, breaks)
        if len(shorter) == len(kept) and size == 1:
            return kept
        size, kept = max(1, size // 2) if len(shorter) == len(kept) else size, shorter


def _without_parts(kept: list[T], size: int, breaks: Callable[[Sequence[T]], bool]) -> list[T]:
    start = 0
    while start < len(kept):
        rest = [*kept[:start], *kept[start + size :]]
        if rest and breaks(rest):
            kept = rest
        else:
            start += size
    return kept
