"""The door before C4C: HTTP, then who asks and with which token, then the operation or the batch."""

from __future__ import annotations

import base64
import binascii
import re

from sandbox.c4c import ROOT
from sandbox.c4c.store import C4CStore
from sandbox.strict.c4c.batch import check_batch
from sandbox.strict.c4c.operation import WRITES, check_operation
from sandbox.strict.http import fields, request
from sandbox.strict.http.message import Message
from sandbox.strict.violations import Violated, collected

_BASIC = re.compile(r"Basic ([A-Za-z0-9+/]+={0,2})", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def check(message: Message, authority: str, store: C4CStore) -> list[Violated]:
    """All violations of one request; none means that C4C itself may judge it."""
    outside = request.check(message, authority)
    outside += collected(lambda: _check_length(message, store), lambda: _check_authorization(message))
    return outside + _check_inside(message, store)


def _check_inside(message: Message, store: C4CStore) -> list[Violated]:
    try:
        path = _below_root(message)
        found, violations = check_operation(message, path)
    except Violated as violated:
        return [violated]
    violations += collected(lambda: _check_token(message, path, store))
    return violations + (check_batch(message) if found.kind == "batch" and message.method == "POST" else [])


def _below_root(message: Message) -> str:
    if not message.path.startswith(ROOT + "/"):
        raise Violated("service-root", "c4c.md 1.1", f"{message.path} is not below {ROOT}/")
    return message.path.removeprefix(ROOT + "/")


def _check_length(message: Message, store: C4CStore) -> None:
    if len(message.target) > store.settings.url_limit:
        raise Violated("target-length", "RFC 9110 15.5.15", f"a target of {len(message.target)} characters", 414)


def _check_authorization(message: Message) -> None:
    """The form only: whether user and password are right is for C4C to say."""
    if message.header("x-client-cert") is not None:
        return
    given = message.header("authorization")
    if given is None:
        raise Violated("authorization", "c4c.md 1.2", "no Authorization", 401)
    match = _BASIC.fullmatch(given)
    if not match or ":" not in _credentials(match[1]):
        raise Violated("authorization", "RFC 7617 2", "Authorization is not Basic with user:password")


def _credentials(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _check_token(message: Message, path: str, store: C4CStore) -> None:
    """A token is fetched from the service root, and sent with all cookies that came with it and no others."""
    token = message.header("x-csrf-token")
    if token is None:
        return
    if token.lower() == "fetch":
        if message.method not in ("GET", "HEAD") or path:
            raise Violated("csrf-fetch", "c4c.md 1.3", "a token is fetched by a GET of the service root")
        return
    if not _TOKEN.fullmatch(token):
        raise Violated("csrf-token", "c4c.md 1.3", "x-csrf-token holds no token that C4C could have given")
    if message.method in WRITES:
        _check_cookies(message, store.csrf.cookies_of(token))


def _check_cookies(message: Message, wanted: dict[str, str] | None) -> None:
    """A token that is not known (any more) is answered by C4C: the client fetches another one."""
    if wanted is None:
        return
    sent = fields.cookies(message.header("cookie") or "none=none")
    if any(sent.get(name) != value for name, value in wanted.items()):
        raise Violated(
            "csrf-cookies", "KBA 3048103, KBA 3339155", "the token comes without all cookies set with it", 403
        )
