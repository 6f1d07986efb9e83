"""Both clients and the webhook on real TLS: a company's proxy, its own authority, client certificates, and failures."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from hubspot_server import Answer, Portal, running
from running import logged
from tls import PHRASE, Files, bundle, client_files, front, proxy, server_context

from sync.c4c.client import C4CClient
from sync.environment import Environment, trust
from sync.errors import Denied, RemoteError, Unavailable
from sync.hubspot_client import HubSpotClient
from sync.net import connections
from sync.net.certificates import ClientCertificate
from sync.net.connections import Trust
from sync.net.credentials import Password, Secret
from sync.notify import Notice, Webhook
from sync.transport import RequestRetry

HOST = "portal.company.example"
EDMX = b'<Edmx><Schema><EntityType Name="Lead"><Property Name="Name" Type="Edm.String"/></EntityType></Schema></Edmx>'
TWICE = RequestRetry(attempts=2, wait=0)
Ask = Callable[..., object]


def hubspot(url: str, **options: Any) -> object:
    given = {"retry": TWICE, "sleep": lambda _: None} | options
    return HubSpotClient(url, "pat-hidden", **given).labels()


def c4c(url: str, identity: Any = None, **options: Any) -> object:
    given = {"retry": TWICE, "sleep": lambda _: None} | options
    return C4CClient(url, identity or Password.of("sync", "hidden"), **given).metadata(["Lead"])


each_client = pytest.mark.parametrize(
    ("ask", "setting"),
    [pytest.param(hubspot, "HUBSPOT_BASE_URL", id="hubspot"), pytest.param(c4c, "C4C_BASE_URL", id="c4c")],
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(organization_name="The Company")


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return Trust(private=Path(bundle(authority, tmp_path_factory.mktemp("ca") / "ca.pem")))


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """A server that answers both clients alike, without a proxy or a store of the environment."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with running() as server:
        server.script = [Answer()]
        server.next_answer = lambda: Answer(body=EDMX) if "$" in server.asked[-1].path else server.script[0]  # type: ignore[method-assign]
        yield server


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def failed(ask: Ask, url: str, kind: type[RemoteError] = Unavailable, **options: Any) -> str:
    with pytest.raises(kind) as raised:
        ask(url, **options)
    assert type(raised.value) is kind
    return str(raised.value)


# ---- proxies


