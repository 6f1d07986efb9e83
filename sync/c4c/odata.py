"""The wire format of C4C's OData v2 service: literals, filters, keys, paging, `$batch`. Pure functions.

Sources: SAP C4C OData API developer guide; KBA 2745638 (`+` in filters); KBA 3048103 (CSRF).
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sync.domain.moments import moment

Row = Mapping[str, Any]


def literal(value: str) -> str:
    """A string literal of a `$filter`; a quote is doubled."""
    return "'" + value.replace("'", "''") + "'"


def guid_literal(value: str) -> str:
    """A guid literal; C4C stores and compares UUIDs in upper case."""
    return f"guid{literal(value.upper())}"


def any_of(name: str, values: Iterable[str], *, guid: bool = False) -> str:
    """`name eq a or name eq b …`: C4C allows `or` over one property only."""
    spell = guid_literal if guid else literal
    return " or ".join(f"{name} eq {spell(value)}" for value in values)


_LONGEST_FILTER = 6000
"""Characters of an encoded filter: no limit is documented for C4C, and gateways take some 8,000 for the whole URL."""


def chunks(name: str, values: Sequence[str], *, guid: bool = False, limit: int = _LONGEST_FILTER) -> Iterator[str]:
    """Filters over all `values`, each no longer than `limit` characters when encoded."""
    for part in fitting(values, lambda value: any_of(name, [value], guid=guid), limit):
        yield any_of(name, part, guid=guid)


def fitting(
    values: Iterable[str], term: Callable[[str], str], limit: int = _LONGEST_FILTER
) -> Iterator[tuple[str, ...]]:
    """The values in parts, each with a filter of at most `limit` characters. `term`: the filter for one value."""
    part: list[str] = []
    size = 0
    for value in values:
        length = len(encode(term(value))) + len("%20or%20")
        if part and size + length > limit:
            yield tuple(part)
            part, size = [], 0
        part.append(value)
        size += length
    if part:
        yield tuple(part)


def encode(text: str) -> str:
    """Percent-encodes a query value; `+`, `&` and `'` included (a bare `+` would be read as a blank, KBA 2745638)."""
    return quote(text, safe="$(),/*")


@dataclass(frozen=True, slots=True)
class Query:
    """A read of one collection. `filter` is written out, not encoded."""

    collection: str
    filter: str = ""
    select: tuple[str, ...] = ()
    orderby: str = "ObjectID"
    top: int = 0
    """The most rows; 0 for all."""

    def url(self) -> str:
        """Relative to the service root, encoded, asking for JSON."""
        options = {"$filter": self.filter, "$select": ",".join(self.select), "$orderby": self.orderby}
        options["$top"] = str(self.top or "")
        query = "&".join(f"{name}={encode(value)}" for name, value in options.items() if value)
        return f"{self.collection}?{query}&$format=json" if query else f"{self.collection}?$format=json"


def key_path(collection: str, object_id: str) -> str:
    """The path of one entity by its ObjectID."""
    return f"{collection}({quote(literal(object_id), safe=chr(39))})"


def one(payload: Any) -> Row:
    """The entity of a create or read-one answer: C4C wraps it in `results`, standard OData does not.

    Raises ValueError without one."""
    data = payload.get("d") if isinstance(payload, dict) else None
    entity = data.get("results", data) if isinstance(data, dict) else None
    if not isinstance(entity, dict):
        raise ValueError("no entity under `d` or `d.results`")
    return _sendable(entity)


def many(payload: Any) -> tuple[list[Row], str | None]:
    """Rows and next link of a collection answer.

    Raises ValueError if it is not a collection. A row may still be unusable, which `flaw` tells.
    """
    data = payload.get("d") if isinstance(payload, dict) else None
    rows = data.get("results") if isinstance(data, dict) else data
    following = data.get("__next") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise ValueError("no list under `d.results`")
    if not isinstance(following, str | None):
        raise ValueError("`__next` is not a link")
    return rows, following or None


def flaw(row: Any) -> str | None:
    """Why a row of a collection cannot be used as a record; None if it can."""
    if not isinstance(row, dict):
        return "`d.results` holds something that is not an entity"
    tag = etag(row)
    if tag is not None and not _HEADER.fullmatch(tag):
        return "a record came with an ETag that no header can hold"
    return None if has_id(row) else "a record came without a usable ObjectID"


def has_id(row: Row) -> bool:
    """Whether the row names its record: an ObjectID of up to 70 plain characters."""
    return isinstance(row.get("ObjectID"), str) and _OBJECT_ID.fullmatch(row["ObjectID"]) is not None


_OBJECT_ID = re.compile(r"[!-&(-~]{1,70}")
"""An ObjectID, without blanks and quotes, since it becomes part of URLs."""


def _sendable(row: Row) -> Row:
    """The row, if its ETag can be sent back in a header. Raises ValueError for line breaks and the like in it."""
    tag = etag(row)
    if tag is not None and not _HEADER.fullmatch(tag):
        raise ValueError("an ETag that no header can hold")
    return row


_HEADER = re.compile(r"[\x20-\x7e]+")


def etag(row: Row) -> str | None:
    """The ETag verbatim. The `ETag` property has only milliseconds and never matches."""
    metadata = row.get("__metadata") if isinstance(row, dict) else None
    tag = metadata.get("etag") if isinstance(metadata, dict) else None
    return tag if isinstance(tag, str) and tag else None


def read_date(value: Any) -> datetime | None:
    """A date as C4C writes it, `/Date(ms)/` or ISO; None for a missing or invalid date."""
    return moment(value)


@dataclass(frozen=True, slots=True)
class Operation:
    """One write: POST, PATCH or DELETE of one record, with the ETag that was read for a PATCH or DELETE."""

    method: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    if_match: str | None = None


@dataclass(frozen=True, slots=True)
class Multipart:
    """A `$batch` request: its body, and the Content-Type that names its boundary."""

    content_type: str
    body: str


def batch(parts: Sequence[Query | str | Operation], marks: Iterable[str]) -> Multipart:
    """A `$batch` of queries (or next links), and of operations, each in a changeset of its own.

    A changeset is atomic: with one operation in each, a bad record does not make others fail. The first of the random
    `marks` that occurs in no part makes the boundaries. No boundary begins with another, since a reader compares them
    with the beginning of each line (RFC 2046 5.1.1), and no line of a body looks like one.
    """
    texts = [_request_text(part) for part in parts]
    mark = next(mark for mark in marks if not any(mark in text for text in texts))
    boundary = f"batch_{mark}"
    blocks = [
        _changeset(text, f"changeset_{n:05}_{mark}") if isinstance(part, Operation) else _http_part(text)
        for n, (part, text) in enumerate(zip(parts, texts, strict=True))
    ]
    body = "".join(f"--{boundary}\r\n{block}\r\n" for block in blocks) + f"--{boundary}--\r\n"
    return Multipart(f"multipart/mixed; boundary={boundary}", body)


def _changeset(text: str, boundary: str) -> str:
    head = f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n"
    return f"{head}--{boundary}\r\n{_http_part(text)}\r\n--{boundary}--\r\n"


def _http_part(text: str) -> str:
    return f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n{text}"


LANGUAGE = "en"
"""The language of all texts from C4C, since our messages are English whatever the technical user's language."""

_ASKED = {"Accept": "application/json", "Accept-Language": LANGUAGE}
"""Headers of each part: no document says that a part inherits those of the whole request."""


def _request_text(part: Query | str | Operation) -> str:
    if isinstance(part, Operation):
        return _operation_text(part)
    # The blank line here and the line break before the boundary are the two line breaks that SAP's guide requires after
    # a GET.
    return _head(f"GET {part.url() if isinstance(part, Query) else part}", _ASKED)


def _operation_text(operation: Operation) -> str:
    """The text of an operation. A DELETE has no body, and so neither Content-Type nor Content-Length."""
    body = "" if operation.method == "DELETE" else json.dumps(operation.body)
    headers = dict(_ASKED)
    if body:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body.encode()))}
    if operation.if_match:
        headers["If-Match"] = operation.if_match
    return _head(f"{operation.method} {operation.path}", headers) + body


def _head(request: str, headers: Mapping[str, str]) -> str:
    return "\r\n".join([f"{request} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""])
