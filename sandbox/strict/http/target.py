"""Request targets by RFC 3986: which characters may stand where, and what a percent sign means."""

from __future__ import annotations

import re

from sandbox.strict.violations import Violated

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*")
_QUERY = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/?%]*")
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})?")
# What XML 1.0 cannot show can be no value of a service whose first format is Atom, and is no part of any name.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def check_characters(path: str, query: str) -> None:
    """Refuses a character that had to be percent-encoded, and segments that a URI's reader would remove."""
    if not _PATH.fullmatch(path):
        raise Violated("path-character", "RFC 3986 3.3", f"{path!r} holds a character that must be percent-encoded")
    if not _QUERY.fullmatch(query):
        raise Violated("query-character", "RFC 3986 3.4", f"{query!r} holds a character that must be percent-encoded")
    if {".", ".."} & set(path.split("/")):
        raise Violated("dot-segment", "RFC 3986 3.3", f"{path!r} holds a dot segment")


def decoded(text: str) -> str:
    """The text behind the percent-encoding. `+` is refused: it is a plus in a URI and a blank in a form."""
    if "+" in text:
        raise Violated("plus", "RFC 3986 2.2, KBA 2745638", f"{text!r} holds a plus, which must be sent as %2B")
    for match in _PERCENT.finditer(text):
        _check_triplet(match)
    try:
        plain = _octets(text).decode("utf-8")
    except UnicodeDecodeError:
        raise Violated("percent-utf-8", "RFC 3986 2.5", f"{text!r} is not UTF-8 behind its percent signs") from None
    if _CONTROL.search(plain):
        raise Violated("control-character", "RFC 3986 7.3", f"{text!r} hides a control character")
    return plain


def pairs(query: str) -> list[tuple[str, str]]:
    """Names and values of a query, decoded, in their order."""
    found = []
    for part in query.split("&") if query else []:
        name, equals, value = part.partition("=")
        if not name or not equals:
            raise Violated("query-pair", "RFC 3986 3.4", f"{part!r} is not name=value")
        found.append((decoded(name), decoded(value)))
    return found


def _check_triplet(match: re.Match[str]) -> None:
    digits = match[1]
    if digits is None:
        raise Violated("percent", "RFC 3986 2.1", f"a percent sign without two digits in {match.string!r}")
    if digits != digits.upper():
        raise Violated("percent-case", "RFC 3986 2.1", f"%{digits} must be written in upper case")
    if int(digits, 16) in _UNRESERVED:
        raise Violated("percent-unreserved", "RFC 3986 2.3", f"%{digits} stands for a character that needs no encoding")


def _octets(text: str) -> bytes:
    return re.sub(rb"%([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), text.encode("latin-1"))
