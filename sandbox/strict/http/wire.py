"""The octets of a connection, before a lenient reader makes them a request: what ASGI no longer shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.strict.http.head import END, check_line_ends, request_head
from sandbox.strict.violations import Violated

Report = Callable[[Violated], None]
_REFUSAL = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Watch:
    """Follows one connection from head to head, passing over the bodies by their Content-Length."""

    def __init__(self) -> None:
        self._head = b""
        self._body_left = 0

    def feed(self, data: bytes) -> None:
        """Raises Violated for a head that breaks the grammar of RFC 9112."""
        while data:
            if self._body_left:
                passed = min(self._body_left, len(data))
                self._body_left -= passed
                data = data[passed:]
                continue
            before = len(self._head)
            self._head += data
            end = self._head.find(END)
            if end < 0:
                return check_line_ends(self._head)
            head = self._head[: end + len(END)]
            data = data[len(head) - before :]
            self._head = b""
            self._begin_body(head)
        return None

    def _begin_body(self, head: bytes) -> None:
        _, _, headers = request_head(head)
        lengths = [value for name, value in headers if name == "content-length"]
        if len(lengths) > 1 or any(name == "transfer-encoding" for name, _ in headers):
            raise Violated("content-length", "RFC 9112 6.3", "the length of the body is not one Content-Length")
        if lengths and not (lengths[0].isascii() and lengths[0].isdigit()):
            raise Violated("content-length", "RFC 9110 8.6", f"{lengths[0]!r} is no length")
        self._body_left = int(lengths[0]) if lengths else 0


def watched(report: Report) -> type[H11Protocol]:
    """uvicorn's protocol with a watch on each connection; what breaks a rule is reported, refused and cut off."""

    class WatchedProtocol(H11Protocol):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._watch = Watch()

        def data_received(self, data: bytes) -> None:
            try:
                self._watch.feed(data)
            except Violated as violated:
                report(violated)
                self.transport.write(_REFUSAL)
                self.transport.close()
            else:
                super().data_received(data)

    return WatchedProtocol
