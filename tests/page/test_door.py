"""Who may look: names in `Host`, tokens, users of a proxy; and what every answer forbids the browser."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from page_world import CLOSED, NAMELESS, TOKEN, Browser, browsing
from people_world import PEOPLE
from rules_world import World
from starlette.datastructures import Headers

from sync.environment import PageSettings
from sync.page import door
from sync.page.door import Patience
from sync.page.site import application

# ---- Host


@pytest.mark.parametrize("host", ["localhost", "localhost:99", "127.0.0.1:1", "127.0.0.2", "[::1]:8321", "LOCALHOST."])
def test_this_machine_is_known(nameless: Browser, host: str) -> None:
    assert nameless.get(headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.1", "", "127.0.0.1.evil.example:1"])
def test_foreign_names_are_refused_and_see_nothing(nameless: Browser, host: str) -> None:
    answer = nameless.get("contact/101", headers={"Host": host})
    assert answer.status_code in (400, 421)
    assert "101" not in answer.text


def test_names_and_addresses_of_an_open_page() -> None:
    settings = replace(CLOSED, host="0.0.0.0", hosts=frozenset({"page.example"}))
    known = ("page.example:8321", "10.0.0.1", "[fe80::1]:8321", "localhost")
    assert all(door.known_host(settings, host) for host in known)
    assert not door.known_host(settings, "other.example")


# ---- headers


@pytest.mark.parametrize("path", ["", "page.css", "nothing", "contact/101"])
def test_every_answer_forbids_scripts_and_foreign_resources(nameless: Browser, path: str) -> None:
    headers = nameless.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert set(policy.values()) == {"'none'", "'self'"}
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


def test_refusals_have_the_same_headers(closed: Browser) -> None:
    assert closed.get().headers["content-security-policy"].startswith("default-src 'none'")


def test_nothing_is_changed_by_any_method(nameless: Browser) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        for path in ("", "parked", "contact/101", "runs"):
            assert requests.request(method, nameless.address + path, timeout=60).status_code == 405


# ---- the token


@pytest.fixture(scope="module")
def closed(world: World) -> Iterator[Browser]:
    with browsing(world, CLOSED) as browser:
        yield browser


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()}


def test_without_the_token_nothing_is_shown(closed: Browser) -> None:
    for path in ("", "contact/101", "page.css", "runs"):
        answer = closed.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert not any(contact in answer.text for contact in PEOPLE)


def test_the_token_opens_the_page_as_password_and_as_bearer(closed: Browser) -> None:
    assert closed.get(headers=basic(TOKEN)).status_code == 200
    assert closed.get(headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


class Pauses:
    """A clock that only notes how long somebody would have waited."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


def try_token(patience: Patience, token: str, address: str = "10.0.0.1") -> bool:
    return asyncio.run(patience.fits(address, lambda: door.same(token, TOKEN)))


def test_wrong_tokens_are_slowed_down_more_and_more() -> None:
    pauses = Pauses()
    patience = Patience(pauses)
    assert not any(try_token(patience, wrong) for wrong in ("a", "", TOKEN[:-1], "ä\ud800", "b", "c", "d", "e"))
    assert pauses.slept == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert try_token(patience, TOKEN)
    assert not try_token(patience, "f")
    assert pauses.slept[-1] == 0.5, "the right token ends the suspicion"


def test_another_address_does_not_wait_for_the_guesses_of_one() -> None:
    pauses = Pauses()
    patience = Patience(pauses)
    for _ in range(4):
        try_token(patience, "wrong", "10.0.0.1")
    try_token(patience, "wrong", "10.0.0.2")
    assert pauses.slept[-1] == 0.5
    for n in range(4):
        try_token(patience, "wrong", f"2001:db8::{n}")
    assert pauses.slept[-1] == 4, "the addresses of one network of IPv6 are one"


def test_guesses_of_one_address_wait_for_each_other() -> None:
    """Many guesses at once would otherwise wait together, as long as one."""
    running: list[int] = [0, 0]

    async def sleep(seconds: float) -> None:
        running[0] += 1
        running[1] = max(running)
        await asyncio.sleep(0)
        running[0] -= 1

    async def at_once() -> None:
        patience = Patience(sleep)
        await asyncio.gather(*(patience.fits("10.0.0.1", lambda: False) for _ in range(20)))

    asyncio.run(at_once())
    assert running[1] == 1


def ask(settings: PageSettings, patience: Patience, headers: dict[str, str], client: str = "10.0.0.9") -> int:
    """The status of an answer to a request of this client, without a socket."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    given = [(name.lower().encode(), value.encode()) for name, value in {"Host": "localhost", **headers}.items()]
    scope = {"type": "http", "method": "GET", "path": "/page.css", "headers": given, "client": (client, 1)}
    scope |= {
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "server": ("localhost", 80),
        "http_version": "1.1",
    }
    state: Any = None
    asyncio.run(application(state, settings, lambda: None, patience)(scope, receive, send))  # type: ignore[arg-type,return-value]
    return int(sent[0]["status"])


def test_a_wrong_token_is_refused_after_its_pause() -> None:
    pauses = Pauses()
    assert ask(CLOSED, Patience(pauses), basic("wrong")) == 401
    assert pauses.slept == [0.5]
    assert ask(CLOSED, Patience(pauses), {"Authorization": "Basic %%%"}) == 401
    assert ask(CLOSED, Patience(pauses), {}) == 401
    assert len(pauses.slept) == 2, "who gives no token has not guessed"


# ---- a proxy that signs people in

PROXIED = replace(NAMELESS, host="0.0.0.0", proxies=(ipaddress.ip_network("10.0.0.0/24"),))


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        ("10.0.0.9", {"X-Forwarded-User": "anna"}, 200),
        ("10.0.0.9", {"X-Forwarded-User": " "}, 403),
        ("10.0.0.9", {}, 403),
        ("10.0.1.9", {"X-Forwarded-User": "anna"}, 403),
        ("127.0.0.1", {}, 403),
    ],
)
def test_only_listed_proxies_sign_people_in(client: str, headers: dict[str, str], status: int) -> None:
    assert ask(PROXIED, Patience(Pauses()), headers, client) == status


def test_the_header_of_another_proxy() -> None:
    settings = replace(PROXIED, user_header="Remote-User")
    assert ask(settings, Patience(Pauses()), {"Remote-User": "anna"}) == 200
    assert ask(settings, Patience(Pauses()), {"X-Forwarded-User": "anna"}) == 403


def test_beside_a_proxy_the_token_still_opens() -> None:
    settings = replace(PROXIED, token=CLOSED.token)
    assert ask(settings, Patience(Pauses()), basic(TOKEN), "192.0.2.1") == 200
    assert ask(settings, Patience(Pauses()), {"X-Forwarded-User": "anna"}, "192.0.2.1") == 401


def test_tokens_are_read_from_both_schemes() -> None:
    assert door.given_token(Headers({"authorization": "bearer abc"})) == "abc"
    assert door.given_token(Headers(basic("a:b"))) == "a:b"
    assert door.given_token(Headers({"authorization": "Negotiate abc"})) is None
