"""A crowd put straight into the mirror, as a poll would leave it: for figures that are not about HubSpot."""

from __future__ import annotations

from datetime import UTC, datetime

from sync.app import App
from sync.domain.views import Label
from sync.jobs.runner import run_jobs
from sync.mirror import association_rows, mirrored
from sync.mirror.mirrored import Fetched

PRIMARY, UNLABELED = Label("HUBSPOT_DEFINED", 1, "Primary"), Label("HUBSPOT_DEFINED", 279)
BASIS = "Legitimate interest – prospect/lead"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
PORTION = 5_000


def fill(application: App, contacts: int, companies: int, qualified: int) -> None:
    """Contacts on companies, so many of them above the threshold, spread evenly; every tenth has opted out."""
    rules, store = application.context.config.rules, application.context.store
    with store.session() as session:
        firms = [_firm(n, rules.company_properties()) for n in range(companies)]
        mirrored.save_companies(session, firms, NOW)
    for start in range(0, contacts, PORTION):
        places = range(start, min(start + PORTION, contacts))
        people = [_person(n, rules.contact_properties(), n * qualified % contacts < qualified) for n in places]
        pairs = {
            one.id: frozenset((str(501 + n % companies), label) for label in (PRIMARY, UNLABELED))
            for n, one in zip(places, people, strict=True)
        }
        with store.session() as session:
            mirrored.save_contacts(session, people, rules.qualification.scores, NOW)
            association_rows.save_associations(session, pairs, NOW)
    # What every run does before its first job, so that it is not measured with the work.
    run_jobs(application.with_run_id(), [])


def _firm(n: int, names: tuple[str, ...]) -> Fetched:
    known = {"name": f"Firm{n} Trading", "domain": f"firm{n}.example", "zip": f"{10000 + n}", "country": "Germany"}
    return Fetched(str(501 + n), {name: known.get(name) for name in names}, NOW)


def _person(n: int, names: tuple[str, ...], is_qualified: bool) -> Fetched:
    known = {
        "firstname": "Ada",
        "lastname": f"Person{n}",
        "email": f"person{n}@firm.example",
        "phone": f"+49 30 {100000 + n}",
        "jobtitle": "Buyer",
        "lead_score": "82" if is_qualified else str(30 + n % 40),
        "hs_legal_basis": BASIS,
        **({"hs_email_optout": "true"} if n % 10 == 0 else {}),
    }
    return Fetched(str(10001 + n), {name: known.get(name) for name in names}, NOW)
