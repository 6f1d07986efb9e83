"""`$batch`: multipart in, multipart out, with the framing of the samples in the C4C OData guide.

No Content-ID comes back, lengths are padded, an empty part is `text/html`; a changeset commits whole or not at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote

from sandbox.c4c.errors import Refused, bad_request
from sandbox.c4c.service import Operation, Result, Service
from sandbox.c4c.settings import Settings

OUTER, INNER = "ejjeeffe0", "ejjeeffe1"
_BOUNDARY = re.compile(r"boundary=\"?([^\";]+)\"?", re.IGNORECASE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


@dataclass
class Part:
    """A single read, or the writes of one changeset."""

    operations: list[Operation]
    changeset: bool


def parse(content_type: str, body: bytes, outer_path: str) -> list[Part]:
    """Refused as a whole if the framing is wrong."""
    if not content_type.lower().startswith("multipart/mixed"):
        raise bad_request("A batch must be multipart/mixed")
    return [_part(raw, outer_path) for raw in _split(content_type, body)]


def _split(content_type: str, body: bytes) -> list[bytes]:
    match = _BOUNDARY.search(content_type)
    if not match:
        raise bad_request("Boundary of the multipart body is missing")
    mark = re.escape(match[1].encode())
    pieces = re.split(rb"(?:^|\r?\n)--" + mark + rb"(--)?[ \t]*(?=\r?\n|$)", body)
    texts, ends = pieces[0::2], pieces[1::2]
    if "--" not in [(end or b"").decode() for end in ends]:
        raise bad_request("The multipart body is not terminated")
    return [re.sub(rb"^\r?\n", b"", text) for text, end in zip(texts[1:], ends, strict=True) if not end]


def _head(raw: bytes) -> tuple[dict[str, str], bytes]:
    pieces = _BLANK_LINE.split(raw, maxsplit=1)
    if len(pieces) < 2:
        raise bad_request("A part of the batch has no headers")
    return _headers(pieces[0]), pieces[1]


def _headers(raw: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in raw.decode("utf-8", "replace").splitlines() if line.strip())
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _part(raw: bytes, outer_path: str) -> Part:
    headers, content = _head(raw)
    kind = headers.get("content-type", "")
    if kind.lower().startswith("multipart/mixed"):
        operations = [_operation(*_head(piece), outer_path) for piece in _split(kind, content)]
        if any(operation.method == "GET" for operation in operations):
            raise bad_request("A changeset must not contain a GET")
        return Part(operations, changeset=True)
    operation = _operation(headers, content, outer_path)
    if operation.method != "GET":
        raise bad_request(f"{operation.method} is only allowed inside a changeset")
    return Part([operation], changeset=False)


def _operation(part_headers: dict[str, str], content: bytes, outer_path: str) -> Operation:
    if not part_headers.get("content-type", "").lower().startswith("application/http"):
        raise bad_request("A part of the batch must be application/http")
    line, _, rest = content.partition(b"\n")
    words = line.decode("utf-8", "replace").strip().split(" ")
    if len(words) != 3 or words[2] != "HTTP/1.1":
        raise bad_request("Invalid request line in batch; query strings must be encoded")
    if not rest.strip():
        if not rest:  # a GET without headers needs two blank lines: one ends its headers, one precedes the boundary
            raise bad_request("Invalid request in batch: blank lines are missing after the request line")
        headers, body = {}, b""
    else:
        pieces = _BLANK_LINE.split(rest, maxsplit=1) if not rest.startswith((b"\r\n", b"\n")) else [b"", rest.lstrip()]
        headers, body = _headers(pieces[0]), pieces[1] if len(pieces) > 1 else b""
    path, _, query = words[1].partition("?")
    return Operation(words[0], unquote(path), query, headers, body.strip(), outer_path)


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
