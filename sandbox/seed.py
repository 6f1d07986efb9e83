"""Fills both systems with a believable past, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Protocol

from sandbox.believable.companies import companies as make_companies
from sandbox.believable.contacts import CUSTOM_LABELS, Person, people
from sandbox.believable.owners import TEAM
from sandbox.believable.sales import Sales
from sandbox.c4c.store import C4CStore
from sandbox.clock import Clock
from sandbox.hubspot.store import HubSpotStore

_QUIET_MS = 10 * 60_000
_PAST_MS = 2 * 365 * 86_400_000
_LOWEST_ID, _HIGHEST_ID = 51, 9_812_345_678


class Stores(Protocol):
    """Both systems and the clock they share."""

    clock: Clock
    hubspot: HubSpotStore
    c4c: C4CStore


def seed(world: Stores, *, contacts: int, companies: int, seed: int, bulk: int | None = None) -> None:
    """Companies, people, owners and labels in HubSpot; employees, known accounts and strangers in C4C."""
    random = Random(seed)
    # Everything happened at least ten minutes ago, so that no index lag or overlap hides it.
    past = Past(random, world.clock.ms() - _QUIET_MS, contacts, bulk)
    owners = _owners(world.hubspot)
    for label in CUSTOM_LABELS:
        world.hubspot.links.add_label(label)
    firms = make_companies(random, companies)
    persons = people(random, contacts, firms, owners)
    company_ids = _ids(random, companies)
    for firm, number in zip(firms, company_ids, strict=True):
        firm.id = number
        created, updated = past.span()
        owned = firm.properties | {"hubspot_owner_id": random.choice(list(owners))}
        world.hubspot.create("companies", owned, record_id=number, created_ms=created, updated_ms=updated)
    _contacts(world.hubspot, past, persons, _ids(random, contacts, reused=company_ids[::40]))
    world.hubspot.index_everything()
    # What sales has was loaded from another system, as it was spelled there.
    rewrites, world.c4c.settings.rewrites_values = world.c4c.settings.rewrites_values, False
    Sales(world.c4c.create, random).fill(firms, persons)
    world.c4c.settings.rewrites_values = rewrites


class Past:
    """Moments of two years; a whole batch job's worth of contacts shares one millisecond."""

    def __init__(self, random: Random, end_ms: int, contacts: int, bulk: int | None = None) -> None:
        self.random = random
        self.end_ms = end_ms
        # HubSpot's month-end jobs stamp more than 10,000 contacts with one millisecond (airbyte#43317).
        usual = 10_500 if contacts >= 25_000 else min(contacts * 2 // 5, 600)
        self.bulk = usual if bulk is None else bulk
        self.bulk_ms = end_ms - 20 * 86_400_000

    def span(self) -> tuple[int, int]:
        """When a record was created and when it was last changed."""
        created = self.end_ms - self.random.randrange(_PAST_MS)
        updated = self.random.randint(created, self.end_ms)
        if self.random.random() < 0.2:
            updated = max(created, updated - updated % 1000)  # whole seconds are printed without a fraction
        return created, updated

    def of_contact(self, place: int) -> tuple[int, int]:
        created, updated = self.span()
        return (min(created, self.bulk_ms), self.bulk_ms) if place < self.bulk else (created, updated)


def _owners(hubspot: HubSpotStore) -> dict[str, float]:
    """HubSpot owner id -> share of the contacts; the last few percent have no owner."""
    shares: dict[str, float] = {}
    for place, colleague in enumerate(one for one in TEAM if one.hubspot_email):
        owner = hubspot.add_owner(
            colleague.hubspot_email or "", colleague.first_name, colleague.last_name,
            owner_id=str(71_204_113 + place * 1_013), user_id=11_400_037 + place * 211, archived=colleague.archived,
        )  # fmt: skip
        shares[owner.id] = colleague.share
    return shares | {"": 100 - sum(shares.values())}


def _contacts(hubspot: HubSpotStore, past: Past, persons: Iterable[Person], ids: Iterable[str]) -> None:
    for place, (person, number) in enumerate(zip(persons, ids, strict=True)):
        person.id = number
        created, updated = past.of_contact(place)
        primary = next((company.id for company, labels in person.links if "Primary" in labels), "")
        properties = person.properties | {"associatedcompanyid": primary}
        hubspot.create("contacts", properties, record_id=number, created_ms=created, updated_ms=updated)
        for company, labels in person.links:
            hubspot.links.put(number, company.id, {hubspot.links.type_id(label) for label in labels})


def _ids(random: Random, size: int, reused: Iterable[str] = ()) -> list[str]:
    """Ids of two to ten digits in no order of time; a contact may have the same id as a company."""
    chosen = {_LOWEST_ID, _HIGHEST_ID, *map(int, reused)} if size > 10 else {_LOWEST_ID}
    while len(chosen) < size:
        digits = random.choice((3, 4, 5, 6, 7, 8, 9, 9, 10, 10, 10, 10, 10, 10))
        number = random.randrange(10 ** (digits - 1), 10**digits)
        if _LOWEST_ID < number < _HIGHEST_ID:
            chosen.add(number)
    numbers = [str(number) for number in sorted(chosen)][:size]
    random.shuffle(numbers)
    return numbers
