"""HTTP, URIs and JSON to the letter: each rule refuses its violation, and the request beside it passes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from strict_requests import c4c, c4c_rules, hubspot, hubspot_rules, with_header

from sandbox.strict.http.head import request_head
from sandbox.strict.http.message import Message
from sandbox.strict.http.wire import Watch
from sandbox.strict.violations import Violated

LEADS = "LeadCollection?$top=1"
GET = c4c("GET", LEADS)


def targeted(target: str) -> Message:
    return replace(GET, target=target)


def lead(body: bytes) -> Message:
    return c4c("POST", "LeadCollection", body)


@pytest.mark.parametrize(
    "message",
    [
        GET,
        c4c("GET", ""),
        c4c("POST", "LeadCollection", {"Name": "Grün 🙂 \u2028 tab\t"}),
        c4c("GET", "LeadCollection?$filter=Name%20eq%20'O''Neil%2B%26'"),
        c4c("GET", LEADS, user_agent="a/1 (comment; x) b/2.0", accept_encoding="gzip;q=0.5, identity, *;q=0"),
        c4c("POST", "LeadCollection", {"Name": "A"}, content_type="application/json; charset=utf-8"),
        with_header(GET, "cookie", "a=1; b=xyz=="),
    ],
)
def test_a_request_that_breaks_nothing_passes(message: Message) -> None:
    assert c4c_rules(message) == []


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        (c4c("GET", LEADS, host="other:80"), "host"),
        (c4c("GET", LEADS, host=None), "host"),
        (with_header(GET, "host", "127.0.0.1:8000"), "header-twice"),
        (c4c("GET", LEADS, user_agent=None), "user-agent"),
        (c4c("GET", LEADS, user_agent="client; 1.0"), "user-agent"),
        (c4c("GET", LEADS, accept_encoding="gzip,,br"), "empty-item"),
        (c4c("GET", LEADS, accept_encoding="gzip;q=2"), "weight"),
        (c4c("GET", LEADS, accept_encoding="g zip"), "accept-encoding"),
        (c4c("GET", LEADS, accept="json"), "media-type"),
        (c4c("GET", LEADS, accept="application/json; q"), "parameter"),
        (c4c("GET", LEADS, cookie="a b=c"), "cookie"),
        (c4c("GET", LEADS, cookie="a=1;b=2"), "cookie"),
        (c4c("GET", LEADS, cookie="a=1; a=2"), "cookie-twice"),
        (c4c("GET", LEADS, content_length="0"), "content-of-get"),
        (c4c("GET", LEADS, {"Name": "x"}, content_length=None), "content-of-get"),
        (c4c("GET", LEADS, transfer_encoding="chunked"), "length-required"),
        (c4c("POST", "LeadCollection", {"Name": "A"}, x_http_method="MERGE"), "tunnelled-method"),
        (c4c("POST", "LeadCollection", {"Name": "A"}, content_length="3"), "content-length"),
        (c4c("POST", "LeadCollection", {"Name": "A"}, content_length="+13"), "content-length"),
        (c4c("POST", "LeadCollection", {"Name": "A"}, content_length=None), "content-length"),
        (c4c("POST", "LeadCollection", {"Name": "A"}, content_type="text/plain"), "content-type"),
        (c4c("POST", "LeadCollection", {"Name": "A"}, content_type="application/json; charset=latin1"), "json-charset"),
        (c4c("POST", "LeadCollection", {"Name": "A"}, content_type="application/json; a=1; A=2"), "parameter-twice"),
    ],
)
def test_headers(message: Message, rule: str) -> None:
    assert c4c_rules(message) == [rule]


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("$filter=Name eq 'x'", "query-character"),
        ('$filter=Name%20eq%20"x"', "query-character"),
        ("$filter=Name%20eq%20'ä'", "query-character"),
        ("$filter=Name+eq+'x'", "plus"),
        ("$filter=Name%20eq%20'%2'", "percent"),
        ("$filter=Name%20eq%20'%2b'", "percent-case"),
        ("$filter=Name%20eq%20'%41'", "percent-unreserved"),
        ("$filter=Name%20eq%20'%E4'", "percent-utf-8"),
        ("$filter=Name%20eq%20'%00'", "control-character"),
        ("$top", "query-pair"),
        ("$top=1&", "query-pair"),
        ("=1", "query-pair"),
    ],
)
def test_percent_encoding(query: str, rule: str) -> None:
    assert rule in c4c_rules(c4c("GET", f"LeadCollection?{query}"))


@pytest.mark.parametrize(
    ("target", "rule"),
    [
        ("http://127.0.0.1:8000/sap/c4c/odata/v1/c4codataapi/", "origin-form"),
        ("/sap/c4c/odata/v1/c4codataapi/Lead Collection", "path-character"),
        ("/sap/c4c/odata/v1/c4codataapi/../c4codataapi/", "dot-segment"),
        ("/sap/c4c/odata/v1/c4codataapi", "service-root"),
    ],
)
def test_targets(target: str, rule: str) -> None:
    assert rule in c4c_rules(targeted(target))


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b'{"Name": "\xe4"}', "json-utf-8"),
        (b'\xef\xbb\xbf{"Name": "A"}', "json-bom"),
        (b'{"Name": "A"', "json"),
        (b'{"Name": "a\tb"}', "json"),
        (b"[" * 100_000, "json"),
        (b'{"Name": NaN}', "json-number"),
        (b'{"Name": "A", "Name": "B"}', "json-member-twice"),
        (b'{"Name": "\\ud83d"}', "json-surrogate"),
    ],
)
def test_json(body: bytes, rule: str) -> None:
    assert c4c_rules(lead(body)) == [rule]


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (b"GET  / HTTP/1.1\r\n\r\n", "request-line"),
        (b"GET / HTTP/1.0\r\n\r\n", "request-line"),
        (b"GET /a b HTTP/1.1\r\n\r\n", "request-line"),
        (b"\r\nGET / HTTP/1.1\r\n\r\n", "request-line"),
        (b"GET / HTTP/1.1\nHost: a\n\n", "line-end"),
        (b"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "line-end"),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "header-name"),
        (b"GET / HTTP/1.1\r\nHost\r\n\r\n", "header-name"),
        (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "folded-line"),
        (b"GET / HTTP/1.1\r\nA: \xc3\xa4\r\n\r\n", "header-value"),
        (b"GET / HTTP/1.1\r\nA: b\x00\r\n\r\n", "header-value"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "content-length"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "content-length"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "content-length"),
    ],
)
def test_the_octets_of_a_head(raw: bytes, rule: str) -> None:
    with pytest.raises(Violated) as caught:
        Watch().feed(raw)
    assert caught.value.rule == rule


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_heads_and_bodies_are_told_apart_however_they_arrive(size: int) -> None:
    """The body holds what no head may hold."""
    stream = b"POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\n\n\r\n\nGET /b HTTP/1.1\r\n\r\n" * 2
    watch = Watch()
    for at in range(0, len(stream), size):
        watch.feed(stream[at : at + size])


def test_a_head_that_breaks_nothing_is_read() -> None:
    head = request_head(b"GET /a?b=c HTTP/1.1\r\nHost: x:1\r\nX-Empty:\r\n\r\n")
    assert head == ("GET", "/a?b=c", (("host", "x:1"), ("x-empty", "")))


def test_both_doors_keep_the_common_rules() -> None:
    message = hubspot("GET", "/crm/owners/2026-09", user_agent="client; 1.0", host="other")
    assert hubspot_rules(message) == ["host", "user-agent"]
