"""Whether two texts are the same apart from spelling: names, places, postal codes, tax numbers, codes. Pure.

Legal forms stay significant: `Muster GmbH` is not `Muster AG`, but `MUSTER G.m.b.H.` is `Muster GmbH`.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from sync.domain.text import clean

REMEMBERED = 2**15
"""Size of the cache of spellings: each company of a domain is compared with every other one, in each round anew."""


def same_name(one: str, other: str) -> bool:
    """Whether two names differ in case, accents, umlauts, blanks and punctuation only."""
    return bool(spellings(one) & spellings(other))


@lru_cache(REMEMBERED)
def spellings(text: str) -> frozenset[str]:
    """The spellings of a name or place in plain letters and digits; empty if it has none.

    Umlauts are written out (`mueller`) and without dots (`muller`): `Müller` equals both, but `Bauer` does not equal
    `Baur`.
    """
    plain = unicodedata.normalize("NFKC", clean(text).translate(_REGISTERED)).casefold()
    joined = _AND.sub("&", plain)
    if joined.isascii():
        return frozenset(filter(None, (_NO_LETTERS.sub("", joined),)))
    return frozenset(filter(None, (_bare(joined.translate(_WRITTEN_OUT)), _bare(joined.translate(_PLAIN)))))


def _bare(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return _NO_LETTERS.sub("", unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed)))


_NO_LETTERS = re.compile(r"[^\w&]|_")
_REGISTERED = dict.fromkeys(map(ord, "®™©℠"))
_AND = re.compile(r"(?<!\w)(?:und|and|et|og|och|u\.)(?!\w)|\+")
_ACCENTS = re.compile("(?<=[a-zα-ω])[\u0300-\u036f]+")
"""Marks are removed from Latin and Greek letters only: in other scripts they make a different letter."""

_PLAIN = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ё": "е"})
_WRITTEN_OUT = _PLAIN | str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})


@lru_cache(REMEMBERED)
def code(text: str) -> str:
    """One spelling for options, labels and codes that differ only in case, width and blanks.

    Punctuation counts: `C` is not `C++`.
    """
    return " ".join(unicodedata.normalize("NFKC", clean(text)).casefold().split())


def among(text: str | None, known: Iterable[str]) -> bool:
    """Whether a code, option or label is one of those known, by `code`."""
    return text is not None and code(text) in map(code, known)


def truth(text: str) -> bool | None:
    """True or false in the spellings of imports, forms and middleware; None for anything else."""
    word = code(text)
    return True if word in _TRUE else False if word in _FALSE else None


_TRUE = frozenset({
    "true", "t", "yes", "y", "1", "1.0", "on", "x", "checked", "ja", "j", "wahr", "oui", "vrai", "si", "sí", "sì",
    "vero", "tak", "sim",
})  # fmt: skip
_FALSE = frozenset({
    "false", "f", "no", "n", "0", "0.0", "off", "unchecked", "nein", "falsch", "non", "faux", "falso", "nee", "nej",
    "nie", "não",
})  # fmt: skip


def tax_number(text: str) -> str:
    """A tax number in capitals, without separators: `DE 123.456-789` becomes `DE123456789`."""
    return re.sub(r"[\s./:_‐-―−-]", "", code(text)).upper()


@lru_cache(REMEMBERED)
def postal_code(text: str, country_code: str | None = None) -> str:
    """A postal code in capitals, without blanks, hyphens and the country in front (`D-20095` → `20095`).

    `country_code`: the country's ISO code, by whose rules leading zeros that a spreadsheet removed are restored.
    """
    written = re.sub(r"[\s.,_]", "", re.sub(r"[‐-―−]", "-", code(text))).upper()
    bare = re.sub(_in_front(country_code), "", written).replace("-", "")
    length = _DIGITS.get(country_code or "", 0)
    return bare.zfill(length) if bare.isdecimal() and len(bare) == length - 1 else bare


def _in_front(country_code: str | None) -> str:
    """The country prefix of a postal code: any letters if the country's codes are numbers, else its own ISO code and a
    hyphen.
    """
    if country_code is None or country_code in DIGITS_ONLY:
        return r"^[A-Z]{1,3}-?(?=\d)" if country_code else r"^[A-Z]{1,3}-(?=\d)"
    return rf"^{re.escape(country_code)}-"


_DIGITS = {
    **dict.fromkeys(("DE", "ES", "FI", "FR", "HR", "IT", "EE", "GR", "SE", "CZ", "SK", "TR", "UA", "RS", "US"), 5),
    **dict.fromkeys(("RO", "RU"), 6),
}
"""Digits of postal codes that may begin with a zero."""

DIGITS_ONLY = frozenset({
    "AT", "AU", "BE", "BG", "CH", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IS", "IT", "LI", "LU",
    "NO", "PL", "PT", "RO", "RS", "RU", "SE", "SI", "SK", "TR", "UA", "US", "NL",
})  # fmt: skip
"""Countries whose postal codes begin with a digit. Elsewhere one or two letters may come first; in Malta three."""


def postal_parts(bare: str, country_code: str | None = None) -> tuple[str, ...]:
    """The groups of a postal code, which people separate with a blank or hyphen."""
    at = _SET_APART.get(country_code or "", 0)
    return (bare[:at], bare[at:]) if at and len(bare) > abs(at) else (bare,)


_SET_APART = {"CA": 3, "CZ": 3, "GB": -3, "GR": 3, "IE": 3, "NL": 4, "PL": 2, "PT": 4, "SE": 3, "SK": 3, "US": 5}
