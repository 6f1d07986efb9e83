"""Who may look at the page: the name in `Host`, the token or a signed-in user, and the pause after a wrong token."""

import asyncio
import base64
import binascii
import hmac
import ipaddress
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers

from sync.environment import PageSettings
from sync.net.addresses import loopback

Sleep = Callable[[float], Awaitable[None]]


def known_host(settings: PageSettings, given: str) -> bool:
    """Whether the page answers to this name.

    A foreign name would let any web site read it through a visitor's browser, by a name that leads here (DNS
    rebinding). Addresses are no names, so they cannot be made to lead here.
    """
    name = _name_of(given)
    if loopback(name) or name in settings.hosts:
        return True
    return not loopback(settings.host) and _address(name) is not None


def _name_of(host: str) -> str:
    """The name in a `Host` header, without port."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def signed_in(settings: PageSettings, client: str, headers: Headers) -> bool:
    """Whether a listed proxy passed on somebody whom it signed in."""
    address = _address(client)
    trusted = address is not None and any(address in network for network in settings.proxies)
    return trusted and bool(headers.get(settings.user_header, "").strip())


def given_token(headers: Headers) -> str | None:
    """The token of a request: after `Bearer`, or the password after `Basic`, which browsers ask for."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def same(token: str, expected: str) -> bool:
    """Whether both are equal; the time that it takes tells nothing."""
    return hmac.compare_digest(token.encode("utf-8", "surrogatepass"), expected.encode())


_FIRST, _LONGEST = 0.5, 30.0
_ADDRESSES = 1000
"""Addresses that are remembered; beyond them the oldest ones are forgotten."""


@dataclass
class _Client:
    failures: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Patience:
    """Lets each address try one token at a time, and pause after a wrong one: twice as long each time."""

    def __init__(self, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._clients: OrderedDict[str, _Client] = OrderedDict()

    async def fits(self, address: str, right: Callable[[], bool]) -> bool:
        """Whether the token is right, told after the pause if it is not."""
        client = self._client(_origin(address))
        async with client.turn:
            if right():
                client.failures = 0
                return True
            await self._sleep(min(_LONGEST, _FIRST * 2**client.failures))
            client.failures = min(client.failures + 1, 16)
        return False

    def _client(self, origin: str) -> _Client:
        known = self._clients.pop(origin, None) or _Client()
        self._clients[origin] = known
        if len(self._clients) > _ADDRESSES:
            self._clients.popitem(last=False)
        return known


def _origin(address: str) -> str:
    """The address; of IPv6 its network of 64 bits, in which one attacker has more addresses than can be remembered."""
    found = _address(address)
    return str(ipaddress.ip_network((address, 64), strict=False)) if found and found.version == 6 else address
