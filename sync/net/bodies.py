"""Reads head and body of an answer up to a size and up to a time, so that no server can send without end."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

LARGEST = 100 * 2**20
"""Bytes of one answer, unpacked. The largest legitimate answers have some 20 MB; a malicious answer of 1.5 MB can
unpack to a thousand times its size.
"""

_PORTION = 2**16


class Oversized(HTTPError):
    """The answer is larger than any legitimate one."""


class Overdue(HTTPError):
    """The answer was not complete in time. A server that sends a byte now and then never causes a read timeout."""


def whole_body(answer: BaseHTTPResponse, seconds: float, clock: Callable[[], float] = time.monotonic) -> bytes:
    """The body, unpacked. Raises Oversized, Overdue and what urllib3 raises; the connection is closed then."""
    end = clock() + seconds
    body = bytearray()
    # read1 returns what has arrived. Waiting for a full portion, a slow server could hold the loop for hours.
    while portion := answer.read1(_PORTION, decode_content=True):
        body += portion
        if len(body) > LARGEST:
            answer.close()
            raise Oversized(f"the answer has more than {LARGEST} bytes")
        if clock() > end:
            answer.close()
            raise Overdue(f"the answer was not complete after {seconds:g} s")
    return bytes(body)


class _Timed(HTTPConnection):
    """Disconnects from a server that sends the head of its answer byte by byte: each byte restarts the read timeout."""

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
            # The end of input makes the head look complete.
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
    """Limits the time for the head of each answer through these pools to twice the read timeout."""
    pools.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
