"""Values of header fields by their grammars (RFC 9110): media types, lists with weights, languages, products, tags."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.strict.violations import Violated

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = r'"(?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*"'
_PARAMETER = re.compile(rf"[ \t]*;[ \t]*({_TOKEN})=({_TOKEN}|{_QUOTED})")
_MEDIA = re.compile(rf"({_TOKEN})/({_TOKEN})")
_WEIGHT = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?")
_RANGE = re.compile(r"\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_CODING = re.compile(_TOKEN)
_COMMENT = r"\([\t \x21-\x27\x2a-\x5b\x5d-\x7e]*\)"
_PRODUCTS = re.compile(rf"{_TOKEN}(?:/{_TOKEN})?(?: (?:{_TOKEN}(?:/{_TOKEN})?|{_COMMENT}))*")
_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')
_COOKIE = re.compile(rf"({_TOKEN})=((?:[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*)|(?:\"[^\"\\,; ]*\"))")


@dataclass(frozen=True)
class MediaType:
    """Type and subtype in lower case; parameter names in lower case, quotes removed from their values."""

    name: str
    parameters: dict[str, str]


def media_type(text: str) -> MediaType:
    match = _MEDIA.match(text)
    if not match:
        raise Violated("media-type", "RFC 9110 8.3.1", f"{text!r} is no media type")
    return MediaType(match[0].lower(), _parameters(text, match.end()))


def _parameters(text: str, at: int) -> dict[str, str]:
    found: dict[str, str] = {}
    while at < len(text):
        match = _PARAMETER.match(text, at)
        if not match:
            raise Violated("parameter", "RFC 9110 5.6.6", f"{text[at:]!r} is no parameter")
        name = match[1].lower()
        if name in found:
            raise Violated("parameter-twice", "RFC 9110 5.6.6", f"{name} is given twice")
        found[name] = re.sub(r"\\(.)", r"\1", match[2][1:-1]) if match[2].startswith('"') else match[2]
        at = match.end()
    return found


def accepted(accept: str, wanted: str) -> bool:
    """Does this Accept let the server answer with the media type `wanted`? The most specific range decides."""
    ranges = {one.name: _weight(one.parameters) for one in map(media_type, _list(accept))}
    for name in (wanted, wanted.partition("/")[0] + "/*", "*/*"):
        if name in ranges:
            return ranges[name] > 0
    return False


def languages(text: str) -> list[str]:
    """The language ranges of Accept-Language, without their weights."""
    found = []
    for item in _list(text):
        name, _, _ = item.partition(";")
        _weight(_parameters(item, len(name)))
        if not _RANGE.fullmatch(name.strip()):
            raise Violated("accept-language", "RFC 9110 12.5.4", f"{name!r} is no language range")
        found.append(name.strip())
    return found


def check_codings(text: str) -> None:
    for item in _list(text):
        name, _, _ = item.partition(";")
        _weight(_parameters(item, len(name)))
        if not _CODING.fullmatch(name.strip()):
            raise Violated("accept-encoding", "RFC 9110 12.5.3", f"{name!r} is no content coding")


def check_products(text: str) -> None:
    if not _PRODUCTS.fullmatch(text):
        raise Violated("user-agent", "RFC 9110 10.1.5", f"{text!r} is no list of products and comments")


def entity_tags(text: str) -> list[str]:
    """The tags of If-Match; `*` is a tag of its own here."""
    tags = ["*"] if text == "*" else _list(text)
    for tag in tags:
        if tag != "*" and not _ENTITY_TAG.fullmatch(tag):
            raise Violated("entity-tag", "RFC 9110 8.8.3", f"{tag!r} is no entity tag")
    return tags


def cookies(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in text.split("; "):
        match = _COOKIE.fullmatch(pair)
        if not match:
            raise Violated("cookie", "RFC 6265 4.2.1", f"{pair!r} is no cookie pair")
        if match[1] in found:
            raise Violated("cookie-twice", "RFC 6265 5.4", f"{match[1]} is sent twice")
        found[match[1]] = match[2]
    return found


def _list(text: str) -> list[str]:
    """The items between commas; a sender must not generate empty ones (RFC 9110 5.6.1)."""
    items = [item.strip(" \t") for item in re.split(r',(?=(?:[^"]*"[^"]*")*[^"]*$)', text)]
    if not all(items):
        raise Violated("empty-item", "RFC 9110 5.6.1", f"{text!r} holds an empty item")
    return items


def _weight(parameters: dict[str, str]) -> float:
    text = parameters.get("q", "1")
    if not _WEIGHT.fullmatch(text):
        raise Violated("weight", "RFC 9110 12.4.2", f"q={text} is no weight")
    return float(text)
