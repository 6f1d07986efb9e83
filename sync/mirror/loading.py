"""Everything that a decision needs, loaded from the mirror."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, select

from sync.domain.labels import with_rule_text
from sync.domain.rules import OWNER_PROPERTY
from sync.domain.views import Association, Company, ContactView, Cycle, Label, Owner, Properties
from sync.mirror import association_rows, left_alone, objects, readable
from sync.mirror import labels as label_bindings
from sync.mirror.objects import COMPANIES, CONTACTS, ObjectRow
from sync.mirror.vanished import LabelSet
from sync.state import tables
from sync.state.pending import among, portions


def views(session: Session, contact_ids: Sequence[str]) -> dict[str, ContactView]:
    """The views of contacts, with everything that a decision needs, by id. Unknown ids are left out."""
    found: dict[str, ContactView] = {}
    for ids in portions(contact_ids):
        found |= _views(session, ids)
    return found


def _views(session: Session, ids: Sequence[str]) -> dict[str, ContactView]:
    contacts = objects.rows(session, CONTACTS, ids)
    pairs = association_rows.stored_labels(session, ids)
    companies = objects.rows(session, COMPANIES, {company for of in pairs.values() for company, _ in of})
    owners = _owners(session)
    progress = _change_seqs(session, ids)
    cycles, crossings = _cycles(session, ids), _crossings(session, ids)
    lost = readable.unreadable(session, "contacts")
    associated = _associations(session, pairs, companies, owners)
    alone = left_alone.reasons(session, ids)
    return {
        i: ContactView(
            id=i,
            properties=contact.properties,
            associations=associated.get(i, ()),
            owner=_owner(contact.properties, owners),
            archived=contact.archived,
            merged_into=contact.merged_into,
            erased=contact.erased,
            cycles=cycles.get(i, ()),
            change_seq=progress.get(i, 0),
            crossed_at=crossings.get(i, {}),
            unreadable=lost | frozenset(contact.unreadable),
            left_alone=alone.get(i),
        )
        for i, contact in contacts.items()
    }


def _associations(
    session: Session,
    pairs: Mapping[str, LabelSet],
    companies: Mapping[str, ObjectRow],
    owners: Mapping[str, Owner],
) -> dict[str, tuple[Association, ...]]:
    bindings, lost_labels = label_bindings.bindings(session), label_bindings.lost(session)
    lost = readable.unreadable(session, "companies")
    known = {i: _company(companies.get(i), i, owners, lost) for of in pairs.values() for i, _ in of}
    found: dict[str, tuple[Association, ...]] = {}
    for contact, of in pairs.items():
        labels: dict[str, set[Label]] = {}
        for company, label in of:
            labels.setdefault(company, set()).add(with_rule_text(label, bindings, lost_labels))
        found[contact] = tuple(Association(known[i], frozenset(labels[i])) for i in sorted(labels))
    return found


def companies(session: Session, company_ids: Iterable[str]) -> dict[str, Company]:
    """The companies that the mirror holds, by id."""
    rows = objects.rows(session, COMPANIES, company_ids)
    owners, lost = _owners(session), readable.unreadable(session, "companies")
    return {i: _company(row, i, owners, lost) for i, row in rows.items()}


def _owners(session: Session) -> dict[str, Owner]:
    return {row.id: Owner(row.id, row.email, row.archived) for row in session.exec(select(tables.Owner))}


def _owner(properties: Properties, owners: Mapping[str, Owner]) -> Owner | None:
    """The owner that the properties name. Before owners were first read, one with nothing but an id."""
    owner_id = properties.get(OWNER_PROPERTY)
    if not owner_id:
        return None
    return owners.get(owner_id) if owners else Owner(owner_id, None, unread=True)


def _company(row: ObjectRow | None, company_id: str, owners: Mapping[str, Owner], lost: frozenset[str]) -> Company:
    properties = row.properties if row else {}
    unreadable = lost | frozenset(row.unreadable) if row else frozenset()
    return Company(company_id, properties, _owner(properties, owners), unreadable)


def _change_seqs(session: Session, ids: Sequence[str]) -> dict[str, int]:
    progress = tables.Progress
    of = select(progress.contact_id, progress.change_seq).where(among(progress.contact_id, ids))
    return dict(session.exec(of).all())


def _cycles(session: Session, ids: Sequence[str]) -> dict[str, tuple[Cycle, ...]]:
    rows = session.exec(select(tables.Handover).where(among(tables.Handover.contact_id, ids))).all()
    found: dict[str, tuple[Cycle, ...]] = {}
    for row in rows:
        found[row.contact_id] = (*found.get(row.contact_id, ()), Cycle(row.score, row.cycle, row.rearmed, row.evidence))
    return found


def _crossings(session: Session, ids: Sequence[str]) -> dict[str, dict[str, datetime]]:
    rows = session.exec(select(tables.Crossing).where(among(tables.Crossing.contact_id, ids))).all()
    found: dict[str, dict[str, datetime]] = {}
    for row in rows:
        if row.crossed_at:
            found.setdefault(row.contact_id, {})[row.score] = row.crossed_at
    return found
