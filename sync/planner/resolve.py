"""Which C4C record is meant: by link, by external key, by natural key — or none, so that it must be created.

What exists is adopted, never created twice. Obsolete records and records of another external key are no candidates.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sync.domain.rules import AccountMap, ContactMap, NaturalKey
from sync.domain.views import Company, ContactView, Link
from sync.mappers.company import web_domain
from sync.mappers.places import country
from sync.mappers.transforms import domain
from sync.planner.target import Ask, Question, Record

ACCOUNT = "CorporateAccount"
CONTACT = "Contact"
LEAD = "Lead"

Asker = Callable[[Question], tuple[Record, ...] | None]


@dataclass(frozen=True, slots=True)
class Found:
    """Exactly one record."""

    record: Record


@dataclass(frozen=True, slots=True)
class Absent:
    """No record: create one."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several records; a person must say which."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unread:
    """The answer was not read yet; the questions have been asked."""


Resolution = Found | Absent | Ambiguous | Unread


def account(company: Company, link: Link | None, rules: AccountMap, ask: Asker) -> Resolution:
    """The account of a HubSpot company."""

    def live(records: Iterable[Record]) -> list[Record]:
        return [r for r in records if r.text("LifeCycleStatusCode") != rules.obsolete_status]

    known = _known(ACCOUNT, company.id, link, live, ask)
    return known if known is not None else _natural_account(company, rules, live, ask)


def contact(view: ContactView, account_id: str | None, link: Link | None, rules: ContactMap, ask: Asker) -> Resolution:
    """The contact person; `account_id` is the AccountID to look within, None for an account yet to be created."""

    def live(records: Iterable[Record]) -> list[Record]:
        return [r for r in records if r.text("StatusCode") != rules.obsolete_status]

    known = _known(CONTACT, view.id, link, live, ask)
    if known is not None:
        return known
    address = (view.get(rules.email_source) or "").casefold()
    if not address or not account_id:
        return Absent()
    persons = ask(Question(Ask.CONTACTS_OF, CONTACT, account_id))
    if persons is None:
        return Unread()
    same_address = [p for p in live(persons) if p.text("Email").strip().casefold() == address]
    return _only(_unclaimed(same_address, rules.external_key))


Live = Callable[[Iterable[Record]], list[Record]]


def _known(entity: str, key: str, link: Link | None, live: Live, ask: Asker) -> Resolution | None:
    """By link and external key; None if neither knows a live record."""
    if link:
        linked = ask(Question(Ask.BY_ID, entity, link.object_id))
        if linked is None:
            return Unread()
        if live(linked):
            return Found(live(linked)[0])
    keyed = ask(Question(Ask.BY_KEY, entity, key))
    if keyed is None:
        return Unread()
    return _only(live(keyed)) if live(keyed) else None


def _natural_account(company: Company, rules: AccountMap, live: Live, ask: Asker) -> Resolution:
    # All keys are asked at once: one more filter costs nothing, one more round costs a request.
    answers = [(_matcher(key, company), ask(q)) for key in rules.natural_keys if (q := _question(key, company))]
    if any(records is None for _, records in answers):
        return Unread()
    for matches, records in answers:
        candidates = [r for r in _unclaimed(live(records or ()), rules.external_key) if matches(r)]
        if candidates:
            return _only(candidates)
    return Absent()


def _question(key: NaturalKey, company: Company) -> Question | None:
    match key.kind:
        case "tax_number":
            value = company.get(key.source[0])
            return Question(Ask.ACCOUNT_BY_TAX, ACCOUNT, value) if value else None
        case "web_domain":
            value = web_domain(company, key.source)
            return Question(Ask.ACCOUNT_BY_DOMAIN, ACCOUNT, value) if value else None
        case "name_country_postal":
            parts = _postal(company, key.source)
            return Question(Ask.ACCOUNT_BY_POSTAL, ACCOUNT, parts[2]) if all(parts) else None


def _matcher(key: NaturalKey, company: Company) -> Callable[[Record], bool]:
    match key.kind:
        case "tax_number":
            return _any_record
        case "web_domain":
            wanted = web_domain(company, key.source)
            return lambda record: domain(record.text("WebSite")) == wanted
        case "name_country_postal":
            parts = _postal(company, key.source)
            return lambda record: _address(record) == parts


def _any_record(_: Record) -> bool:
    """The question alone decides."""
    return True


def _postal(company: Company, source: Sequence[str]) -> tuple[str, str, str]:
    name, land, code = (company.get(s) or "" for s in source)
    return " ".join(name.split()), country(land) or "", code


def _address(record: Record) -> tuple[str, str, str]:
    names = (record.text(field) for field in ("Name", "AdditionalName", "AdditionalName2", "AdditionalName3"))
    return " ".join(" ".join(names).split()), record.text("CountryCode"), record.text("StreetPostalCode")


def _unclaimed(records: Iterable[Record], key_field: str) -> list[Record]:
    return [record for record in records if not record.text(key_field)]


def _only(records: Sequence[Record]) -> Resolution:
    if not records:
        return Absent()
    return Found(records[0]) if len(records) == 1 else Ambiguous(tuple(sorted(r.object_id for r in records)))
