"""Multipart bodies by RFC 2046 5.1: delimiter lines, closing line, padding, and nothing of them inside a part."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.strict.http.fields import MediaType
from sandbox.strict.http.head import field_lines
from sandbox.strict.http.message import Headers
from sandbox.strict.violations import Violated

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Part:
    headers: Headers
    content: bytes

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key == name]
        if len(values) > 1:
            raise Violated("part-header-twice", "RFC 2045 3", f"{name} stands on {len(values)} lines of a part")
        return values[0] if values else None


def boundary_of(content_type: MediaType) -> str:
    boundary = content_type.parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise Violated("boundary", "RFC 2046 5.1.1", f"{boundary!r} is no boundary of 1 to 70 characters")
    return boundary


def split(body: bytes, boundary: str) -> list[Part]:
    """The parts; preamble and epilogue must be empty, a reader would drop what stands there."""
    mark = b"--" + boundary.encode()
    pieces = _pieces(body, mark)
    if not pieces:
        raise Violated("no-part", "RFC 2046 5.1.1", "a multipart body without a part")
    return [_part(piece, mark) for piece in pieces]


def _pieces(body: bytes, mark: bytes) -> list[bytes]:
    if not body.startswith(mark):
        raise Violated("preamble", "RFC 2046 5.1.1", "the body does not begin with the delimiter")
    pieces, begin, at = [], -1, 0
    while True:
        end_of_line = body.find(b"\r\n", at)
        if end_of_line < 0:
            end_of_line = len(body)
        rest = body[at + len(mark) : end_of_line]
        if begin >= 0:
            pieces.append(body[begin : at - 2])
        if rest == b"--":
            _check_epilogue(body[end_of_line:])
            return pieces
        _check_rest(rest)
        begin = end_of_line + 2
        at = _next_delimiter(body, mark, end_of_line)


def _next_delimiter(body: bytes, mark: bytes, after: int) -> int:
    """Where the next line begins that begins with the delimiter: that, and no more, is what a reader looks at."""
    found = body.find(b"\r\n" + mark, after)
    if found < 0:
        raise Violated("close-delimiter", "RFC 2046 5.1.1", "no closing delimiter ends the body")
    return found + 2


def _check_rest(rest: bytes) -> None:
    if rest == b"":
        return
    if not rest.strip(b" \t"):
        raise Violated("transport-padding", "RFC 2046 5.1.1", "blanks follow a delimiter")
    raise Violated("boundary-prefix", "RFC 2046 5.1.1", f"a line begins with the delimiter and goes on with {rest!r}")


def _check_epilogue(epilogue: bytes) -> None:
    if epilogue not in (b"", b"\r\n"):
        raise Violated("epilogue", "RFC 2046 5.1.1", "something follows the closing delimiter")


def _part(piece: bytes, mark: bytes) -> Part:
    if piece.startswith(b"\r\n"):
        return Part((), piece[2:])
    end = piece.find(_HEAD_END)
    if end < 0:
        raise Violated("part-head", "RFC 2046 5.1", "no empty line ends the headers of a part")
    headers = field_lines(piece[: end + len(_HEAD_END)])
    content = piece[end + len(_HEAD_END) :]
    if mark in content:
        raise Violated("boundary-in-part", "RFC 2046 5.1", "a part holds the delimiter of the body around it")
    return Part(headers, content)
