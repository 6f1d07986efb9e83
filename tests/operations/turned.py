"""The program on a clock that a test turns: `python turned.py COMMAND …` is `hubspot-c4c-sync COMMAND …`.

The file named by TURNED_CLOCK holds the seconds by which the wall clock and the monotonic clock are ahead of the
machine's. A wait is a row of short real ones, so that time which was turned ends it. Nothing else is simulated:
process, signals, threads, scheduler, sockets and files are real.
"""

import os
import select
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import time_machine

BATCH_SIZE = 0.01
"""Real seconds between two looks at the clock."""

FILE = Path(os.environ["TURNED_CLOCK"])
_steady, _sleep, _select, _wait = time.monotonic, time.sleep, select.select, threading.Event.wait


class TurnedTime:
    """Both clocks of this process."""

    def __init__(self) -> None:
        self.ahead = self._read()
        self._wall = time_machine.travel(time.time() + self.ahead, tick=True).start()

    def _read(self) -> float:
        return float(FILE.read_text(encoding="ascii"))

    def monotonic(self) -> float:
        return _steady() + self.ahead

    def follow(self) -> None:
        """Only the main thread, and only while it waits: no line of it sees one clock turned and not yet the other."""
        if threading.current_thread() is threading.main_thread() and (ahead := self._read()) != self.ahead:
            self._wall.shift(ahead - self.ahead)
            self.ahead = ahead

    def wait(self, seconds: float, wait: Callable[[float], Any]) -> bool:
        """True as soon as `wait` says so; False when the seconds have passed on the turned clock."""
        end = self.monotonic() + seconds
        while True:
            self.follow()
            left = end - self.monotonic()
            if wait(max(0.0, min(BATCH_SIZE, left))):
                return True
            if left <= 0:
                return False


def install() -> None:
    """Before anything of the program is imported: it may keep what it finds in `time`."""
    clock = TurnedTime()

    def selected(read: Any, write: Any, errors: Any, timeout: float | None = None) -> Any:
        if timeout is None:
            return _select(read, write, errors)
        found: tuple[list[Any], ...] = ([], [], [])

        def ready(seconds: float) -> bool:
            nonlocal found
            found = _select(read, write, errors, seconds)
            return any(found)

        clock.wait(timeout, ready)
        return found

    def event_wait(event: threading.Event, timeout: float | None = None) -> bool:
        return _wait(event) if timeout is None else clock.wait(timeout, lambda seconds: _wait(event, seconds))

    time.monotonic, select.select = clock.monotonic, selected
    time.sleep = lambda seconds: clock.wait(seconds, _sleep)
    threading.Event.wait = event_wait  # type: ignore[method-assign]


if __name__ == "__main__":
    install()
    from sync.cli import main

    main()
