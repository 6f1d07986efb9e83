"""The shipped default rules, written a second time: from a world before the run to the leads that must be there after.

Nothing here comes from the product. Where the rules leave the choice open (two contacts that fit one record), every
outcome that they allow is accepted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

Row = Mapping[str, Any]

KEY = "HubSpotID_KUT"
THRESHOLD = 75
NO_BASIS = "Not applicable"
PRIMARY = 1
OBSOLETE = "4"
ACCOUNT_NAMES = ("Name", "AdditionalName", "AdditionalName2", "AdditionalName3")
LAND = {
    "germany": "DE",
    "deutschland": "DE",
    "de": "DE",
    "denmark": "DK",
    "danmark": "DK",
    "dk": "DK",
    "united kingdom": "GB",
    "great britain": "GB",
    "gb": "GB",
    "netherlands": "NL",
    "nederland": "NL",
    "nl": "NL",
}


@dataclass(frozen=True)
class Company:
    """A HubSpot company."""

    id: str
    properties: Mapping[str, str]

    def get(self, name: str) -> str:
        return self.properties.get(name, "").strip()

    @property
    def name(self) -> str:
        """A company without a name is named by its domain; without both it counts as none."""
        return self.get("name") or self.get("domain")

    @property
    def host(self) -> str:
        return host(self.get("domain")) or host(self.get("website"))

    @property
    def address(self) -> tuple[str, str, str] | None:
        parts = (words(self.get("name")), LAND.get(self.get("country").lower(), ""), self.get("zip"))
        return parts if all(parts) else None


@dataclass(frozen=True)
class Person:
    """A HubSpot contact with its companies, the primary one first."""

    id: str
    properties: Mapping[str, str]
    live: bool
    companies: tuple[Company, ...] = ()
    primary: Company | None = None

    def get(self, name: str) -> str:
        return self.properties.get(name, "").strip()


@dataclass(frozen=True)
class Lead:
    """A lead that must exist. `accounts` and `persons` are the existing records that may be its account and person."""

    person: Person
    company: Company | None
    accounts: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    owner: str | None = None

    @property
    def key(self) -> str:
        return f"{self.person.id}:mql:1"

    @property
    def company_name(self) -> str:
        return self.company.name if self.company else self.person.get("company")

    @property
    def name(self) -> str:
        person = words(f"{self.person.get('firstname')} {self.person.get('lastname')}")
        return f"{words(self.company_name)}: {person} (mql)"

    @property
    def refused(self) -> bool:
        """Whether the person must not be mailed. Without a person in C4C there is nothing to refuse it on."""
        return self.company is not None and self.person.get("hs_email_optout") == "true"


@dataclass
class Expected:
    """The deciding code of every contact that is alive in HubSpot, and the leads."""

    codes: dict[str, str] = field(default_factory=dict)
    leads: dict[str, Lead] = field(default_factory=dict)


def host(text: str) -> str:
    """Both sides normalised: no scheme, no `www.`, no path, lower case."""
    bare = text.strip().lower().split("://")[-1]
    bare = re.split(r"[/?#:]", bare)[0].removeprefix("www.")
    return bare if "." in bare else ""


def words(text: str) -> str:
    return " ".join(text.split())


def whole_words(text: str, length: int = 40) -> str:
    """As many words as fit."""
    while len(text) > length:
        text = text.rpartition(" ")[0]
    return text


class World:
    """Both systems as `/truth` shows them at one moment."""

    def __init__(self, truth: Mapping[str, Any]) -> None:
        self.hubspot: Mapping[str, list[Row]] = truth["hubspot"]
        self.c4c: dict[str, list[Row]] = {name: list(map(_filled, rows)) for name, rows in truth["c4c"].items()}

    # ---- HubSpot

    @cached_property
    def companies(self) -> dict[str, Company]:
        return {row["id"]: Company(row["id"], row["properties"]) for row in self.hubspot["companies"] if _lives(row)}

    @cached_property
    def persons(self) -> dict[str, Person]:
        return {row["id"]: self._person(row) for row in self.hubspot["contacts"]}

    def _person(self, row: Row) -> Person:
        pairs = [pair for pair in self._pairs[row["id"]] if pair["company_id"] in self.companies]
        companies = tuple(self.companies[pair["company_id"]] for pair in pairs)
        primary = next((self.companies[pair["company_id"]] for pair in pairs if _is_primary(pair)), None)
        return Person(row["id"], row["properties"], _lives(row), companies, primary)

    @cached_property
    def _pairs(self) -> Mapping[str, list[Row]]:
        return _by(self.hubspot["associations"], "contact_id")

    @cached_property
    def _owner_mail(self) -> dict[str, str]:
        return {owner["id"]: owner["email"].lower() for owner in self.hubspot["owners"]}

    # ---- C4C

    @cached_property
    def accounts(self) -> dict[str, Row]:
        """By ObjectID."""
        return {row["ObjectID"]: row for row in self.c4c["CorporateAccount"]}

    @cached_property
    def contacts(self) -> dict[str, Row]:
        return {row["ObjectID"]: row for row in self.c4c["Contact"]}

    @cached_property
    def employees(self) -> dict[str, str]:
        """Valid employees who are not locked: UUID by e-mail address."""
        today = datetime.now(UTC).isoformat()
        return {
            row["Email"].lower(): row["UUID"]
            for row in self.c4c["Employee"]
            if row["EmployeeValidityStartDate"] <= today <= row["EmployeeValidityEndDate"]
            and not row["UserLockedIndicator"]
        }

    def owner_of(self, record: Person | Company) -> str | None:
        """The employee who has the e-mail address of the HubSpot owner; None leaves it to C4C."""
        return self.employees.get(self._owner_mail.get(record.get("hubspot_owner_id"), ""))

    def unknown_owner(self, record: Person | Company) -> bool:
        return bool(record.get("hubspot_owner_id")) and self.owner_of(record) is None

    def accounts_for(self, company: Company) -> tuple[str, ...]:
        """ObjectIDs of the existing accounts that fit a company; a later way narrows what an earlier one found."""
        if keyed := [row for row in self._accounts_by_key[company.id] if not _obsolete(row)]:
            return _ids(keyed)
        found: set[str] = set()
        for rows in self._ways(company):
            free = set(_ids(self._free(rows)))
            found = (found & free or found) if found else free
        return self._of_that_name(company, found) or tuple(sorted(found))

    def _of_that_name(self, company: Company, found: set[str]) -> tuple[str, ...]:
        """Of several accounts those that have the company's name, and of these the ones in its place, if any are."""
        named = {i for i in found if _account_name(self.accounts[i]) == words(company.name or "").lower()}
        there = {i for i in named if self.accounts[i]["StreetPostalCode"] == company.get("zip") != ""}
        return tuple(sorted(there or named))

    def _free(self, rows: Iterable[Row]) -> list[Row]:
        """Neither obsolete nor somebody else's."""
        return [row for row in rows if not _obsolete(row) and not row[KEY]]

    def _ways(self, company: Company) -> tuple[list[Row], ...]:
        address = company.address
        return (
            self._accounts_by_tax[company.get("tax_number")] if company.get("tax_number") else [],
            self._accounts_by_host[company.host] if company.host else [],
            self._accounts_by_address[address] if address else [],
        )

    @cached_property
    def _accounts_by_key(self) -> Mapping[str, list[Row]]:
        return _by(self.accounts.values(), KEY)

    @cached_property
    def _accounts_by_tax(self) -> Mapping[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.c4c["CorporateAccountTaxNumber"]:
            found[row["TaxID"]].append(self.accounts[row["ParentObjectID"]])
        return found

    @cached_property
    def _accounts_by_host(self) -> Mapping[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.accounts.values():
            found[host(row["WebSite"])].append(row)
        return found

    @cached_property
    def _accounts_by_address(self) -> Mapping[tuple[str, str, str], list[Row]]:
        found: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in self.accounts.values():
            name = words(" ".join(row[part] for part in ACCOUNT_NAMES))
            found[name, row["CountryCode"], row["StreetPostalCode"]].append(row)
        return found

    def persons_for(self, person: Person, account: str) -> tuple[str, ...]:
        """ObjectIDs of the existing contacts of an account that fit a HubSpot contact."""
        keyed = [row for row in self.contacts.values() if row[KEY] == person.id and row["StatusCode"] != OBSOLETE]
        if keyed or not person.get("email"):
            return _ids(keyed)
        return _ids(
            row
            for row in self._staff_of(self.accounts[account]["AccountID"])
            if row["Email"].lower() == person.get("email").lower() and not row[KEY] and row["StatusCode"] != OBSOLETE
        )

    def _staff_of(self, account_id: str) -> list[Row]:
        related = {row["ContactID"] for row in self._relations_by_account[account_id]}
        return [r for r in self.contacts.values() if r["AccountID"] == account_id or r["ContactID"] in related]

    @cached_property
    def _relations_by_account(self) -> Mapping[str, list[Row]]:
        return _by(self.c4c["ContactIsContactPersonFor"], "AccountID")


# ---- the decision


def expected(world: World) -> Expected:
    """What must come of this world by the shipped rules."""
    found = Expected()
    for person in world.persons.values():
        if not person.live:
            continue
        code, lead = decide(world, person)
        found.codes[person.id] = code
        if lead:
            found.leads[person.id] = lead
    return found


def decide(world: World, person: Person) -> tuple[str, Lead | None]:
    reason = refusal(person)
    if reason:
        return reason, None
    company = chosen(person)
    accounts = world.accounts_for(company) if company else ()
    if len(accounts) > 1:
        return "ACCOUNT_AMBIGUOUS", None
    persons = world.persons_for(person, accounts[0]) if accounts else ()
    if len(persons) > 1:
        return "CONTACT_AMBIGUOUS", None
    return "QUALIFIED", Lead(person, company, accounts, persons, world.owner_of(person))


def refusal(person: Person) -> str | None:
    """Why this contact becomes no lead, in the order of the rules."""
    if not person.get("lead_score"):
        return "SCORE_MISSING"
    if float(person.get("lead_score")) < THRESHOLD:
        return "SCORE_BELOW_THRESHOLD"
    if not {basis.strip() for basis in person.get("hs_legal_basis").split(";")} - {"", NO_BASIS}:
        return "NO_LEGAL_BASIS"
    if not person.get("lastname"):
        return "MISSING_LAST_NAME"
    named = [company for company in person.companies if company.name]
    if chosen(person) or (not named and person.get("company")):
        return None
    return "COMPANY_AMBIGUOUS" if named else "NO_COMPANY"


def chosen(person: Person) -> Company | None:
    """The primary company; without any primary the only associated one. A company without name and domain is none."""
    named = [company for company in person.companies if company.name]
    if person.primary in named:
        return person.primary
    return named[0] if len(named) == 1 else None


# ---- small things


def _lives(row: Row) -> bool:
    return not row["archived"] and not row["erased"] and row["merged_into"] is None


def _filled(row: Row) -> Row:
    """Nothing is nothing, whatever type C4C gives it."""
    return {name: "" if value is None else value for name, value in row.items()}


def _is_primary(pair: Row) -> bool:
    return any(kind["category"] == "HUBSPOT_DEFINED" and kind["typeId"] == PRIMARY for kind in pair["types"])


def _obsolete(row: Row) -> bool:
    return bool(row["LifeCycleStatusCode"] == OBSOLETE)


def _account_name(row: Row) -> str:
    return words(" ".join(row[part] for part in ACCOUNT_NAMES)).lower()


def _ids(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(sorted({row["ObjectID"] for row in rows}))


def _by(rows: Iterable[Row], name: str) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


def wanted(truth: dict[str, Any]) -> set[str]:
    """Keys of the leads that this world must give."""
    keys = {lead.key for lead in expected(World(truth)).leads.values()}
    assert keys
    return keys


READY = {"lead_score": "80", "hs_legal_basis": "Performance of a contract", "lastname": "Bereit"}
"""A contact who must become a lead as soon as there is a company."""
