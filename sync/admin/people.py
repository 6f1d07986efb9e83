"""Contacts and leads as people see them: with names, companies, code, score, owner and links. From the state alone.

Every answer is made of an `Asking`: an open transaction (of any connection, also a read-only one), the rules, where
records open, and whether names are shown. Where they are not, no answer holds one.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlmodel import Session

from sync.admin.lead_owners import LeadOwners
from sync.config import Links
from sync.domain import names
from sync.domain.codes import Code
from sync.domain.entities import Entity
from sync.domain.lead_status import LeadStatus, lead_status
from sync.domain.record_links import RecordLinks
from sync.domain.rules import Rules, Score
from sync.domain.scores import score_number
from sync.domain.views import Company, ContactView, Unreadable
from sync.faults import Faults
from sync.mappers.company import company_name
from sync.mirror import listing
from sync.mirror.listing import LeadRow, Settled
from sync.net.addresses import loopback
from sync.planner.keyed_fields import NUMBERS, UUIDS
from sync.planner.qualify import leading, qualify
from sync.state.documents import BELONGS, PORTAL_DETAILS


@dataclass(frozen=True)
class Asking:
    """What an answer rests on. `names`: whether names and e-mail addresses are shown."""

    session: Session
    rules: Rules
    links: RecordLinks = field(default_factory=RecordLinks)
    names: bool = True

    @cached_property
    def lead_owners(self) -> LeadOwners:
        return LeadOwners.read(self.session, self.rules)

    def score(self, name: str | None = None) -> Score:
        """The score of this name, or the first one."""
        return self.rules.score(name) if name else self.rules.qualification.scores[0]


def record_links(session: Session, settings: Links) -> RecordLinks:
    """Where records open: as the settings say, else as HubSpot and the tenant's own address say."""
    belongs, portal = BELONGS.read(session), PORTAL_DETAILS.read(session)
    tenant = f"https://{belongs.tenant}" if belongs.tenant and not loopback(belongs.tenant) else ""
    types: dict[str, str] = {
        Entity.ACCOUNT: settings.account_type,
        Entity.CONTACT: settings.contact_type,
        Entity.LEAD: settings.lead_type,
    }
    return RecordLinks(
        hubspot=settings.hubspot or (f"https://{portal.ui_domain}" if portal.ui_domain else ""),
        portal=belongs.portal or "",
        c4c=settings.c4c or tenant,
        types=types,
    )


@dataclass(frozen=True, slots=True)
class NamedCompany:
    """A company of a contact, or the company whose account a lead has; `number` is that of its account."""

    id: str
    name: str | None
    number: str | None = None
    hubspot_url: str | None = None
    c4c_url: str | None = None


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead that was handed over. `owner` is the e-mail address of its owner, as far as it is known here."""

    key: str
    contact: str
    name: str | None
    number: str | None
    object_id: str
    account: NamedCompany | None
    owner: str | None
    crossed_at: datetime | None
    handed_over_at: datetime
    adopted: bool
    """Whether it was found in SAP Sales Cloud instead of created."""
    status: LeadStatus
    c4c_url: str | None = None

    @property
    def latency_seconds(self) -> int | None:
        """From the crossing of the threshold to the lead; None for an adopted one and where the crossing is unknown."""
        if self.crossed_at is None or self.adopted:
            return None
        return max(0, round((self.handed_over_at - self.crossed_at).total_seconds()))


@dataclass(frozen=True, slots=True)
class Person:
    """A contact. `since`: when it was last decided; `score`: of the list's score, a number or a tier's label."""

    contact: str
    name: str | None
    companies: tuple[NamedCompany, ...]
    """The primary one first."""
    company_text: str | None
    """The contact's text property `company`, which counts where there is no associated company."""
    code: Code
    status: str | None
    """`pending`, `in_flight`, `parked` or `done`; None if it was never looked at."""
    detail: str | None
    score: float | str | None
    since: datetime | None
    owner: str | None
    leads: tuple[Lead, ...]
    hubspot_url: str | None
    c4c_url: str | None
    """Its newest lead, else its contact person."""


def people(asking: Asking, contact_ids: Sequence[str], score: Score) -> list[Person]:
    """These contacts in this order; those that the mirror does not hold are left out."""
    faults = Faults()
    views = faults.views(asking.session, contact_ids)
    settled = listing.settled_of(asking.session, contact_ids)
    leads = _leads_of(asking, views)
    companies = {a.company.id for view in views.values() for a in view.associations}
    records = listing.observed_of(asking.session, contact_ids, companies)
    found = []
    for view in (views[i] for i in contact_ids if i in views):
        known = settled.get(view.id, Settled(None, None, None, None))
        code = Code(known.code) if known.code else code_now(view, asking.rules, faults)
        found.append(_person(asking, view, known, code, score, leads.get(view.id, ()), records))
    return found


