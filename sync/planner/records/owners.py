"""Chooses the owner of a lead or an account by an owner rule.

Pure and without memory: the same input gives the same owner.
"""

import hashlib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from sync.domain import alike
from sync.domain.rules import OwnerRule, Territory
from sync.domain.views import Owner
from sync.mappers.places import country_of
from sync.planner.facts import Facts

_Employees = Mapping[str, str]
"""UUIDs of valid employees by lower-case e-mail address."""


NOT_READ = "has not been read from HubSpot yet; the owner is set once the owners are known"


@dataclass(frozen=True, slots=True)
class _Dealt:
    """The chosen employee's UUID, or None.

    `unknown`: a sentence for each owner who could not be chosen, without addresses.
    """

    uuid: str | None
    unknown: tuple[str, ...] = ()


def why_not(address: str | None, shared: Container[str]) -> str:
    """Why this address chooses no employee, as the end of a sentence. `shared`: as in `Tenant`."""
    if address and address.casefold() in shared:
        return "has an e-mail address that several valid employees share; give each of them an address of their own"
    return "is not a valid employee"


@dataclass(frozen=True, slots=True)
class Staff:
    """Employees who may own records, and the account's owner. `addresses` and the others: as in `Tenant`."""

    addresses: _Employees
    shared: Container[str] = frozenset()
    valid: Container[str] = frozenset()
    account_owner: str | None = None


def owner_uuid(rule: OwnerRule, key: str, facts: Facts, staff: Staff) -> _Dealt:
    """The first step of the rule's order that gives a valid employee; `key`: the HubSpot id for the round robin.

    None if a step before it names an owner that has not been read from HubSpot yet: the record gets its owner once that
    is known.
    """
    unknown: list[str] = []
    for step in rule.order:
        if step == "account_owner":
            if staff.account_owner and staff.account_owner.upper() in staff.valid:
                return _Dealt(staff.account_owner, tuple(unknown))
            unknown += ["the owner of the account is not a valid employee"] if staff.account_owner else []
            continue
        if (waited := _unread(step, facts)) is not None:
            return _Dealt(None, (*unknown, f"owner {waited.id} {NOT_READ}"))
        for who, address in _candidates(step, rule, key, facts, staff.addresses):
            uuid = staff.addresses.get(address.casefold()) if address else None
            if uuid is not None:
                return _Dealt(uuid, tuple(unknown))
            unknown.append(f"{who} {why_not(address, staff.shared)}")
    return _Dealt(None, tuple(unknown))


def _unread(step: str, facts: Facts) -> Owner | None:
    """The owner that the step names, if HubSpot's owners have not been read yet."""
    of = {"contact_owner": facts.view, "company_owner": facts.company}.get(step)
    return of.owner if of and of.owner and of.owner.unread else None


def _candidates(
    step: str, rule: OwnerRule, key: str, facts: Facts, employees: _Employees
) -> Iterator[tuple[str, str | None]]:
    """(what is named, address) of everyone whom a step names, known to C4C or not."""
    match step:
        case "contact_owner":
            yield from _owner(facts.view.owner, facts.view.get("hubspot_owner_id"))
        case "company_owner" if facts.company:
            yield from _owner(facts.company.owner, facts.company.get("hubspot_owner_id"))
        case "territory":
            found = next((n for n, row in enumerate(rule.territories) if _covers(row, rule, facts)), None)
            if found is not None:
                yield f"the owner of territories.{found}", rule.territories[found].owner
        case "round_robin":
            yield from _dealt(rule.round_robin, key, employees)


def _owner(owner: Owner | None, owner_id: str | None) -> Iterator[tuple[str, str | None]]:
    if owner_id is not None:
        yield f"owner {owner_id}", owner.email if owner else None


def _dealt(members: tuple[str, ...], key: str, employees: _Employees) -> Iterator[tuple[str, str | None]]:
    """The members in the order of rendezvous hashing: each gets a number for the key, and the
    highest valid one wins.
    """
    valid = [member for member in members if member.casefold() in employees]
    for number, member in enumerate(members):
        if member not in valid:
            yield f"round_robin.{number}", member
    if valid:
        yield "the round robin", max(valid, key=lambda member: _draw(member, key))


def _draw(member: str, key: str) -> bytes:
    return hashlib.sha256(f"{member.casefold()}\n{key}".encode()).digest()


def _covers(row: Territory, rule: OwnerRule, facts: Facts) -> bool:
    country_code = country_of(facts.at_company, rule.country_property)
    postal = alike.postal_code(facts.at_company(rule.postal_property) or "", country_code)
    if row.country and row.country != country_code:
        return False
    if row.postal and not any(_begins(postal, prefix.replace(" ", "").upper()) for prefix in row.postal):
        return False
    return not row.segment or row.segment == facts.get("derived.segment")


def _begins(postal: str, prefix: str) -> bool:
    low, dash, high = prefix.partition("-")
    if not dash:
        return postal.startswith(low)
    return bool(postal) and low <= postal[: len(low)] and postal[: len(high)] <= high
