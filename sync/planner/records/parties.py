"""The account and the contact person of a handover."""

from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.rules import AccountMap
from sync.domain.views import Company, Unreadable
from sync.planner import resolve
from sync.planner.desk import Desk, NotYet, Party, Problem, Subject, by_id
from sync.planner.records import duplicates, sources
from sync.planner.resolve import ACCOUNT, CONTACT, Found, Lost, Resolution, Unasked, Unread
from sync.planner.target import Ask, Question, Record
from sync.planner.writes import TAX_NUMBER


def account_rules(desk: Desk) -> AccountMap:
    """Without the tax numbers' service accounts are recognised by the other keys."""
    rules = desk.rules.mapping.account
    if desk.offers(TAX_NUMBER, "TaxID", "ParentObjectID"):
        return rules
    left = tuple(key for key in rules.natural_keys if key.kind != "tax_number")
    return rules.model_copy(update={"natural_keys": left})


def resolve_account(desk: Desk, company: Company) -> Resolution:
    rivals, alike = duplicates.rivals(desk, company), duplicates.sharing(desk, company)
    return resolve.account(company, desk.link(ACCOUNT, company.id), account_rules(desk), desk.ask, rivals, alike)


def account(desk: Desk, company: Company) -> Party:
    """The account of the lead; created if C4C has none. Duplicates of HubSpot share one, unless the rules differ."""
    if record := _shared_account(desk, company):
        return Party(ACCOUNT, company.id, record)
    stands_for = duplicates.principal(desk, company)
    party = _own_account(desk, stands_for)
    if stands_for.id != company.id and party.record:
        desk.share((ACCOUNT, company.id), party.record)
    return party


def _shared_account(desk: Desk, company: Company) -> Record | None:
    return duplicates.shared_record(desk, resolve.account_key(company.id, desk.rules.mapping.account))


def _is_shared(found: Resolution) -> bool:
    return isinstance(found, Found) and found.shared


def _own_account(desk: Desk, company: Company) -> Party:
    key_field = desk.rules.mapping.account.external_key
    subject = Subject(ACCOUNT, company.id, key_field, Code.ACCOUNT_AMBIGUOUS)
    found = resolve_account(desk, company)
    existing = desk.existing(found, subject)
    party = Party(ACCOUNT, company.id, existing)
    if existing and _is_shared(found):
        desk.share((ACCOUNT, company.id), existing)
        return party
    made = desk.draft(ACCOUNT, company.id, "company", sources.of_account(desk, company))
    desk.write(made, existing, {party.lock}, answers=(Question(Ask.BY_KEY, ACCOUNT, company.id),))
    return party


def further_account(desk: Desk, company: Company) -> Party | None:
    """The account of a further company, if it is in C4C already; nobody is bothered where that is not clear."""
    if record := _shared_account(desk, company):
        return Party(ACCOUNT, company.id, record)
    try:
        stands_for = duplicates.principal(desk, company)
        found = resolve_account(desk, stands_for)
    except (Unreadable, Problem):
        return None
    if isinstance(found, Found) and (found.shared or stands_for.id != company.id):
        desk.share((ACCOUNT, company.id), found.record)
    if isinstance(found, Unread):
        raise NotYet
    if isinstance(found, Unasked):
        text = f"company {company.id}: {found.why}; no relationship to its account is made"
        desk.warnings.append(Reason(Code.C4C_REJECTED, text))
        return None
    if (link := desk.link(ACCOUNT, company.id)) and not isinstance(found, Found):
        desk.remember(link, next(iter(desk.need(by_id(link))), None))
    return Party(ACCOUNT, company.id, found.record) if isinstance(found, Found) else None


def known_person(desk: Desk) -> Party | None:
    """The living contact person, if there is one. Raises Problem where a person must say which one it is."""
    rules, view = desk.rules.mapping.contact, desk.view
    if record := duplicates.shared_record(desk, resolve.contact_key(view.id, rules)):
        return Party(CONTACT, view.id, record)
    found = resolve.contact(view, None, desk.link(CONTACT, view.id), rules, desk.ask)
    if isinstance(found, Found):
        link = desk.link(CONTACT, view.id)
        if link and link.object_id == found.record.object_id:
            desk.remember(link, found.record)
        return Party(CONTACT, view.id, found.record)
    if not isinstance(found, Lost):
        desk.existing(found, Subject(CONTACT, view.id, rules.external_key, Code.CONTACT_AMBIGUOUS))
    return None


def refuse_double(desk: Desk) -> None:
    """Raises Problem for a person whom HubSpot holds twice and C4C not yet under this id."""
    view, mapping = desk.view, desk.rules.mapping
    if mapping.duplicates.contact == "create" or not view.duplicates or desk.link(CONTACT, view.id):
        return
    if duplicates.holds(desk, resolve.contact_key(view.id, mapping.contact)):
        return
    others = ", ".join(view.duplicates)
    text = f"contact {view.id} has the e-mail address and a company of contact {others}; merge them in HubSpot"
    raise Problem(Code.CONTACT_DUPLICATE, text)


def person(desk: Desk, of: Party, company: Company) -> Party:
    """The contact person within the account `of`, which stands for the company."""
    rules, view = desk.rules.mapping.contact, desk.view
    if record := duplicates.shared_record(desk, resolve.contact_key(view.id, rules)):
        return Party(CONTACT, view.id, record)
    account_id = of.record.text("AccountID") if of.record else None
    found = resolve.contact(view, account_id, desk.link(CONTACT, view.id), rules, desk.ask)
    existing = desk.existing(found, Subject(CONTACT, view.id, rules.external_key, Code.CONTACT_AMBIGUOUS))
    party = Party(CONTACT, view.id, existing)
    if existing and _is_shared(found):
        desk.share((CONTACT, view.id), existing)
        return party
    lookup = sources.of_person(desk, of, company)
    made = desk.draft(CONTACT, view.id, "contact", lookup, rests_on=(company.id, *of.values))
    before = desk.account_locks("AccountID", existing.text("AccountID")) if existing else set()
    desk.write(made, existing, {party.lock, of.lock, *before}, answers=(Question(Ask.BY_KEY, CONTACT, view.id),))
    return party
