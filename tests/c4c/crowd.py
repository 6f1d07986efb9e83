"""A crowd that qualifies, put straight into the mirror: for tests of many contacts that are not about HubSpot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from world.sandbox import BASIS

from sync.app import App
from sync.domain.views import Label
from sync.mirror import association_rows, mirrored
from sync.mirror.mirrored import Fetched

PRIMARY, UNLABELED = Label("HUBSPOT_DEFINED", 1, "Primary"), Label("HUBSPOT_DEFINED", 279)
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def crowd(built: App, contacts: int, companies: int, changed: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """Contacts 10001… on companies 501…; every tenth has opted out. `changed` overrides properties by contact id."""
    rules = built.context.config.rules
    firms = [_firm(n, rules.company_properties()) for n in range(companies)]
    people = [_person(n, rules.contact_properties(), changed or {}) for n in range(contacts)]
    pairs = {
        person.id: frozenset((company_of(n, companies), label) for label in (PRIMARY, UNLABELED))
        for n, person in enumerate(people)
    }
    with built.context.store.session() as session:
        mirrored.save_contacts(session, people, rules.qualification.scores, NOW)
        mirrored.save_companies(session, firms, NOW)
        association_rows.save_associations(session, pairs, NOW)


def contact_id(place: int) -> str:
    return str(10001 + place)


def company_of(place: int, companies: int) -> str:
    return str(501 + place % companies)


def _firm(n: int, names: tuple[str, ...]) -> Fetched:
    known = {"name": f"Firm{n} Trading", "domain": f"firm{n}.example", "zip": f"{10000 + n}", "country": "Germany"}
    return Fetched(str(501 + n), {name: known.get(name) for name in names}, NOW)


def _person(n: int, names: tuple[str, ...], changed: Mapping[str, Mapping[str, str]]) -> Fetched:
    known = {
        "firstname": "Ada",
        "lastname": f"Person{n}",
        "email": f"person{n}@firm.example",
        "phone": f"+49 30 {100000 + n}",
        "jobtitle": "Buyer",
        "lead_score": "82",
        "hs_legal_basis": BASIS,
        **({"hs_email_optout": "true"} if n % 10 == 0 else {}),
        **changed.get(contact_id(n), {}),
    }
    return Fetched(contact_id(n), {name: known.get(name) for name in names}, NOW)
