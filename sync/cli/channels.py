"""Keeps standard output and standard error usable when they are read in part, closed, full, or of another encoding."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from sync.errors import SyncError


class OutputLost(SyncError):
    """The output cannot be written, for another reason than that its reader has left."""

    exit_code = 2


class _Outlet(io.RawIOBase):
    """Writes to a file descriptor until its reader leaves; from then on it drops everything.

    `… | head` stops reading early. That is normal: the command goes on and ends with its own exit code."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor, self._closed_there = descriptor, False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: Any, /) -> int | None:
        if not self._closed_there:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                return None
            except BrokenPipeError:
                self._closed_there = True
            except OSError as error:
                # Report it once: the interpreter flushes again when it ends.
                self._closed_there = True
                raise OutputLost(f"the output cannot be written ({error.strerror}); check where it goes") from None
        return memoryview(data).nbytes


def prepare() -> None:
    """Makes both channels safe to write to, whatever is at their other end."""
    sys.stdout, sys.stderr = _safe(sys.stdout, 1), _safe(sys.stderr, 2)


@contextmanager
def flushed() -> Iterator[None]:
    """Writes the rest of the results before the end, while a failure can still be reported. Raises OutputLost."""
    try:
        yield
    except SystemExit:
        sys.stdout.flush()
        raise


def _safe(stream: TextIO | None, descriptor: int) -> TextIO:
    """Characters that the terminal's encoding does not have are written as `\\u2192`."""
    if stream is None:
        # The process that started us closed it.
        return open(os.devnull, "w", encoding="utf-8")
    if type(stream) is not io.TextIOWrapper:
        return stream
    stream.flush()
    buffer = io.BufferedWriter(_Outlet(stream.fileno()))
    lines = stream.line_buffering or descriptor == 2
    return io.TextIOWrapper(buffer, stream.encoding, errors="backslashreplace", line_buffering=lines)
