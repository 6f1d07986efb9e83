"""How C4C answers on the wire: batch answers as SAP's guide shows them, and what a client sent in a batch."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests

from sync.c4c.client import C4CClient, C4CPort
from sync.c4c.odata import Query, Row
from sync.net.credentials import Password
from sync.planner.target import Employee
from sync.transport import RequestRetry

BASE = "https://my1.crm.ondemand.com"
ROOT = f"{BASE}/sap/c4c/odata/v1/c4codataapi/"
BATCH = f"{ROOT}$batch"

Answer = tuple[int, dict[str, str], str]
"""Status, headers and body, as a callback of `responses` returns them."""

SAP_ERROR = json.dumps(
    {
        "code": "ODATA_ERROR",
        "message": "Error occurred during processing",
        "severity": "error",
        "details": [{"code": "/APBP/CENT:003", "message": "Cannot maintain internal field"}],
    }
)


@dataclass(frozen=True)
class Sent:
    """One operation or query of a batch as it was sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def fields(self) -> Any:
        return json.loads(self.body)


def part(status: int, body: object = "", **headers: str) -> str:
    """One part of a batch answer, with the padded numbers of the guide and without Content-ID."""
    text = body if isinstance(body, str) else json.dumps(body)
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    inner = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length:      {len(text)}", *lines]
    outer = "Content-Type: application/http\r\nContent-Length:      999\r\ncontent-transfer-encoding: binary\r\n\r\n"
    return outer + "\r\n".join([*inner, "", text])


def changeset(*parts: str) -> str:
    inner = "".join(f"--ejjeeffe1\r\n{answer}\r\n" for answer in parts)
    return f"Content-Type: multipart/mixed; boundary=ejjeeffe1\r\n\r\n{inner}--ejjeeffe1--\r\n"


def batch(*parts: str, status: int = 202, **headers: str) -> Answer:
    body = "".join(f"--ejjeeffe0\r\n{answer}\r\n" for answer in parts) + "--ejjeeffe0--\r\n"
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"Content-Type": "multipart/mixed; boundary=ejjeeffe0"} | more, body


def rows(*found: dict[str, Any], following: str | None = None) -> str:
    """A part that answers a read."""
    more = {"__next": following} if following else {}
    return part(200, {"d": {"results": list(found)} | more})


def created(object_id: str = "O1", **fields: Any) -> str:
    """A part that answers a POST, the entity wrapped as C4C does it."""
    entity = {"ObjectID": object_id, "__metadata": {"etag": "W/1"}} | fields
    return changeset(part(201, {"d": {"results": entity}}, etag="W/1", location="x"))


def changed() -> str:
    """A part that answers a PATCH: 204 with neither body nor ETag."""
    return changeset(part(204))


def failed(status: int, message: str = "No.", code: str = "A/1") -> str:
    """A failed changeset: one part that is not nested."""
    return part(status, {"error": {"code": code, "message": {"lang": "en", "value": message}}})


def sent_in(request: requests.PreparedRequest) -> list[Sent]:
    """The operations and queries of a batch request in their order."""
    assert isinstance(request.body, bytes)
    text = request.body.decode().replace("\r\n", "\n")
    pieces = re.split(r"^--\S+$", text, flags=re.MULTILINE)
    return [_sent(piece) for piece in pieces if "application/http" in piece.partition("\n\n")[0]]


def _sent(piece: str) -> Sent:
    head, _, body = piece.partition("\n\n")[2].partition("\n\n")
    line, *lines = head.split("\n")
    method, path, _ = line.split(" ")
    headers = {name.lower(): value for name, value in (entry.split(": ", 1) for entry in lines)}
    return Sent(method, path, headers, body.strip())


def ask(c4c: C4CPort, queries: Sequence[Query]) -> list[list[Row]]:
    """The rows of each query. Raises why one of them has none."""
    answers = c4c.answers(queries)
    for answer in answers:
        if not isinstance(answer, list):
            raise answer
    return [list(answer) for answer in answers if isinstance(answer, list)]


def staff(c4c: C4CPort, now: datetime) -> list[Employee]:
    """The employees who are valid at `now`."""
    return list(c4c.masters([], now).employees or [])


def client(naps: list[float] | None = None, **changes: Any) -> C4CClient:
    """The real client with three tries and without real pauses."""
    slept = [] if naps is None else naps
    given = {"identity": Password.of("sync", "hidden"), "retry": RequestRetry(attempts=3, wait=1)} | changes
    return C4CClient(BASE, sleep=slept.append, **given)
