"""The stage of the operations tests: a sandbox, the product as an admin runs it, and a webhook."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from running import PROJECT, TIMEOUT
from world.program import Program, Ran
from world.sandbox import Sandbox

__all__ = ["PROJECT", "Product", "Ran", "Running", "Sandbox", "free_port", "webhook"]

WORKER_TOML = """
[schedule]
poll = "{poll}"
push = "{push}"
scores = "{scores}"
sweep = "{sweep}"
jitter = "0s"
{schedule}
[hubspot]
index_lag_seconds = 0
search_per_second = 5
burst_per_10s = 250
[c4c]
settle_seconds = 0
[retry]
request_wait = "10ms"
{more}
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class Product(Program):
    """The program with a worker.toml that waits for nothing, as short as a test of its operation needs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.configure()

    def configure(self, schedule: str = "", more: str = "", **every: str) -> None:
        """Writes worker.toml; nothing waits that need not."""
        intervals = {"poll": "5m", "push": "5m", "scores": "30m", "sweep": "60m", **every}
        text = WORKER_TOML.format(schedule=schedule, more=more, **intervals)
        (self.config / "worker.toml").write_text(text, encoding="utf-8")

    @contextmanager
    def started(self, *arguments: str) -> Iterator[Running]:
        """A process of the program that goes on in the background; killed at the end if it still runs."""
        command = [sys.executable, *self.program, *arguments]
        with open(self.home / f"{time.monotonic_ns()}.err", "w+", encoding="utf-8") as err:
            process = subprocess.Popen(
                command, cwd=self.home, env=self.environment(), stdout=subprocess.PIPE, stderr=err, text=True
            )
            try:
                yield Running(process, Path(err.name))
            finally:
                process.kill()
                process.wait(TIMEOUT)
                if process.stdout is not None:
                    process.stdout.close()


@dataclass
class Running:
    """A process whose log lines the test follows."""

    process: subprocess.Popen[str]
    _errors: Path
    lines: list[str] = field(default_factory=list)

    def until(self, event: str, **fields: str) -> dict[str, Any]:
        """Reads on until that event comes, and returns it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            entry = json.loads(line)
            if entry["event"] == event and all(entry.get(name) == value for name, value in fields.items()):
                return dict(entry)
        raise AssertionError(f"the process ended without {event}: {self.lines[-3:]}")

    def errors(self) -> str:
        """What it wrote to standard error."""
        return self._errors.read_text(encoding="utf-8")

    def ended(self) -> int:
        """Reads the rest, and returns how the process ended; -9 if it had to be killed because it never did."""
        assert self.process.stdout is not None
        too_long = threading.Timer(TIMEOUT, self.process.kill)
        too_long.start()
        try:
            self.lines += self.process.stdout.readlines()
            return self.process.wait()
        finally:
            too_long.cancel()


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(url, what was posted to it)."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/services/webhook-secret-1", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
