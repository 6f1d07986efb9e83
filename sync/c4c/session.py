"""The only way to C4C: authentication, CSRF tokens with their cookies, time limits, and the meaning of answers.

Sources: C4C OData API developer guide; KBA 3048103 and KBA 3339155 (a token is good only with all its cookies).
"""

import io
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth
from requests.utils import requote_uri
from urllib3.exceptions import HTTPError

from sync import metrics
from sync.c4c import odata
from sync.c4c.refusals import words
from sync.c4c.refusals.meaning import Meaning, meaning, wants_token
from sync.c4c.refusals.redaction import NOTHING, Sent
from sync.errors import ConfigurationError, Denied, Malformed, Refused, Unavailable
from sync.net import bodies, connections, outages
from sync.net.certificates import ClientCertificate
from sync.net.connections import Trust
from sync.net.credentials import REFUSALS, Gate, Password
from sync.net.outages import Place
from sync.transport import RequestRetry, Requests, retry_after, with_retry

SERVICE = "/sap/c4c/odata/v1/c4codataapi/"
"""The trailing slash matters: without it the service redirects, and a redirected POST loses its body."""

_CONNECT_SECONDS = 10.0

_NOT_AGAIN = (
    f"user and password were refused {REFUSALS} times and are not sent again, since a few wrong passwords lock the "
    "user; put the right ones into the files of C4C_USERNAME_FILE and C4C_PASSWORD_FILE (`touch` has the same ones "
    "tried again), or set the variables and restart"
)

Identity = Password | ClientCertificate
"""Our identity: a password or a client certificate."""


def _nothing() -> Sent:
    return NOTHING


@dataclass(frozen=True, slots=True)
class _Login:
    """A token and its cookie jar.

    They are always replaced together. `version` is that of the credentials that the jar sends.
    """

    jar: requests.Session
    version: Hashable
    token: str | None = None


