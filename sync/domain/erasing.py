"""Keyed hashes of erased persons, and reasons that may be kept. Pure."""

import hashlib
import hmac
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Literal

from sync.domain.numbers import identifier
from sync.domain.rules import ADDITIONAL_EMAILS, MERGED_PROPERTY
from sync.domain.text import clean, holds_contact_data
from sync.domain.views import Properties

Kind = Literal["contact", "email"]

LONGEST_REASON = 200
"""Characters of a reason."""

SHORTEST_KEY = 32
"""Characters of the key. E-mail addresses can be guessed, so a short key could be found by trying."""

_NAMES = ("firstname", "lastname")
"""HubSpot's standard properties that name a person; a portal cannot rename them."""


def fingerprint(key: str, kind: Kind | Literal["key"], value: str) -> str:
    """The keyed hash (HMAC-SHA256, 64 hexadecimal digits) of an id or address. Without the key it tells nothing."""
    return hmac.new(key.encode(), f"{kind} {value}".encode(), hashlib.sha256).hexdigest()


def marks(key: str, contact_ids: Iterable[str], addresses: Iterable[str]) -> dict[str, Kind]:
    """The hashes of ids and e-mail addresses, each with its kind."""
    found: dict[str, Kind] = {fingerprint(key, "contact", i): "contact" for i in contact_ids}
    return found | {fingerprint(key, "email", normal): "email" for a in addresses if (normal := _address(a))}


def addresses_in(properties: Properties, email: str) -> list[str]:
    """The e-mail addresses of a contact. `email`: the property that the rules read the address from."""
    further = (properties.get(ADDITIONAL_EMAILS) or "").split(";")
    return [value for value in (properties.get(email), properties.get("email"), *further) if value and value.strip()]


def ids_in(contact_id: str, properties: Properties) -> list[str]:
    """The contact's id, and the ids that HubSpot merged into it: they stand for the same person."""
    merged = (identifier(old.strip()) for old in (properties.get(MERGED_PROPERTY) or "").split(";"))
    return [contact_id, *(old for old in merged if old)]


def _address(text: str) -> str:
    """One spelling for all spellings of an address: mail systems ignore case in practice."""
    return clean(text).strip().casefold()


def problem_of(reason: str, persons: Iterable[Mapping[str, str | None]]) -> str | None:
    """Why a reason cannot be kept, None if it can. `persons`: the properties of the person, by any of the ids."""
    if not reason or len(reason) > LONGEST_REASON:
        return f"--reason: found {len(reason)} characters, allowed: 1 to {LONGEST_REASON}"
    if holds_contact_data(reason):
        return f"--reason holds an e-mail address or a phone number; {_INSTEAD}"
    written = set(_words(reason))
    if any(word in written for person in persons for name in _NAMES for word in _words(person.get(name) or "")):
        return f"--reason holds a part of the person's name; {_INSTEAD}"
    return None


_INSTEAD = (
    "the certificate is kept after the person is gone, so name the request instead, such as 'request by letter, case "
    "4711'"
)


def _words(text: str) -> list[str]:
    """The words of two letters and more, without case and accents."""
    plain = unicodedata.normalize("NFKD", clean(text).casefold())
    letters = "".join(c if c.isalpha() else " " for c in plain if not unicodedata.combining(c))
    return [word for word in letters.split() if len(word) > 1]
