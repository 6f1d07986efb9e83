"""The head of an HTTP/1.1 request as bytes (RFC 9112): request line, field lines, CRLF and nothing else."""

from __future__ import annotations

import re

from sandbox.strict.http.message import Headers
from sandbox.strict.violations import Violated

END = b"\r\n\r\n"
_LONE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP/1\.1")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?")


def request_head(raw: bytes) -> tuple[str, str, Headers]:
    """Method, target and headers of a complete head, its last empty line included."""
    lines = _lines(raw)
    match = _REQUEST_LINE.fullmatch(lines[0])
    if not match:
        raise Violated("request-line", "RFC 9112 3", f"{lines[0]!r} is not METHOD SP target SP HTTP/1.1")
    return match[1].decode(), match[2].decode(), tuple(_field(line) for line in lines[1:])


def field_lines(raw: bytes) -> Headers:
    """The headers of a MIME part (RFC 2045), which follow the same grammar; `raw` ends with the empty line."""
    return () if raw == b"\r\n" else tuple(_field(line) for line in _lines(raw))


def check_line_ends(raw: bytes) -> None:
    """A trailing CR may be half of a CRLF whose other half has not arrived, so it passes."""
    if _LONE.search(raw.removesuffix(b"\r")):
        raise Violated("line-end", "RFC 9112 2.2", "a line of the head ends with a lone CR or LF")


def _lines(raw: bytes) -> list[bytes]:
    check_line_ends(raw)
    if not raw.endswith(END):
        raise Violated("head-end", "RFC 9112 2.1", "no empty line ends the head")
    return raw.removesuffix(END).split(b"\r\n")


def _field(line: bytes) -> tuple[str, str]:
    if line[:1] in (b" ", b"\t"):
        raise Violated("folded-line", "RFC 9112 5.2", f"{line!r} continues the line before")
    name, colon, value = line.partition(b":")
    if not colon or not _NAME.fullmatch(name):
        raise Violated("header-name", "RFC 9112 5.1", f"{line!r} has no field name directly before a colon")
    value = value.strip(b" \t")
    if not _VALUE.fullmatch(value):
        raise Violated("header-value", "RFC 9110 5.5", f"{name.decode()} holds more than visible US-ASCII and blanks")
    return name.decode().lower(), value.decode()
