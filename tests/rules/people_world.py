"""A small crowd with names, companies, owners and leads, for what people look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from rules_world import BASIS, MQL, PRIMARY, World, rules

from sync.admin.people import Asking, record_links
from sync.config import Links
from sync.domain.rules import Rules
from sync.domain.views import Owner
from sync.mirror import freshness, mirrored
from sync.state.documents import BELONGS, PORTAL_DETAILS, Belonging, PortalDetails

RULES = rules(MQL)
COMPANIES = {
    "70": {"name": "Müller & Söhne GmbH", "domain": "www.mueller.example", "country": "DE"},
    "71": {"name": "Acme Ltd", "domain": "acme.example", "country": "GB"},
}
GOOD = {"lead_score": "80", "hs_legal_basis": BASIS, "hubspot_owner_id": "9"}
PEOPLE = {
    "101": {**GOOD, "firstname": "Anna", "lastname": "Schäfer", "email": "anna.schaefer@mueller.example"},
    "102": {**GOOD, "firstname": "Bob", "lastname": "Marley", "email": "bob@acme.example", "lead_score": "92"},
    "103": {"firstname": "Annabel", "lastname": "Lee", "lead_score": "64", "hs_legal_basis": BASIS},
    "104": {"firstname": "Carl", "lastname": "Sagan", "lead_score": "77"},
    "105": {"lastname": "Ohne", "lead_score": "78"},
    "106": {"firstname": "Dora", "lead_score": "99", "hs_legal_basis": BASIS},
    "107": {"firstname": "Emil", "lastname": "Leer"},
}
AT = {"101": "70", "102": "71", "103": "70", "104": "71", "106": "71", "107": "70"}


def crowd(rules: Rules = RULES) -> World:
    """The mirror with all of them, not yet pushed."""
    world = World()
    world.c4c.hire("olga@sales.example")
    with world.store.session() as session:
        mirrored.save_owners(session, [Owner("9", "Olga@sales.example")], world.now)
        freshness.note_read(session, "mql", world.now, world.now - timedelta(days=30))
        BELONGS.write(session, Belonging("145", "my000001.crm.ondemand.com"))
        PORTAL_DETAILS.write(session, PortalDetails("app-eu1.hubspot.com", "Europe/Berlin"))
    world.companies(COMPANIES)
    world.contacts(rules, PEOPLE)
    world.associate({contact: [(company, PRIMARY)] for contact, company in AT.items()})
    return world


@contextmanager
def asking(world: World, rules: Rules = RULES, links: Links | None = None, *, names: bool = True) -> Iterator[Asking]:
    """What the answers are made of, on this world's state."""
    with world.store.reading() as session:
        yield Asking(session, rules, record_links(session, links or Links()), names)
