"""The doors of both systems without a network: the product's own HTTP clients, answered by the sandbox in this thread.

Everything of the product runs as always, down to `requests`; only the socket is missing. What goes wrong on the way is
decided here, call by call.
"""

from __future__ import annotations

import http.client
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from proof.journal import Journal
from proof.troubles import Died
from requests.adapters import HTTPAdapter
from starlette.types import ASGIApp, Message
from urllib3 import HTTPResponse
from urllib3.exceptions import NewConnectionError, ProtocolError, ReadTimeoutError

from sandbox.c4c.app import build_app as c4c_app
from sandbox.hubspot.app import build_app as hubspot_app
from sandbox.world import World
from sync.net import connections

HUBSPOT, C4C = "http://127.0.0.1:1", "http://127.0.0.1:2"

Strike = Callable[[str], str]
"""Called with the system's name before each call; the fault that meets it, or nothing."""

Answer = tuple[int, list[tuple[str, str]], bytes]


class Doors:
    """Both systems as adapters of `requests`. A call takes 50 ms of the virtual time."""

    def __init__(self, world: World, journal: Journal) -> None:
        self._world, self._journal = world, journal
        self._apps: dict[str, ASGIApp] = {HUBSPOT: hubspot_app(world.hubspot), C4C: c4c_app(world.c4c)}
        self.strike: Strike = lambda system: ""
        self.hanging: Callable[[], None] = lambda: None

    def adapter(self, url: str) -> Door:
        root = HUBSPOT if url.startswith(HUBSPOT) else C4C
        return Door(self, "hubspot" if root == HUBSPOT else "c4c", self._apps[root])

    def pass_through(self, door: Door, request: requests.PreparedRequest) -> requests.Response:
        """One call, as far as the trouble that meets it lets it come."""
        self._world.clock.advance(0.05)
        kind = self.strike(door.system)
        if kind == "die_before_call":
            raise Died
        if kind == "token_expired":
            self._world.c4c.csrf.forget_all()
        if failure := _before(kind, request):
            self._world.clock.advance(60 if kind == "slow" else 0)
            raise failure
        answer = _instead(kind) or self._effect(door, request, kind)
        response = _response(door, request, answer)
        self._journal.answered(door.system, str(request.url), answer[0], answer[2])
        return response

    def _effect(self, door: Door, request: requests.PreparedRequest, kind: str) -> Answer:
        status, headers, body = _asked(door.app, request)
        headers.append(("date", format_datetime(self._world.clock.now(), usegmt=True)))
        if kind == "die_after_call":
            raise Died
        if kind in ("cut_after", "slow_after"):
            self._world.clock.advance(60 if kind == "slow_after" else 0)
            raise _timeout() if kind == "slow_after" else _reset()
        if kind == "taken_over":
            self.hanging()
        if kind == "nonsense_after":
            return 200, [("content-type", "text/html")], _PAGE
        return status, headers, body[: len(body) // 2] if kind == "truncated" else body


class Door(HTTPAdapter):
    """One system as `requests` sees it."""

    def __init__(self, doors: Doors, system: str, app: ASGIApp) -> None:
        super().__init__()
        self._doors, self.system, self.app = doors, system, app

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        return self._doors.pass_through(self, request)


@contextmanager
def opened(doors: Doors) -> Iterator[None]:
    """As long as this lasts, whoever opens a connection gets one of these doors."""
    real = connections.adapter
    connections.adapter = lambda url, *_, **__: doors.adapter(url)  # type: ignore[assignment]
    try:
        yield
    finally:
        connections.adapter = real


_PAGE = b"<html><body><h1>Maintenance</h1></body></html>"


def _before(kind: str, request: requests.PreparedRequest) -> Exception | None:
    """What the client meets if the call never reaches the system."""
    match kind:
        case "refused":
            return requests.ConnectionError(NewConnectionError(None, "refused"), request=request)  # type: ignore[arg-type]
        case "reset" | "cut_before":
            return _reset()
        case "slow":
            return _timeout()
    return None


def _reset() -> Exception:
    return requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")))


def _timeout() -> Exception:
    return requests.ReadTimeout(ReadTimeoutError(None, None, "Read timed out."))  # type: ignore[arg-type]


def _instead(kind: str) -> Answer | None:
    if kind == "429":
        return 429, [("content-type", "application/json"), ("retry-after", "2")], b'{"status": "error"}'
    if kind in ("500", "503"):
        return int(kind), [("content-type", "application/json")], b"{}"
    return (200, [("content-type", "text/html")], _PAGE) if kind == "nonsense" else None


def _asked(app: ASGIApp, request: requests.PreparedRequest) -> Answer:
    """The application's answer. It waits for nothing, so its coroutine ends with the first step."""
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else bytes(body)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    running = app(_scope(request), receive, send)
    try:
        running.send(None)  # type: ignore[attr-defined]
    except StopIteration:
        start, text = sent[0], b"".join(part.get("body", b"") for part in sent[1:])
        return start["status"], [(n.decode(), v.decode()) for n, v in start["headers"]], text
    raise AssertionError("the stand-in waits for something; in one thread nothing would come")


def _scope(request: requests.PreparedRequest) -> dict[str, Any]:
    parts = urlsplit(str(request.url))
    headers = [(_bytes(name).lower(), _bytes(value)) for name, value in request.headers.items()]
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": headers,
        "server": (parts.hostname, parts.port),
        "client": ("127.0.0.1", 9),
    }


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def _response(door: Door, request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    status, headers, body = answer
    raw = HTTPResponse(
        io.BytesIO(body), headers=dict(headers), status=status, preload_content=False, decode_content=False
    )
    raw._original_response = _Original(headers)  # type: ignore[assignment]
    return door.build_response(request, raw)


class _Original:
    """What `requests` reads cookies from."""

    def __init__(self, headers: list[tuple[str, str]]) -> None:
        self.msg = http.client.HTTPMessage()
        for name, value in headers:
            self.msg[name] = value

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""


def json_of(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer; an empty one if it is none."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
