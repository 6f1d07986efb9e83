"""The only way to the network, for both systems and the webhook: proxies, trusted authorities, time limits.

Proxies come from HTTPS_PROXY and NO_PROXY, as in `requests` and curl; loopback addresses are reached directly."""

import io
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ProxyError
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPResponse
from urllib3.util.ssl_ import create_urllib3_context

from sync.errors import ConfigurationError
from sync.net import bodies
from sync.net.addresses import loopback
from sync.net.certificates import ClientCertificate
from sync.net.outages import TUNNEL_FAILED, proxy_status


@dataclass(frozen=True, slots=True)
class Trust:
    """The trusted authorities. `public` replaces the system's store; `private` is added to either."""

    public: tuple[Path, ...] = ()
    private: Path | None = None

    def context(self) -> ssl.SSLContext:
        """A TLS context that checks certificate and host name.

        Raises ConfigurationError for a file without certificates.
        """
        context = create_urllib3_context()
        for path in self.public or _system():
            _believe(context, path)
        if self.private:
            _believe(context, self.private)
        return context


def _system() -> list[Path]:
    """Loads OpenSSL's own store, or the one that `requests` includes if the machine has none."""
    paths = ssl.get_default_verify_paths()
    file, directory = paths.cafile and Path(paths.cafile), paths.capath and Path(paths.capath)
    found = [file] if file else []
    found += [directory] if directory and any(directory.iterdir()) else []
    return found or [Path(DEFAULT_CA_BUNDLE_PATH)]


def _believe(context: ssl.SSLContext, path: Path) -> None:
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError as error:
        # OpenSSL's own reasons do not help a reader; a missing file has an error number.
        why = error.strerror if not isinstance(error, ssl.SSLError) else "holds no certificates in PEM form"
        raise ConfigurationError([f"{path}: {why}; trusted authorities are read from it"]) from None


_PROXY_PAUSE = 900.0
"""Seconds until a proxy that refused the password gets it again: directories lock a user after a few refusals."""


class Adapter(HTTPAdapter):
    """Connections of one client, with one TLS context for all, and a time limit for the head of each answer.

    `requests` would read the authorities anew for each connection, and from settings of its own."""

    def __init__(
        self, trust: Trust, certificate: ClientCertificate | None, size: int, clock: Callable[[], float]
    ) -> None:
        self._trust, self._certificate, self._clock = trust, certificate, clock
        self._closed_until = 0.0
        super().__init__(pool_maxsize=size)

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The TLS context, made when it is first needed: reading the authorities takes some 35 ms.

        Raises ConfigurationError.
        """
        found = self._trust.context()
        if self._certificate:
            self._certificate.load(found)
        return found

    @cached_property
    def _proxy_context(self) -> ssl.SSLContext:
        """The TLS context for a proxy, which must not get our client certificate."""
        return self._trust.context()

    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:
        super().init_poolmanager(*sizes, **options)
        bodies.timed(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        if proxy not in self.proxy_manager and urlsplit(proxy).scheme == "https":
            options["proxy_ssl_context"] = self._proxy_context
        manager = super().proxy_manager_for(proxy, **options)
        bodies.timed(manager)
        return manager

    def build_connection_pool_key_attributes(self, request: Any, *_: Any, **__: Any) -> Any:
        place = super().build_connection_pool_key_attributes(request, verify=True)[0]
        return place, {"ssl_context": self.context} if place["scheme"] == "https" else {}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Does nothing: the context already holds authorities and certificate."""

    def send(self, *request: Any, **options: Any) -> requests.Response:
        """Raises what `requests` raises; without a request if the proxy refused the password a short time ago."""
        if self._clock() < self._closed_until:
            raise ProxyError(OSError(f"{TUNNEL_FAILED} 407"))
        try:
            return super().send(*request, **options)
        except ProxyError as error:
            if proxy_status(error) == 407:
                self._closed_until = self._clock() + _PROXY_PAUSE
            raise


def adapter(
    url: str,
    trust: Trust,
    size: int = 10,
    certificate: ClientCertificate | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Adapter:
    """Connections to one address, up to `size` kept open.

    Raises ConfigurationError if our certificate cannot be used.
    """
    found = Adapter(trust, certificate, size, clock)
    if certificate and urlsplit(url).scheme == "https":
        # Loaded at once: while its files are being replaced the pair may not fit; the caller then keeps the former one.
        _ = found.context
    return found


def session(url: str, connections: Adapter) -> requests.Session:
    """A session for one address; the caller adds its credentials."""
    found = requests.Session()
    found.trust_env = not loopback(urlsplit(url).hostname or "")
    # Without this, requests would look for a password in the user's .netrc and send it along.
    found.auth = _as_it_is
    found.mount(url, connections)
    return found


def stateless(url: str, connections: Adapter) -> requests.Session:
    """A session that keeps no cookies and adds no headers of its own."""
    found = session(url, connections)
    found.headers.clear()
    found.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return found


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class SdkPool:
    """The part of a urllib3 pool manager that HubSpot's SDK uses, on a session; each answer is read within its bounds.

    The SDK's own pools support neither proxies nor additional authorities."""

    def __init__(self, session: requests.Session, seconds: float) -> None:
        self._session, self._seconds = session, seconds

    def request(
        self, method: str, url: str, *, headers: Any, timeout: Any, body: Any = None, fields: Any = None, **_: Any
    ) -> HTTPResponse:
        """Raises what `requests` raises, and as `bodies.whole` does."""
        sent: dict[str, Any] = {"params": fields, "data": body, "headers": headers, "timeout": timeout}
        answer = self._session.request(method, url, **sent, allow_redirects=False, stream=True)
        return HTTPResponse(
            io.BytesIO(bodies.whole_body(answer.raw, self._seconds)),
            headers=answer.raw.headers,
            status=answer.status_code,
            reason=answer.raw.reason,
            preload_content=False,
            decode_content=False,
            enforce_content_length=False,
        )
