"""The strict front over real connections: it refuses in the vendor's form, records, and passes on the rest."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from c4c_api import Api
from conftest import Sandbox
from running import TIMEOUT
from world.sandbox import announced

SEARCH = "/crm/objects/2026-09/contacts/search"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with announced("--strict") as started:
        yield Sandbox(started)


@pytest.fixture
def strict(running: Sandbox) -> Sandbox:
    running.reset()
    running.delete("/violations")
    return running


@pytest.fixture
def api(strict: Sandbox) -> Api:
    """A client that keeps the rules as far as its headers go."""
    api = Api(strict.c4c, strict.username, strict.password)
    api.session.headers.update({"Accept": "application/json", "Accept-Language": "en"})
    return api


def rules(sandbox: Sandbox) -> list[tuple[str, str]]:
    return [(one["system"], one["rule"]) for one in sandbox.get("/violations")]


def hubspot(sandbox: Sandbox, body: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {sandbox.token}", "Accept": "application/json"}
    return requests.post(sandbox.hubspot + SEARCH, json=body, headers=headers, timeout=TIMEOUT)


def raw(address: str, octets: bytes) -> bytes:
    """What the server says to octets that no HTTP client would send."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), 20) as connection:
        connection.sendall(octets)
        return connection.recv(65_536)


def test_what_breaks_no_rule_is_passed_on(strict: Sandbox, api: Api) -> None:
    api.create("LeadCollection", Name="A lead")
    assert [row["Name"] for row in api.rows("LeadCollection", top="5")] == ["A lead"]
    assert hubspot(strict, {"filterGroups": [], "limit": 1}).json()["total"] == 0
    assert rules(strict) == []
    assert strict.get("/requests")["c4c"]["total"] == 3


def test_a_violation_is_refused_in_the_vendors_form_and_never_reaches_the_store(strict: Sandbox, api: Api) -> None:
    answer = api.send("POST", "LeadCollection", {"Name": "A lead", "NoSuchField": 1})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "STRICT/unknown-property"
    refused = hubspot(strict, {"filterGroups": [], "limit": 201})
    assert refused.status_code == 400
    assert refused.json()["category"] == "VALIDATION_ERROR"
    assert rules(strict) == [("c4c", "unknown-property"), ("hubspot", "schema")]
    assert strict.get("/truth", system="c4c", entities="Lead")["c4c"]["Lead"] == []
    assert strict.get("/requests")["hubspot"]["total"] == 0


def test_each_violation_says_where_it_is_written(strict: Sandbox, api: Api) -> None:
    api.get("LeadCollection", top="x")
    assert strict.get("/violations") == [
        {
            "system": "c4c",
            "rule": "option-value",
            "source": "OData v2 URI conventions 4",
            "text": "$top='x'",
            "request": "GET /sap/c4c/odata/v1/c4codataapi/LeadCollection",
        }
    ]


def test_the_standards_own_status_codes(strict: Sandbox, api: Api) -> None:
    answer = api.send("PUT", "LeadCollection('X')", {"Name": "A"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PATCH, DELETE")
    assert api.send("POST", "LeadCollection", "Name=A", Content_Type="text/plain").status_code == 415
    assert api.send("POST", "LeadCollection", {"Name": "A"}, Accept="text/html").status_code == 406
    assert api.get("LeadCollection", filter=f"Name eq '{'x' * 9000}'").status_code == 414


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        (b"GET / HTTP/1.1\nHost: a\n\n", "line-end"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \xc3\xa4\r\n\r\n", "header-value"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "folded-line"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "content-length"),
    ],
)
def test_octets_that_a_lenient_reader_would_take(strict: Sandbox, octets: bytes, rule: str) -> None:
    assert raw(strict.c4c, octets).startswith(b"HTTP/1.1 400 ")
    assert raw(strict.hubspot, octets).startswith(b"HTTP/1.1 400 ")
    assert rules(strict) == [("c4c", rule), ("hubspot", rule)]


def test_faults_strike_behind_the_front(strict: Sandbox, api: Api) -> None:
    api.fetch_token()
    strict.post("/faults", {"system": "c4c", "action": "cut_after", "method": "POST"})
    with pytest.raises(requests.ConnectionError):
        api.send("POST", "LeadCollection", {"Name": "A lead"})
    assert len(api.rows("LeadCollection")) == 1
    assert rules(strict) == []


def test_a_token_without_its_cookies_is_a_violation_and_an_unknown_one_is_not(strict: Sandbox, api: Api) -> None:
    api.fetch_token()
    api.session.cookies.clear()
    assert api.send("POST", "LeadCollection", {"Name": "A"}).status_code == 403
    assert rules(strict) == [("c4c", "csrf-cookies")]
    api.token = "dW5rbm93bg=="
    assert api.send("POST", "LeadCollection", {"Name": "A"}).status_code == 403
    assert len(rules(strict)) == 1


def test_the_list_outlives_a_reset_and_is_cleared_by_hand(strict: Sandbox, api: Api) -> None:
    api.get("LeadCollection", top="x")
    strict.reset()
    assert len(rules(strict)) == 1
    assert strict.delete("/violations") == []
    assert rules(strict) == []
