"""No answer is endless: the body of one is read up to a size and up to a time, whatever the server sends."""

import io
import time
from collections.abc import Callable
from typing import Any

from urllib3 import BaseHTTPResponse, HTTPResponse
from urllib3.exceptions import HTTPError

LARGEST = 100 * 2**20
"""Bytes of one answer, unpacked. The largest that either system gives for good reason have some 20 MB, and a packed
answer of 1.5 MB unpacks to more than a thousand times its size if somebody means harm."""

PORTION = 2**16


class Oversized(HTTPError):
    """The answer is larger than any that is meant."""


class Overdue(HTTPError):
    """The answer still comes in after its time; a server that sends a byte now and then never meets a read timeout."""


def whole(answer: BaseHTTPResponse, seconds: float, clock: Callable[[], float] = time.monotonic) -> bytes:
    """The body, unpacked. Raises Oversized, Overdue and what urllib3 raises; the connection is closed then."""
    end = clock() + seconds
    body = bytearray()
    # Without waiting for a full portion: a server that drips would hold the read, and with it this loop, for hours.
    while portion := answer.read1(PORTION, decode_content=True):
        body += portion
        if len(body) > LARGEST:
            answer.close()
            raise Oversized(f"the answer has more than {LARGEST} bytes")
        if clock() > end:
            answer.close()
            raise Overdue(f"the answer was not complete after {seconds:g} s")
    return bytes(body)


class BoundedPool:
    """The part of a urllib3 pool manager that HubSpot's SDK uses; each answer is read within its bounds."""

    def __init__(self, pool: Any, seconds: float) -> None:
        self._pool, self._seconds = pool, seconds

    def request(self, method: str, url: str, **options: Any) -> HTTPResponse:
        """Raises as `whole` does."""
        answer = self._pool.request(method, url, **(options | {"preload_content": False}))
        body = io.BytesIO(whole(answer, self._seconds))
        return HTTPResponse(
            body,
            headers=answer.headers,
            status=answer.status,
            reason=answer.reason,
            preload_content=False,
            decode_content=False,
            enforce_content_length=False,
        )
