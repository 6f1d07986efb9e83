"""The sandbox behind its strict front, and the one sentence that every test of it ends with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from running import TIMEOUT
from world.sandbox import announced

__all__ = ["nothing_violated", "strict_sandbox"]


@contextmanager
def strict_sandbox() -> Iterator[dict[str, str]]:
    """An empty sandbox that refuses and records what breaks a standard: what it announces."""
    with announced("--strict") as started:
        yield started


@contextmanager
def nothing_violated(started: Mapping[str, str], on_purpose: frozenset[str] = frozenset()) -> Iterator[None]:
    """Within the context no request may break a rule, but those in `on_purpose` must be broken."""
    url = f"{started['control']}/violations"
    requests.delete(url, timeout=TIMEOUT).raise_for_status()
    yield
    found: list[dict[str, Any]] = requests.get(url, timeout=TIMEOUT).json()
    unmeant = [violation for violation in found if violation["rule"] not in on_purpose]
    assert unmeant == [], f"{len(unmeant)} violations of a standard"
    assert {violation["rule"] for violation in found} == on_purpose
