"""A HubSpot that says exactly what a test tells it to, for answers that no portal gives on demand."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

from running import TIMEOUT

from sync.hubspot_client import HubSpotClient
from sync.transport import RequestRetry

Trouble = Literal["none", "cut", "reset", "silence"]
"""Besides answering: breaks off in the middle of the body, hangs up before the answer, or answers far too late."""


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: Any = field(default_factory=lambda: {"results": []})
    headers: dict[str, str] = field(default_factory=dict)
    trouble: Trouble = "none"
    packed: bool = False

    @property
    def content(self) -> bytes:
        raw = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return gzip.compress(raw) if self.packed else raw


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: Any


P = TypeVar("P", bound="Portal")


class Portal(ThreadingHTTPServer):
    """Gives the answers of `script` one after the other, the last one for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Answer] = []
        self.asked: list[Asked] = []
        self.connections = 0
        self.refuses_more_than = 10**6
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def says(self, *answers: Answer) -> None:
        self.script = list(answers)

    def handle_error(self, *_: object) -> None:
        """Clients that gave up are meant."""

    def next_answer(self) -> Answer:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def client(self, naps: list[float] | None = None, **changes: Any) -> HubSpotClient:
        """The real client with three tries, without real pauses, and without pacing unless a test wants it."""
        slept = [] if naps is None else naps
        fast = {"search_per_second": 1e9, "burst_per_10s": 10**10}
        given = {"retry": RequestRetry(attempts=3, wait=1), "timeout": TIMEOUT} | fast | changes
        return HubSpotClient(self.url, "pat-hidden", sleep=slept.append, **given)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Portal

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, raw: bytes) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(raw) if raw else None
        self.server.asked.append(Asked(self.command, parts.path, parse_qsl(parts.query), headers, body))
        too_many = len((body or {}).get("inputs", ())) > self.server.refuses_more_than
        answer = Answer(400, {}) if too_many else self.server.next_answer()
        if answer.trouble == "silence":
            self.server.released.wait(TIMEOUT)
        if answer.trouble == "reset":
            self.close_connection = True
            return
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        content = answer.content
        self.send_response(answer.status)
        given = {"Content-Type": "application/json"} | ({"Content-Encoding": "gzip"} if answer.packed else {})
        for name, value in (given | answer.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if answer.trouble == "cut" else content)
        self.close_connection = answer.trouble == "cut"

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def running(kind: type[P] = Portal) -> Iterator[P]:  # type: ignore[assignment]
    """A portal on a free port of this machine."""
    with kind() as portal:
        thread = threading.Thread(target=portal.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
        thread.start()
        try:
            yield portal
        finally:
            portal.released.set()
            portal.shutdown()
            thread.join()
