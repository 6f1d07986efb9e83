"""The strict front round one system (ASGI): refuses and records what breaks a rule, passes on the rest."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.c4c import wording
from sandbox.c4c.errors import Refused
from sandbox.c4c.settings import Settings
from sandbox.hubspot.errors import HubSpotError
from sandbox.strict.c4c import door as c4c_door
from sandbox.strict.http.message import Message
from sandbox.strict.hubspot import door as hubspot_door
from sandbox.strict.violations import Violated
from sandbox.world import World

Check = Callable[[World, Message, str], list[Violated]]
"""All violations of a message that arrived at an authority (host and port)."""

CHECKS: dict[str, Check] = {
    "c4c": lambda world, message, authority: c4c_door.check(message, authority, world.c4c),
    "hubspot": lambda world, message, authority: hubspot_door.check(message, authority, world.hubspot),
}


class StrictFront:
    """Wraps the system, faults and counters included: a request that is refused here never reaches them."""

    def __init__(self, world: World, name: str, system: ASGIApp) -> None:
        self._world, self._name, self._system = world, name, system

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, complete = await _read(receive)
        if not complete:
            return
        message = _message(scope, body)
        host, port = scope["server"]
        found = CHECKS[self._name](self._world, message, f"{host}:{port}")
        for violated in found:
            self._world.violations.add(self._name, f"{message.method} {message.path}", violated)
        if found:
            await _refuse(send, self._name, found[0])
        else:
            await self._system(scope, _replay(body), send)


def _message(scope: Scope, body: bytes) -> Message:
    """Latin-1 keeps each octet as it is, so that the checks see one that is no US-ASCII."""
    query = scope["query_string"].decode("latin-1")
    target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    return Message(scope["method"], target, headers, body)


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """The body, and whether all of it came before the client went."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body, False
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body, True


def _replay(body: bytes) -> Receive:
    messages: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


async def _refuse(send: Send, system: str, violated: Violated) -> None:
    body, kind = ANSWERS[system](violated)
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    if violated.allow:
        headers.append((b"allow", ", ".join(violated.allow).encode()))
    await send({"type": "http.response.start", "status": violated.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _c4c_answer(violated: Violated) -> tuple[bytes, str]:
    body, kind = wording.error(Settings(), Refused(violated.status, str(violated), f"STRICT/{violated.rule}"), True, "")
    return body.encode(), kind


def _hubspot_answer(violated: Violated) -> tuple[bytes, str]:
    body = HubSpotError(violated.status, str(violated)).body(str(uuid.uuid4()))
    return json.dumps(body).encode(), "application/json;charset=utf-8"


ANSWERS = {"c4c": _c4c_answer, "hubspot": _hubspot_answer}
