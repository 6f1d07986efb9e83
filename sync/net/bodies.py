"""No answer is endless: head and body of one are read up to a size and up to a time, whatever the server sends."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
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


class _Timed(HTTPConnection):
    """Hangs up on a server that sends the head of its answer byte by byte: each byte begins the read timeout anew."""

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        late = threading.Event()
        timer = threading.Timer(2 * (self.timeout or 3600.0), self._hang_up, (late,))
        timer.daemon = True
        timer.start()
        try:
            answer = super().getresponse()
        finally:
            timer.cancel()
        if late.is_set():
            # What was read of the head looks complete.
            raise TimeoutError("the head of the answer was not complete in time")
        return answer

    def _hang_up(self, late: threading.Event) -> None:
        late.set()
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


class _TimedTls(_Timed, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Timed


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTls


def timed(pools: PoolManager) -> None:
    """The head of each answer that comes through these pools has an end in time: twice the read timeout."""
    pools.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
