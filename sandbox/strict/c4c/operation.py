"""One OData operation, as a request of its own or as a part of a batch: headers, options and body by its resource."""

from __future__ import annotations

import re
from collections.abc import Callable

from sandbox.strict.c4c.entity_body import check_create, check_update
from sandbox.strict.c4c.options import check_options
from sandbox.strict.c4c.resource import Resource, check_method, resource
from sandbox.strict.http import fields, json_text, request
from sandbox.strict.http.message import Message
from sandbox.strict.http.target import pairs
from sandbox.strict.violations import Violated, collected

WRITES = ("POST", "PUT", "PATCH", "MERGE", "DELETE")
_C4C_TAG = re.compile(r"W/\"datetimeoffset'\d{4}-\d{2}-\d{2}T\d{2}%3A\d{2}%3A\d{2}\.\d{7}Z'\"")
_VERSION = re.compile(r"[12]\.0(?:;.*)?")


def check_operation(message: Message, path: str) -> tuple[Resource, list[Violated]]:
    """The resource and all violations; `path` is relative to the service root, still encoded."""
    found = resource(path)
    checks: list[Callable[[], object]] = [
        lambda: check_method(message.method, found),
        lambda: _check_language(message),
        lambda: _check_versions(message),
        lambda: _check_if_match(message),
        lambda: check_options(found, message.method, message.query),
    ]
    if found.kind not in ("batch", "unknown"):
        checks += [lambda: _check_answer(message, found), lambda: _check_body(message, found)]
    return found, collected(*checks)


def _check_language(message: Message) -> None:
    """One language, asked for in every request and every part: texts come in the user's language otherwise."""
    wanted = message.header("accept-language")
    if wanted is None:
        raise Violated("accept-language", "c4c.md 1.4 and 13", "no Accept-Language")
    if len(fields.languages(wanted)) != 1:
        raise Violated("accept-language", "c4c.md 13", f"{wanted!r} asks for several languages")


def _check_versions(message: Message) -> None:
    for name in ("dataserviceversion", "maxdataserviceversion"):
        version = message.header(name)
        if version is not None and not _VERSION.fullmatch(version):
            raise Violated("version", "OData v2 overview", f"{name} {version!r} is neither 1.0 nor 2.0")


def _check_if_match(message: Message) -> None:
    """A tag is copied from `__metadata.etag`: seven decimals and encoded colons, never rebuilt from the property."""
    wanted = message.header("if-match")
    if wanted is None:
        return
    if message.method not in ("PATCH", "DELETE"):
        raise Violated("if-match", "OData v2 operations 2", f"If-Match on {message.method}")
    tags = fields.entity_tags(wanted)
    if len(tags) != 1 or (tags[0] != "*" and not _C4C_TAG.fullmatch(tags[0])):
        raise Violated("if-match", "c4c.md 2", f"{wanted!r} is no ETag that C4C has given")


def _check_answer(message: Message, found: Resource) -> None:
    """JSON must be asked for: Atom comes otherwise, whatever the reader expects (c4c.md 1.4)."""
    if found.kind in ("metadata", "count"):
        wanted = "application/xml" if found.kind == "metadata" else "text/plain"
        request.check_accepts(message, wanted, named=False)
        return
    if found.kind == "root" or ("$format", "json") in pairs(message.query):
        return
    request.check_accepts(message, "application/json", named=True)
    accept = message.header("accept") or ""
    if "application/json" not in accept.lower():
        raise Violated("accept", "c4c.md 1.4", f"Accept {accept!r} brings Atom", 406)


def _check_body(message: Message, found: Resource) -> None:
    if message.method == "DELETE" and message.body:
        raise Violated("content-of-delete", "OData v2 operations 2.7", "DELETE carries a body")
    if message.method not in ("POST", "PATCH") or found.entity is None:
        return
    request.check_json_content(message)
    check = check_create if message.method == "POST" else check_update
    check(found.entity, json_text.parsed(message.body))
