"""Companies of the mirror that may stand for one account, found by the keys that they have in common."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import delete, func, insert
from sqlmodel import Session, col, select

from sync.domain.views import ALIKE, Association, Company, ContactView, Peer, Peers
from sync.state import loading, objects, tables
from sync.state.pending import portions

_TABLE = tables.Base.metadata.tables["company_key"]


def save_keys(session: Session, keys: Mapping[str, Iterable[str]]) -> None:
    """Replaces the keys of these companies."""
    for ids in portions(keys):
        session.exec(delete(tables.CompanyKey).where(col(tables.CompanyKey.company_id).in_(ids)))
    rows = [{"key": key, "company_id": company} for company, found in keys.items() for key in found]
    if rows:
        session.execute(insert(_TABLE), rows)


def with_peers(session: Session, views: Mapping[str, ContactView]) -> dict[str, ContactView]:
    """The views with the peers of each of their companies."""
    companies = {a.company.id: a.company for view in views.values() for a in view.associations}
    groups = _groups(session, list(companies))
    return {i: _completed(view, groups) for i, view in views.items()}


def same_address(
    session: Session, wanted: Mapping[str, tuple[Collection[str], str]], email: str, read: Callable[[str], str]
) -> dict[str, set[str]]:
    """By contact: others of one of its companies with its e-mail address that crossed a threshold or are linked.

    `wanted`: by contact the companies and the address, empty where it has none. `email` is the property, and `read`
    gives the address in it.
    """
    pairs = {i: [(company, address) for company in companies if address] for i, (companies, address) in wanted.items()}
    by_pair: dict[tuple[str, str], set[str]] = {}
    for company, contact, text in _addresses(session, {company for own in pairs.values() for company, _ in own}, email):
        by_pair.setdefault((company, read(text)), set()).add(contact)
    found = {i: {other for pair in own for other in by_pair.get(pair, ())} - {i} for i, own in pairs.items()}
    return {i: others for i, others in found.items() if others}


def _addresses(session: Session, company_ids: set[str], email: str) -> Iterable[tuple[str, str, str]]:
    """(company, contact, its text of the property)."""
    contact, association = tables.Contact, tables.Association
    address = func.json_extract(contact.properties, f'$."{email}"')
    known = select(tables.Crossing.contact_id).union(
        select(tables.Link.hubspot_id).where(tables.Link.entity == "Contact")
    )
    of = (
        select(association.company_id, contact.id, address)
        .join(contact, col(contact.id) == col(association.contact_id))
        .where(~objects.gone(), address.is_not(None), col(contact.id).in_(known))
        .distinct()
    )
    for ids in portions(company_ids):
        for company, contact_id, text in session.exec(of.where(col(association.company_id).in_(ids))):
            yield company, contact_id, str(text)


def of(session: Session, company_ids: Sequence[str]) -> set[str]:
    """Ids of all companies that have a key in common with any of these."""
    return {
        peer.company.id
        for groups in _groups(session, company_ids).values()
        for group in groups
        for peer in group.members
    }


def _completed(view: ContactView, groups: Mapping[str, tuple[Peers, ...]]) -> ContactView:
    if not any(a.company.id in groups for a in view.associations):
        return view
    associations = (Association(_with(a.company, groups), a.labels) for a in view.associations)
    return replace(view, associations=tuple(associations))


def _with(company: Company, groups: Mapping[str, tuple[Peers, ...]]) -> Company:
    return replace(company, peers=groups[company.id]) if company.id in groups else company


def _groups(session: Session, company_ids: Sequence[str]) -> dict[str, tuple[Peers, ...]]:
    """By company its groups of more than one; companies with the same key share the group itself."""
    keys_of: dict[str, list[str]] = {}
    for company, key in _pairs(session, tables.CompanyKey.company_id, company_ids):
        keys_of.setdefault(key, []).append(company)
    members: dict[str, list[str]] = {}
    for company, key in _pairs(session, tables.CompanyKey.key, list(keys_of)):
        members.setdefault(key, []).append(company)
    shared = {key: ids for key, ids in members.items() if len(ids) > 1}
    peers = _peers(session, {i for ids in shared.values() for i in ids})
    found: dict[str, tuple[Peers, ...]] = {}
    for key, ids in shared.items():
        group = Peers(tuple(peers[i] for i in ids if i in peers), key.startswith(ALIKE))
        for company in keys_of[key] if len(group.members) > 1 else ():
            found[company] = (*found.get(company, ()), group)
    return found


def _pairs(session: Session, column: str, values: Sequence[str]) -> list[tuple[str, str]]:
    of = select(tables.CompanyKey.company_id, tables.CompanyKey.key)
    return [pair for part in portions(values) for pair in session.exec(of.where(col(column).in_(part)))]


def _peers(session: Session, company_ids: set[str]) -> dict[str, Peer]:
    """Those of the companies that HubSpot has not merged away, with whether they have an account of their own."""
    companies = loading.companies(session, company_ids - _merged(session, company_ids))
    linked = _linked(session, companies)
    return {i: Peer(company, i in linked) for i, company in companies.items()}


def _merged(session: Session, company_ids: Iterable[str]) -> set[str]:
    of = select(tables.Alias.old_id).where(tables.Alias.entity == "CorporateAccount")
    return {i for ids in portions(company_ids) for i in session.exec(of.where(col(tables.Alias.old_id).in_(ids)))}


def _linked(session: Session, company_ids: Iterable[str]) -> set[str]:
    of = select(tables.Link.key).where(
        tables.Link.entity == "CorporateAccount", tables.Link.object_id != "", tables.Link.origin != "shared"
    )
    return {i for ids in portions(company_ids) for i in session.exec(of.where(col(tables.Link.key).in_(ids)))}