@each_client
def test_the_way_leads_through_the_proxy_with_its_password(
    ask: Ask, setting: str, portal: Portal, authority: trustme.CA, trusting: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        front(server_context(authority, HOST), portal.server_port) as tls,
        proxy({f"{HOST}:443": tls.port}, "it:p@ss word") as between,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://it:p%40ss%20word@127.0.0.1:{between.port}")
        ask(f"https://{HOST}", trust=trusting)
    assert between.connects == [f"{HOST}:443"]
    assert len(portal.asked) == 1
    assert "proxy-authorization" not in portal.asked[0].headers


@each_client
def test_no_proxy_is_asked_for_a_host_that_needs_none(
    ask: Ask, setting: str, portal: Portal, authority: trustme.CA, trusting: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    with front(server_context(authority, HOST), portal.server_port) as tls, proxy({}) as between:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{between.port}")
        monkeypatch.setenv("NO_PROXY", "company.example")
        look_up, here = socket.getaddrinfo, [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", tls.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more: here if host == HOST else look_up(host, *more))
        ask(f"https://{HOST}", trust=trusting)
    assert (len(portal.asked), between.asked) == (1, [])


@each_client
def test_this_machine_is_asked_without_a_proxy(
    ask: Ask, setting: str, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    ask(portal.url)
    assert len(portal.asked) == 1


@each_client
def test_a_wrong_password_of_the_proxy_is_named_and_tried_once(
    ask: Ask, setting: str, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy({}, "it:right") as between:
        monkeypatch.setenv("HTTPS_PROXY", f"http://it:wrong-1@127.0.0.1:{between.port}")
        text = failed(ask, f"https://{HOST}", Denied)
    assert f"the proxy 127.0.0.1:{between.port} of HTTPS_PROXY did not accept user name and password (407)" in text
    assert "wrong-1" not in text
    assert len(between.asked) == 1


@each_client
def test_a_proxy_that_refused_its_password_is_left_alone_for_a_while(
    ask: Ask, setting: str, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several jobs ask each minute, and a directory locks a user after a few wrong passwords."""
    now = [1000.0]
    connections_of = connections.adapter
    monkeypatch.setattr(connections, "adapter", lambda *given: connections_of(*given, clock=lambda: now[0]))
    with proxy({}, "it:right") as between:
        monkeypatch.setenv("HTTPS_PROXY", f"http://it:wrong-1@127.0.0.1:{between.port}")
        again = asking(ask, f"https://{HOST}")
        for _ in range(5):
            with pytest.raises(Denied, match=r"did not accept user name and password \(407\)"):
                again()
        assert len(between.asked) == 1
        now[0] += 901
        with pytest.raises(Denied):
            again()
    assert len(between.asked) == 2


def asking(ask: Ask, url: str) -> Callable[[], object]:
    """The same client's request, again and again."""
    if ask is hubspot:
        return HubSpotClient(url, "pat-hidden", retry=TWICE, sleep=lambda _: None).labels
    client = C4CClient(url, Password.of("sync", "hidden"), retry=TWICE, sleep=lambda _: None)
    return lambda: client.metadata(["Lead"])


@each_client
def test_a_proxy_that_does_not_allow_the_host_is_named_with_it(
    ask: Ask, setting: str, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy({}) as between:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{between.port}")
        text = failed(ask, f"https://{HOST}")
    assert f"the proxy 127.0.0.1:{between.port} of https_proxy does not connect to {HOST} (403)" in text


@each_client
def test_a_dead_proxy_is_named(ask: Ask, setting: str, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = free_port()
    monkeypatch.setenv("HTTPS_PROXY", f"http://it:hidden@127.0.0.1:{dead}")
    text = failed(ask, f"https://{HOST}")
    assert f"the proxy 127.0.0.1:{dead} of HTTPS_PROXY: the connection was refused; check HTTPS_PROXY" in text
    assert "hidden" not in text


@each_client
@pytest.mark.parametrize("nonsense", ["http://", "telnet://proxy:1", "http://proxy:port"])
def test_a_proxy_that_is_no_address_is_named(
    nonsense: str, ask: Ask, setting: str, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", nonsense)
    assert "HTTPS_PROXY is not the address of a proxy; write it as http://host:port" in failed(ask, f"https://{HOST}")


# ---- the other side's certificate


@each_client
def test_an_authority_of_ones_own_is_believed_once_it_is_named(
    ask: Ask, setting: str, portal: Portal, authority: trustme.CA, trusting: Trust
) -> None:
    with front(server_context(authority, "127.0.0.1"), portal.server_port) as tls:
        url = f"https://127.0.0.1:{tls.port}"
        text = failed(ask, url)
        assert f"127.0.0.1:{tls.port}: its certificate is of an unknown authority" in text
        assert "name that authority's PEM file in SYNC_CA_BUNDLE" in text
        ask(url, trust=trusting)
    assert len(portal.asked) == 1


@each_client
@pytest.mark.parametrize("setting_of_store", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_what_administrators_know_is_believed_too(
    setting_of_store: str, ask: Ask, setting: str, portal: Portal, authority: trustme.CA, trusting: Trust
) -> None:
    env = Environment({setting_of_store: str(trusting.private)})
    with front(server_context(authority, "127.0.0.1"), portal.server_port) as tls:
        ask(f"https://127.0.0.1:{tls.port}", trust=trust(env))
    assert env.problems == []


@each_client
def test_a_certificate_for_another_name_is_named(
    ask: Ask, setting: str, portal: Portal, authority: trustme.CA, trusting: Trust
) -> None:
    with front(server_context(authority, HOST), portal.server_port) as tls:
        text = failed(ask, f"https://127.0.0.1:{tls.port}", trust=trusting)
    assert f"127.0.0.1:{tls.port}: its certificate is for another address; check {setting}" in text


@each_client
def test_an_expired_certificate_is_named(
    ask: Ask, setting: str, portal: Portal, authority: trustme.CA, trusting: Trust
) -> None:
    context = server_context(authority, "127.0.0.1")
    authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) - timedelta(days=1)).configure_cert(context)
    with front(context, portal.server_port) as tls:
        text = failed(ask, f"https://127.0.0.1:{tls.port}", trust=trusting)
    assert f"127.0.0.1:{tls.port}: its certificate has expired" in text


@each_client
def test_a_certificate_is_not_tried_again_at_once(
    ask: Ask, setting: str, portal: Portal, authority: trustme.CA
) -> None:
    naps: list[float] = []
    with front(server_context(authority, "127.0.0.1"), portal.server_port) as tls:
        failed(ask, f"https://127.0.0.1:{tls.port}", retry=RequestRetry(5, 1), sleep=naps.append)
    assert naps == []


def test_the_webhook_believes_the_same_authority(portal: Portal, authority: trustme.CA, trusting: Trust) -> None:
    notice = Notice("parked", "firing", "30 contacts are parked", "2026-11-30T12:00:00+00:00", "h")
    with front(server_context(authority, "127.0.0.1"), portal.server_port) as tls, logged() as lines:
        url = Secret(f"https://127.0.0.1:{tls.port}/T0/secret-1")
        assert not Webhook(url)(notice)
        assert Webhook(url, trust=trusting)(notice)
    [line] = lines
    assert line["event"] == "webhook_failed"
    assert f"127.0.0.1:{tls.port}: its certificate is of an unknown authority" in line["cause"]
    assert "secret-1" not in str(line)


# ---- our own certificate


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> Files:
    return client_files(authority.issue_cert("sync@company.example"), tmp_path)


@pytest.mark.parametrize("locked", [False, True], ids=["plain key", "key with passphrase"])
def test_the_tenant_knows_us_by_our_certificate(
    locked: bool, portal: Portal, authority: trustme.CA, trusting: Trust, files: Files
) -> None:
    shown = ClientCertificate(files.cert, files.locked if locked else files.key, Secret(PHRASE) if locked else None)
    with front(server_context(authority, "127.0.0.1", clients=authority), portal.server_port) as tls:
        c4c(f"https://127.0.0.1:{tls.port}", shown, trust=trusting)
    assert "authorization" not in portal.asked[0].headers


def test_a_certificate_that_the_tenant_does_not_accept_is_named(
    portal: Portal, authority: trustme.CA, trusting: Trust, tmp_path: Path
) -> None:
    strange = client_files(trustme.CA().issue_cert("sync@company.example"), tmp_path)
    with front(server_context(authority, "127.0.0.1", clients=authority), portal.server_port) as tls:
        url = f"https://127.0.0.1:{tls.port}"
        for identity in (ClientCertificate(strange.cert, strange.key), None):
            text = failed(c4c, url, identity=identity, trust=trusting)
            assert f"127.0.0.1:{tls.port}: " in text
            assert "client certificate" in text or "cut" in text
    assert portal.asked == []


def test_a_renewed_certificate_is_shown_without_a_restart(
    portal: Portal, authority: trustme.CA, trusting: Trust, files: Files, tmp_path: Path
) -> None:
    other = trustme.CA()
    with front(server_context(authority, "127.0.0.1", clients=other), portal.server_port) as tls:
        shown = ClientCertificate(files.cert, files.key)
        client = C4CClient(f"https://127.0.0.1:{tls.port}", shown, trust=trusting, retry=TWICE, sleep=lambda _: None)
        with pytest.raises(Unavailable):
            client.metadata(["Lead"])
        new = client_files(other.issue_cert("sync@company.example"), tmp_path, "new")
        new.cert.replace(files.cert)
        with pytest.raises(Unavailable):
            client.metadata(["Lead"])
        new.key.replace(files.key)
        client.metadata(["Lead"])


# ---- no connection


@each_client
def test_a_name_that_is_not_found_is_named(
    ask: Ask, setting: str, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert f"{HOST}: the name was not found; check {setting} and the name server (DNS)" in failed(
        ask, f"https://{HOST}"
    )


@each_client
def test_a_refused_connection_is_named(ask: Ask, setting: str, portal: Portal) -> None:
    port = free_port()
    text = failed(ask, f"http://127.0.0.1:{port}")
    assert f"127.0.0.1:{port}: the connection was refused; check {setting} and the firewall" in text


@each_client
def test_a_port_without_tls_is_named(ask: Ask, setting: str, portal: Portal) -> None:
    text = failed(ask, f"https://127.0.0.1:{portal.server_port}")
    assert f"there is no TLS behind this address and port; check {setting}" in text


@each_client
def test_an_answer_that_does_not_come_is_named(ask: Ask, setting: str, portal: Portal) -> None:
    silent = threading.Event()
    portal.next_answer = lambda: silent.wait(30) or Answer()  # type: ignore[method-assign]
    text = failed(ask, portal.url, timeout=0.2)
    silent.set()
    assert f"127.0.0.1:{portal.server_port}: no answer in time" in text


def test_the_words_hold_no_bodies_or_queries(portal: Portal) -> None:
    portal.script = [Answer(trouble="reset")]
    client = HubSpotClient(portal.url, "pat-hidden", retry=TWICE, sleep=lambda _: None)
    with pytest.raises(Unavailable) as raised:
        client.search("contacts", [], "hs_object_id", ["email"], after="ada@acme.example")
    assert "ada@acme.example" not in str(raised.value)
    assert json.dumps("ada") not in str(raised.value)
