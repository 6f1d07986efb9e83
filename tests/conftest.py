"""For all tests: no connection but to this machine (trying one fails the test), what is done once instead of for each
test, and what begins first."""

import gc
import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from examples import register
from state_files import compile_once, copy_instead_of_migrating
from world.sandbox import announced

register()
compile_once()
copy_instead_of_migrating()


def _allow_only_this_machine(method: str) -> None:
    connect = getattr(socket.socket, method)

    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            self.close()
            # Derives from BaseException: no retry and no `except Exception` makes it an ordinary outage.
            pytest.fail(f"a test tried to connect to {address[0]} port {address[1]}; only this machine is allowed")
        return connect(self, address)

    setattr(socket.socket, method, guarded)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# At import, not in a fixture, so that collecting the tests is covered too; xdist's workers import it as well.
for _method in ("connect", "connect_ex"):
    _allow_only_this_machine(_method)


# The tests start Python a few hundred times. Where the environment forbids byte code, as images and build servers do,
# each start would compile the project anew: half as much processor time again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# Most objects that a test makes go without the collector; looking for the others a fiftieth as often is enough.
gc.set_threshold(35_000, 20, 20)


def pytest_collection_finish() -> None:
    """Imported modules and collected tests stay to the end: the collector need not look through them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def announcement() -> Iterator[dict[str, str]]:
    """The one sandbox of this process, for modules of all directories: each empties it before it begins."""
    with announced() as started:
        yield started


LONGEST = (
    "test_truth",
    "test_process",
    "test_hubspot_storm",
    "test_night",
    "test_kill",
    "test_budget",
    "test_foreseen",
    "test_cuts",
    "test_exit_codes",
    "test_loads",
    "test_logs",
    "test_worker",
    "test_secrets",
    "test_storm",
    "test_ten_things",
    "test_hubspot_ten_things",
    "test_admin",
    "test_changes",
    "test_who_is_who",
)
"""Modules that take longest: begun last, one of them alone would keep everybody waiting."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest modules first; the order within a module, and of the others, stays."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(Path(item.path).stem, len(LONGEST)))