def code_now(view: ContactView, rules: Rules, faults: Faults) -> Code:
    """What the rules decide now; INTERNAL_ERROR where this program fails on the contact."""
    with faults.concerning({view.id: view.change_seq}):
        return leading(qualify(view, rules)).code
    return Code.INTERNAL_ERROR


_Records = Mapping[tuple[str, str], Mapping[str, Any]]


def _person(
    asking: Asking,
    view: ContactView,
    known: Settled,
    code: Code,
    score: Score,
    leads: Sequence[Lead],
    records: _Records,
) -> Person:
    primary_first = sorted(view.associations, key=lambda a: not a.is_primary)
    person = _number(records.get((Entity.CONTACT, view.id)), Entity.CONTACT)
    newest = leads[-1].c4c_url if leads else None
    return Person(
        contact=view.id,
        name=names.full_name(view.properties) if asking.names else None,
        companies=tuple(_company(asking, a.company, records) for a in primary_first),
        company_text=view.known("company") if asking.names else None,
        code=code,
        status=known.status,
        detail=known.detail,
        score=_points(view, score),
        since=known.since,
        owner=view.owner.email if asking.names and view.owner else None,
        leads=tuple(leads),
        hubspot_url=asking.links.contact(view.id),
        c4c_url=newest or asking.links.record(Entity.CONTACT, person),
    )


def _points(view: ContactView, score: Score) -> float | str | None:
    text = view.known(score.property)
    if score.tiers:
        return text
    points = score_number(text)
    return int(points) if points is not None and points.is_integer() else points


def _company(asking: Asking, company: Company, records: _Records) -> NamedCompany:
    number = _number(records.get((Entity.ACCOUNT, company.id)), Entity.ACCOUNT)
    return NamedCompany(
        id=company.id,
        name=name_of(company, asking.rules) if asking.names else None,
        number=number,
        hubspot_url=asking.links.company(company.id),
        c4c_url=asking.links.record(Entity.ACCOUNT, number),
    )


def name_of(company: Company, rules: Rules) -> str | None:
    """The company's name as the rules see it; None where it has none or it cannot be read."""
    with suppress(Unreadable):
        return company_name(company, rules.mapping.account.shared_domains)
    return None


def _number(observed: Mapping[str, Any] | None, entity: Entity) -> str | None:
    number = (observed or {}).get(NUMBERS[entity])
    return str(number) if number else None


# ---- leads


def _leads_of(asking: Asking, views: Mapping[str, ContactView]) -> dict[str, list[Lead]]:
    rows = listing.leads_of(asking.session, list(views))
    made = leads(asking, [row for found in rows.values() for row in found], views)
    by_contact: dict[str, list[Lead]] = {}
    for lead in made:
        by_contact.setdefault(lead.contact, []).append(lead)
    return by_contact


def leads(asking: Asking, rows: Sequence[LeadRow], views: Mapping[str, ContactView]) -> list[Lead]:
    """The leads behind these rows; `views`: their contacts, as far as the mirror holds them."""
    companies = {a.company.id: a.company for view in views.values() for a in view.associations}
    records = listing.observed_of(asking.session, (), companies)
    accounts = {
        str(known[UUIDS[Entity.ACCOUNT]]): companies[key] for (_, key), known in records.items() if known.get("UUID")
    }
    return [_lead(asking, row, views.get(row.contact), accounts, records) for row in rows]


def _lead(
    asking: Asking,
    row: LeadRow,
    view: ContactView | None,
    accounts: Mapping[str, Company],
    records: _Records,
) -> Lead:
    sent, observed = row.sent or {}, row.observed or {}
    number = _number(observed, Entity.LEAD)
    account = accounts.get(str(sent.get("AccountPartyUUID")))
    return Lead(
        key=row.key,
        contact=row.contact,
        name=names.full_name(view.properties) if asking.names and view else None,
        number=number,
        object_id=row.object_id,
        account=_company(asking, account, records) if account else None,
        owner=asking.lead_owners.of(sent, observed) if asking.names else None,
        crossed_at=row.crossed_at,
        handed_over_at=row.handed_over_at,
        adopted=row.adopted,
        status=lead_status(row.observed, asking.rules.mapping.lead),
        c4c_url=asking.links.record(Entity.LEAD, number),
    )
