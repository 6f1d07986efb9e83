"""What sales already keeps in C4C before the first sync: employees, known accounts spelled otherwise, strangers."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from sandbox.believable.companies import Company
from sandbox.believable.contacts import Person
from sandbox.believable.names import LANDS, ascii_word
from sandbox.believable.owners import TEAM

Create = Callable[[str, dict[str, Any]], dict[str, Any]]

_KNOWN_SHARE = 0.08
_OBSOLETE = "4"
_VAT = "1"


class Sales:
    """Fills C4C as people did over the years; `create` is the store's own."""

    def __init__(self, create: Create, random: Random) -> None:
        self.create = create
        self.random = random

    def fill(self, companies: Sequence[Company], people: Sequence[Person]) -> None:
        self._employees()
        primary = _primary_contacts(people)
        hot = [one for one in companies if one.properties.get("name") and any(p.hot for p in primary.get(one.id, ()))]
        special = self._specials([one for one in hot if _has_site(one)])
        rest = [one for one in companies if one.properties.get("name") and one.id not in special]
        for place, company in enumerate(self._chosen(rest, hot, round(len(companies) * _KNOWN_SHARE))):
            account = self._known(company, place)
            self._contacts(account, primary.get(company.id, []))
        for _ in range(max(5, len(companies) // 20)):
            self._stranger()

    def _employees(self) -> None:
        for place, colleague in enumerate(one for one in TEAM if one.c4c_email):
            self.create("Employee", {
                "EmployeeID": f"E{1001 + place}", "BusinessPartnerID": str(8_000_000_001 + place),
                "UserID": f"{ascii_word(colleague.last_name)[:12].upper()}{place}", "Email": colleague.c4c_email,
                "FirstName": colleague.first_name, "LastName": colleague.last_name,
                "BusinessPartnerFormattedName": f"{colleague.first_name} {colleague.last_name}",
                "EmployeeValidityStartDate": "2015-01-01T00:00:00Z",
                "EmployeeValidityEndDate": "2023-06-30T00:00:00Z" if colleague.expired else "9999-12-31T00:00:00Z",
                "UserLockedIndicator": colleague.locked,
            })  # fmt: skip

    def _specials(self, candidates: Sequence[Company]) -> set[str]:
        """One company each: two candidate accounts, an obsolete account, an account that has another key."""
        used = candidates[:3]
        if len(used) == 3:
            ambiguous, obsolete, foreign = used
            for name in (f"{ambiguous.name[:30]}", f"{ambiguous.name[:25]} (alt)"):
                self._account(ambiguous, Name=name, WebSite=_respelled(ambiguous))
            self._account(obsolete, WebSite=_respelled(obsolete), LifeCycleStatusCode=_OBSOLETE)
            self._account(foreign, WebSite=_respelled(foreign), HubSpotID_KUT="4711000815")
        return {company.id for company in used}

    def _chosen(self, rest: Sequence[Company], hot: Sequence[Company], size: int) -> list[Company]:
        """Half of them companies with somebody to hand over, so that adoption happens in small worlds too."""
        wanted = {company.id for company in hot}
        first = [company for company in rest if company.id in wanted]
        others = [company for company in rest if company.id not in wanted]
        half = min(len(first), -(-size // 2))
        return self.random.sample(first, half) + self.random.sample(others, min(len(others), size - half))

    def _known(self, company: Company, place: int) -> dict[str, Any]:
        """An account of that company, recognisable by one natural key only."""
        possible = {
            "tax": "tax_number" in company.properties,
            "site": _has_site(company),
            "name": len(company.name) <= 40,
        }
        turn = place % len(possible)
        preferred = [*list(possible)[turn:], *list(possible)[:turn]]
        match next((kind for kind in preferred if possible[kind]), "name"):
            case "site":
                return self._account(company, Name=f"{company.name[:31]} Holding", WebSite=_respelled(company))
            case "tax":
                return self._taxed(company)
            case _:
                return self._account(company)

    def _taxed(self, company: Company) -> dict[str, Any]:
        account = self._account(company, Name=f"{company.name.upper()[:34]} (alt)")
        self.create("CorporateAccountTaxNumber", {
            "ParentObjectID": account["ObjectID"], "CountryCode": company.land.code, "TaxTypeCode": _VAT,
            "TaxID": company.properties["tax_number"],
        })  # fmt: skip
        return account

    def _account(self, company: Company, **fields: Any) -> dict[str, Any]:
        facts = company.properties
        return self.create("CorporateAccount", {
            "Name": company.name[:40], "RoleCode": self.random.choice(("CRM000", "BUP002")),
            "CountryCode": company.land.code, "StreetPostalCode": facts["zip"], "City": facts["city"],
            "Phone": facts["phone"], "OwnerID": self.random.choice(("E1001", "E1002", "E1003")),
        } | fields)  # fmt: skip

    def _contacts(self, account: dict[str, Any], people: Sequence[Person]) -> None:
        """Some of the company's people are known too, with their address in other letters."""
        for person in people:
            facts = person.properties
            if "email" not in facts or "lastname" not in facts or self.random.random() < 0.5:
                continue
            respell = self.random.choice((str.upper, str.title, str.lower))
            self.create("Contact", {
                "FirstName": facts.get("firstname", ""), "LastName": facts["lastname"][:40],
                "Email": respell(facts["email"]), "AccountID": account["AccountID"],
            })  # fmt: skip

    def _stranger(self) -> None:
        land = self.random.choice(list(LANDS))
        surname = self.random.choice(land.surnames)
        name = f"Autohaus {surname} {self.random.randrange(100, 1000)}"
        account = self.create("CorporateAccount", {
            "Name": name, "RoleCode": "CRM000", "CountryCode": land.code, "City": land.places[0][1],
            "StreetPostalCode": land.places[0][0], "WebSite": f"https://www.{ascii_word(name)}.example/",
        })  # fmt: skip
        self.create("Contact", {
            "FirstName": self.random.choice(land.first_names), "LastName": surname[:40],
            "Email": f"info@{ascii_word(name)}.example", "AccountID": account["AccountID"],
        })  # fmt: skip


def _primary_contacts(people: Sequence[Person]) -> dict[str, list[Person]]:
    contacts: dict[str, list[Person]] = {}
    for person in people:
        for company, labels in person.links:
            if "Primary" in labels:
                contacts.setdefault(company.id, []).append(person)
    return contacts


def _has_site(company: Company) -> bool:
    return "domain" in company.properties or "website" in company.properties


def _respelled(company: Company) -> str:
    """The same host as people in sales type it."""
    return f"https://www.{company.host.capitalize()}/"
