"""Framing by the letter: RFC 2046 5.1.1 for delimiters, RFC 9110 and 9112 for heads, RFC 3986 for addresses.

What the standards forbid is refused, however well it could be guessed: nothing shows that C4C guesses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from itertools import pairwise

from sandbox.c4c.errors import bad_request

Headers = dict[str, str]
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
_URL = re.compile(r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
_ENTITY_TAGS = re.compile(r'\*|(?:W/)?"[\x21\x23-\x7e]*"(?:[ \t]*,[ \t]*(?:W/)?"[\x21\x23-\x7e]*")*')
_END_OF_DELIMITER = re.compile(rb"(--)?[ \t]*(?:\r\n|\Z)")


def parts(content_type: str, body: bytes) -> list[bytes]:
    """The parts of a multipart body. A line that begins with the delimiter is one, or the body is wrong."""
    mark = b"--" + _boundary(content_type).encode()
    ends = list(_delimiters(mark, body))
    if not ends or not ends[-1][2]:
        raise bad_request("The multipart body is not terminated")
    return [body[start:end] for (_, start, _), (end, _, _) in pairwise(ends)]


def _delimiters(mark: bytes, body: bytes) -> Iterator[tuple[int, int, bool]]:
    """(begin, end, is the last) of each delimiter with its line breaks."""
    for found in re.finditer(rb"(^|\r\n|\n|\r)" + re.escape(mark), body):
        rest = _END_OF_DELIMITER.match(body, found.end())
        if found[1] not in (b"", b"\r\n") or not rest:
            raise bad_request("A line of the batch begins with the delimiter of its multipart body and is none")
        yield found.start(), rest.end(), bool(rest[1])
        if rest[1]:
            return


def _boundary(content_type: str) -> str:
    parsed = Message()
    parsed["content-type"] = content_type
    boundary = parsed.get_param("boundary")
    if not isinstance(boundary, str):
        raise bad_request("Boundary of the multipart body is missing")
    if not _BOUNDARY.fullmatch(boundary):
        raise bad_request("Boundary of the multipart body is not one to 70 characters that RFC 2046 allows")
    return boundary


def head(raw: bytes) -> tuple[Headers, bytes]:
    """Headers, names in lower case, and what follows their blank line."""
    if raw.startswith(b"\r\n"):
        return {}, raw[2:]
    lines, found, rest = raw.partition(b"\r\n\r\n")
    if not found:
        raise bad_request("A part of the batch has no blank line after its headers")
    headers: Headers = {}
    for line in lines.split(b"\r\n"):
        match = _HEADER.fullmatch(line)
        if not match:
            raise bad_request("A part of the batch has a malformed header")
        headers[match[1].decode().lower()] = match[2].decode("utf-8", "replace")
    return headers, rest


def request_line(raw: bytes) -> tuple[str, str, bytes]:
    """Method and address of an embedded request, and its headers and body as they are."""
    line, found, rest = raw.partition(b"\r\n")
    words = line.decode("latin-1").split(" ")
    if not found or len(words) != 3 or words[2] != "HTTP/1.1" or not is_url(words[1]):
        raise bad_request("Invalid request line in batch; addresses must be percent-encoded")
    return words[0], words[1], rest


def is_url(text: str) -> bool:
    """Whether an address has only characters of RFC 3986, all others percent-encoded."""
    return _URL.fullmatch(text) is not None


def content(headers: Headers, body: bytes) -> bytes:
    """The body, if it is as long as its headers say and in UTF-8."""
    length = headers.get("content-length")
    if length is not None and (not length.isdigit() or int(length) != len(body)):
        raise bad_request("Content-Length of a part of the batch is not the length of its body")
    if "charset=" in headers.get("content-type", "").lower() and "utf-8" not in headers["content-type"].lower():
        raise bad_request("Only UTF-8 is supported")
    return body


def check_condition(value: str) -> None:
    """Refuses an `If-Match` that is neither `*` nor a list of entity tags."""
    if value and not _ENTITY_TAGS.fullmatch(value):
        raise bad_request("If-Match is no entity tag")
