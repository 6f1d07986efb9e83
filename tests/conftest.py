"""Keeps the tests off the network: connecting to anything but this machine fails the test that tries it."""

import ipaddress
import socket
from typing import Any

import pytest


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
