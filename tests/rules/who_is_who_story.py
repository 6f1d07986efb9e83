"""Random stories about who is who: companies and contacts of HubSpot, accounts and persons of sales, and what happens next.

A story is a value that prints itself, so that a failing example can be read and replayed.
"""

from __future__ import annotations

from dataclasses import dataclass

import who_is_who_words as words
from hypothesis import strategies as st

Texts = dict[str, str]
CANDIDATES, IDLE = "80", "10"
"""Scores above and below the threshold."""


@dataclass(frozen=True)
class Person:
    """A contact person of sales; `key` is the key of another portal, if any."""

    fields: Texts
    key: str = ""
    obsolete: bool = False


@dataclass(frozen=True)
class Account:
    """An account of sales with its persons."""

    fields: Texts
    persons: tuple[Person, ...] = ()
    key: str = ""
    obsolete: bool = False


@dataclass(frozen=True)
class Contact:
    """A contact of HubSpot; `company` counts from 0."""

    company: int
    properties: Texts


@dataclass(frozen=True)
class CompanyChanges:
    company: int
    properties: Texts


@dataclass(frozen=True)
class ContactChanges:
    contact: int
    properties: Texts


@dataclass(frozen=True)
class SalesEdits:
    """Sales changes an account; `account` counts all there are, ours included."""

    account: int
    fields: Texts


@dataclass(frozen=True)
class SalesRetires:
    """Sales declares an account or a person obsolete."""

    entity: str
    number: int


@dataclass(frozen=True)
class StateLost:
    """Nothing is remembered but what both systems hold."""


Change = Contact | Account | CompanyChanges | ContactChanges | SalesEdits | SalesRetires | StateLost


@dataclass(frozen=True)
class Story:
    """`ids`: of the companies, in the order in which they are made. `later`: what happens before each further run."""

    ids: tuple[str, ...]
    companies: tuple[Texts, ...]
    contacts: tuple[Contact, ...]
    accounts: tuple[Account, ...]
    later: tuple[tuple[Change, ...], ...] = ()


# ---- spellings


def one_of(table: words.Spellings) -> st.SearchStrategy[str]:
    """Any spelling of anything in the table."""
    return st.sampled_from([spelling for spellings in table.values() for spelling in spellings])


NAME = st.sampled_from(words.NAMES["Müller Bau GmbH"]) | one_of(words.NAMES)
DOMAIN = st.sampled_from(["", *words.DOMAINS["müller.example"]]) | one_of(words.DOMAINS) | st.sampled_from(words.SHARED)


@st.composite
def places(draw: st.DrawFn, by_code: bool) -> Texts:
    """Country and postal code as people write them, by ISO code in C4C. Without a country the code is written plainly."""
    known = draw(st.sampled_from(["both", "both", "country", "code", ""]))
    land = draw(st.sampled_from(sorted(words.COUNTRIES)))
    code = draw(st.sampled_from(sorted(words.POSTAL_CODES[land])))
    country = land if by_code else draw(st.sampled_from(words.COUNTRIES[land]))
    if known == "both":
        return {"country": country, "zip": draw(st.sampled_from(words.POSTAL_CODES[land][code]))}
    unknown = {} if by_code else {"country": draw(st.sampled_from(["", *words.NO_COUNTRY]))}
    return {"country": country} if known == "country" else {**unknown, "zip": code} if known else unknown


@st.composite
def companies(draw: st.DrawFn) -> Texts:
    place = draw(places(by_code=False))
    site = {"website": draw(DOMAIN)} if draw(st.integers(0, 3)) == 0 else {}
    if "zip" in place and place.get("country") in words.COUNTRIES["DE"] and draw(st.booleans()):
        place |= {"country": "Schleswig-Holstein", "hs_country_region_code": "DE"}
    return _filled({"name": draw(NAME), "domain": draw(DOMAIN), **site, **place})


@st.composite
def contacts(draw: st.DrawFn, most: int) -> Contact:
    address = draw(st.sampled_from(["", *words.NO_ADDRESS]) | one_of(words.ADDRESSES))
    further = draw(st.sampled_from([""]) | st.lists(one_of(words.ADDRESSES), max_size=2).map(";".join))
    score = draw(st.sampled_from([CANDIDATES, CANDIDATES, CANDIDATES, IDLE]))
    number = draw(st.integers(0, most))
    return Contact(number, _filled({"email": address, "hs_additional_emails": further, "lead_score": score}))


@st.composite
def persons(draw: st.DrawFn) -> Person:
    address = draw(st.sampled_from([spellings[0] for spellings in words.ADDRESSES.values()]))
    shown = draw(st.sampled_from([address, address.upper(), ""]))
    return Person(_filled({"LastName": "Sommer", "Email": shown}), *draw(STANDING))


STANDING = st.sampled_from([("", False), ("", False), ("", False), ("", False), ("other", False), ("", True)])
"""(key, obsolete): most records have no key and live."""


@st.composite
def account_fields(draw: st.DrawFn) -> Texts:
    place, name = draw(places(by_code=True)), draw(NAME)
    first, _, rest = name.rpartition(" ") if draw(st.booleans()) else (name, "", "")
    names = {"Name": first or rest, "AdditionalName": rest if first else ""}
    where = {"CountryCode": place.get("country", ""), "StreetPostalCode": place.get("zip", "")}
    return _filled({**names, "WebSite": draw(DOMAIN), **where})


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    return Account(draw(account_fields()), tuple(draw(st.lists(persons(), max_size=2))), *draw(STANDING))


def _filled(texts: Texts) -> Texts:
    return {name: text for name, text in texts.items() if text}


@st.composite
def changes(draw: st.DrawFn, most: int) -> Change:
    n = st.integers(0, 9)
    edits: list[st.SearchStrategy[Change]] = [
        contacts(most),
        contacts(most),
        accounts(),
        st.builds(CompanyChanges, st.integers(0, most), companies()),
        st.builds(ContactChanges, n, st.just({"lead_score": CANDIDATES})),
        st.builds(SalesEdits, n, account_fields().map(lambda fields: {"AdditionalName": "", **fields})),
        st.builds(SalesRetires, st.sampled_from(["CorporateAccount", "Contact"]), n),
        st.just(StateLost()),
    ]
    return draw(st.one_of(edits))


@st.composite
def stories(draw: st.DrawFn, runs: int = 3) -> Story:
    made = draw(st.lists(companies(), min_size=1, max_size=5))
    ids = draw(st.lists(st.integers(7, 120).map(str), min_size=len(made), max_size=len(made), unique=True))
    most = len(made) - 1
    later = st.lists(st.lists(changes(most), min_size=1, max_size=3).map(tuple), max_size=runs - 1)
    return Story(
        tuple(ids),
        tuple(made),
        tuple(draw(st.lists(contacts(most), min_size=1, max_size=5))),
        tuple(draw(st.lists(accounts(), max_size=4))),
        tuple(draw(later)),
    )
