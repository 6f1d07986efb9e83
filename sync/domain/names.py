"""Names of people, and the words by which people and companies are found. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping

from sync.domain.alike import spellings
from sync.domain.text import EMAIL, clean
from sync.domain.views import Properties

_NAMES: Mapping[str, tuple[str, ...]] = {
    "contacts": ("firstname", "lastname", "company"),
    "companies": ("name",),
}
"""By kind of object, the properties whose words it is found by."""

_ADDRESSES = ("domain", "website")
_LONGEST, _MOST = 40, 24
"""Characters of a word and words of an object that are kept. A name may hold 64 kB; nobody searches for all of it."""

_SEPARATORS = re.compile(r"[\s;,]+")
_WORD = re.compile(r"[^\W_]+")
_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*:[/\\]*)?(?:www\.)?([^\s/?#:\\]+\.[^\s/?#:\\]+)")


def full_name(properties: Properties) -> str | None:
    """First and last name as they are in HubSpot; None if both are empty."""
    parts = (clean(properties.get(name) or "").strip() for name in ("firstname", "lastname"))
    return " ".join(part for part in parts if part) or None


def index_words(kind: str, properties: Properties) -> frozenset[str]:
    """The words by which a contact or company is found: those of its names, its e-mail addresses, its web domain."""
    found: dict[str, None] = {}
    for word in _all_words(kind, properties):
        if len(found) == _MOST:
            break
        found[word] = None
    return frozenset(found)


def _all_words(kind: str, properties: Properties) -> Iterator[str]:
    if kind == "contacts":
        # Whatever property the rules read addresses from: a value that is nothing but addresses.
        for value in properties.values():
            if value and "@" in value:
                yield from (part.casefold()[:_LONGEST] for part in _SEPARATORS.split(value) if EMAIL.fullmatch(part))
    else:
        yield from (host for name in _ADDRESSES if (host := web_host(properties.get(name) or "")))
    for name in _NAMES[kind]:
        for word in _words(properties.get(name) or ""):
            yield from word


def _words(text: str) -> Iterator[Collection[str]]:
    """The words of a text, each in the spellings under which it is kept."""
    for word in _WORD.findall(clean(text[: _MOST * _LONGEST])):
        # The mirror writes each name that comes in, and most need no look at their spelling.
        yield (word.lower()[:_LONGEST],) if word.isascii() else [found[:_LONGEST] for found in spellings(word)]


def web_host(text: str) -> str | None:
    """The host of a web address in lower case, without `www.`; None if the text is no such address."""
    match = _HOST.match(text.strip().casefold())
    return match[1].strip(".")[:_LONGEST] if match and "@" not in match[1] else None


def search_words(text: str) -> list[frozenset[str]]:
    """The words of a search, which must all be met, each in its spellings. An address or a domain is one word."""
    found: list[frozenset[str]] = []
    for part in text.split()[:_MOST]:
        if "@" in part:
            found.append(frozenset({part.casefold()[:_LONGEST]}))
        elif host := web_host(part):
            found.append(frozenset({host}))
        else:
            found += [frozenset(word) for word in _words(part) if word]
    return found
