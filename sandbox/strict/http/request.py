"""What every HTTP request owes its server, whatever the service: target, Host, length, types, and who asks."""

from __future__ import annotations

from sandbox.strict.http import fields, target
from sandbox.strict.http.message import Message
from sandbox.strict.violations import Violated, collected

_BODILESS = ("GET", "HEAD")
_WITH_BODY = ("POST", "PUT", "PATCH")
_TUNNELS = ("x-http-method", "x-http-method-override", "x-method-override")


def check(message: Message, authority: str) -> list[Violated]:
    """All violations of the request around everything; `authority` is the server's host and port."""
    return collected(
        lambda: _check_target(message),
        lambda: _check_host(message, authority),
        lambda: _check_agent(message),
        lambda: _check_cookies(message),
        lambda: check_content(message),
    )


def _check_target(message: Message) -> None:
    if not message.path.startswith("/"):
        raise Violated("origin-form", "RFC 9112 3.2.1", f"{message.path!r} is no absolute path")
    target.check_characters(message.path, message.query)


def _check_host(message: Message, authority: str) -> None:
    if message.header("host") != authority:
        raise Violated("host", "RFC 9112 3.2", f"Host is {message.header('host')!r}, the server is {authority}")


def _check_cookies(message: Message) -> None:
    sent = message.header("cookie")
    if sent is not None:
        fields.cookies(sent)


def check_content(message: Message) -> None:
    """Body, length and type fit each other; inside a batch too."""
    if message.header("transfer-encoding") is not None:
        raise Violated("length-required", "RFC 9112 6.3", "the body comes without Content-Length", 411)
    for name in _TUNNELS:
        if message.header(name) is not None:
            raise Violated("tunnelled-method", "OData v2, c4c.md 2", f"{name} hides the method")
    if message.method in _BODILESS:
        return _check_bodiless(message)
    _check_length(message)
    return None


def _check_bodiless(message: Message) -> None:
    if message.body:
        raise Violated("content-of-get", "RFC 9110 9.3.1", f"{message.method} carries the body {message.body[:20]!r}")
    if message.header("content-length") is not None:
        raise Violated("content-of-get", "RFC 9110 8.6", f"{message.method} without a body carries Content-Length")


def _check_length(message: Message) -> None:
    length = message.header("content-length")
    if length is None and (message.body or message.method in _WITH_BODY):
        raise Violated("content-length", "RFC 9112 6.3", f"{message.method} without Content-Length has no body")
    if length is not None and not (length.isascii() and length.isdigit()):
        raise Violated("content-length", "RFC 9110 8.6", f"{length!r} is no length")
    if length is not None and int(length) != len(message.body):
        raise Violated("content-length", "RFC 9112 6.2", f"Content-Length {length}, but {len(message.body)} octets")
    if message.body and message.header("content-type") is None:
        raise Violated("content-type", "RFC 9110 8.3", "a body without Content-Type", 415)


def _check_agent(message: Message) -> None:
    agent = message.header("user-agent")
    if agent is None:
        raise Violated("user-agent", "RFC 9110 10.1.5", "no User-Agent")
    fields.check_products(agent)
    codings = message.header("accept-encoding")
    if codings:
        fields.check_codings(codings)


def check_json_content(message: Message) -> None:
    """`application/json`; RFC 8259 knows no charset, but its only one, UTF-8, may be named."""
    kind = fields.media_type(message.header("content-type") or "")
    if kind.name != "application/json":
        raise Violated("content-type", "RFC 9110 8.3", f"the body is {kind.name}, not application/json", 415)
    if {name: value.lower() for name, value in kind.parameters.items()} not in ({}, {"charset": "utf-8"}):
        raise Violated("json-charset", "RFC 8259 11", f"application/json with {kind.parameters}", 415)


def check_accepts(message: Message, wanted: str, *, named: bool) -> None:
    """The answer's type must be allowed by Accept; `named` asks for Accept to be there at all."""
    accept = message.header("accept")
    if accept is None and not named:
        return
    if accept is None or not fields.accepted(accept, wanted):
        raise Violated("accept", "RFC 9110 12.5.1", f"Accept {accept!r} does not name {wanted}", 406)
