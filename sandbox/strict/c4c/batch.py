"""`$batch` by OData v2 batch processing, RFC 2046 and the C4C OData guide: the frame first, then part by part."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.strict.c4c.operation import WRITES, check_operation
from sandbox.strict.http import fields, multipart, request, target
from sandbox.strict.http.head import END, request_head
from sandbox.strict.http.message import Message
from sandbox.strict.http.multipart import Part
from sandbox.strict.violations import Violated

_BATCH = "OData v2 batch processing 2"
MOST_WRITES = 50
"""Writes in a batch that SAP advises to begin with (blog on throughput); reads have no limit that is known."""


def check_batch(message: Message) -> list[Violated]:
    """All violations of the parts, or the one that makes the frame unreadable."""
    try:
        kind = fields.media_type(message.header("content-type") or "")
        if kind.name != "multipart/mixed":
            raise Violated("content-type", _BATCH, f"a batch is multipart/mixed, not {kind.name}", 415)
        request.check_accepts(message, "multipart/mixed", named=False)
        return Batch(multipart.boundary_of(kind)).check(message.body)
    except Violated as violated:
        return [violated]


class Batch:
    """One reading of one batch; it remembers what may stand in the whole of it only once."""

    def __init__(self, boundary: str) -> None:
        self._boundary = boundary
        self._content_ids: set[str] = set()
        self._writes = 0
        self._found: list[Violated] = []

    def check(self, body: bytes) -> list[Violated]:
        parts = multipart.split(body, self._boundary)
        for number, part in enumerate(parts, 1):
            self._note(f"part {number}", part, self._check_part)
        if self._writes > MOST_WRITES:
            self._found.append(Violated("batch-size", "c4c.md 3.1", f"{self._writes} writes, not {MOST_WRITES}"))
        return self._found

    def _note(self, place: str, part: Part, check: Callable[[Part, str], None]) -> None:
        try:
            check(part, place)
        except Violated as violated:
            self._found.append(violated.within(place))

    def _check_part(self, part: Part, place: str) -> None:
        kind = fields.media_type(part.header("content-type") or "")
        _check_part_length(part)
        if kind.name == "multipart/mixed":
            self._check_changeset(multipart.boundary_of(kind), part, place)
            return
        message = _message(part)
        if message.method in WRITES:
            raise Violated("write-outside-changeset", _BATCH, f"{message.method} stands in no changeset")
        if part.header("content-id") is not None or message.header("content-id") is not None:
            raise Violated("content-id", _BATCH, "Content-ID outside a changeset")
        self._check_message(message, place)

    def _check_changeset(self, boundary: str, part: Part, place: str) -> None:
        if boundary.startswith(self._boundary) or self._boundary.startswith(boundary):
            raise Violated("boundary-prefix", "RFC 2046 5.1.1", "one of two nested boundaries begins with the other")
        parts = multipart.split(part.content, boundary)
        for number, inner in enumerate(parts, 1):
            self._note(f"{place}.{number}", inner, self._check_write)

    def _check_write(self, part: Part, place: str) -> None:
        self._writes += 1
        _check_part_length(part)
        message = _message(part)
        if message.method not in WRITES:
            raise Violated("read-in-changeset", _BATCH, f"{message.method} stands in a changeset")
        self._check_content_id(part, message)
        self._check_message(message, place)

    def _check_message(self, message: Message, place: str) -> None:
        if message.target.startswith("/") or "://" in message.target:
            raise Violated("relative-target", "c4c.md 3.1", f"{message.path!r} is not relative to the service root")
        target.check_characters(message.path, message.query)
        request.check_content(message)
        found, violations = check_operation(message, message.path)
        self._found += [violated.within(place) for violated in violations]
        if found.kind in ("batch", "root", "metadata"):
            raise Violated("batch-target", _BATCH, f"{found.kind} inside a batch")

    def _check_content_id(self, part: Part, message: Message) -> None:
        for content_id in (part.header("content-id"), message.header("content-id")):
            if content_id is None:
                continue
            if not content_id or content_id in self._content_ids:
                raise Violated("content-id", f"{_BATCH}, RFC 2045 7", f"Content-ID {content_id!r} is not unique")
            self._content_ids.add(content_id)


def _check_part_length(part: Part) -> None:
    length = part.header("content-length")
    if length is not None and length != str(len(part.content)):
        raise Violated("part-length", "RFC 9110 8.6", f"Content-Length {length}, but {len(part.content)} octets")


def _message(part: Part) -> Message:
    """The request in a part, which must be a whole HTTP message: a GET too ends with an empty line."""
    kind = fields.media_type(part.header("content-type") or "")
    if kind.name != "application/http" or kind.parameters not in ({}, {"msgtype": "request"}):
        raise Violated("part-type", _BATCH, f"a part is application/http, not {part.header('content-type')!r}")
    if (part.header("content-transfer-encoding") or "").lower() != "binary":
        raise Violated("transfer-encoding", _BATCH, "a part without Content-Transfer-Encoding: binary")
    end = part.content.find(END)
    if end < 0:
        raise Violated("head-end", "RFC 9112 2.1, c4c.md 3.1", "no empty line ends the head of the request in a part")
    method, wanted, headers = request_head(part.content[: end + len(END)])
    return Message(method, wanted, headers, part.content[end + len(END) :])
