"""The clock of a simulated life: it stands still unless somebody waits, and both systems and the worker share it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sandbox.clock import Clock

BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)


class VirtualClock(Clock):
    """The sandbox's clock without the machine's. `skew`: how far the worker's own clock is ahead of it."""

    def __init__(self) -> None:
        super().__init__()
        self._now = BEGIN
        self.skew = timedelta(0)

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=max(0.0, seconds))

    def reset(self) -> None:
        """Time never goes back, also not when a stand-in is emptied."""

    def of_the_worker(self) -> datetime:
        """What the worker takes for the time."""
        return self._now + self.skew

    def steady(self) -> float:
        """Seconds on a clock that no skew moves."""
        return (self._now - BEGIN).total_seconds()
