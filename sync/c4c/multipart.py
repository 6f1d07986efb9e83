"""Reads the answer to a `$batch`: a quick reader for the form that C4C sends, and a strict one for all others.

The quick reader only cuts at the boundaries. Wherever it meets anything that it is not certain of, it says so, and the
strict reader, the standard library's parser of MIME documents, decides: it is the judge of both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser, Parser
from typing import Any

from sync.domain.numbers import whole
from sync.domain.text import parsed


@dataclass(frozen=True, slots=True)
class Part:
    """The answer to one operation or query of a batch."""

    status: int
    headers: Mapping[str, str]
    body: str

    def json(self) -> Any:
        return parsed(self.body)


def read_batch(content_type: str, text: str) -> list[Part]:
    """The parts of a batch answer in order, a changeset of one operation counting as one part.

    A failed changeset arrives as a single `application/http` part or nested in a multipart: both are read. Content-ID
    is not echoed, so parts are matched by order. Raises ValueError if it is not a multipart answer.
    """
    try:
        return _quickly(content_type, text)
    except (_Unsure, RecursionError):
        return read_strictly(content_type, text)


# ---- the strict reader


def read_strictly(content_type: str, text: str) -> list[Part]:
    """The same, whatever a MIME document may look like; some ten times slower."""
    try:
        return [_read_part(part) for part in _parts(Parser().parsestr(f"Content-Type: {content_type}\r\n\r\n{text}"))]
    except RecursionError:
        # The library's parser calls itself for each level.
        raise ValueError("the answer to a batch is nested too deeply") from None


def _parts(document: Message) -> list[Message]:
    if document.get_boundary() is None:
        raise ValueError("the answer to a batch is not a multipart document")
    # If no boundary occurs, the payload is one text instead of a list.
    return [part for part in document.get_payload() if isinstance(part, Message)]


def _read_part(part: Message) -> Part:
    if part.get_content_maintype() == "multipart":
        nested = _parts(part)
        if len(nested) != 1:
            raise ValueError(f"a changeset of one operation was answered with {len(nested)} parts")
        return _read_part(nested[0])
    status_line, _, message = str(part.get_payload()).lstrip("\r\n").partition("\n")
    status = _status(status_line)
    if status is None:
        raise ValueError("a batch part without a status line")
    answer = HeaderParser().parsestr(message)
    headers = {name.lower(): value.strip() for name, value in answer.items()}
    return Part(status, headers, str(answer.get_payload()).strip())


def _status(line: str) -> int | None:
    words = line.split()
    return whole(words[1]) if len(words) > 1 and words[0].startswith("HTTP/") else None


# ---- the quick reader

_MULTIPART = "multipart/mixed; boundary="
_BREAK = "\r\n"
_BLANK_LINE = "\r\n\r\n"


class _Unsure(Exception):
    """The document has a form that only the strict reader may judge."""


def _quickly(content_type: str, text: str) -> list[Part]:
    breaks = text.count(_BREAK)
    if text.count("\r") != breaks or text.count("\n") != breaks or not _is_encodable(text):
        # A reader of MIME also ends lines at a single CR or LF.
        raise _Unsure
    return [_quick_part(piece) for piece in _pieces(content_type, text)]


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pieces(content_type: str, text: str) -> Sequence[str]:
    """The texts between the boundaries, each with its headers."""
    boundary = content_type.removeprefix(_MULTIPART)
    if boundary == content_type or not (boundary.isascii() and boundary.replace("_", "").replace("-", "").isalnum()):
        raise _Unsure
    pieces = f"{_BREAK}{text}".split(f"{_BREAK}--{boundary}")
    if pieces[0] or pieces.pop().rstrip(_BREAK) != "--" or any(piece[:2] != _BREAK for piece in pieces[1:]):
        # No boundary, one that goes on, text before the first one or after the last one.
        raise _Unsure
    return pieces[1:]


def _quick_part(piece: str) -> Part:
    """The part in a piece of a multipart document, which begins with the line break after its boundary."""
    head, blank, content = piece[2:].partition(_BLANK_LINE)
    kind = _headers(head if blank else "").get("content-type")
    if kind != "application/http":
        nested = _pieces(kind or "", content)
        if len(nested) != 1:
            raise _Unsure
        return _quick_part(nested[0])
    status_line, _, message = content.lstrip(_BREAK).partition(_BREAK)
    head, blank, body = message.partition(_BLANK_LINE)
    status = _status(status_line)
    if not blank or status is None:
        raise _Unsure
    return Part(status, _headers(head), body.strip())


def _headers(head: str) -> dict[str, str]:
    """Header fields by their names in small letters."""
    found: dict[str, str] = {}
    for line in head.split(_BREAK):
        name, colon, value = line.partition(":")
        if not colon or not name or " " in name or not (name.isascii() and name.isprintable()):
            raise _Unsure
        found[name.lower()] = value.strip()
    if len(found) != head.count(_BREAK) + 1:
        # Which of two equal fields counts, the strict reader says.
        raise _Unsure
    return found
