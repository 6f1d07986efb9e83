"""Associations of contacts and companies with their labels."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Table, delete, update
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from sync.domain.entities import Entity
from sync.domain.labels import LabelId
from sync.domain.views import ASSOCIATIONS, Label
from sync.mirror import labels as label_bindings
from sync.mirror import objects, vanished
from sync.mirror.objects import gone
from sync.mirror.vanished import LabelSet
from sync.state import tables
from sync.state.pending import among, mark_pending, portions
from sync.state.rows import insert_rows, update_rows

_TABLE: Table = tables.Base.metadata.tables["association"]
_COLUMNS = ("contact_id", "company_id", "category", "type_id", "label")


def contacts_of(session: Session, company_ids: Sequence[str]) -> list[str]:
    """Ids of the contacts associated with any of the companies."""
    of = among(tables.Association.company_id, company_ids)
    return list(session.exec(select(tables.Association.contact_id).where(of).distinct()))


def contacts_by_company(session: Session, company_ids: Sequence[str]) -> dict[str, list[str]]:
    """The contacts of each of the companies; companies without any are left out."""
    found: dict[str, list[str]] = {}
    for ids in portions(company_ids):
        of = among(tables.Association.company_id, ids)
        pairs = select(tables.Association.company_id, tables.Association.contact_id).where(of).distinct()
        for company, contact in session.exec(pairs):
            found.setdefault(company, []).append(contact)
    return found


def save_associations(session: Session, found: Mapping[str, LabelSet], now: datetime) -> dict[str, str]:
    """Replaces the associations of these contacts; those whose set differs become pending.

    Returns their ids, each with what changed. Renaming a label changes nothing, since rules are bound to its id."""
    changed: dict[str, str] = {}
    lost, bindings = label_bindings.lost(session), label_bindings.bindings(session)
    for ids in portions(found):
        stored = stored_labels(session, ids)
        if lost:
            found = {
                **found,
                **{i: found[i] | vanished.kept(stored.get(i, frozenset()), found[i], lost, bindings) for i in ids},
            }
        differing = [i for i in ids if _with_texts(stored.get(i, frozenset())) != _with_texts(found[i])]
        session.exec(delete(tables.Association).where(among(tables.Association.contact_id, differing)))
        rows = sorted((i, c, x.category, x.type_id, x.text) for i in differing for c, x in found[i])
        insert_rows(session, _TABLE, _COLUMNS, rows)
        read = {"associations_stale": False, "associations_read_at": now}
        session.exec(update(tables.Contact).where(among(tables.Contact.id, ids), _unread(now)).values(**read))
        kinds = ((i, association_change(stored.get(i, frozenset()), found[i])) for i in differing)
        changed |= {i: kind for i, kind in kinds if kind}
        changed |= dict.fromkeys(_readable_again(session, ids), "associations")
    mark_pending(session, list(changed), now)
    return changed


def _unread(now: datetime) -> ColumnElement[bool]:
    """Contacts for which it must be noted that their associations were read.

    For the others it is known already, and noting each time anew would write every row with every sweep.
    """
    read_at = col(tables.Contact.associations_read_at)
    return col(tables.Contact.associations_stale) | read_at.is_(None) | (read_at > now)


def gone_labels(session: Session, found: Mapping[str, LabelSet]) -> set[LabelId]:
    """Labels that pairs of contact and company have lost since they were last read."""
    stored = {i: labels for ids in portions(found) for i, labels in stored_labels(session, ids).items()}
    return {label for i, labels in stored.items() for label in vanished.lost_labels(labels, found[i])}


def unreadable_associations(session: Session, contact_ids: Sequence[str], now: datetime) -> list[str]:
    """Marks contacts whose associations could not be read, and keeps what is known of these.

    Returns the newly marked.
    """
    before = _unreadable(session, contact_ids)
    fresh = {i: [*names, ASSOCIATIONS] for i, names in before.items() if ASSOCIATIONS not in names}
    _save_unreadable(session, fresh)
    mark_pending(session, fresh, now)
    return list(fresh)


def _readable_again(session: Session, ids: Sequence[str]) -> list[str]:
    marked = {i: names for i, names in _unreadable(session, ids).items() if ASSOCIATIONS in names}
    _save_unreadable(session, {i: [name for name in names if name != ASSOCIATIONS] for i, names in marked.items()})
    return list(marked)


def _unreadable(session: Session, ids: Sequence[str]) -> dict[str, list[str]]:
    """By contact the names of what could not be read."""
    contact = objects.CONTACTS.c
    found = (
        session.execute(sa_select(contact.id, contact.unreadable).where(among(contact.id, p))) for p in portions(ids)
    )
    return {i: names for part in found for i, names in part}


def _save_unreadable(session: Session, names: Mapping[str, list[str]]) -> None:
    update_rows(session, objects.CONTACTS, ("id", "unreadable"), [(i, sorted(n)) for i, n in names.items()])


def association_change(before: LabelSet, now: LabelSet) -> str | None:
    """A word for the log on what differs; None if only the texts of labels differ."""
    if before == now:
        return None
    if not before:
        return "associations"
    if _primary(before) != _primary(now):
        return "primary company"
    return "companies" if {c for c, _ in before} != {c for c, _ in now} else "association labels"


def _primary(labels: LabelSet) -> set[str]:
    return {company for company, label in labels if label.is_primary}


def _with_texts(labels: LabelSet) -> frozenset[tuple[str, Label, str | None]]:
    return frozenset((company, label, label.text) for company, label in labels)


def stored_labels(session: Session, ids: Sequence[str]) -> dict[str, LabelSet]:
    """By contact its companies with their labels; as many ids as fit one statement."""
    rows = session.execute(sa_select(_TABLE).where(among(_TABLE.c.contact_id, ids)))
    found: dict[str, set[tuple[str, Label]]] = {}
    for contact, company, category, type_id, text in rows:
        found.setdefault(contact, set()).add((company, Label(category, type_id, text)))
    return {contact: frozenset(of) for contact, of in found.items()}


def stale_associations(session: Session, after: str, limit: int) -> list[str]:
    """Ids, after that one, of contacts whose associations must be read again because the contact changed."""
    stale = select(tables.Contact.id).where(
        col(tables.Contact.associations_stale), col(tables.Contact.id) > after, ~gone()
    )
    return list(session.exec(stale.order_by(tables.Contact.id).limit(limit)))


def unread_since(session: Session, since: datetime, now: datetime, after: str, limit: int) -> list[str]:
    """Live contacts whose associations are not known to have been read since then.

    They come in a fixed order, so that a sweep can go in portions.
    """
    read_at = col(tables.Contact.associations_read_at)
    page = select(tables.Contact.id).where(
        col(tables.Contact.id) > after, ~gone(), read_at.is_(None) | (read_at < since) | (read_at > now)
    )
    return list(session.exec(page.order_by(tables.Contact.id).limit(limit)))


def wake_contacts_of(session: Session, company_ids: Sequence[str], except_ids: Iterable[str], now: datetime) -> int:
    """Called when a company became an account: marks its contacts that are in C4C pending, so that they get their
    relationship.
    """
    wanted = set(contacts_of(session, company_ids)) - set(except_ids)
    linked = {
        key
        for ids in portions(sorted(wanted))
        for key in session.exec(_contact_links.where(among(tables.Link.key, ids)))
    }
    mark_pending(session, sorted(linked), now)
    return len(linked)


_contact_links = select(tables.Link.key).where(tables.Link.entity == Entity.CONTACT)
