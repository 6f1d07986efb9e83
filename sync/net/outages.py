"""Explains in a sentence why there was no answer (name, connection, certificate, proxy or time), with host and setting.

`requests` and urllib3 wrap the cause several times over, so the whole chain is looked at. Their texts must not be
shown: they hold addresses with query strings, and a proxy's address with its password.
"""

import os
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from requests.exceptions import InvalidProxyURL
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ProxySchemeUnknown,
    ReadTimeoutError,
)

from sync.errors import Denied, RemoteError, System, Unavailable
from sync.net import addresses

_Found = TypeVar("_Found", bound=BaseException)

_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
"""The variables in which `requests` finds a proxy for https, in its order."""


@dataclass(frozen=True, slots=True)
class Place:
    """The destination of a request: its address, of which only the host is ever shown, and the
    setting that holds it.
    """

    url: str
    setting: str

    @property
    def host(self) -> str:
        return addresses.host(self.url)

    def proxy(self) -> str:
        """The proxy for this destination, as setting and host; empty without one."""
        direct = addresses.loopback(urlsplit(self.url).hostname or "")
        found = None if direct else select_proxy(self.url, get_environ_proxies(self.url))
        if not found:
            return ""
        setting = next((name for name in _PROXIES if os.environ.get(name) == found), "HTTPS_PROXY")
        return f"the proxy {addresses.host(found)} of {setting}"


@dataclass(frozen=True, slots=True)
class _Outage:
    """Why there was no answer. A `lasting` outage is not tried again at once; a `denied` proxy password not at all."""

    text: str
    nature: Literal["passing", "lasting", "denied"] = "passing"

    def error(self, system: System, endpoint: str) -> RemoteError:
        if self.nature == "denied":
            return Denied(system, f"{endpoint}: {self.text}")
        return Unavailable(system, f"{endpoint}: {self.text}", again=self.nature == "passing")


def outage_of(error: BaseException, place: Place) -> _Outage:
    """Why a request to that place got no answer."""
    chain = list(_chain(error))
    proxy = place.proxy()
    if proxy and (proxy_status(error) or any(isinstance(found, (ProxyError, *_NO_PROXY_ADDRESS)) for found in chain)):
        return _of_proxy(chain, place, proxy)
    return _of_tls(chain, place.host, place.setting) or _of_connection(chain, place.host, place.setting)


_NO_PROXY_ADDRESS = (InvalidProxyURL, ProxySchemeUnknown, LocationValueError)
"""Our own addresses were checked at the start of the program, so only the proxy's can be wrong."""

TUNNEL_FAILED = "Tunnel connection failed:"
"""The beginning of http.client's message, before the status."""


def proxy_status(error: BaseException) -> int:
    """The status with which a proxy refused to connect; 0 if it did not answer."""
    found = (re.match(rf"{TUNNEL_FAILED} (\d{{3}})", str(wrapped)) for wrapped in _chain(error))
    return next((int(match[1]) for match in found if match), 0)


def _of_proxy(chain: list[BaseException], place: Place, proxy: str) -> _Outage:
    setting = proxy.rpartition(" ")[2]
    if any(isinstance(found, _NO_PROXY_ADDRESS) for found in chain):
        return _Outage(f"{setting} is not the address of a proxy; write it as http://host:port", "lasting")
    status = proxy_status(chain[0])
    if status == 407:
        how = f"write {setting} as http://user:password@host:port, special characters percent-encoded, and restart"
        return _Outage(f"{proxy} did not accept user name and password (407); {how}", "denied")
    if status:
        nature: Literal["passing", "lasting"] = "passing" if status >= 500 else "lasting"
        return _Outage(f"{proxy} does not connect to {place.host} ({status}); ask whoever runs it to allow it", nature)
    tls = _of_tls(chain, proxy, setting)
    return tls or _of_connection(chain, proxy, setting)


def _of_tls(chain: list[BaseException], who: str, setting: str) -> _Outage | None:
    """Explains a TLS failure: the other side's certificate, ours, or no TLS at all."""
    refused = _first(chain, ssl.SSLCertVerificationError)
    if refused:
        return _Outage(f"{who}: {_certificate(refused, setting)}", "lasting")
    failed = _first(chain, ssl.SSLError)
    if failed is None:
        return None
    cause = str(failed.reason or "").replace("_", " ").lower()
    if "wrong version number" in cause or "record layer failure" in cause or "http request" in cause:
        return _Outage(f"{who}: there is no TLS behind this address and port; check {setting}", "lasting")
    if "alert" in cause and any(word in cause for word in ("certificate", "unknown ca", "access denied")):
        what = "check C4C_CLIENT_CERT and C4C_CLIENT_KEY, and whether it is registered there"
        return _Outage(f"{who}: our client certificate was not accepted or is missing ({cause}); {what}", "lasting")
    return _Outage(f"{who}: no secure connection (TLS: {cause or 'cut off'}); look at what stands between", "passing")


_OF_CERTIFICATES = {
    9: "is not valid yet; check this machine's clock",
    10: "has expired; whoever runs it must renew it",
    62: "is for another name; check {setting}",
    64: "is for another address; check {setting}",
}
"""By OpenSSL's X509_V_ERR_…: faults of a certificate that another authority would not cure."""


def _certificate(refused: ssl.SSLCertVerificationError, setting: str) -> str:
    unknown = f"is of an unknown authority ({refused.verify_message}); name that authority's PEM file in SYNC_CA_BUNDLE"
    return f"its certificate {_OF_CERTIFICATES.get(refused.verify_code, unknown).format(setting=setting)}"


def _of_connection(chain: list[BaseException], who: str, setting: str) -> _Outage:
    if _first(chain, NameResolutionError):
        return _Outage(f"{who}: the name was not found; check {setting} and the name server (DNS)")
    if _first(chain, ConnectionRefusedError):
        return _Outage(f"{who}: the connection was refused; check {setting} and the firewall")
    # In urllib3, NewConnectionError (a connection that failed at once) is a subclass of ConnectTimeoutError.
    if any(isinstance(found, ConnectTimeoutError) and not isinstance(found, NewConnectionError) for found in chain):
        return _Outage(f"{who}: no connection in time; check {setting} and firewall, and HTTPS_PROXY if one is needed")
    if _first(chain, ReadTimeoutError) or _first(chain, TimeoutError):
        return _Outage(f"{who}: no answer in time")
    if _first(chain, ConnectionResetError) or _first(chain, BrokenPipeError):
        return _Outage(f"{who}: the connection was cut")
    system = next((e for e in chain if isinstance(e, OSError) and type(e).__module__ == "builtins" and e.errno), None)
    if system:
        return _Outage(f"{who}: no connection ({os.strerror(system.errno or 0)}); check {setting} and the network")
    return _Outage(f"{who}: no complete answer ({type(chain[-1]).__name__})")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all errors that it wraps, from the outermost to the innermost, each once."""
    waiting, met = [error], set[int]()
    while waiting:
        found = waiting.pop(0)
        if id(found) in met:
            continue
        met.add(id(found))
        yield found
        inner = (getattr(found, "reason", None), getattr(found, "original_error", None), found.__cause__)
        waiting += [e for e in (*inner, found.__context__, *found.args) if isinstance(e, BaseException)]


def _first(chain: list[BaseException], kind: type[_Found]) -> _Found | None:
    return next((error for error in chain if isinstance(error, kind)), None)
