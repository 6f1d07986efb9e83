"""Forks the program from an interpreter that has imported it already: a process of its own, only a second sooner.

Run as a script it reads orders on standard input, one JSON line each, and answers each with the new process's pid;
the process waits for the line `go`. When it has ended its exit status follows. `Warm` is the other end of that.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LONGEST = 300
"""Seconds that one run may take; then it is ended by SIGALRM, so that no test waits for ever."""


class Warm:
    """A warm interpreter, used by one test at a time."""

    def __init__(self, directory: Path) -> None:
        self._out, self._err = directory / "stdout", directory / "stderr"
        command = [sys.executable, __file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def spawn(self, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
        """A process that waits for its `go`; its pid."""
        streams = {"out": str(self._out), "err": str(self._err)}
        return self._ask(json.dumps({"arguments": arguments, "environment": environment, **streams}))

    def go(self) -> tuple[int, str, str]:
        """Lets the process run to its end: exit code (negative for a signal), standard output, standard error."""
        code = self._ask("go")
        return code, self._out.read_text(), self._err.read_text()

    def close(self) -> None:
        self._process.communicate()

    def _ask(self, line: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def serve() -> None:
    import sync.cli.commands
    import sync.hubspot_client
    import sync.worker.loop
    import sync.worker.server

    for line in sys.stdin:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.read(reading, 1)
            _become(json.loads(line))
            _watch_the_steps()
            sync.cli.main()
            raise SystemExit
        _tell(pid)
        sys.stdin.readline()
        os.write(writing, b"g")
        _, status = os.waitpid(pid, 0)
        os.close(reading)
        os.close(writing)
        _tell(os.waitstatus_to_exitcode(status))


def _become(order: dict[str, Any]) -> None:
    """Takes over arguments, environment and streams, as if just started."""
    os.setsid()
    signal.alarm(LONGEST)
    for number, path in enumerate((os.devnull, order["out"], order["err"])):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(path, flags), number)
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["hubspot-c4c-sync", *order["arguments"]]


def _watch_the_steps() -> None:
    """For `make prove-kills`: this process may be told at which of its steps it dies."""
    if "STEP_BOUNDARY" in os.environ:
        import boundaries

        boundaries.install()


def _tell(number: int) -> None:
    os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    serve()
