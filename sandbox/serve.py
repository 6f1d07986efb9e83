"""The ASGI wrapper round both systems: it counts each request and lets faults strike before or after the effect."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import Fault
from sandbox.world import World

LOOK_SECONDS = 0.01
"""Between two looks whether a fault that holds a request back was deleted."""

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


class Answer:
    """An application's whole answer, held back until it is decided whether and how the client gets it."""

    def __init__(self) -> None:
        self.start: Message | None = None
        self.body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")

    @property
    def status(self) -> int:
        return int(self.start["status"]) if self.start else 500


class System:
    """One of the two systems as an ASGI application over whatever store the world holds at the moment."""

    def __init__(self, world: World, name: str, build: Callable[[World], ASGIApp]) -> None:
        self._world, self._name, self._build = world, name, build
        self._app: ASGIApp | None = None
        self._generation = -1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _read(receive)
        count = self._world.counters.systems[self._name]
        count.enter(scope["method"], scope["path"])
        at = self._world.clock.now().isoformat()
        status: int | None = None
        try:
            status = await self._handle(scope, body, send)
        finally:
            count.leave()
            self._world.counters.log(self._name, at, scope["method"], scope["path"], status)

    async def _handle(self, scope: Scope, body: bytes, send: Send) -> int | None:
        path = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
        fault = self._world.faults.for_request(
            self._name, scope["method"], path, lambda: body.decode("utf-8", "replace")
        )
        if fault is None:
            return await self._forward(await self._effect(scope, body), send)
        return await self._strike(fault, scope, body, send)

    async def _strike(self, fault: Fault, scope: Scope, body: bytes, send: Send) -> int | None:
        match fault.action:
            case "status" | "html" | "empty":
                return await _reply(send, *_instead(fault, body), fault.headers)
            case "cut_before" | "cut_after" | "kill_before" | "kill_after":
                await self._break_off(fault, scope, body, send)
                return None
            case "rewrite" | "truncate":
                change = self._rewrite if fault.action == "rewrite" else self._truncate
                return await change(fault, await self._effect(scope, body), send)
            case "slow":
                generation = self._world.generation
                await self._hold_back(fault)
                if self._world.generation != generation:
                    # What was held back belonged to a world that is no more.
                    await _drop(send)
                    return None
            case "csrf_expired":
                self._world.c4c.csrf.forget_all()
        return await self._forward(await self._effect(scope, body), send)

    async def _hold_back(self, fault: Fault) -> None:
        """Until the fault's seconds have passed, or the fault is deleted: who posted it can end it."""
        loop = asyncio.get_running_loop()
        end = loop.time() + fault.seconds
        while self._world.faults.holds(fault) and (left := end - loop.time()) > 0:
            await asyncio.sleep(min(LOOK_SECONDS, left))

    async def _break_off(self, fault: Fault, scope: Scope, body: bytes, send: Send) -> None:
        if fault.action.endswith("_after"):
            await self._effect(scope, body)
        if fault.action.startswith("kill"):
            _kill(fault.pid)
        await _drop(send)

    async def _effect(self, scope: Scope, body: bytes) -> Answer:
        if self._app is None or self._generation != self._world.generation:
            self._app, self._generation = self._build(self._world), self._world.generation
        answer = Answer()
        await self._app(scope, _replay(body), answer.send)
        return answer

    async def _forward(self, answer: Answer, send: Send) -> int:
        if answer.start is None:
            raise RuntimeError("the application gave no answer")
        await send(self._dated(answer.start))
        await send({"type": "http.response.body", "body": answer.body})
        return answer.status

    def _dated(self, start: Message) -> Message:
        """With the time of this system's clock, as every server tells it (RFC 9110, 6.6.1)."""
        now = format_datetime(self._world.clock.now(), usegmt=True)
        return {**start, "headers": [*start["headers"], (b"date", now.encode())]}

    async def _rewrite(self, fault: Fault, answer: Answer, send: Send) -> int:
        """The answer with one field of its JSON replaced by what nobody can use; one that has no such field stays."""
        with contextlib.suppress(ValueError, LookupError, TypeError):
            answer.body = json.dumps(_replaced(json.loads(answer.body), fault.place, fault.value)).encode()
        return await _reply(send, answer.status, answer.body, "application/json", {})

    async def _truncate(self, _: Fault, answer: Answer, send: Send) -> int:
        if answer.start is None:
            raise RuntimeError("the application gave no answer")
        await send(answer.start)
        await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
        _transport(send).close()  # close, not abort: what was written still has to leave
        await asyncio.sleep(0)
        return answer.status


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def _replay(body: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


async def _reply(send: Send, status: int, body: bytes, content_type: str, headers: dict[str, str]) -> int:
    given = {name.lower(): value for name, value in headers.items()}
    all_headers = {"content-type": content_type, "content-length": str(len(body)), **given}
    encoded = [(name.encode(), str(value).encode()) for name, value in all_headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
    return status


def _replaced(document: Any, place: list[str | int], value: Any) -> Any:
    if not place:
        return value
    document[place[0]] = _replaced(document[place[0]], place[1:], value)
    return document


def _instead(fault: Fault, asked: bytes) -> tuple[int, bytes, str]:
    """Status, body and content type that come instead of the answer."""
    match fault.action:
        case "html":
            page = b"<html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>"
            return 200, page, "text/html;charset=utf-8"
        case "empty":
            return 200, b"{}", "application/json"
        case _:
            text, kind = _body_out(fault.body_out)
            return fault.status, _echoing(text, asked) if fault.echo else text, kind


def _body_out(value: Any) -> tuple[bytes, str]:
    if isinstance(value, str):
        return value.encode(), "text/plain;charset=utf-8"
    return (b"" if value is None else json.dumps(value).encode()), "application/json"


_VALUES = re.compile(rb"\"\\w+\": \"((?:[^\"\\\\]|\\\\.)+)\"|%27((?:[^%\\s]|%(?!27))+)%27")


def _echoing(text: bytes, body: bytes) -> bytes:
    """A refusal that repeats what was sent: the values of the bodies, and of the filters, in the request."""
    found = [
        json.loads(b'"' + told + b'"') if told else unquote(asked.decode()) for told, asked in _VALUES.findall(body)
    ]
    return text.replace(b"{echo}", json.dumps(", ".join(found)).encode()[1:-1])


def _transport(send: Send) -> asyncio.Transport:
    """The client's TCP connection: uvicorn hands us a bound method of the object that owns it."""
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    return transport


async def _drop(send: Send) -> None:
    """Drop the connection without a word; the pauses let uvicorn notice, or it would log a missing answer."""
    _transport(send).abort()
    for _ in range(3):
        await asyncio.sleep(0)


def _kill(pid: int | None) -> None:
    """The process may have ended by itself in the meantime."""
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, KILL)
