"""Finds the value of a source for one record, by its full name (`contact.email`, `owner.team`, `c4c.account_uuid`)."""

from collections.abc import Callable

from sync.domain.codes import Code
from sync.domain.decision import Decision, Reason
from sync.domain.rules import OWNER_PROPERTY, Route, field_sources
from sync.domain.views import Company, Owner
from sync.mappers.company import company_name
from sync.mappers.draft import Awaited, DraftValue, ValueOf
from sync.planner.facts import Facts
from sync.planner.records.note import lead_note
from sync.planner.records.owners import NOT_READ, Staff, owner_uuid, why_not
from sync.planner.workspace import Party, Workspace


def of_account(workspace: Workspace, company: Company) -> ValueOf:
    """Values for the account of a company."""

    def find(name: str) -> DraftValue:
        match name.partition("."):
            case ("company", _, "name"):
                return company_name(company, workspace.rules.mapping.account.shared_domains)
            case ("c4c", _, "owner_uuid"):
                return _employee(workspace, company.owner, company.get("hubspot_owner_id"))
            case ("owner", _, rule):
                return _dealt(workspace, rule, company.id, company, None)
            case ("company" | "derived", _, _):
                return Facts(workspace.view, company, workspace.rules).get(name)
            case _:
                return None

    return _texts(find)


def from_contact(workspace: Workspace, company: Company) -> tuple[object, ...]:
    """What the account of a company takes from the contact: its owner, if a field of the account has an owner rule."""
    mapping, view = workspace.rules.mapping, workspace.view
    by_rule = company.memo.once(
        "owner rule",
        (workspace.rules,),
        (),
        lambda: any(name.startswith("owner.") for f in mapping.account.fields for name in field_sources(f)),
    )
    owner = view.owner, view.properties.get(OWNER_PROPERTY), OWNER_PROPERTY in view.unreadable
    return owner if by_rule else ()


def of_person(workspace: Workspace, account: Party, company: Company) -> ValueOf:
    """Values for the contact person, who belongs to the company and its account."""
    return _texts(lambda name: _find(workspace, name, None, company, account, None))


def of_lead(workspace: Workspace, decision: Decision, account: Party | None, person: Party | None) -> ValueOf:
    """Values for the lead of a score."""
    return _texts(lambda name: _find(workspace, name, decision, decision.company, account, person))


def route(workspace: Workspace, decision: Decision) -> Route:
    """The route that the lead takes."""
    return workspace.rules.qualification.routes[decision.route]


def _find(
    workspace: Workspace,
    name: str,
    decision: Decision | None,
    company: Company | None,
    account: Party | None,
    person: Party | None,
) -> DraftValue:
    match name.partition("."):
        case ("contact", _, rest):
            return workspace.view.get(rest)
        case ("company", _, rest):
            return _of_company(workspace, company, rest)
        case ("c4c", _, "owner_uuid") if decision and (rule := route(workspace, decision).owner):
            return _dealt(workspace, rule, workspace.view.id, company, account)
        case ("c4c", _, rest):
            return _of_parties(workspace, rest, account, person)
        case ("owner", _, rule):
            return _dealt(workspace, rule, workspace.view.id, company, account)
        case ("derived", _, _):
            return Facts(workspace.view, company, workspace.rules).get(name)
        case (space, _, rest):
            return _of_score(workspace, decision, space, rest) if decision else None


def _of_company(workspace: Workspace, company: Company | None, name: str) -> str | None:
    """A property of the lead's company; without a company, the contact's company text is the name."""
    if company is None:
        return workspace.view.get("company") if name == "name" else None
    shared = workspace.rules.mapping.account.shared_domains
    return company_name(company, shared) if name == "name" else company.get(name)


def _of_parties(workspace: Workspace, name: str, account: Party | None, person: Party | None) -> DraftValue:
    match name:
        case "owner_uuid":
            return _employee(workspace, workspace.view.owner, workspace.view.get("hubspot_owner_id"))
        case "account_uuid":
            return account.uuid if account else None
        case "contact_uuid":
            return person.uuid if person else None
        case _:
            return None


def _of_score(workspace: Workspace, decision: Decision, space: str, name: str) -> str | None:
    """A value of the lead's score or route."""
    score, taken = workspace.rules.score(decision.score), route(workspace, decision)
    match space, name:
        case "route", "name":
            return decision.route
        case "route", _:
            value = getattr(taken, name, None)
            return value if isinstance(value, str) else None
        case "score", "name":
            return score.name
        case "score", "value":
            return workspace.view.get(score.property)
        case "score", "note":
            return lead_note(workspace.view, decision, score, workspace.rules.qualification.consent, taken.language)
        case _:
            return None


def _employee(workspace: Workspace, owner: Owner | None, owner_id: str | None) -> str | None:
    """The employee's UUID. If the owner is not a valid employee, C4C chooses, with a warning."""
    if owner_id is None:
        return None
    address = owner.email if owner else None
    uuid = workspace.tenant.employees.get(address.casefold()) if address else None
    if uuid is None:
        why = NOT_READ if owner and owner.unread else why_not(address, workspace.tenant.shared)
        _unknown(workspace, f"owner {owner_id} {why}")
    return uuid


def _dealt(workspace: Workspace, rule: str, key: str, company: Company | None, account: Party | None) -> str | None:
    """The employee's UUID by an owner rule, with a warning for each named owner who is not a valid employee."""
    facts = Facts(workspace.view, company, workspace.rules)
    owns = account.record.text("OwnerUUID") if account and account.record else ""
    staff = Staff(workspace.tenant.employees, workspace.tenant.shared, workspace.tenant.valid, owns or None)
    dealt = owner_uuid(workspace.rules.qualification.owners[rule], key, facts, staff)
    for sentence in dealt.unknown:
        _unknown(workspace, sentence)
    return dealt.uuid


def _unknown(workspace: Workspace, sentence: str) -> None:
    workspace.warnings.append(Reason(Code.OWNER_UNKNOWN, sentence))


def _texts(find: Callable[[str], DraftValue]) -> ValueOf:
    """The value as text; the mapping works on texts and awaited ids only."""

    def as_text(name: str) -> str | Awaited | None:
        value = find(name)
        return value if value is None or isinstance(value, str | Awaited) else str(value)

    return as_text
