"""`$batch`: multipart in, multipart out, with the framing of the samples in the C4C OData guide.

What is sent is read by the letter (`framing`). What comes back has no Content-ID, padded lengths, and `text/html` for
an empty part; a changeset commits whole or not at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote

from sandbox.c4c import framing
from sandbox.c4c.errors import Refused, bad_request
from sandbox.c4c.service import Operation, Result, Service
from sandbox.c4c.settings import Settings

OUTER, INNER = "ejjeeffe0", "ejjeeffe1"


@dataclass
class Part:
    """A single read, or the writes of one changeset."""

    operations: list[Operation]
    changeset: bool


def parse(content_type: str, body: bytes, outer_path: str) -> list[Part]:
    """Refused as a whole if the framing is wrong."""
    if not content_type.lower().startswith("multipart/mixed"):
        raise bad_request("A batch must be multipart/mixed")
    return [_part(raw, outer_path) for raw in framing.parts(content_type, body)]


def _part(raw: bytes, outer_path: str) -> Part:
    headers, content = framing.head(raw)
    kind = headers.get("content-type", "")
    if kind.lower().startswith("multipart/mixed"):
        pieces = [framing.head(piece) for piece in framing.parts(kind, content)]
        _check_ids([head for head, _ in pieces])
        operations = [_operation(*piece, outer_path) for piece in pieces]
        if any(operation.method == "GET" for operation in operations):
            raise bad_request("A changeset must not contain a GET")
        return Part(operations, changeset=True)
    operation = _operation(headers, content, outer_path)
    if operation.method != "GET":
        raise bad_request(f"{operation.method} is only allowed inside a changeset")
    return Part([operation], changeset=False)


def _check_ids(heads: list[framing.Headers]) -> None:
    ids = [head["content-id"] for head in heads if "content-id" in head]
    if len(ids) != len(set(ids)):
        raise bad_request("A Content-ID occurs twice in one changeset")


def _operation(part_headers: framing.Headers, content: bytes, outer_path: str) -> Operation:
    if part_headers.get("content-type", "").lower() != "application/http":
        raise bad_request("A part of the batch must be application/http")
    if part_headers.get("content-transfer-encoding", "").lower() != "binary":
        raise bad_request("A part of the batch must have the Content-Transfer-Encoding binary")
    method, address, rest = framing.request_line(content)
    # A GET without headers needs two blank lines: one ends its headers, one precedes the boundary.
    headers, body = framing.head(rest)
    if method == "GET" and body.strip():
        raise bad_request("A GET in a batch must not have a body")
    body = b"" if method == "GET" else framing.content(headers, body)
    path, _, query = address.partition("?")
    return Operation(method, unquote(path), query, headers, body, outer_path)


class Batch:
    def __init__(self, service: Service, parts: list[Part]) -> None:
        self._service, self._parts = service, parts

    @property
    def operations(self) -> list[Operation]:
        return [operation for part in self._parts for operation in part.operations]

    def run(self, locked: list[str | None]) -> Result:
        locks = iter(locked)
        texts = []
        for part in self._parts:
            mine = [next(locks) for _ in part.operations]
            texts.append(self._changeset(part, mine) if part.changeset else _http(self._read(part.operations[0])))
        body = "".join(f"--{OUTER}\r\n{text}\r\n" for text in texts) + f"--{OUTER}--\r\n"
        headers = {"dataserviceversion": "2.0"}
        return Result(self._service.store.settings.batch_status, body, f"multipart/mixed; boundary={OUTER}", headers)

    def _read(self, operation: Operation) -> Result:
        if refused := _misplaced(operation):
            return self._service.refusal(operation, refused)
        return self._service.handle(operation)

    def _changeset(self, part: Part, locked: list[str | None]) -> str:
        """All or nothing: one failure rolls every write of the changeset back, and only that failure is told."""
        results: list[Result] = []
        current = part.operations[0] if part.operations else None
        try:
            with self._service.store.atomic():
                for current, lock in zip(part.operations, locked, strict=True):
                    if refused := _misplaced(current):
                        raise refused
                    results.append(self._service.perform(current, lock))
        except Refused as refused:
            self._service.done.clear()
            assert current is not None
            failure = _http(self._service.refusal(current, refused))
            nested = self._service.store.settings.failed_changeset == "nested"
            return _multipart([failure]) if nested else failure
        self._service.count_done()
        return _multipart([_http(result) for result in results])


def refuse_as_a_whole(settings: Settings, operations: list[Operation]) -> None:
    """Raises Refused for the request round them where one record holds a value that the tenant cannot even read."""
    for operation in operations:
        text = operation.body.decode("utf-8", "replace") if operation.is_write else ""
        value = next((value for value in settings.refused_in_records if value in text), None)
        if value is not None:
            raise bad_request(settings.batch_refusal_text.replace("{value}", value), "CX_SXML_PARSE_ERROR")


def _misplaced(operation: Operation) -> Refused | None:
    """Addresses are relative to the service root; nothing shows that `$1` references work."""
    if operation.path.startswith(("/", "http:", "https:")) or re.match(r"\$\d", operation.path):
        return Refused(404, f"Resource not found for segment '{operation.path[:40]}'")
    if "$search" in operation.query:
        return bad_request("$search is not allowed in a batch")
    return None


def _multipart(parts: list[str]) -> str:
    body = "".join(f"--{INNER}\r\n{part}\r\n" for part in parts) + f"--{INNER}--\r\n"
    return f"Content-Type: multipart/mixed; boundary={INNER}\r\nContent-Length: {_padded(body)}\r\n\r\n{body}"


def _http(result: Result) -> str:
    reason = HTTPStatus(result.status).phrase
    kind = result.content_type or "text/html"  # even for an empty 204
    lines = [f"HTTP/1.1 {result.status} {reason}", f"Content-Type: {kind}", f"Content-Length: {_length(result.body)}"]
    lines += [f"{name}: {value}" for name, value in result.headers.items()]
    message = "\r\n".join(lines) + "\r\n\r\n" + result.body
    head = f"Content-Type: application/http\r\nContent-Length: {_padded(message)}\r\ncontent-transfer-encoding: binary"
    return f"{head}\r\n\r\n{message}"


def _length(text: str) -> int:
    return len(text.encode())


def _padded(text: str) -> str:
    return f"{_length(text):10d}"
