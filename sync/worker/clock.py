"""Notices that the wall clock was set, by comparing it with the monotonic clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

_TOLERANCE = 5.0
"""Seconds of difference that a slow machine can explain."""


@dataclass
class ClockWatch:
    """The wall clock and the monotonic clock, read together."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]

    def __post_init__(self) -> None:
        self._last = self.now(), self.monotonic()

    def jump(self) -> float:
        """Seconds by which the wall clock was set since the last look; 0 for none."""
        wall, steady = self.now(), self.monotonic()
        jumped = (wall - self._last[0]).total_seconds() - (steady - self._last[1])
        self._last = wall, steady
        return jumped if abs(jumped) > _TOLERANCE else 0.0
