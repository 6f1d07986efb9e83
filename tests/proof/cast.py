"""One cast: a few companies and persons in both systems, the people who change them, and everything that can happen.

Each history has a cast of its own. An event picks its records by number among those that are there at the moment, so
that a history from which events were taken away is still a history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from proof.journal import Journal

from sandbox.c4c import leads
from sandbox.c4c.errors import Refused
from sandbox.world import World

Row = dict[str, Any]
T = TypeVar("T")
KEY = "HubSpotID_KUT"
BASES = ("Legitimate interest – prospect/lead", "Freely given consent from contact", "Performance of a contract")
NO_BASIS = ("", "Not applicable")
SCORES = ("95", "82", "75", "74", "70", "60", "59", "40", "10", "")
LIKELY = ("90", "80", "77", "76", "65", "30")
OBSOLETE = "4"

MARK = "Qz"
"""Begins every name, and is part of every address, of a person: whoever finds it in an output has found a leak."""

PLAIN = ("scored", "person_changed", "contact_created")
"""What happens instead of an event that finds nothing to act on; the last one always can."""

Event = Callable[["Cast", int, int], bool]
EVENTS: dict[str, Event] = {}


def event(act: Event) -> Event:
    """Registers what can happen, under its name. It returns whether it did."""
    EVENTS[act.__name__] = act
    return act


@dataclass
class Cast:
    """`contacts`, `companies`: every id that ever was; `addresses`: of persons who have another one by now."""

    number: int
    world: World
    journal: Journal
    contacts: list[str] = field(default_factory=list)
    companies: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    made: int = 0

    def __post_init__(self) -> None:
        for n in range(2):
            address = f"seller{self.number}x{n}@own.example"
            owner = self.world.hubspot.add_owner(address, f"{MARK}ina", f"{MARK}seller")
            self.owners.append(owner.id)
            row = {"Email": address.title(), "FirstName": f"{MARK}ina", "LastName": f"{MARK}seller"}
            self.world.c4c.create("Employee", row)

    def next(self) -> int:
        self.made += 1
        return self.made

    def play(self, name: str, a: int, b: int) -> str:
        """Lets the event happen, or a plainer one if there is nothing for it to act on; the name of what happened."""
        return next(one for one in (name, *PLAIN) if self._happens(one, a, b))

    def _happens(self, name: str, a: int, b: int) -> bool:
        try:
            with self.world.c4c.atomic():
                return EVENTS[name](self, a, b)
        except (Refused, ValueError, KeyError):
            # A system does not allow it.
            return False

    # ---- who is there

    def live(self, kind: str) -> list[str]:
        ids = self.contacts if kind == "contacts" else self.companies
        return [i for i in dict.fromkeys(ids) if self.world.hubspot.records[kind][i].live]

    def contact(self, n: int) -> str | None:
        return _pick(self.live("contacts"), n)

    def company(self, n: int) -> str | None:
        return _pick(self.live("companies"), n)

    def change(self, n: int, **properties: str) -> bool:
        """Marketing changes a contact."""
        found = self.contact(n)
        if found is None:
            return False
        before = self.world.hubspot.records["contacts"][found].properties
        if all(before.get(name, "") == value for name, value in properties.items()):
            return False
        self.world.hubspot.update("contacts", found, properties)
        return True

    def change_company(self, n: int, **properties: str) -> bool:
        found = self.company(n)
        if found is None:
            return False
        self.world.hubspot.update("companies", found, properties)
        return True

    def rows(self, entity: str) -> list[Row]:
        """The records of C4C that are about this cast, by the keys that they carry."""
        store = self.world.c4c
        if entity == "Lead":
            mine = set(self.contacts)
            return [row for row in store.all("Lead") if str(row.get(KEY) or "").split(":")[0] in mine]
        ids = self.companies if entity == "CorporateAccount" else self.contacts
        return [row for i in dict.fromkeys(ids) for row in store.find(entity, KEY, i)]

    def row(self, entity: str, n: int) -> Row | None:
        return _pick(self.rows(entity), n)

    def edit(self, entity: str, n: int, **fields: Any) -> bool:
        """Sales changes a record."""
        found = self.row(entity, n)
        return found is not None and self.world.c4c.change(entity, found["ObjectID"], fields)

    def open_lead(self, n: int) -> Row | None:
        return _pick([row for row in self.rows("Lead") if row.get("LifeCycleStatusCode") not in leads.CLOSED], n)


def _pick(found: list[T], n: int) -> T | None:
    return found[n % len(found)] if found else None


# ---- marketing: persons


@event
def contact_created(cast: Cast, a: int, b: int) -> bool:
    n = cast.next()
    company = cast.company(a)
    properties = {
        "firstname": f"{MARK}ora{n}",
        "lastname": f"{MARK}berg{cast.number}x{n}",
        "email": f"{MARK.lower()}{cast.number}.{n}@firma{cast.number}.example",
        "lead_score": LIKELY[b % len(LIKELY)],
        "hs_legal_basis": (*BASES, "Not applicable")[b % 4],
    }
    if company is None:
        properties["company"] = f"Freelance {cast.number}"
    made = cast.world.hubspot.create("contacts", properties).id
    cast.contacts.append(made)
    if company is not None:
        cast.world.hubspot.associate(made, company, ["Primary"])
    return True


@event
def scored(cast: Cast, a: int, b: int) -> bool:
    """A score is recalculated, which moves no time stamp."""
    return cast.change(a, lead_score=SCORES[b % len(SCORES)])


@event
def scored_high(cast: Cast, a: int, b: int) -> bool:
    return cast.change(a, lead_score=str(76 + b % 24))


@event
def scored_low(cast: Cast, a: int, b: int) -> bool:
    return cast.change(a, lead_score=str(5 + b % 50))


@event
def person_changed(cast: Cast, a: int, b: int) -> bool:
    name, value = (("jobtitle", f"{MARK}chief"), ("phone", "+49 40 770"), ("mobilephone", "+49 171 770"))[b % 3]
    return cast.change(a, **{name: f"{value}{cast.next():04}"})


@event
def person_renamed(cast: Cast, a: int, b: int) -> bool:
    return cast.change(a, lastname="" if b % 5 == 0 else f"{MARK}berg{cast.number}x{cast.next()}")


@event
def address_changed(cast: Cast, a: int, b: int) -> bool:
    if found := cast.contact(a):
        cast.addresses.append(cast.world.hubspot.records["contacts"][found].properties.get("email", ""))
    return cast.change(a, email=f"{MARK.lower()}{cast.number}.{cast.next()}@firma{cast.number}.example")


@event
def address_reused(cast: Cast, a: int, b: int) -> bool:
    """Somebody gets the address that another one had."""
    records = cast.world.hubspot.records["contacts"]
    taken = {records[i].properties.get("email", "") for i in cast.live("contacts")}
    free = [address for address in cast.addresses if address and address not in taken]
    return bool(free) and cast.change(a, email=free[b % len(free)].upper() if b % 2 else free[b % len(free)])


@event
def basis_withdrawn(cast: Cast, a: int, b: int) -> bool:
    return cast.change(a, hs_legal_basis=NO_BASIS[b % 2])


@event
def basis_given(cast: Cast, a: int, b: int) -> bool:
    return cast.change(a, hs_legal_basis=BASES[b % 3])


@event
def opted_out(cast: Cast, a: int, b: int) -> bool:
    return cast.change(a, hs_email_optout="true")


@event
def opted_in(cast: Cast, a: int, b: int) -> bool:
    return cast.change(a, hs_email_optout="false")


@event
def contacts_merged(cast: Cast, a: int, b: int) -> bool:
    """Both give way to a contact with a new id."""
    first, second = cast.contact(a), cast.contact(a + 1 + b)
    if first is None or second is None or first == second:
        return False
    cast.contacts.append(cast.world.hubspot.merge("contacts", first, second).id)
    return True


@event
def contact_archived(cast: Cast, a: int, b: int) -> bool:
    if found := cast.contact(a):
        cast.world.hubspot.archive("contacts", found)
    return found is not None


@event
def contact_restored(cast: Cast, a: int, b: int) -> bool:
    records = cast.world.hubspot.records["contacts"]
    archived = [i for i in cast.contacts if records[i].archived_ms is not None and records[i].present]
    if archived:
        back = archived[a % len(archived)]
        cast.world.hubspot.restore("contacts", back, touch=bool(b % 2))
        cast.journal.restored |= {back} if b % 2 == 0 else set()
    return bool(archived)


@event
def contact_erased(cast: Cast, a: int, b: int) -> bool:
    if found := cast.contact(a):
        cast.world.hubspot.erase("contacts", found)
    return found is not None


# ---- marketing: companies


@event
def company_created(cast: Cast, a: int, b: int) -> bool:
    n = cast.next()
    known = {"zip": f"2{cast.number % 10000:04}", "city": "Hamburg", "country": "Deutschland"}
    properties = {"name": f"Werft {cast.number} {n} GmbH", "domain": f"firma{cast.number}-{n}.example", **known}
    cast.companies.append(cast.world.hubspot.create("companies", properties).id)
    return True


@event
def relabelled(cast: Cast, a: int, b: int) -> bool:
    """Another company becomes the primary one. Labels alone move no time stamp."""
    contact, company = cast.contact(a), cast.company(b)
    if contact is None or company is None or cast.world.hubspot.links.primary(contact) == company:
        return False
    cast.world.hubspot.associate(contact, company, ["Primary"])
    return True


@event
def unlabelled(cast: Cast, a: int, b: int) -> bool:
    """A further company, or the primary one that is not primary from now on."""
    contact, company = cast.contact(a), cast.company(b)
    if contact is None or company is None:
        return False
    cast.world.hubspot.associate(contact, company, [])
    return True


@event
def left_company(cast: Cast, a: int, b: int) -> bool:
    contact = cast.contact(a)
    companies = sorted(cast.world.hubspot.companies_of(contact)) if contact else []
    if not contact or not companies:
        return False
    cast.world.hubspot.dissociate(contact, companies[b % len(companies)])
    return True


@event
def company_changed(cast: Cast, a: int, b: int) -> bool:
    name, value = (("city", "Kiel"), ("phone", "+49 431 880"), ("address", "Kai"))[b % 3]
    return cast.change_company(a, **{name: f"{value}{cast.next():04}"})


@event
def company_renamed(cast: Cast, a: int, b: int) -> bool:
    return cast.change_company(a, name=f"Werft {cast.number} {cast.next()} AG")


@event
def domain_lost(cast: Cast, a: int, b: int) -> bool:
    return cast.change_company(a, domain="")


@event
def companies_merged(cast: Cast, a: int, b: int) -> bool:
    first, second = cast.company(a), cast.company(a + 1 + b)
    if first is None or second is None or first == second:
        return False
    cast.companies.append(cast.world.hubspot.merge("companies", first, second).id)
    return True


# ---- owners


@event
def owner_given(cast: Cast, a: int, b: int) -> bool:
    owner = cast.owners[b % len(cast.owners)]
    return cast.change_company(a, hubspot_owner_id=owner) if b % 2 else cast.change(a, hubspot_owner_id=owner)


@event
def owner_left(cast: Cast, a: int, b: int) -> bool:
    """Deactivated in HubSpot, and locked out of C4C."""
    owner = cast.world.hubspot.owners[cast.owners[a % len(cast.owners)]]
    owner.archived = True
    [employee] = cast.world.c4c.find("Employee", "Email", owner.email)
    return cast.world.c4c.change("Employee", employee["ObjectID"], {"UserLockedIndicator": True})


# ---- sales


@event
def account_edited(cast: Cast, a: int, b: int) -> bool:
    name, value = (("City", "Sales town"), ("Street", "Sales street"), ("StreetPostalCode", "9"))[b % 3]
    return cast.edit("CorporateAccount", a, **{name: f"{value}{cast.next():04}"})


@event
def person_edited(cast: Cast, a: int, b: int) -> bool:
    return cast.edit("Contact", a, JobTitle=f"{MARK}by sales {cast.next()}")


@event
def lead_edited(cast: Cast, a: int, b: int) -> bool:
    lead = cast.open_lead(a)
    name = ("Name", "GroupCode", "PriorityCode")[b % 3]
    value = {"Name": f"{MARK} renamed {cast.next()}", "GroupCode": "0001", "PriorityCode": "1"}[name]
    return lead is not None and cast.world.c4c.change("Lead", lead["ObjectID"], {name: value})


@event
def lead_accepted(cast: Cast, a: int, b: int) -> bool:
    return _closed(cast, a, leads.accept)


@event
def lead_declined(cast: Cast, a: int, b: int) -> bool:
    return _closed(cast, a, leads.decline)


@event
def lead_converted(cast: Cast, a: int, b: int) -> bool:
    return _closed(cast, a, leads.convert)


def _closed(cast: Cast, n: int, act: Callable[[Any, str], Any]) -> bool:
    lead = cast.open_lead(n)
    if lead is None:
        return False
    act(cast.world.c4c, lead["ObjectID"])
    return True


@event
def lead_deleted(cast: Cast, a: int, b: int) -> bool:
    lead = cast.row("Lead", a)
    if lead is not None:
        cast.world.c4c.delete("Lead", lead["ObjectID"])
    return lead is not None


@event
def account_made_by_sales(cast: Cast, a: int, b: int) -> bool:
    """Sales knows the company too, by its web site; before us or after."""
    found = cast.company(a)
    domain = cast.world.hubspot.records["companies"][found].properties.get("domain") if found else None
    if not domain:
        return False
    fields = {"Name": f"Sales {cast.number} {cast.next()}", "RoleCode": "CRM000", "WebSite": f"https://www.{domain}/"}
    cast.world.c4c.create("CorporateAccount", fields)
    return True


@event
def account_retired(cast: Cast, a: int, b: int) -> bool:
    """Sales merges an account away: it stays, as obsolete."""
    return cast.edit("CorporateAccount", a, LifeCycleStatusCode=OBSOLETE)