@dataclass
class Session:
    """Sends single requests. Safe for several threads. `timeout` in seconds."""

    base_url: str
    identity: Identity
    parallel: int = 4
    timeout: float = 120
    trust: Trust = field(default_factory=Trust)
    retry: RequestRetry = field(default_factory=RequestRetry)
    sleep: Callable[[float], None] = time.sleep
    sent: Requests = field(default_factory=Requests)

    def __post_init__(self) -> None:
        self.root = self.base_url.rstrip("/") + SERVICE
        self._place = Place(self.base_url, "C4C_BASE_URL")
        self._gate = Gate()
        self._renewing = threading.Lock()
        version = self.identity.version()
        self._adapter = self._new_adapter()
        self._login = _Login(self._new_jar(), version)

    def get(self, path: str, accept: str = "application/json") -> requests.Response:
        """A read, repeated after transient failures."""
        return with_retry(self.retry, lambda: self.send("GET", path, headers={"Accept": accept}), self.sleep)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        sent: Callable[[], Sent] = _nothing,
    ) -> requests.Response:
        """One request.

        A refused CSRF token is fetched anew once, since the refused request had no effect. `sent` returns the content
        of the request, which is kept out of error texts. Raises Denied, Unavailable, Malformed or Refused.
        """
        endpoint = f"{method} {path.split('?')[0]}"
        login = self._current()
        response = self._once(login, method, path, body, headers)
        if response.status_code == 401:
            self.identity.reread()
        if response.status_code == 401 and self.identity.version() != login.version:
            # The refused request had no effect, and these newer credentials have not been refused yet.
            login = self._current()
            response = self._once(login, method, path, body, headers)
        if _wants_token(response):
            response = self._once(self._renewed(login), method, path, body, headers)
            if _wants_token(response):
                raise Unavailable("c4c", f"{endpoint}: the CSRF token was refused twice")
        _raise_for(response, endpoint, sent)
        return response

    def _current(self) -> _Login:
        """The login with the present credentials, whose files may have changed."""
        version = self.identity.version()
        if self._login.version == version:
            return self._login
        with self._renewing:
            if self._login.version != version:
                # While the files are being replaced, certificate and key may not fit; until they do, the former pair is
                # used.
                with suppress(ConfigurationError):
                    self._adapter = self._new_adapter()
                self._login = _Login(self._new_jar(), version)
            return self._login

    def _new_adapter(self) -> connections.Adapter:
        certificate = self.identity if isinstance(self.identity, ClientCertificate) else None
        return connections.adapter(self.root, self.trust, self.parallel, certificate)

    def _new_jar(self) -> requests.Session:
        jar = connections.session(self.root, self._adapter)
        if isinstance(self.identity, Password):
            # As bytes, since requests would encode a password's umlauts in Latin-1.
            jar.auth = HTTPBasicAuth(self.identity.username.value.encode(), self.identity.password.value.encode())
        # Descriptions of codes (`…CodeText`) are not requested, since only codes decide. The default of Accept is Atom
        # XML.
        asked = {"Accept": "application/json", "Accept-Language": odata.LANGUAGE, "odata-no-codedescs": "true"}
        jar.headers.update(asked)
        return jar

    def _once(
        self, login: _Login, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> requests.Response:
        if self._gate.closed(login.version):
            raise Denied("c4c", _NOT_AGAIN)
        response = self._sent(login, method, path, body, headers)
        # Only passwords are limited: a refused certificate is not locked.
        refused = response.status_code == 401 and isinstance(self.identity, Password)
        self._gate.note(login.version, refused=refused)
        return response

    def _sent(
        self, login: _Login, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> requests.Response:
        endpoint = f"{method} {path.split('?')[0]}"
        self.sent.count(endpoint)
        token = {"x-csrf-token": login.token} if login.token and method != "GET" else {}
        try:
            # A redirect is not followed: it leads to a log-on page, or to another host, which would get our password.
            response = login.jar.request(
                method,
                self.root + path,
                data=body,
                headers={**(headers or {}), **token},
                timeout=(min(_CONNECT_SECONDS, self.timeout), self.timeout),
                allow_redirects=False,
                stream=True,
            )
            # The time limit above counts the silence between two octets only; an answer that trickles would never end.
            response.raw = io.BytesIO(bodies.whole_body(response.raw, 2 * self.timeout))
            metrics.count_answer("c4c", endpoint, response.status_code)
            return response
        except bodies.Oversized as error:
            raise Malformed("c4c", f"{endpoint}: {error}") from None
        except (requests.RequestException, HTTPError) as error:
            metrics.count_answer("c4c", endpoint, None)
            raise outages.outage_of(error, self._place).error("c4c", endpoint) from None

    def _renewed(self, refused: _Login) -> _Login:
        """A login with a fresh token.

        A second thread with the same refused token gets the login that the first one renewed.
        """
        with self._renewing:
            if self._login is refused:
                self._login = with_retry(self.retry, lambda: self._fetched(refused.version), self.sleep)
            return self._login

    def _fetched(self, version: Hashable) -> _Login:
        jar = self._new_jar()
        response = self._once(_Login(jar, version), "GET", "", None, {"x-csrf-token": "fetch"})
        _raise_for(response, "GET (service root)")
        token = response.headers.get("x-csrf-token")
        if not token:
            raise Malformed("c4c", "the service root gave no CSRF token; check that C4C_BASE_URL is the tenant's root")
        return _Login(jar, version, token)

    def relative(self, link: object) -> str:
        """A `__next` link below the service root, percent-encoded as a request line needs it.

        Raises Malformed if it is not a link, or leads to another host, which would get our password."""
        try:
            text = requote_uri(link if isinstance(link, str) else "")
            parts, own = urlsplit(text), urlsplit(self.root)
        except ValueError:
            raise Malformed("c4c", "a next link is not an address") from None
        if text.startswith(self.root):
            return text.removeprefix(self.root)
        if parts.netloc in ("", own.netloc) and SERVICE in text:
            return text.rpartition(SERVICE)[2]
        raise Malformed("c4c", "a next link leads to another host")


def _wants_token(response: requests.Response) -> bool:
    return response.status_code == 403 and wants_token(403, response.headers, response.text)


def _raise_for(response: requests.Response, endpoint: str, sent: Callable[[], Sent] = _nothing) -> None:
    """Raises the error that an answer as a whole means, with C4C's words but without what was `sent`; returns after a
    success.
    """
    status = response.status_code
    if status < 300:
        # C4C's second way to report an error: status 204 with a header sap-message (python-pyodata 1.12).
        trouble = words.trouble(response.headers)
        if trouble:
            raise Malformed("c4c", f"{endpoint}: success with an error message: {words.spoken(trouble, sent())}")
        return
    said = [*words.in_body(response.text), *words.in_headers(response.headers)]
    text = _in_brackets(words.spoken(said, sent()))
    if status == 401:
        raise Denied(
            "c4c", f"the credentials were refused (401){text}; check C4C_USERNAME and C4C_PASSWORD or the certificate"
        )
    if status >= 500 or status in (408, 429):
        raise Unavailable("c4c", f"{endpoint}: status {status}{text}", retry_after(response.headers.get("Retry-After")))
    if status < 400:
        raise Malformed("c4c", f"{endpoint}: redirected ({status}); check that C4C_BASE_URL is the tenant's root")
    _raise_refusal(endpoint, status, meaning(status, said), text)


def _raise_refusal(endpoint: str, status: int, why: Meaning, text: str) -> None:
    if why is Meaning.DENIED:
        hint = "check the services ticked in the communication arrangement"
        raise Denied("c4c", f"{endpoint}: forbidden ({status}){text}; {hint}")
    # Somebody has the record open. That ends by itself, so it is tried again rather than refused.
    if why is Meaning.LOCKED:
        raise Unavailable("c4c", f"{endpoint}: locked ({status}){text}")
    raise Refused("c4c", f"{endpoint}: status {status}{text}", status)


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""
