"""Every boundary between two steps of a process, by name: before and after each commit and each request.

`warm` installs this in a process whose environment holds STEP_BOUNDARY: `FILE` has the boundaries listed in that file;
`FILE NUMBER` kills the process at the boundary with that number, after its name was written. SIGKILL leaves no time for
anything else.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from sync.net.connections import Adapter

VARIABLE = "STEP_BOUNDARY"
_HERE = Path(__file__).name
_TOO_COMMON = ("store.py", _HERE)
"""Files whose functions name no step."""


class Boundaries:
    """Counts boundaries, in whatever thread they are met."""

    def __init__(self, file: str, fatal: int = 0) -> None:
        self._out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._fatal, self._met, self._lock = fatal, 0, threading.Lock()

    def meet(self, name: str) -> None:
        with self._lock:
            self._met += 1
            if not self._fatal:
                os.write(self._out, f"{name}\n".encode())
            elif self._met == self._fatal:
                os.write(self._out, f"{name}\n".encode())
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, step: Callable[..., Any], named: Callable[..., str]) -> Callable[..., Any]:
        """The step with a boundary before and one after it."""

        def bounded(*given: Any, **options: Any) -> Any:
            name = named(*given)
            self.meet(f"before {name}")
            result = step(*given, **options)
            self.meet(f"after {name}")
            return result

        return bounded


def install() -> None:
    file, _, number = os.environ.pop(VARIABLE).partition(" ")
    found = Boundaries(file, int(number or 0))
    DefaultDialect.do_commit = found.around(DefaultDialect.do_commit, _commit)  # type: ignore[method-assign]
    Adapter.send = found.around(Adapter.send, _request)  # type: ignore[method-assign]


def _commit(*_: Any) -> str:
    """The function of the product whose transaction is committed."""
    frame = sys._getframe(1)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if "sync" in path.parts and path.name not in _TOO_COMMON and "site-packages" not in path.parts:
            return f"commit in {path.stem}.{frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]
    return "commit"


def _request(_: Any, request: Any, *more: Any) -> str:
    path = str(request.url).split("?")[0].rstrip("/")
    return f"{request.method} {'/'.join(path.split('/')[-2:])}"
