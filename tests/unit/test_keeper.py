"""The lease of a command: what its heartbeat meets, and with which code a signal ends the waiting for it."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync.config import Schedule
from sync.errors import Interrupted
from sync.state import migration
from sync.state.lease import Lease
from sync.state.store import Store, open_store, open_unmigrated
from sync.worker import keeper, upgrading
from sync.worker.signals import StopSignal


def lease_of(store: Store, holder: str = "host:1") -> Lease:
    lease = Lease(store, "command", 60, lambda: datetime.now(UTC), holder=holder)
    assert lease.acquire()
    return lease


@pytest.fixture
def stop() -> StopSignal:
    """A process that got SIGTERM."""
    made = StopSignal()
    made._receive(signal.SIGTERM, None)
    return made


def test_a_heartbeat_that_meets_a_newer_file_ends_without_an_error_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = open_store(path)
    lease = lease_of(store)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    keeper._heartbeat(lease, 1.0, lambda seconds: False)
    store.close()


def test_a_heartbeat_goes_on_after_a_failure_of_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path / "state.db")
    lease, waits = lease_of(store), iter([False, False, True])
    beats = iter([OSError("too many open files"), None])

    def heartbeat() -> None:
        if failure := next(beats):
            raise failure

    monkeypatch.setattr(lease, "heartbeat", heartbeat)
    keeper._heartbeat(lease, 1.0, lambda seconds: next(waits))
    assert next(beats, "none left") == "none left"
    store.close()


def test_a_signal_while_waiting_to_migrate_has_its_exit_code(tmp_path: Path, stop: StopSignal) -> None:
    path = tmp_path / "state.db"
    path.touch(0o600)
    before = Store(path, "0004")
    migration.upgrade(before.engine, "0004")
    before.close()
    other = open_unmigrated(path)
    lease_of(other)
    with pytest.raises(Interrupted, match="nothing was migrated") as raised:
        upgrading.upgrade_state(path, Schedule(), "command", stop)
    assert raised.value.exit_code == 143
    other.close()
