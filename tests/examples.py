"""How many examples a random test tries: in `make test` some, always the same; in `make test-long` many, always new."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

LONG = "long"
FACTOR = 10
"""How many times as many examples the long form tries."""


def register() -> None:
    """Before pytest reads `--hypothesis-profile`."""
    settings.register_profile(LONG, deadline=None, max_examples=settings.default.max_examples * FACTOR)


def examples(number: int, long: int | None = None, **more: Any) -> settings:
    """Settings of a random test that tries so many examples, and `long` in its long form, by default FACTOR times as
    many. Not by time: a busy machine is slow."""
    tried = (long or number * FACTOR) if in_long_form() else number
    return settings(max_examples=tried, deadline=None, derandomize=not in_long_form(), **more)


def in_long_form() -> bool:
    return settings.get_current_profile_name() == LONG
