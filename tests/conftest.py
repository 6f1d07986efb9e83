"""Keeps the tests off the network: a connection to anything but this machine fails the test that tried it."""

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest


def _is_local(family: int, address: Any) -> bool:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return True
    host = address[0]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def only_this_machine() -> Iterator[None]:
    """Every connection of the session passes here."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        assert _is_local(self.family, address), f"a test tried to reach {address!r}"
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield
