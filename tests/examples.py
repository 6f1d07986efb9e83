"""How many examples a random test tries: some in `make test`, many in `make test-long`, both always the same.

What a change breaks must show by that change, not by luck. `make test-long PROFILE=explore` tries new ones each time.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings

LONG, EXPLORE = "long", "explore"
FACTOR = 10
"""How many times as many examples the long form tries."""


def register() -> None:
    """Before pytest reads `--hypothesis-profile`."""
    many = settings.default.max_examples * FACTOR
    settings.register_profile(LONG, deadline=None, max_examples=many, derandomize=True)
    settings.register_profile(EXPLORE, deadline=None, max_examples=many)


def examples(number: int, long: int | None = None, explore: int | None = None, **more: Any) -> settings:
    """Settings of a random test that tries so many examples, and `long` in its long form, by default FACTOR times as
    many; `explore`: how many new ones, by default as many as `long`. Not by time: a busy machine is slow."""
    exploring = settings.get_current_profile_name() == EXPLORE
    tried = (long or number * FACTOR) if in_long_form() else number
    return settings(
        max_examples=explore if exploring and explore else tried, deadline=None, derandomize=not exploring, **more
    )


def in_long_form() -> bool:
    return settings.get_current_profile_name() in (LONG, EXPLORE)
