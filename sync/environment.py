"""Reads the settings from the environment, and reports all their mistakes at once, each with a remedy."""

import ipaddress
import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from sync.domain.erasing import SHORTEST_KEY
from sync.domain.numbers import whole
from sync.errors import ConfigurationError
from sync.net.addresses import loopback
from sync.net.certificates import CERT, KEY, PASSPHRASE, ClientCertificate
from sync.net.connections import Trust
from sync.net.credentials import Password, Secret, usable

HUBSPOT = "https://api.hubapi.com"


@dataclass(frozen=True, slots=True)
class HubSpotAccess:
    base_url: str
    token: Secret


@dataclass(frozen=True, slots=True)
class C4CAccess:
    """Address and identity for C4C: either user and password, or a client certificate with its key."""

    base_url: str
    identity: Password | ClientCertificate


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class PageSettings:
    """Where the page is served, and who may see what on it."""

    port: int | None = None
    """None: the worker serves no page."""
    host: str = "127.0.0.1"
    token: Secret | None = None
    proxies: tuple[Network, ...] = ()
    """Reverse proxies that sign people in and name them in `user_header`."""
    user_header: str = "X-Forwarded-User"
    hosts: frozenset[str] = frozenset()
    """Names by which people reach the page, besides this machine's own."""
    names: bool = False
    """Whether the page shows names and e-mail addresses of people."""

    @property
    def closed(self) -> bool:
        """Whether a request must prove who it comes from."""
        return self.token is not None or bool(self.proxies)

    def exposed(self) -> str | None:
        """Why it may not be served on this host, or None."""
        if loopback(self.host) or self.closed:
            return None
        return (
            f"SYNC_PAGE_HOST: found {self.host}, which other machines reach; set SYNC_PAGE_TOKEN, or SYNC_PAGE_PROXIES "
            "for a proxy that signs people in, or listen on 127.0.0.1"
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a deployment. Its representation never shows secrets."""

    state: Path
    config: Path
    log_format: Literal["json", "console"]
    log_level: str
    metrics_port: int | None
    metrics_host: str = "127.0.0.1"
    alert_webhook: Secret | None = None
    client_cert: Path | None = None
    """The client certificate for SAP Sales Cloud, PEM; its end is watched (`certificates.expiry`)."""
    trust: Trust = field(default_factory=Trust)
    erasure_key: Secret | None = None
    """The key of the tombstones of erased persons."""
    show_names: bool = True
    """Whether commands show names and e-mail addresses of people."""
    page: PageSettings = field(default_factory=PageSettings)


_HOST = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?|[0-9a-f:.]*:[0-9a-f:.]*")
"""A host: a name in any alphabet, with parts of up to 63 characters (RFC 1035, 2.3.4), or an IPv6 address."""


class Environment:
    """Reads settings and collects their mistakes, so that all are reported at once."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self.variables = os.environ if variables is None else variables
        self.problems: list[str] = []

    def get(self, name: str) -> str | None:
        """The value of `name`, or the content of the file that `name_FILE` names. Empty counts as missing."""
        path = self.variables.get(f"{name}_FILE", "").strip()
        if not path:
            return self.variables.get(name, "").strip() or None
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError) as error:
            # The path is not shown: it may be the secret itself, set by mistake.
            what = path if Path(path).is_absolute() else "the file that it names"
            self.problems.append(f"{name}_FILE: cannot read {what} ({type(error).__name__}); check path and rights")
            return None

    def need(self, name: str, what: str) -> str:
        before = len(self.problems)
        value = self.get(name)
        if value is None and len(self.problems) == before:
            self.problems.append(f"{name} is missing: set it, or {name}_FILE to a file that holds it ({what})")
        return value or ""

    def secret(self, name: str, what: str, *, concealed: bool = True) -> Secret:
        """A credential that fits into one header; never shown."""
        return self._secret(name, self.need(name, what), concealed)

    def _secret(self, name: str, value: str, concealed: bool = True) -> Secret:
        if not usable(value):
            self.problems.append(f"{name}: holds a line break or a character that no header can carry; store it anew")
            value = ""
        file = self.variables.get(f"{name}_FILE", "").strip()
        return Secret(value, name, Path(file) if file else None, concealed=concealed)

    def optional_secret(self, name: str) -> Secret | None:
        value = self.get(name)
        return self._secret(name, value) if value else None

    def path(self, name: str) -> Path | None:
        """The path in `name` or `name_FILE`. For a setting that is a file anyway, both mean the same."""
        value = self.variables.get(f"{name}_FILE", "").strip() or self.variables.get(name, "").strip()
        return Path(value) if value else None

    def file(self, name: str) -> Path | None:
        """The path of a file that can be read. What was found is not shown: it may be a key instead of a path."""
        path = self.path(name)
        if path and "-----BEGIN" in str(path):
            self.problems.append(f"{name}: holds the PEM text itself; store it in a file and set the file's path")
        elif path and not (path.is_file() and os.access(path, os.R_OK)):
            self.problems.append(f"{name}: names a file that cannot be read; check path and rights")
        return path

    def url(self, name: str, value: str) -> str:
        """A base URL; plain http is for loopback only, since it would carry credentials in the open.

        What was found is not shown: it may hold credentials, or be a token in the wrong place.
        """
        try:
            parts = urlsplit(value)
            # Checked here, since `port` raises only when it is accessed.
            _ = parts.port
        except ValueError:
            parts = urlsplit("")
        if value and (parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or "")):
            self.problems.append(f"{name}: is not a web address; write it as https://host")
        elif parts.username or parts.password:
            self.problems.append(
                f"{name}: holds a user name or password, which would show in messages; write it as https://host"
            )
        elif parts.scheme == "http" and not loopback(parts.hostname or ""):
            self.problems.append(f"{name}: http:// is accepted for loopback addresses only; use https://")
        return value.rstrip("/")

    def root(self, name: str, value: str, address: Callable[[str], str]) -> str:
        """The root of a system: scheme and host.

        `address` turns the given host into the one that programs use. People paste the browser's address, or that of
        the OData service; the message then shows the correct form.
        """
        before = len(self.problems)
        found = self.url(name, value)
        if not found or len(self.problems) > before:
            return found
        parts = urlsplit(found)
        # Not the netloc: it may hold credentials.
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        meant = f"{parts.scheme}://{address(host)}{f':{parts.port}' if parts.port else ''}"
        if parts.path.strip("/") or parts.query or parts.fragment or address(host) != host:
            self.problems.append(f"{name}: is the address of a page or of a service; type the root only: {meant}")
        return meant

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.get(name) or default
        if value not in allowed:
            self.problems.append(f"{name}: found {value!r}, allowed: {', '.join(allowed)}")
            return default
        return value

    def port(self, name: str) -> int | None:
        """A port number; None if it is not set."""
        value = self.get(name)
        if value is not None and not 0 < (whole(value) or 0) < 65536:
            self.problems.append(f"{name}: found {value!r}, allowed: a port number, or unset for none")
            return None
        return int(value) if value else None

    def settle(self) -> None:
        """Raises ConfigurationError if anything was wrong."""
        if self.problems:
            raise ConfigurationError(self.problems)


