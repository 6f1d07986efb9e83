"""Several HubSpot companies for one account: duplicates share it or wait, sister companies compete for it. Pure."""

from dataclasses import replace

from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.entities import Entity
from sync.domain.numbers import in_order
from sync.domain.views import Company, Peer
from sync.mappers import identity
from sync.planner import resolve
from sync.planner.resolve import Keyed, Rival, account_key
from sync.planner.snapshot import Ask, Lookup, Record
from sync.planner.workspace import NotYet, Problem, Workspace, by_id


def shared_record(workspace: Workspace, of: Keyed) -> Record | None:
    """The record that a HubSpot id shares with another one, as long as it is active. Raises NotYet."""
    link = workspace.link(of.entity, of.key)
    if link is None or link.origin != "shared":
        return None
    record = next(iter(workspace.need(by_id(link))), None)
    if record is None or not of.lives(record):
        return None
    workspace.share((of.entity, of.key), record)
    return record


def principal(workspace: Workspace, company: Company) -> Company:
    """The company that stands for this one and its duplicates: one that has an account, else the lowest id.

    Raises Problem if the rules leave duplicates to a person, and NotYet until it is known which of
    them has an account.
    """
    of = workspace.rules.mapping
    link = workspace.link(Entity.ACCOUNT, company.id)
    alike = identity.duplicates(company) if of.duplicates.company != "create" else ()
    if not alike or (link and link.origin != "shared") or _holds_account(workspace, company):
        return company
    others = ", ".join(peer.company.id for peer in alike)
    text = f"company {company.id} is the same as {others} in HubSpot; merge them in HubSpot"
    if of.duplicates.company == "park":
        raise Problem(Code.COMPANY_DUPLICATE, text)
    chosen = _chosen(workspace, company, alike)
    if chosen.id != company.id:
        workspace.warnings.append(
            Reason(Code.COMPANY_DUPLICATE, f"{text}; until then they share the account of {chosen.id}")
        )
    return chosen


def _chosen(workspace: Workspace, company: Company, alike: tuple[Peer, ...]) -> Company:
    for peer in alike:
        workspace.ask(Lookup(Ask.BY_KEY, Entity.ACCOUNT, peer.company.id))
    holders = [peer.company for peer in alike if peer.linked or _holds_account(workspace, peer.company)]
    everybody = [company, *(peer.company for peer in alike)]
    chosen = holders[0] if holders else min(everybody, key=lambda one: in_order(one.id))
    kin = {**company.kin, company.id: company.peers}
    return replace(chosen, peers=kin.get(chosen.id, company.peers), kin=kin)


def _holds_account(workspace: Workspace, company: Company) -> bool:
    """Whether an active account of C4C carries the company's key. Raises NotYet."""
    try:
        key = account_key(company.id, workspace.rules.mapping.account)
        return resolve.holder(key, workspace.ask) is not None
    except resolve.NotRead:
        raise NotYet from None


def sharing(workspace: Workspace, company: Company) -> list[tuple[Company, list[Rival]]]:
    """The duplicates that share the company's account under the rules, each with the rivals for what it finds."""
    of = workspace.rules.mapping
    alike = identity.duplicates(company) if of.duplicates.company == "share" else ()
    known = [replace(peer.company, peers=company.kin.get(peer.company.id, ())) for peer in alike]
    return [(one, rivals(workspace, one)) for one in known]


def rivals(workspace: Workspace, company: Company) -> list[Rival]:
    """Companies that may claim the same account. Duplicates take it in the order of their ids."""
    of = workspace.rules.mapping
    alike = {peer.company.id for peer in identity.duplicates(company)}
    found = [peer for peer in identity.peers(company) if not peer.shares]
    if of.duplicates.company == "create":
        return [
            Rival(peer.company, _precedence(peer.company, company) if peer.company.id in alike else 0, _own(peer))
            for peer in found
        ]
    others = [peer for peer in found if peer.company.id not in alike]
    return [Rival(peer.company, accounts=(*_own(peer), *peer.covered_by)) for peer in others]


def _own(peer: Peer) -> tuple[str, ...]:
    return (peer.company.id,) if peer.linked else ()


def _precedence(other: Company, company: Company) -> int:
    return 1 if in_order(other.id) < in_order(company.id) else -1
