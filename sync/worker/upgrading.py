"""Migrates an older state file: under the lease, after a copy, and only for the commands that are meant to migrate."""

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from sync.app import Clock, Prepare
from sync.config import Schedule
from sync.errors import LeaseHeld, StateError
from sync.log import Event, emit
from sync.state import lease as leases
from sync.state import trouble
from sync.state.backup import backup
from sync.state.lease import Kind, Lease
from sync.state.store import HEAD, Store, copy_before, open_unmigrated, versions
from sync.worker.keeper import LOOK_AGAIN, beating
from sync.worker.signals import StopSignal


@dataclass(frozen=True, slots=True)
class _Upgrade:
    """A migration that took place, and the path of the copy made before it."""

    before: str
    copy: Path


def before(kind: Kind, stop: StopSignal) -> Prepare:
    """The step before the state file is opened, for the commands that migrate."""
    return lambda found, configuration: upgrade_state(found.state, configuration.worker.schedule, kind, stop)


def upgrade_state(path: Path, schedule: Schedule, kind: Kind, stop: StopSignal) -> _Upgrade | None:
    """Brings an older state file to this version; returns None if it is not older.

    A worker waits until the older one has ended, as a standby does; a command raises LeaseHeld instead. Raises
    StateError if the file cannot be copied or migrated (it is then as it was), Interrupted on a signal.
    """
    if not path.exists():
        return None
    store = open_unmigrated(path)
    lease = Lease(store, kind, schedule.takeover_after.total_seconds(), Clock().now)
    try:
        return _upgrade(store, lease, stop)
    finally:
        store.close()


def _upgrade(store: Store, lease: Lease, stop: StopSignal) -> _Upgrade | None:
    waited = False
    while (before := versions(store)[0]) != HEAD:
        if _take(lease):
            return _migrate(store, str(before), lease)
        if not waited:
            _announce(store, lease.kind)
            waited = True
        if stop.wait(LOOK_AGAIN):
            raise stop.interrupted("stopped by a signal while it waited for the lease; nothing was migrated")
    return None


def _take(lease: Lease) -> bool:
    """Tries to take the lease; False while another process holds it or migrates the file."""
    try:
        return lease.acquire()
    except SQLAlchemyError as error:
        if lease.kind == "command":
            raise
        emit(Event.STATE_BUSY, cause=trouble.sentence(error, lease.store.path))
        return False
    except StateError:
        if versions(lease.store)[0] == HEAD:
            return False
        raise


def _announce(store: Store, kind: Kind) -> None:
    """Logs the process that this one waits for.

    Raises LeaseHeld if a command would wait for a worker, which does not end by itself.
    """
    with store.reading() as session:
        found = leases.current_holder(session)
    if kind == "command" and found and found.kind == "worker":
        raise LeaseHeld(
            f"the worker {found.holder} is at work on this state file, which has version {store.version}; stop it "
            f"first, then the file is migrated to {HEAD}"
        )
    emit(Event.WORKER_STANDBY, holder=found.holder if found else "unknown")


def _migrate(store: Store, before: str, lease: Lease) -> _Upgrade:
    try:
        with beating(lease, lease.patience / 4):
            copy = _copied(store.path)
        _run_scripts(store)
    finally:
        store.version = versions(store)[0]
        lease.release()
    emit(Event.STATE_MIGRATED, version=HEAD, cause=f"from version {before}; {copy.name} is a copy of before")
    return _Upgrade(before, copy)


def _copied(path: Path) -> Path:
    """Makes the copy that allows going back. Once complete, it replaces the copy of an earlier attempt."""
    copy = copy_before(path)
    fresh = copy.with_name(f"{copy.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        backup(path, fresh)
        os.replace(fresh, copy)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StateError(
            f"{copy}: cannot be written ({error.strerror}); without this copy nothing is migrated"
        ) from None
    return copy


def _run_scripts(store: Store) -> None:
    """Runs all migration scripts in one transaction: all or none take effect."""
    # Alembic is slow to load, and needed at an upgrade only.
    from sync.state.migration import upgrade as to_newest

    try:
        to_newest(store.engine)
    except DatabaseError as error:
        text = trouble.sentence(error, store.path)
        raise StateError(f"{text}; nothing was migrated, the file is as it was") from None