def settings(env: Environment) -> Settings:
    """The settings that need no remote system."""
    webhook = env.optional_secret("SYNC_ALERT_WEBHOOK")
    if webhook:
        env.url("SYNC_ALERT_WEBHOOK", webhook.value)
    return Settings(
        state=Path(env.get("SYNC_STATE") or "state.db"),
        config=Path(env.get("SYNC_CONFIG") or "config"),
        log_format="json" if env.choice("SYNC_LOG_FORMAT", "json", ("json", "console")) == "json" else "console",
        log_level=env.choice("SYNC_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        metrics_port=env.port("SYNC_METRICS_PORT"),
        metrics_host=env.choice("SYNC_METRICS_HOST", "127.0.0.1", INTERFACES),
        alert_webhook=webhook,
        client_cert=env.path("C4C_CLIENT_CERT"),
        trust=trust(env),
        erasure_key=_erasure_key(env),
        show_names=env.choice("SYNC_SHOW_NAMES", "1", ("0", "1")) == "1",
        page=_page(env),
    )


def _erasure_key(env: Environment) -> Secret | None:
    found = env.optional_secret("SYNC_ERASURE_KEY")
    if found and len(found.value) < SHORTEST_KEY:
        env.problems.append(
            f"SYNC_ERASURE_KEY: is shorter than {SHORTEST_KEY} characters and could be guessed; take a random text, "
            "such as `openssl rand -hex 32` prints"
        )
    return found


INTERFACES = ("127.0.0.1", "0.0.0.0", "::1", "::")
"""This machine only, or all interfaces."""


def _page(env: Environment) -> PageSettings:
    found = PageSettings(
        port=env.port("SYNC_PAGE_PORT"),
        host=env.choice("SYNC_PAGE_HOST", "127.0.0.1", INTERFACES),
        token=env.optional_secret("SYNC_PAGE_TOKEN"),
        proxies=tuple(_networks(env)),
        user_header=_header_name(env),
        hosts=frozenset(_host_names(env)),
        names=env.choice("SYNC_PAGE_NAMES", "0", ("0", "1")) == "1",
    )
    if exposed := found.exposed():
        env.problems.append(exposed)
    return found


def _networks(env: Environment) -> Iterator[Network]:
    for text in (env.get("SYNC_PAGE_PROXIES") or "").replace(",", " ").split():
        try:
            yield ipaddress.ip_network(text)
        except ValueError:
            env.problems.append(
                f"SYNC_PAGE_PROXIES: found {text!r}, allowed: addresses and networks, 10.0.0.7 or 10.0.0.0/24"
            )


def _header_name(env: Environment) -> str:
    name = env.get("SYNC_PAGE_USER_HEADER") or "X-Forwarded-User"
    if not re.fullmatch(r"[A-Za-z0-9-]+", name):
        env.problems.append(f"SYNC_PAGE_USER_HEADER: found {name!r}, allowed: the name of a header, X-Forwarded-User")
    return name


def _host_names(env: Environment) -> Iterator[str]:
    for text in (env.get("SYNC_PAGE_HOSTS") or "").replace(",", " ").lower().split():
        if not _HOST.fullmatch(text):
            env.problems.append(f"SYNC_PAGE_HOSTS: found {text!r}, allowed: host names without scheme and port")
        yield text


def _hubspot_api(host: str) -> str:
    """The host for programs, which is the same in every region, although people see app.hubspot.com or
    app-eu1.hubspot.com.
    """
    return urlsplit(HUBSPOT).netloc if re.fullmatch(r"(app|www|api)(-\w+)?\.hubspot\.com", host) else host


def _c4c_root(host: str) -> str:
    """The host without `-sso`, which is for people who log on by single sign-on (SAP's OData guide)."""
    return re.sub(r"-sso(\.crm\.ondemand\.com)$", r"\1", host)


def system_addresses(env: Environment) -> None:
    """The addresses of both systems and our certificate, if set; credentials may be missing."""
    _hubspot_url(env)
    _c4c_url(env, env.get("C4C_BASE_URL") or "")
    if env.path(CERT) or env.path(KEY):
        _client_certificate(env)


def _hubspot_url(env: Environment) -> str:
    return env.root("HUBSPOT_BASE_URL", env.get("HUBSPOT_BASE_URL") or HUBSPOT, _hubspot_api)


def _c4c_url(env: Environment, given: str) -> str:
    return env.root("C4C_BASE_URL", given, _c4c_root)


def hubspot_access(env: Environment) -> HubSpotAccess:
    url = _hubspot_url(env)
    return HubSpotAccess(url, env.secret("HUBSPOT_ACCESS_TOKEN", "a HubSpot service key or private app token"))


def c4c_access(env: Environment) -> C4CAccess:
    url = _c4c_url(env, env.need("C4C_BASE_URL", "the tenant's root, https://my000000.crm.ondemand.com"))
    if env.path(CERT) or env.path(KEY):
        return C4CAccess(url, _client_certificate(env))
    username = env.secret("C4C_USERNAME", "the technical user of the communication arrangement", concealed=False)
    return C4CAccess(url, Password(username, env.secret("C4C_PASSWORD", "the technical user's password")))


def _client_certificate(env: Environment) -> ClientCertificate:
    """Certificate and key, loaded once to check that they fit together."""
    before = len(env.problems)
    cert, key, passphrase = env.file(CERT), env.file(KEY), env.optional_secret(PASSPHRASE)
    for name, path in ((CERT, cert), (KEY, key)):
        if path is None:
            env.problems.append(f"{name} is missing: a client certificate needs both certificate and key")
    found = ClientCertificate(cert or Path(), key or Path(), passphrase)
    if len(env.problems) == before:
        try:
            found.load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        except ConfigurationError as error:
            env.problems += error.problems
    return found


_STORES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that administrators already use; each replaces the system's store, and several are used together."""


def trust(env: Environment) -> Trust:
    """The trusted authorities: SYNC_CA_BUNDLE in addition to the system's store, or to what replaces it."""
    private = env.file("SYNC_CA_BUNDLE")
    if private and private.is_file():
        try:
            Trust((private,)).context()
        except ConfigurationError as error:
            env.problems += [f"SYNC_CA_BUNDLE: {problem}" for problem in error.problems]
    named = [(name, path) for name in _STORES for path in env.variables.get(name, "").split(os.pathsep) if path]
    env.problems += [
        f"{name}: names a file that cannot be read; check path and rights"
        for name, path in named
        if name != "SSL_CERT_DIR" and not os.access(path, os.R_OK)
    ]
    there = dict.fromkeys(Path(path) for _, path in named if os.access(path, os.R_OK))
    return Trust(tuple(there), private)
