"""Saves what was read into the mirror, and marks the contacts pending that really changed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter

from sqlalchemy import Table, func, update
from sqlmodel import Session, col, select

from sync.domain.entities import Entity
from sync.domain.rules import OWNER_PROPERTY, Score
from sync.domain.views import ASSOCIATIONS, Owner, Properties
from sync.mirror import crossings, freshness, merges, name_index, objects, vanished
from sync.mirror.association_rows import contacts_by_company, contacts_of
from sync.mirror.objects import COMPANIES, CONTACTS, ObjectRow, gone
from sync.state import tables
from sync.state.pending import among, mark_pending, portions
from sync.state.rows import Values, insert_rows, update_rows


@dataclass(frozen=True, slots=True)
class Fetched:
    """One HubSpot object as read, with only the properties that rules name.

    `unreadable`: those of them that could not be read.

    `lost`: by property the options that the portal no longer has.
    """

    id: str
    properties: Properties
    modified_at: datetime | None
    archived: bool = False
    unreadable: frozenset[str] = frozenset()
    lost: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def keeps(self, name: str, before: str | None) -> bool:
        """Whether the former value stays, because the new one was not read, or only lacks options that the portal no
        longer has.
        """
        if name in self.unreadable or not (lost := self.lost.get(name)):
            return name in self.unreadable
        had, has = vanished.options(before), vanished.options(self.properties.get(name))
        return has < had and had - has <= lost


def save_contacts(
    session: Session, fetched_rows: Sequence[Fetched], scores: Sequence[Score], now: datetime
) -> list[str]:
    """Stores contacts and marks those that really changed pending; returns their ids."""
    before = objects.rows(session, CONTACTS, [s.id for s in fetched_rows])
    latest = [_completed(s, before.get(s.id)) for s in {s.id: s for s in fetched_rows}.values()]
    pairs = ((before[s.id].properties if s.id in before else None, s.properties) for s in latest)
    freshness.note_values(session, [score.property for score in scores], pairs, now)
    changed = [s.id for s in latest if _differs(before.get(s.id), s) or _came_back(before[s.id], s)]
    _write(session, _CONTACTS, latest, before)
    merges.follow_merges(session, {s.id: s.properties for s in latest}, Entity.CONTACT, now)
    crossings.follow_scores(session, [_reading(s, before.get(s.id)) for s in latest], scores, now)
    mark_pending(session, changed, now)
    known = [i for i in changed if i in before]
    if known:
        session.exec(update(tables.Contact).where(among(tables.Contact.id, known)).values(associations_stale=True))
    return changed


def _completed(fetched: Fetched, row: ObjectRow | None) -> Fetched:
    """Keeps the former value of each property that could not be read: it is neither empty nor changed.

    The mark of unreadable associations also stays, until they are read.
    """
    if row is None or not (fetched.unreadable or fetched.lost or row.unreadable):
        unread = dict.fromkeys(fetched.unreadable & fetched.properties.keys())
        return replace(fetched, properties={**fetched.properties, **unread}) if unread else fetched
    before = row.properties
    values = {n: before.get(n) if fetched.keeps(n, before.get(n)) else v for n, v in fetched.properties.items()}
    kept = frozenset({ASSOCIATIONS}.intersection(row.unreadable))
    return replace(fetched, properties=values, unreadable=fetched.unreadable | kept)


def _differs(row: ObjectRow | None, fetched: Fetched) -> bool:
    return row is None or row.properties != fetched.properties or set(row.unreadable) != fetched.unreadable


def _came_back(row: ObjectRow, fetched: Fetched) -> bool:
    return (row.archived, row.erased) != (fetched.archived, False)


def _reading(fetched: Fetched, row: ObjectRow | None) -> crossings.ScoreReading:
    return crossings.ScoreReading(fetched.id, fetched.properties, fetched.modified_at, row.modified_at if row else None)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How rows of one table are written: the columns that a reading sets, and what a new row also gets."""

    table: Table
    columns: tuple[str, ...]
    values: Callable[[Fetched], Values]
    fresh_columns: tuple[str, ...] = ()
    fresh: Values = ()


def _write(session: Session, kind: _Kind, fetched_rows: Sequence[Fetched], before: Mapping[str, ObjectRow]) -> None:
    """Inserts what is new and updates what differs; a row that is the same costs no write."""
    rows = {fetched.id: kind.values(fetched) for fetched in fetched_rows}
    fresh = [(*row, *kind.fresh) for i, row in rows.items() if i not in before]
    insert_rows(session, kind.table, (*kind.columns, *kind.fresh_columns), fresh)
    of_row = attrgetter(*kind.columns)
    differing = [row for i, row in rows.items() if i in before and row != of_row(before[i])]
    update_rows(session, kind.table, kind.columns, differing)
    name = "contacts" if kind is _CONTACTS else "companies"
    former = {i: row.properties for i, row in before.items()}
    name_index.save(session, name, former, {fetched.id: fetched.properties for fetched in fetched_rows})


