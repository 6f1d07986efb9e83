"""The account and the contact person of a handover."""

from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.entities import Entity
from sync.domain.rules import AccountMap
from sync.domain.views import Company, Memo, Unreadable
from sync.planner import resolve
from sync.planner.records import duplicates, sources
from sync.planner.resolve import Found, Lost, Resolution, Unasked, Unread
from sync.planner.snapshot import Ask, Lookup, Record
from sync.planner.workspace import NotYet, Party, Problem, Subject, Workspace, by_id
from sync.planner.writes import TAX_NUMBER


def account_rules(workspace: Workspace) -> AccountMap:
    """The rules for accounts; without the tax number if the tenant does not offer the tax numbers' service."""
    rules = workspace.rules.mapping.account
    if workspace.offers(TAX_NUMBER, "TaxID", "ParentObjectID"):
        return rules
    left = tuple(key for key in rules.natural_keys if key.kind != "tax_number")
    return rules.model_copy(update={"natural_keys": left})


def _resolve_account(workspace: Workspace, company: Company) -> Resolution:
    rivals, alike = duplicates.rivals(workspace, company), duplicates.sharing(workspace, company)
    return resolve.account(
        company, workspace.link(Entity.ACCOUNT, company.id), account_rules(workspace), workspace.ask, rivals, alike
    )


def account_of(workspace: Workspace, company: Company) -> Party:
    """The account of the lead; created if C4C has none.

    Duplicates in HubSpot share one, unless the rules say otherwise.
    """
    if record := _shared_account(workspace, company):
        return Party(Entity.ACCOUNT, company.id, record)
    stands_for = duplicates.principal(workspace, company)
    party = _own_account(workspace, stands_for)
    if stands_for.id != company.id and party.record:
        workspace.share((Entity.ACCOUNT, company.id), party.record)
    return party


def _shared_account(workspace: Workspace, company: Company) -> Record | None:
    return duplicates.shared_record(workspace, resolve.account_key(company.id, workspace.rules.mapping.account))


def _is_shared(found: Resolution) -> bool:
    return isinstance(found, Found) and found.shared


def _own_account(workspace: Workspace, company: Company) -> Party:
    key_field = workspace.rules.mapping.account.external_key
    subject = Subject(Entity.ACCOUNT, company.id, key_field, Code.ACCOUNT_AMBIGUOUS)
    found = _resolve_account(workspace, company)
    existing = workspace.existing(found, subject)
    party = Party(Entity.ACCOUNT, company.id, existing)
    if existing and _is_shared(found):
        workspace.share((Entity.ACCOUNT, company.id), existing)
        return party
    memo = _memo(workspace, company)
    made = workspace.draft(
        Entity.ACCOUNT,
        company.id,
        "company",
        sources.of_account(workspace, company),
        rests_on=sources.from_contact(workspace, company),
        memo=memo,
    )
    answers = (Lookup(Ask.BY_KEY, Entity.ACCOUNT, company.id),)
    workspace.write(made, existing, {party.lock}, answers=answers, memo=memo)
    return party


def _memo(workspace: Workspace, company: Company) -> Memo:
    """Where the account is remembered: with its company if all contacts share that, else with the contact."""
    shared = any(association.company is company for association in workspace.view.associations)
    return company.memo if shared else workspace.view.memo


def further_account(workspace: Workspace, company: Company) -> Party | None:
    """The account of a further company, if it is in C4C already.

    If that is unclear, no person is asked; a warning is enough.
    """
    if record := _shared_account(workspace, company):
        return Party(Entity.ACCOUNT, company.id, record)
    try:
        stands_for = duplicates.principal(workspace, company)
        found = _resolve_account(workspace, stands_for)
    except (Unreadable, Problem):
        return None
    if isinstance(found, Found) and (found.shared or stands_for.id != company.id):
        workspace.share((Entity.ACCOUNT, company.id), found.record)
    if isinstance(found, Unread):
        raise NotYet
    if isinstance(found, Unasked):
        text = f"company {company.id}: {found.why}; no relationship to its account is made"
        workspace.warnings.append(Reason(Code.C4C_REJECTED, text))
        return None
    if (link := workspace.link(Entity.ACCOUNT, company.id)) and not isinstance(found, Found):
        workspace.remember(link, next(iter(workspace.need(by_id(link))), None))
    return Party(Entity.ACCOUNT, company.id, found.record) if isinstance(found, Found) else None


def known_person(workspace: Workspace) -> Party | None:
    """The active contact person, if there is one. Raises Problem if a person must say which one it is."""
    rules, view = workspace.rules.mapping.contact, workspace.view
    if record := duplicates.shared_record(workspace, resolve.contact_key(view.id, rules)):
        return Party(Entity.CONTACT, view.id, record)
    found = resolve.contact(view, None, workspace.link(Entity.CONTACT, view.id), rules, workspace.ask)
    if isinstance(found, Found):
        link = workspace.link(Entity.CONTACT, view.id)
        if link and link.object_id == found.record.object_id:
            workspace.remember(link, found.record)
        return Party(Entity.CONTACT, view.id, found.record)
    if not isinstance(found, Lost):
        workspace.existing(found, Subject(Entity.CONTACT, view.id, rules.external_key, Code.CONTACT_AMBIGUOUS))
    return None


def refuse_double(workspace: Workspace) -> None:
    """Raises Problem for a person whom HubSpot holds twice, unless C4C has a record under this id,
    even a retired one.
    """
    view, mapping = workspace.view, workspace.rules.mapping
    if mapping.duplicates.contact == "create" or not view.duplicates or workspace.link(Entity.CONTACT, view.id):
        return
    wanted = resolve.contact_key(view.id, mapping.contact)
    if any(wanted.holds_key(record) for record in workspace.need(Lookup(Ask.BY_KEY, Entity.CONTACT, view.id))):
        return
    others = ", ".join(view.duplicates)
    text = f"contact {view.id} has the e-mail address and a company of contact {others}; merge them in HubSpot"
    raise Problem(Code.CONTACT_DUPLICATE, text)


def person(workspace: Workspace, of: Party, company: Company) -> Party:
    """The contact person within the account `of`, which stands for the company."""
    rules, view = workspace.rules.mapping.contact, workspace.view
    if record := duplicates.shared_record(workspace, resolve.contact_key(view.id, rules)):
        return Party(Entity.CONTACT, view.id, record)
    account_id = of.record.text("AccountID") if of.record else None
    found = resolve.contact(view, account_id, workspace.link(Entity.CONTACT, view.id), rules, workspace.ask)
    existing = workspace.existing(found, Subject(Entity.CONTACT, view.id, rules.external_key, Code.CONTACT_AMBIGUOUS))
    party = Party(Entity.CONTACT, view.id, existing)
    if existing and _is_shared(found):
        workspace.share((Entity.CONTACT, view.id), existing)
        return party
    value_of = sources.of_person(workspace, of, company)
    made = workspace.draft(Entity.CONTACT, view.id, "contact", value_of, rests_on=(company.id,), records=of.values)
    before = workspace.account_locks("AccountID", existing.text("AccountID")) if existing else set()
    workspace.write(
        made, existing, {party.lock, of.lock, *before}, answers=(Lookup(Ask.BY_KEY, Entity.CONTACT, view.id),)
    )
    return party
