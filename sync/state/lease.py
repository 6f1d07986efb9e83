"""The lease allows one process at a time to write. A second one waits, and takes over when the holder is dead.

There are two proofs of life. The holder keeps an exclusive lock on a file beside the state file: the kernel frees it
the moment the process dies, so that a restart loses no time. Where locks do not help (a holder that hangs, a file
system without locks), a waiting process takes over after it has seen the same heartbeat for `patience` seconds of its
own monotonic clock, since wall clocks may jump. A holder that was wrongly taken for dead notices by the fencing `term`,
in the very transaction that would announce a write.
"""

import fcntl
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import update
from sqlmodel import Session, col, select

from sync.errors import LeaseLost, StateError
from sync.state import tables
from sync.state.store import Store

_NAME = "writer"

Kind = Literal["worker", "command"]


@dataclass(frozen=True, slots=True)
class Holding:
    """The holder of the lease, as recorded in the state store."""

    holder: str
    kind: str
    since: datetime
    heartbeat_at: datetime


def current_holder(session: Session) -> Holding | None:
    """The holder on record; it may be dead."""
    row = session.get(tables.Lease, _NAME)
    if row is None or not row.holder or row.acquired_at is None or row.heartbeat_at is None:
        return None
    return Holding(row.holder, row.kind, row.acquired_at, row.heartbeat_at)


def _holder_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass
class Lease:
    """One process's handle on the lease of a state file. `patience` in seconds."""

    store: Store
    kind: Kind
    patience: float
    now: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    holder: str = ""

    def __post_init__(self) -> None:
        self.holder = self.holder or _holder_name()
        self._file: int | None = None
        self._term: int | None = None
        self._watched: tuple[tuple[int, int], float] | None = None
        self._let_go = False

    @property
    def held(self) -> bool:
        return self._term is not None

    def acquire(self) -> bool:
        """Takes the lease if it is free or its holder is dead; False while the holder lives."""
        if self.held:
            return True
        if self.store.replaced:
            raise StateError(f"{self.store.path}: was removed or replaced while it was open; start this process again")
        # The kernel frees the lock of a process that died. Without it (another host, a network disk) only a heartbeat
        # that stands still proves a death.
        alone = self._proves_alone()
        with self.store.session() as session:
            row = session.get(tables.Lease, _NAME)
            if row is not None and row.holder and not alone and not self._stands_still(row):
                return False
            self._term = row.term + 1 if row else 1
            taken = tables.Lease(name=_NAME, holder=self.holder, kind=self.kind, term=self._term)
            taken.acquired_at = taken.heartbeat_at = self.now()
            session.merge(taken)
        return True

    def _proves_alone(self) -> bool:
        """Whether no living process holds the file lock.

        A holder that lost the lease has released the lock itself, which proves nothing: its successor takes the lock
        with its next heartbeat.
        """
        alone = self._lock_file()
        if alone and self._let_go:
            self._unlock_file()
            return False
        self._let_go = False
        return alone

    def _stands_still(self, row: tables.Lease) -> bool:
        # By our own monotonic clock and a counter: the holder's wall clock may be wrong, and ours may jump.
        state, now = (row.term, row.heartbeat), self.monotonic()
        if self._watched is None or self._watched[0] != state:
            self._watched = state, now
        return now - self._watched[1] >= self.patience

    def heartbeat(self) -> None:
        """Sends a heartbeat. Raises LeaseLost if another process took over."""
        self._lock_file()
        with self.store.session() as session:
            self.fence(session)
            of = col(tables.Lease.name) == _NAME
            session.exec(
                update(tables.Lease).where(of).values(heartbeat=tables.Lease.heartbeat + 1, heartbeat_at=self.now())
            )

    def fence(self, session: Session) -> None:
        """Called in the transaction that announces writes: raises LeaseLost if another process has taken over."""
        if self.store.replaced:
            self._forget()
            raise LeaseLost(f"{self.store.path} was removed or replaced; this process writes nothing more to it")
        # Read in the transaction that writes: SQLite has one writer at a time, so nobody can take over in between.
        held = session.exec(select(tables.Lease.term).where(tables.Lease.name == _NAME)).first()
        if held is None or held != self._term:
            self._let_go |= self._file is not None
            self._forget()
            raise LeaseLost("another process took the lease over; this one writes nothing more")

    def release(self) -> None:
        """Gives the lease back, so that the next process need not wait.

        The term stays, so that no two holders share one.
        """
        if self._term is not None:
            with self.store.session() as session:
                mine = col(tables.Lease.name) == _NAME, col(tables.Lease.term) == self._term
                session.exec(update(tables.Lease).where(*mine).values(holder=""))
        self._forget()

    def abandon(self) -> None:
        """Gives the lease up without writing to the state file, whose tables belong to another version by now."""
        self._forget()

    def _forget(self) -> None:
        self._term = None
        self._unlock_file()

    # ---- the kernel's proof of life

    def _lock_file(self) -> bool:
        if self._file is not None:
            return True
        # A file of its own: SQLite's locks on the state file end when any handle of the process on it is closed.
        handle = os.open(_lock_path(self.store.path), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._file = handle
        return True

    def _unlock_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _lock_path(state: Path) -> Path:
    """The file that is locked. It lies beside the state file itself: a link to it must not bring a second lock."""
    state = state.resolve()
    return state.with_name(state.name + "-lease")


def is_alive(store: Store) -> bool:
    """Whether a process holds the lock of this state file right now. For commands; does not wait."""
    path = _lock_path(store.path)
    if not path.exists():
        return False
    try:
        # Opened for reading, which is enough for a shared lock, so that a user without write access can check too.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False
