"""Cuts an erasure off at a chosen step: before a statement, a commit, a sync to the disk or a request.

As a program (`python cut_off.py POINT COMMAND …`) it kills the process there; imported, it raises `CutOff` at that step
and at every later one, as a dead process does nothing more.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Engine, event

from sync.c4c import client
from sync.state.erasure import scrub, steps


class CutOff(BaseException):
    """The process is dead."""


class Steps:
    """Counts steps, and acts at the chosen one."""

    def __init__(self, point: int, act: Callable[[], None]) -> None:
        self.point, self.passed, self._act = point, 0, act

    def take(self, *_: Any, **__: Any) -> None:
        self.passed += 1
        if self.passed > self.point:
            self._act()


@contextmanager
def counted(found: Steps) -> Iterator[None]:
    """Calls `found.take` before each step within the block."""

    def before(function: Callable[..., Any]) -> Callable[..., Any]:
        def counted_call(*arguments: Any, **named: Any) -> Any:
            found.take()
            return function(*arguments, **named)

        return counted_call

    def writes(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("SELECT"):
            found.take()

    event.listen(Engine, "before_cursor_execute", writes)
    event.listen(Engine, "commit", found.take)
    try:
        with (
            patch.object(os, "fsync", before(os.fsync)),
            patch.object(os, "replace", before(os.replace)),
            patch.object(client.C4CClient, "write", before(client.C4CClient.write)),
            patch.object(client.C4CClient, "answers", before(client.C4CClient.answers)),
            patch.object(scrub, "vacuum", before(scrub.vacuum)),
            patch.object(scrub, "cut_log", before(scrub.cut_log)),
        ):
            yield
    finally:
        event.remove(Engine, "before_cursor_execute", writes)
        event.remove(Engine, "commit", found.take)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Runs a command of the program, and kills it at the chosen step once the erasure is about to be recorded."""
    from sync.cli import main as command

    found = Steps(sys.maxsize, _kill)
    point, begin = int(sys.argv[1]), steps.begin
    sys.argv = ["hubspot-c4c-sync", *sys.argv[2:]]

    def begun(*arguments: Any) -> Any:
        found.point, found.passed = point, 0
        return begin(*arguments)

    with patch.object(steps, "begin", begun), counted(found):
        command()


if __name__ == "__main__":
    main()
