"""Requests that break no rule, for tables in which each case changes one thing and names the rule that it breaks."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

from sandbox.c4c import PASSWORD, ROOT, USERNAME
from sandbox.c4c.store import C4CStore
from sandbox.clock import Clock
from sandbox.hubspot.store import TOKEN, HubSpotStore
from sandbox.strict.c4c import door as c4c_door
from sandbox.strict.http.message import Message
from sandbox.strict.hubspot import door as hubspot_door

HOST = "127.0.0.1:8000"
_BASIC = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
_COMMON = {"host": HOST, "user-agent": "tester/1.0", "accept-encoding": "gzip, deflate"}
_C4C = {**_COMMON, "authorization": f"Basic {_BASIC}", "accept": "application/json", "accept-language": "en"}
_HUBSPOT = {**_COMMON, "authorization": f"Bearer {TOKEN}", "accept": "application/json"}
ETAG = "W/\"datetimeoffset'2015-02-03T21%3A07%3A03.5328420Z'\""


def c4c(method: str, path: str, body: Any = None, **headers: str | None) -> Message:
    """A request below the service root; a header that is None is left out."""
    return _request(_C4C, method, f"{ROOT}/{path}", body, headers)


def hubspot(method: str, path: str, body: Any = None, **headers: str | None) -> Message:
    return _request(_HUBSPOT, method, path, body, headers)


def _request(common: dict[str, str], method: str, target: str, body: Any, more: dict[str, str | None]) -> Message:
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    length = {"content-length": str(len(raw)), "content-type": "application/json"} if body is not None else {}
    given = {**common, **length, **{name.replace("_", "-"): value for name, value in more.items()}}
    return Message(method, target, tuple((name, value) for name, value in given.items() if value is not None), raw)


def with_header(message: Message, name: str, value: str) -> Message:
    """The message with one more line."""
    return replace(message, headers=(*message.headers, (name, value)))


def c4c_rules(message: Message, store: C4CStore | None = None) -> list[str]:
    """The rules that the request breaks."""
    return [violated.rule for violated in c4c_door.check(message, HOST, store or C4CStore(Clock()))]


def hubspot_rules(message: Message) -> list[str]:
    return [violated.rule for violated in hubspot_door.check(message, HOST, HubSpotStore(Clock()))]


# ---- batches

BOUNDARY, CHANGESET = "batch_7f0c", "changeset_19ab"
PART = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
ASK = "Accept: application/json\r\nAccept-Language: en\r\n"


def reading(path: str = "LeadCollection?$top=3&$format=json", head: str = ASK) -> str:
    """A part that reads: a whole HTTP message, so an empty line ends it."""
    return f"{PART}GET {path} HTTP/1.1\r\n{head}\r\n"


def writing(method: str = "POST", path: str = "LeadCollection", body: Any = None, head: str = ASK) -> str:
    text = body if isinstance(body, str) else json.dumps(body or {"Name": "A lead"})
    length = f"Content-Type: application/json\r\nContent-Length: {len(text.encode())}\r\n"
    return f"{PART}{method} {path} HTTP/1.1\r\n{head}{length}\r\n{text}"


def changeset(*parts: str, boundary: str = CHANGESET) -> str:
    return f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n{joined(parts, boundary)}"


def joined(parts: tuple[str, ...], boundary: str) -> str:
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


def batch(*parts: str, raw: str | None = None, content_type: str | None = None) -> Message:
    body = (joined(parts, BOUNDARY) if raw is None else raw).encode()
    kind = content_type or f"multipart/mixed; boundary={BOUNDARY}"
    return c4c("POST", "$batch", body, content_type=kind, accept="multipart/mixed")