def _company_values(fetched: Fetched) -> Values:
    return fetched.id, fetched.properties, sorted(fetched.unreadable), fetched.modified_at


def _contact_values(fetched: Fetched) -> Values:
    return *_company_values(fetched), fetched.archived, False, None


_READ = ("id", "properties", "unreadable", "modified_at")
_COMPANIES = _Kind(COMPANIES, _READ, _company_values)
_CONTACTS = _Kind(
    CONTACTS,
    (*_READ, "archived", "erased", "missing_since"),
    _contact_values,
    ("associations_stale",),
    (True,),
)


def all_ids(session: Session) -> list[str]:
    """Every contact of the mirror."""
    return list(session.exec(select(tables.Contact.id).order_by(tables.Contact.id)))


def count(session: Session) -> int:
    """How many contacts the mirror holds."""
    return session.exec(select(func.count()).select_from(tables.Contact)).one()


def count_companies(session: Session) -> int:
    """How many companies the mirror holds."""
    return session.exec(select(func.count()).select_from(tables.Company)).one()


def save_companies(session: Session, fetched_rows: Sequence[Fetched], now: datetime) -> list[str]:
    """Stores companies; the contacts of those that really changed become pending. Returns the changed ids."""
    before = objects.rows(session, COMPANIES, [s.id for s in fetched_rows])
    latest = [_completed(s, before.get(s.id)) for s in {s.id: s for s in fetched_rows}.values()]
    changed = [s.id for s in latest if _differs(before.get(s.id), s)]
    _write(session, _COMPANIES, latest, before)
    merges.follow_merges(session, {s.id: s.properties for s in latest}, Entity.ACCOUNT, now)
    for ids in portions(changed):
        mark_pending(session, contacts_of(session, ids), now)
    return changed


def properties_of(session: Session, kind: str, ids: Iterable[str]) -> dict[str, Properties]:
    """The properties of `contacts` or `companies` in the mirror."""
    rows = objects.rows(session, CONTACTS if kind == "contacts" else COMPANIES, ids)
    return {i: row.properties for i, row in rows.items()}


def save_owners(session: Session, owners: Sequence[Owner], now: datetime) -> list[str]:
    """Replaces the owners.

    Contacts become pending if their owner, or their company's, is new or has another address.
    """
    known = {row.id: row for row in session.exec(select(tables.Owner))}
    changed = [o.id for o in owners if o.id not in known or known[o.id].email != o.email]
    for owner in owners:
        session.merge(tables.Owner(id=owner.id, email=owner.email, archived=owner.archived))
    owned = _owned(session, set(changed))
    mark_pending(session, owned, now)
    return owned


def _owned(session: Session, owner_ids: set[str]) -> list[str]:
    if not owner_ids:
        return []
    of_contact = func.json_extract(tables.Contact.properties, f"$.{OWNER_PROPERTY}")
    of_company = func.json_extract(tables.Company.properties, f"$.{OWNER_PROPERTY}")
    found = set(session.exec(select(tables.Contact.id).where(of_contact.in_(owner_ids))))
    companies = session.exec(select(tables.Company.id).where(of_company.in_(owner_ids))).all()
    return sorted(found.union(*contacts_by_company(session, companies).values()))


def mark_missing(session: Session, contact_ids: Iterable[str], now: datetime) -> list[str]:
    """Notes contacts that HubSpot no longer has. They count as deleted, and become pending, only at the second time."""
    rows = objects.rows(session, CONTACTS, contact_ids).values()
    first = [row.id for row in rows if row.missing_since is None]
    erased = [row.id for row in rows if row.missing_since and not row.erased and row.merged_into is None]
    update_rows(session, CONTACTS, ("id", "missing_since"), [(i, now) for i in first])
    update_rows(session, CONTACTS, ("id", "erased"), [(i, True) for i in erased])
    mark_pending(session, erased, now)
    return erased


def handed_over_or_crossed(session: Session) -> list[str]:
    """Contacts that are at or above a threshold or have a lead: their labels matter without a timestamp."""
    crossed = select(tables.Crossing.contact_id).union(select(tables.Handover.contact_id))
    live = select(tables.Contact.id).where(col(tables.Contact.id).in_(crossed), ~gone())
    return list(session.exec(live.order_by(tables.Contact.id)))


def unknown_companies(session: Session, named: Iterable[str]) -> list[str]:
    """Those of the companies that the mirror does not hold."""
    unknown = set(named)
    known = set(session.exec(select(tables.Company.id).where(among(tables.Company.id, sorted(unknown)))))
    return sorted(unknown - known)


def company_ids(session: Session) -> list[str]:
    """All companies of the mirror."""
    return list(session.exec(select(tables.Company.id).order_by(tables.Company.id)))
