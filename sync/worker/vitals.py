"""Whether the process makes progress: the loop turns, and no job is stuck. Remote systems do not matter here."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_HEARTBEATS = 6
"""A loop that missed this many heartbeats, and at least a minute, counts as stuck."""


@dataclass
class Vitals:
    """Signs of life, by a monotonic clock. Durations in seconds."""

    stuck_after: float
    heartbeat_every: float
    monotonic: Callable[[], float] = time.monotonic
    lease: str = "starting"
    state: str | None = None
    """The problem of the state file that the loop found last."""
    damage: dict[str, str] = field(default_factory=dict)
    """By job: damage of the state file that its last run found. A heartbeat need not touch the damaged part."""

    _working: dict[int, tuple[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last = self.monotonic()

    def heartbeat(self) -> None:
        self._last = self.monotonic()

    @contextmanager
    def at_work(self, job: str) -> Iterator[None]:
        """Marks a job as running in this thread; `progress` reports that it advances."""
        thread = threading.get_ident()
        self._working[thread] = job, self.monotonic()
        try:
            yield
        finally:
            self._working.pop(thread, None)

    def note_damage(self, job: str, problem: str | None) -> None:
        """Notes the damage that the last run of a job found, or None."""
        others = {name: text for name, text in self.damage.items() if name != job}
        self.damage = others | ({job: problem} if problem else {})

    def progress(self, job: str, done: int, total: int | None) -> None:  # noqa: ARG002 (a port of the jobs)
        thread = threading.get_ident()
        if thread in self._working:
            self._working[thread] = self._working[thread][0], self.monotonic()

    def problem(self) -> str | None:
        """Why the process counts as stuck, or None."""
        now = self.monotonic()
        if now - self._last > max(60.0, _HEARTBEATS * self.heartbeat_every):
            return f"the loop has not turned for {round(now - self._last)} s"
        for job, since in list(self._working.values()):
            if now - since > self.stuck_after:
                return f"job {job} has made no progress for {round(now - since)} s"
        return None

    @property
    def ready(self) -> bool:
        """Whether the process works or stands by, with a state file that can be written."""
        return self.state is None and self.lease in ("held", "standby")
