"""Contacts and leads as JSON and as rows of CSV. Where names are not shown, their keys are left out."""

from collections.abc import Iterator
from datetime import datetime

from sync.admin.people import Lead, NamedCompany, Person
from sync.cli.output import Document
from sync.domain.moments import iso

CONTACT_COLUMNS = (
    "contact", "name", "company", "score", "code", "since", "lead", "owner", "hubspot_url", "c4c_url",
)  # fmt: skip
LEAD_COLUMNS = (
    "key", "contact", "number", "object_id", "account", "owner", "crossed_at", "handed_over_at", "latency_seconds",
    "status",
)  # fmt: skip

Cell = str | int | float | None


def match(person: Person, *, names: bool) -> Document:
    """A match of `find --json`."""
    return {
        "contact": person.contact,
        **_name(person, names),
        "companies": _companies(person, names),
        "code": str(person.code),
        "score": person.score,
        "leads": [_lead_of(lead) for lead in person.leads],
        **_links(person),
    }


def _lead_of(lead: Lead) -> Document:
    found = {"key": lead.key, "number": lead.number, "object_id": lead.object_id, "status": str(lead.status)}
    return found | ({"c4c_url": lead.c4c_url} if lead.c4c_url else {})


def contact(person: Person, *, names: bool) -> Document:
    """A contact of `contacts --json`."""
    return {
        "contact": person.contact,
        **_name(person, names),
        "companies": _companies(person, names),
        "code": str(person.code),
        "score": person.score,
        "since": iso(person.since),
        "lead": newest_lead(person),
        **({"owner": person.owner} if names else {}),
        **_links(person),
    }


def lead(found: Lead, *, names: bool) -> Document:
    """A lead of `leads --json`."""
    account = found.account
    shown = {
        "name": found.name,
        "company_name": account.name if account else None,
        "owner": found.owner,
    }
    document = {
        "key": found.key,
        "contact": found.contact,
        "number": found.number,
        "object_id": found.object_id,
        "account": account.number if account else None,
        "crossed_at": iso(found.crossed_at),
        "handed_over_at": iso(found.handed_over_at),
        "latency_seconds": found.latency_seconds,
        "status": str(found.status),
        **(shown if names else {}),
    }
    return document | ({"c4c_url": found.c4c_url} if found.c4c_url else {})


def contact_cells(person: Person) -> tuple[Cell, ...]:
    """A row of `contacts --csv`."""
    return (
        *(person.contact, person.name, company_names(person), person.score, str(person.code), _time(person.since)),
        *(newest_lead(person), person.owner, person.hubspot_url, person.c4c_url),
    )


def lead_cells(found: Lead) -> tuple[Cell, ...]:
    """A row of `leads --csv`."""
    account = found.account.number if found.account else None
    return (
        *(found.key, found.contact, found.number, found.object_id, account, found.owner),
        *(_time(found.crossed_at), _time(found.handed_over_at), found.latency_seconds, str(found.status)),
    )


def newest_lead(person: Person) -> str | None:
    """The number of the contact's newest lead, or its key while the number is unknown."""
    return person.leads[-1].number or person.leads[-1].key if person.leads else None


def company_names(person: Person) -> str | None:
    """The names of the contact's companies, the primary one first; without any the company as text."""
    return "; ".join(company.name for company in person.companies if company.name) or person.company_text


def _time(moment: datetime | None) -> str | None:
    """To the second: spreadsheets read no microseconds."""
    return moment.isoformat(timespec="seconds") if moment else None


def _name(person: Person, names: bool) -> Document:
    return {"name": person.name} if names else {}


def _companies(person: Person, names: bool) -> list[Document]:
    return [_company(company, names) for company in person.companies]


def _company(company: NamedCompany, names: bool) -> Document:
    return {"id": company.id, "name": company.name} if names else {"id": company.id}


def _links(person: Person) -> Document:
    return dict(_known(person))


def _known(person: Person) -> Iterator[tuple[str, str]]:
    for name, url in (("hubspot_url", person.hubspot_url), ("c4c_url", person.c4c_url)):
        if url:
            yield name, url
