"""The lease: one holder, whatever dies, hangs, or sets the clock."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync.errors import LeaseLost
from sync.state import lease as leases
from sync.state.lease import Kind, Lease
from sync.state.store import Store, open_store


@dataclass
class Clocks:
    wall: datetime = field(default_factory=lambda: datetime(2026, 3, 29, 0, 59, tzinfo=UTC))
    steady: float = 0.0


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "state.db")
    yield opened
    opened.close()


def a_lease(store: Store, clocks: Clocks, holder: str, kind: Kind = "worker") -> Lease:
    return Lease(store, kind, 60, lambda: clocks.wall, lambda: clocks.steady, holder)


def test_one_holder_at_a_time(store: Store, clocks: Clocks) -> None:
    first, second = a_lease(store, clocks, "a:1"), a_lease(store, clocks, "b:2")
    assert first.acquire()
    assert not second.acquire()
    assert leases.is_alive(store)
    first.release()
    assert second.acquire()
    with store.reading() as session:
        holding = leases.current_holder(session)
    assert holding is not None
    assert holding.holder == "b:2"


def test_a_dead_holder_is_replaced_at_once(store: Store, clocks: Clocks) -> None:
    first, second = a_lease(store, clocks, "a:1"), a_lease(store, clocks, "b:2")
    assert first.acquire()
    first._unlock_file()  # what the kernel does when a process dies
    assert not leases.is_alive(store)
    assert second.acquire()


def test_a_hanging_holder_is_replaced_after_the_patience(store: Store, clocks: Clocks) -> None:
    first, second = a_lease(store, clocks, "a:1"), a_lease(store, clocks, "b:2")
    assert first.acquire()
    assert not second.acquire()
    clocks.steady += 59
    assert not second.acquire()
    first.heartbeat()
    clocks.steady += 59
    assert not second.acquire(), "it beat in between"
    clocks.steady += 60
    assert second.acquire()
    with store.session() as session, pytest.raises(LeaseLost):
        first.fence(session)
    assert not first.held
    with store.session() as session:
        second.fence(session)


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=400)])
def test_a_wall_clock_that_is_set_replaces_nobody(store: Store, clocks: Clocks, jump: timedelta) -> None:
    first, second = a_lease(store, clocks, "a:1"), a_lease(store, clocks, "b:2")
    assert first.acquire()
    assert not second.acquire()
    clocks.wall += jump
    assert not second.acquire()
    first.heartbeat()


def test_terms_are_never_used_twice(store: Store, clocks: Clocks) -> None:
    """A holder that hung through two others must not take the third one's term for its own."""
    first, second, third = (a_lease(store, clocks, name) for name in ("a:1", "b:2", "c:3"))
    assert first.acquire()
    assert not second.acquire()
    clocks.steady += 60
    assert second.acquire()
    second.release()
    assert third.acquire()
    with pytest.raises(LeaseLost):
        first.heartbeat()


def test_a_loser_gives_back_nothing_that_is_not_its_own(store: Store, clocks: Clocks) -> None:
    first, second = a_lease(store, clocks, "a:1"), a_lease(store, clocks, "b:2")
    assert first.acquire()
    first._unlock_file()
    assert second.acquire()
    first.release()
    with store.session() as session:
        second.fence(session)


def test_a_loser_does_not_take_the_lease_back_from_the_living(store: Store, clocks: Clocks) -> None:
    """It had the lock of the file until it noticed; its successor takes that with its next beat."""
    first, second = a_lease(store, clocks, "a:1"), a_lease(store, clocks, "b:2")
    assert first.acquire()
    assert not second.acquire()
    clocks.steady += 60
    assert second.acquire()
    for _ in range(2):  # its threads notice one after the other
        with store.session() as session, pytest.raises(LeaseLost):
            first.fence(session)
    assert not first.acquire()
    second.heartbeat()
    assert not first.acquire()
    second._unlock_file()  # what the kernel does when a process dies
    assert first.acquire()


def test_a_link_to_the_state_file_brings_no_second_lock(store: Store, clocks: Clocks) -> None:
    link = store.path.with_name("elsewhere.db")
    link.symlink_to(store.path)
    other = open_store(link)
    assert a_lease(store, clocks, "a:1").acquire()
    assert not a_lease(other, clocks, "b:2").acquire()
    assert leases.is_alive(other)
    other.close()
