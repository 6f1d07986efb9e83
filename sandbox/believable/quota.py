"""Shares that come out exactly, whatever the seed, so that small worlds hold every oddity too."""

from collections.abc import Mapping
from random import Random
from typing import TypeVar

T = TypeVar("T")


def quota(random: Random, size: int, shares: Mapping[T, float]) -> list[T]:
    """`size` choices in random order, each as often as its share of 100 says, rounded; the first takes the rest."""
    names = list(shares)
    chosen: list[T] = []
    for name in names[1:]:
        chosen += [name] * round(size * shares[name] / 100)
    chosen = chosen[:size]
    chosen += [names[0]] * (size - len(chosen))
    random.shuffle(chosen)
    return chosen
