"""SIGTERM and SIGINT: the first asks the process to stop in order; a second one, or a time limit, ends it at once."""

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from sync.errors import Interrupted
from sync.log import Event, emit

_EXIT_CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}


class StopSignal:
    """Whether and why to stop.

    `within`: seconds after which the process ends in any case. `notify` is called with the signal's name when it comes.

    A handler may interrupt any line of the main thread, so it must take no lock and start no thread: it sets a number
    and makes a pipe readable, which wakes all waiting threads.
    """

    def __init__(self, within: float = 25.0, notify: Callable[[str], None] | None = None) -> None:
        self.within, self._notify = within, notify
        self.exit_code = 0
        self.name = ""
        self._readable, self._writable = os.pipe()

    def install(self) -> "StopSignal":
        for number in _EXIT_CODES:
            signal.signal(number, self._receive)
        threading.Thread(target=self._watch, name="stop watchdog", daemon=True).start()
        return self

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self.exit_code:
            # The default action would not do: the kernel ignores it for process 1 of a container.
            os._exit(_EXIT_CODES[signal.Signals(number)])
        self.exit_code, self.name = _EXIT_CODES[signal.Signals(number)], signal.Signals(number).name
        os.write(self._writable, b"x")

    def __call__(self) -> bool:
        return self.exit_code != 0

    def interrupted(self, text: str) -> Interrupted:
        """The failure of a command that a signal ended, with the exit code for that signal."""
        failure = Interrupted(text)
        failure.exit_code = self.exit_code or failure.exit_code
        return failure

    def wait(self, timeout: float | None = None) -> bool:
        """Waits for a signal, `timeout` seconds at most; True if it has come."""
        readable, _, _ = select.select([self._readable], [], [], timeout)
        return bool(readable)

    def sleep(self, seconds: float) -> None:
        """A pause that a signal ends."""
        self.wait(max(0.0, seconds))

    def _watch(self) -> None:
        self.wait()
        if self._notify:
            self._notify(self.name)
        time.sleep(self.within)
        emit(Event.STOP_FORCED, seconds=self.within)
        # Nothing is lost: what was committed stays, and what is in flight is looked up at the next start.
        os._exit(self.exit_code)
