"""What every job gets: the store, both systems, the configuration, a clock, and a place to report progress to."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlmodel import Session

from sync.config import Configuration
from sync.errors import Interrupted
from sync.hubspot_client import HubSpotPort
from sync.lifecycle import RetryPolicy
from sync.notify import Notice, Notify
from sync.planner.target import Crm
from sync.state.alert_lists import AlertList, new_delivered, new_holding
from sync.state.erasure.tombstones import Tombstones
from sync.state.store import Store


class ShowProgress(Protocol):
    """Shows how far long work has come; `total` may be unknown."""

    def __call__(self, job: str, done: int, total: int | None) -> None: ...


def silent(job: str, done: int, total: int | None) -> None:
    """Shows nothing."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def nobody(notice: Notice) -> bool:
    """The notifier without a webhook: does nothing, since the log already has the event."""
    del notice
    return True


class Stop(Protocol):
    """Whether the process was asked to stop. Jobs check it between portions of work."""

    def __call__(self) -> bool: ...


@dataclass(frozen=True)
class Context:
    """The environment of one run."""

    store: Store
    hubspot: HubSpotPort
    c4c: Crm
    config: Configuration
    run_id: str
    tenant: str = ""
    """Host name of the tenant; empty where it need not be compared with the one in the state."""

    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep
    progress: ShowProgress = silent
    stopping: Stop = field(default=lambda: False)
    fence: Callable[[Session], None] = field(default=lambda _: None)
    """Called in the transaction that announces writes; raises LeaseLost if another process has taken over."""

    notify: Notify = field(default=nobody)
    tombstones: Tombstones = field(default_factory=Tombstones.without_key)
    """Who was erased and is not stored again."""

    holding: AlertList = field(default_factory=new_holding)
    delivered: AlertList = field(default_factory=new_delivered)

    def checkpoint(self) -> None:
        """Called after each stored portion of a reading: raises Interrupted if the process was asked to stop."""
        if self.stopping():
            raise Interrupted("stopped by a signal; it goes on from here the next time")

    @property
    def retry_policy(self) -> RetryPolicy:
        retry = self.config.worker.retry
        return RetryPolicy(retry.attempts, retry.first, retry.longest)


Counts = dict[str, Any]
"""What a job did, as plain numbers for the log, `once --json` and `status`."""
