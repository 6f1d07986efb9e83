"""The sandbox's clock: real time plus an offset that the control port moves forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Every time the sandbox tells or compares comes from here, so a test can pass an hour in no time."""

    def __init__(self) -> None:
        self._offset = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def advance(self, seconds: float) -> None:
        self._offset += timedelta(seconds=seconds)

    def reset(self) -> None:
        self._offset = timedelta(0)
