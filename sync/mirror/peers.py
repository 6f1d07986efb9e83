"""Finds companies of the mirror that may stand for one account, by the keys that they have in common."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, func, insert
from sqlmodel import Session, col, select

from sync.domain.codes import Code
from sync.domain.entities import Entity
from sync.domain.views import ALIKE, Association, Company, ContactView, Peer, Peers
from sync.mirror import association_rows, loading, objects
from sync.state import tables, work
from sync.state.pending import among, mark_pending, portions

_TABLE = tables.Base.metadata.tables["company_key"]
_BECAUSE_OF_OTHERS = (Code.ACCOUNT_AMBIGUOUS, Code.COMPANY_DUPLICATE)
"""Codes with which a contact may be parked because of another contact's company."""


def save_keys(session: Session, keys: Mapping[str, Collection[str]], now: datetime) -> None:
    """Replaces the keys of these companies, and marks contacts pending that are parked because of one of them."""
    stored: dict[str, set[str]] = {}
    for company, key in _pairs(session, tables.CompanyKey.company_id, list(keys)):
        stored.setdefault(company, set()).add(key)
    changed = [company for company, found in keys.items() if stored.get(company, set()) != set(found)]
    parked = {contact for code in _BECAUSE_OF_OTHERS for contact in work.parked_ids(session, code)}
    near = peers_of(session, changed) if parked else set()
    for ids in portions(changed):
        session.exec(delete(tables.CompanyKey).where(among(tables.CompanyKey.company_id, ids)))
    rows = [{"key": key, "company_id": company} for company in changed for key in keys[company]]
    if rows:
        session.execute(insert(_TABLE), rows)
    if parked:
        at_them = association_rows.contacts_by_company(session, sorted(near | peers_of(session, changed)))
        mark_pending(session, sorted(parked & {i for ids in at_them.values() for i in ids}), now)


def with_peers(session: Session, views: Mapping[str, ContactView]) -> dict[str, ContactView]:
    """The views with the peers of each of their companies."""
    companies = {a.company.id: a.company for view in views.values() for a in view.associations}
    groups = _groups(session, list(companies))
    return {i: _completed(view, groups) for i, view in views.items()}


def same_address(
    session: Session, wanted: Mapping[str, tuple[Collection[str], str]], email: str, read: Callable[[str], str]
) -> dict[str, set[str]]:
    """By contact, other contacts of one of its companies with the same e-mail address that crossed a threshold or are
    linked. `wanted`: by contact its companies and its address (empty if it has none). `email` is the property, and
    `read` gives the address in it.
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
        select(tables.Link.hubspot_id).where(tables.Link.entity == Entity.CONTACT)
    )
    of = (
        select(association.company_id, contact.id, address)
        .join(contact, col(contact.id) == col(association.contact_id))
        .where(~objects.gone(), address.is_not(None), col(contact.id).in_(known))
        .distinct()
    )
    for ids in portions(company_ids):
        for company, contact_id, text in session.exec(of.where(among(association.company_id, ids))):
            yield company, contact_id, str(text)


def peers_of(session: Session, company_ids: Sequence[str]) -> set[str]:
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
    if company.id not in groups:
        return company
    alike = (peer.company.id for group in groups[company.id] if group.alike for peer in group.members)
    return replace(company, peers=groups[company.id], kin={i: groups[i] for i in alike if i != company.id})


def _groups(session: Session, company_ids: Sequence[str]) -> dict[str, tuple[Peers, ...]]:
    """By company, its groups of more than one member among these companies and all that are alike with them."""
    keys_of, members = _neighbours(session, company_ids)
    shared = {key: ids for key, ids in members.items() if len(ids) > 1 and not key.startswith(ALIKE)}
    # For rivals too it matters whether they are the same as a company that has an account.
    one = _united(_neighbours(session, sorted({*keys_of, *(i for ids in shared.values() for i in ids)}))[1])
    peers = _peers(session, one, {i for ids in (*shared.values(), *one.values()) for i in ids})
    united = {ids: _group(ids, peers, alike=True) for ids in set(one.values())}
    rivals = {key: _group(tuple(ids), peers, alike=False) for key, ids in shared.items()}
    found: dict[str, tuple[Peers, ...]] = {}
    for company, keys in keys_of.items():
        groups = [united[one[company]]] if company in one else []
        groups += [rivals[key] for key in keys if key in rivals]
        if many := tuple(group for group in groups if len(group.members) > 1):
            found[company] = many
    return found


def _group(ids: tuple[str, ...], peers: Mapping[str, Peer], *, alike: bool) -> Peers:
    return Peers(tuple(peers[i] for i in ids if i in peers), alike)


def _neighbours(session: Session, company_ids: Sequence[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """(by company its keys, by key its companies) of these companies and of all that are alike with them."""
    keys_of: dict[str, list[str]] = {}
    members: dict[str, list[str]] = {}
    fresh = list(dict.fromkeys(company_ids))
    while fresh:
        keys_of |= {company: [] for company in fresh}
        for company, key in _pairs(session, tables.CompanyKey.company_id, fresh):
            keys_of[company].append(key)
        keys = {key for company in fresh for key in keys_of[company]} - members.keys()
        for company, key in _pairs(session, tables.CompanyKey.key, sorted(keys)):
            members.setdefault(key, []).append(company)
        alike = dict.fromkeys(i for key in sorted(keys) if key.startswith(ALIKE) for i in members[key])
        fresh = [i for i in alike if i not in keys_of]
    return keys_of, members


def _united(members: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """By company, all that are the same one, itself included. Being alike is transitive."""
    one: dict[str, set[str]] = {}
    for key, ids in members.items():
        if key.startswith(ALIKE) and len(ids) > 1:
            together = set(ids).union(*(one.get(i, ()) for i in ids))
            one |= dict.fromkeys(together, together)
    whole = {id(ids): tuple(sorted(ids)) for ids in one.values()}
    return {company: whole[id(ids)] for company, ids in one.items()}


def _pairs(session: Session, column: str, values: Sequence[str]) -> list[tuple[str, str]]:
    of = select(tables.CompanyKey.company_id, tables.CompanyKey.key)
    return [pair for part in portions(values) for pair in session.exec(of.where(among(column, part)))]


def _peers(session: Session, one: Mapping[str, tuple[str, ...]], company_ids: set[str]) -> dict[str, Peer]:
    """Those of the companies that HubSpot has not merged into another, and whether they have an account.

    `one`: by company, all that are the same one.
    """
    companies = loading.companies(session, company_ids - _merged(session, company_ids))
    origins = _origins(session, companies)
    return {
        i: Peer(
            company,
            linked=origins.get(i, "shared") != "shared",
            shares=origins.get(i) == "shared",
            covered_by=tuple(other for other in one.get(i, ()) if other != i and other in origins),
        )
        for i, company in companies.items()
    }


def _merged(session: Session, company_ids: Iterable[str]) -> set[str]:
    of = select(tables.Alias.old_id).where(tables.Alias.entity == Entity.ACCOUNT)
    return {i for ids in portions(company_ids) for i in session.exec(of.where(among(tables.Alias.old_id, ids)))}


def _origins(session: Session, company_ids: Iterable[str]) -> dict[str, str]:
    """By company, the origin of the link to its account; companies without an account are left out."""
    link = tables.Link
    of = select(link.key, link.origin).where(link.entity == Entity.ACCOUNT, link.object_id != "")
    return {i: origin for ids in portions(company_ids) for i, origin in session.exec(of.where(among(link.key, ids)))}
