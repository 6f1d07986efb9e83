"""What every test may need: where the project is, how to wait, and the log of this process."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from sync import log

PROJECT = Path(__file__).parents[1]
TIMEOUT = 300
"""Seconds after which a test that waits is taken to hang. Nothing is measured by it: a busy machine may be slow."""

LOOK = 0.02
"""Seconds between two looks: looking without end would take the processor from who is waited for."""


def until(holds: Callable[[], object], what: str = "what was waited for") -> None:
    """Returns as soon as it holds: something that another process or thread brings about."""
    end = time.monotonic() + TIMEOUT
    while not holds():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(LOOK)


@contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    """The lines that this process logs meanwhile; they are there when the context has ended."""
    stream, lines = io.StringIO(), list[dict[str, Any]]()
    log.configure(stream=stream)
    try:
        yield lines
    finally:
        lines += map(json.loads, stream.getvalue().splitlines())
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()
