"""How people write names, domains, countries, postal codes and e-mail addresses: by what is meant, each with spellings.

The one source of truth of the random test about who is who: what is meant is known because it was written from here.
Nothing is imported from the product.
"""

from __future__ import annotations

Spellings = dict[str, tuple[str, ...]]

NAMES: Spellings = {
    "Müller Bau GmbH": ("Müller Bau GmbH", "MUELLER BAU G.m.b.H.", "Mu\u0308ller  Bau\u200b GmbH", "müller-bau gmbh"),
    "Müller Bau AG": ("Müller Bau AG", "Mueller Bau A.G.", "MÜLLER BAU AG"),
    "Müller Bau Süd GmbH": ("Müller Bau Süd GmbH", "Mueller Bau Sued GmbH", "Müller\xa0Bau Süd Gmbh"),
    "Meyer & Söhne KG": ("Meyer & Söhne KG", "MEYER UND SOEHNE K.G.", "Meyer + Söhne KG"),
    "Ærø Skibe ApS": ("Ærø Skibe ApS", "AEROE SKIBE APS", "Aeroe Skibe ApS"),
}
DOMAINS: Spellings = {
    "müller.example": (
        "müller.example",
        "www.MÜLLER.example",
        "https://www.müller.example/de/bau",
        "xn--mller-kva.example",
        "http://xn--mller-kva.example/",
    ),
    "meyer.example": ("meyer.example", "WWW.Meyer.Example", "http://meyer.example/impressum?x=1"),
    "skibe.example": ("skibe.example", "https://skibe.example/"),
}
SHARED = (
    "gmail.com",
    "web.de",
    "https://www.facebook.com/firma",
    "https://de.linkedin.com/company/firma",
    "ebay.de/str/firma",
    "www.instagram.com/firma",
)
"""Domains of thousands. They say nothing, with or without a path."""

COUNTRIES: Spellings = {
    "DE": ("Germany", "Deutschland", "DE", "Deutschland (DE)", "ALLEMAGNE", "Bundesrepublik Deutschland", "de"),
    "AT": ("Austria", "Österreich", "Oesterreich", "AT"),
    "GB": ("U.K.", "The United Kingdom", "Great Britain", "GB"),
}
NO_COUNTRY = ("n/a", "-", "Mars")
POSTAL_CODES: dict[str, Spellings] = {
    "DE": {"24103": ("24103", "D-24103", "D 24103", "DE-24103"), "01067": ("01067", "1067", "D-01067", "\u200b01067")},
    "AT": {"1010": ("1010", "A-1010", "AT-1010")},
    "GB": {"SW1A 1AA": ("SW1A 1AA", "sw1a1aa", "SW1A  1AA")},
}
ADDRESSES: Spellings = {
    "anna@x.example": ("anna@x.example", "Anna@X.Example", "mailto:anna@x.example", " ANNA@X.EXAMPLE"),
    "bo@x.example": ("bo@x.example", "Bo@x.example", "<bo@x.example>", "n/a; BO@x.example"),
    "cy@x.example": ("cy@x.example", "CY@X.example"),
}
NO_ADDRESS = ("n/a", "none")


def _folded(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def _meant(table: Spellings) -> dict[str, str]:
    return {_folded(spelling): meant for meant, spellings in table.items() for spelling in spellings}


_NAMES, _COUNTRIES, _ADDRESSES = _meant(NAMES), _meant(COUNTRIES), _meant(ADDRESSES)
_CODES = {
    _folded(spelling): code for table in POSTAL_CODES.values() for code, all_ in table.items() for spelling in all_
}


def name(text: str) -> str:
    """What is meant by a text of this vocabulary; a text from elsewhere raises KeyError, since a test made it."""
    return _NAMES[_folded(text)]


def domain(*texts: str) -> str:
    """The first domain that belongs to one company only; empty where there is none."""
    written = {s.lower(): meant for meant, spellings in DOMAINS.items() for s in spellings}
    bare = {host: meant for s, meant in written.items() for host in (s, s.split("://")[-1])}
    own = (next((bare[h] for h in (text.lower(), text.lower().split("://")[-1]) if h in bare), "") for text in texts)
    return next(filter(None, own), "")


def country(text: str) -> str:
    return _COUNTRIES.get(_folded(text), "")


def postal_code(text: str) -> str:
    return _CODES.get(_folded(text), "")


def addresses(text: str) -> tuple[str, ...]:
    """The addresses of a text in their order, each as it is meant."""
    parts = (part.strip() for part in text.replace(",", ";").split(";"))
    return tuple(_ADDRESSES[folded] for part in parts if (folded := _folded(part.removeprefix("n/a"))) in _ADDRESSES)
