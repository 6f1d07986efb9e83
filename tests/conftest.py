"""Keeps the tests off the network: a connection to anything but this machine fails the test that tried it."""

import ipaddress
import socket
from collections.abc import Callable
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


def _only_local[**P](connect: Callable[P, Any]) -> Callable[P, Any]: ...
