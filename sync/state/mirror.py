"""The mirror: what HubSpot said last, and who must be looked at because it really changed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Update, delete, func, insert, update
from sqlmodel import Session, col, select

from sync.domain.labels import LabelId, named
from sync.domain.numbers import identifier
from sync.domain.rules import MERGED_PROPERTY, OWNER_PROPERTY, Score
from sync.domain.scores import Level, level
from sync.domain.views import ASSOCIATIONS, Association, Company, ContactView, Cycle, Label, Owner, Properties
from sync.lifecycle import Status
from sync.state import freshness, left_alone, readable, tables, vanished
from sync.state import labels as label_pins
from sync.state.vanished import LabelSet

Row = TypeVar("Row", tables.Contact, tables.Company)

MAX_VARIABLES = 5000
"""Ids in one statement; SQLite allows 32,766 variables."""


_TABLES = tables.Base.metadata.tables
"""For many rows at once: a statement of the model would split them by which values are null."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One HubSpot object as read: only the properties that rules name; `unreadable` are those of them not readable.

    `lost`: by property the options that the portal no longer has.
    """

    id: str
    properties: Properties
    modified_at: datetime | None
    archived: bool = False
    unreadable: frozenset[str] = frozenset()
    lost: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def keeps(self, name: str, before: str | None) -> bool:
        """Whether the value of before stays: it was not read, or only lost options went and nobody chose another."""
        had, has = vanished.options(before), vanished.options(self.properties.get(name))
        only_lost = has < had and had - has <= self.lost.get(name, frozenset())
        return name in self.unreadable or only_lost


def portions(ids: Iterable[str], size: int = MAX_VARIABLES) -> Iterator[list[str]]:
    """The distinct ids in portions that fit one statement or request."""
    distinct = list(dict.fromkeys(ids))
    return (distinct[n : n + size] for n in range(0, len(distinct), size))


def save_contacts(session: Session, snapshots: Sequence[Snapshot], scores: Sequence[Score], now: datetime) -> list[str]:
    """Stores contacts and marks those that really changed pending; returns their ids."""
    known = _by_id(session, tables.Contact, [s.id for s in snapshots])
    snapshots = [_completed(s, known.get(s.id)) for s in snapshots]
    before = {i: row.properties for i, row in known.items()}
    versions = {i: row.modified_at for i, row in known.items()}
    pairs = ((before.get(s.id), s.properties) for s in snapshots)
    freshness.note_values(session, [score.property for score in scores], pairs, now)
    changed = []
    for snapshot in {s.id: s for s in snapshots}.values():
        row = known.get(snapshot.id)
        if row is None or _differs(row, snapshot) or _came_back(row, snapshot):
            changed.append(snapshot.id)
        session.add(_stored_contact(row, snapshot))
    session.flush()
    _follow_merges(session, snapshots, "Contact", now)
    _follow_scores(session, snapshots, scores, versions, now)
    mark_pending(session, changed, now)
    session.exec(_stale(changed))
    return changed


def _completed(snapshot: Snapshot, row: tables.Contact | tables.Company | None) -> Snapshot:
    """What could not be read keeps the value that was read before: it is neither empty nor changed.

    That the associations could not be read holds until they are.
    """
    kept = frozenset({ASSOCIATIONS} & set(row.unreadable)) if row else frozenset()
    before = row.properties if row else {}
    values = {n: before.get(n) if snapshot.keeps(n, before.get(n)) else v for n, v in snapshot.properties.items()}
    return replace(snapshot, properties=values, unreadable=snapshot.unreadable | kept)


def _differs(row: tables.Contact | tables.Company, snapshot: Snapshot) -> bool:
    return (row.properties, frozenset(row.unreadable)) != (dict(snapshot.properties), snapshot.unreadable)


def _came_back(row: tables.Contact, snapshot: Snapshot) -> bool:
    return (row.archived, row.erased) != (snapshot.archived, False)


def _keep(row: Row, snapshot: Snapshot) -> Row:
    if _differs(row, snapshot):
        row.properties, row.unreadable = dict(snapshot.properties), sorted(snapshot.unreadable)
    row.modified_at = snapshot.modified_at
    return row


def _stored_contact(row: tables.Contact | None, snapshot: Snapshot) -> tables.Contact:
    stored = _keep(row or tables.Contact(id=snapshot.id), snapshot)
    stored.archived = snapshot.archived
    stored.erased, stored.missing_since = False, None
    return stored


def _stale(changed: Sequence[str]) -> Update:
    return update(tables.Contact).where(col(tables.Contact.id).in_(changed)).values(associations_stale=True)


def _follow_merges(session: Session, snapshots: Iterable[Snapshot], entity: str, now: datetime) -> None:
    """Ids that were merged away lead to the survivor; their links and handovers go with them."""
    for snapshot in snapshots:
        merged = (identifier(old.strip()) for old in (snapshot.properties.get(MERGED_PROPERTY) or "").split(";"))
        for old in merged:
            if old and old != snapshot.id and adopt_alias(session, old, snapshot.id, entity) and entity == "Contact":
                mark_pending(session, _by_id(session, tables.Contact, [old]), now)


def adopt_alias(session: Session, old_id: str, new_id: str, entity: str) -> bool:
    """Records that `old_id` lives on as `new_id`, and hands its links over where the new id has none.

    `entity` is what the HubSpot object is in C4C: `Contact` or `CorporateAccount`. Contact and company ids are
    numbered apart, so they are never mixed up. Source: HubSpot changelog on merges, 2025: the survivor has a new id.
    Returns False if that was known.
    """
    known = (entity, old_id)
    alias = session.get(tables.Alias, known)
    if alias and alias.new_id == new_id:
        return False
    session.merge(tables.Alias(entity=entity, old_id=old_id, new_id=new_id))
    chained = (col(tables.Alias.entity) == entity, col(tables.Alias.new_id) == old_id)
    session.exec(update(tables.Alias).where(*chained).values(new_id=new_id))
    _move_links(session, old_id, new_id, entity)
    if entity == "Contact":
        session.exec(update(tables.Contact).where(col(tables.Contact.id) == old_id).values(merged_into=new_id))
        _move_handovers(session, old_id, new_id)
    return True


def _move_links(session: Session, old_id: str, new_id: str, entity: str) -> None:
    """Moves the pairs of the id that was merged away.

    What hangs on a record of C4C (relationships, permissions, attributes) moves only together with that record: where
    the survivor has one of its own, the loser's refusal or relationship would be taken for the survivor's.
    """
    _drop_twin(session, old_id, new_id, entity)
    party = session.get(tables.Link, (entity, new_id))
    moves = ("Lead",) if party and party.object_id else ("Lead", entity, *_HANGS_ON.get(entity, ()))
    of = select(tables.Link).where(tables.Link.hubspot_id == old_id, col(tables.Link.entity).in_(moves))
    for link in session.exec(of).all() if entity == "Contact" else ():
        _rename(session, link, new_id + link.key[len(old_id) :], new_id)
    if entity != "Contact" and entity in moves:
        _move_account(session, old_id, new_id)


def _drop_twin(session: Session, old_id: str, new_id: str, entity: str) -> None:
    """Where both ids stand for one record, one pair stays: the one that is not shared, since only its record is kept
    up to date.
    """
    old, new = (session.get(tables.Link, (entity, i)) for i in (old_id, new_id))
    if old and new and old.object_id and old.object_id == new.object_id:
        session.delete(new if new.origin == "shared" else old)
        session.flush()


_HANGS_ON = {
    "Contact": (
        "ContactIsContactPersonFor",
        "MarketingPermission",
        "ChannelPermission",
        "BusinessAttributeAssignment",
        "BusinessAttributeAssignmentItem",
    )
}
"""Kinds of records whose keys begin with a contact's id and that belong to its contact person."""


def _move_account(session: Session, old_id: str, new_id: str) -> None:
    if link := session.get(tables.Link, ("CorporateAccount", old_id)):
        _rename(session, link, new_id, new_id)
    # A relationship's key ends with the company's id.
    pairs = select(tables.Link).where(tables.Link.entity == "ContactIsContactPersonFor")
    for link in session.exec(pairs.where(col(tables.Link.key).endswith(f":{old_id}"))).all():
        _rename(session, link, f"{link.hubspot_id}:{new_id}", link.hubspot_id)


def _rename(session: Session, link: tables.Link, new_key: str, hubspot_id: str) -> None:
    if session.get(tables.Link, (link.entity, new_key)) is None:
        of_link = (col(tables.Link.entity) == link.entity, col(tables.Link.key) == link.key)
        session.exec(update(tables.Link).where(*of_link).values(key=new_key, hubspot_id=hubspot_id))


def _move_handovers(session: Session, old_id: str, new_id: str) -> None:
    for handover in session.exec(select(tables.Handover).where(col(tables.Handover.contact_id) == old_id)).all():
        new_key = f"{new_id}:{handover.score}:{handover.cycle}"
        if session.get(tables.Handover, new_key) is None:
            of_old = col(tables.Handover.lead_key) == handover.lead_key
            session.exec(update(tables.Handover).where(of_old).values(lead_key=new_key, contact_id=new_id))


def _follow_scores(
    session: Session,
    snapshots: Sequence[Snapshot],
    scores: Sequence[Score],
    versions: Mapping[str, datetime | None],
    now: datetime,
) -> None:
    """Notes when a score crossed its threshold, and when it fell below the re-arm level after a handover.

    `versions`: by contact id the modification time of the version that the mirror held until now.
    """
    levels = [(s, score, level(score, s.properties)) for s in snapshots for score in scores]
    met = {(s.id, score.name): s for s, score, found in levels if found is Level.MET}
    looks = {score.name: freshness.last_read(session, score.name) for score in scores}
    known = {
        (row.contact_id, row.score): row
        for ids in portions(s.id for s in snapshots)
        for row in session.exec(select(tables.Crossing).where(col(tables.Crossing.contact_id).in_(ids)))
    }
    for key, snapshot in met.items():
        if key not in known:
            below = versions.get(snapshot.id) or looks[key[1]]
            session.add(tables.Crossing(contact_id=key[0], score=key[1], crossed_at=_crossed_at(snapshot, below, now)))
    for key, row in known.items():
        if key not in met:
            session.delete(row)
    for score in scores:
        fallen = [s.id for s, name, found in levels if name is score and found is Level.BELOW]
        rearm(session, fallen, score.name)


def _crossed_at(snapshot: Snapshot, below: datetime | None, now: datetime) -> datetime:
    """HubSpot's last modification if it came after the last look `below` the threshold, otherwise now, the first look
    above it.

    A score rises without moving the contact's timestamp, which may then be years old and says nothing of the crossing.
    """
    modified = snapshot.modified_at
    return min(modified, now) if modified and below and modified > below else now


def all_ids(session: Session) -> list[str]:
    """Every contact of the mirror."""
    return list(session.exec(select(tables.Contact.id).order_by(tables.Contact.id)))


def count(session: Session) -> int:
    """How many contacts the mirror holds."""
    return session.exec(select(func.count()).select_from(tables.Contact)).one()


def count_companies(session: Session) -> int:
    """How many companies the mirror holds."""
    return session.exec(select(func.count()).select_from(tables.Company)).one()


def review(session: Session, scores: Sequence[Score], now: datetime) -> int:
    """Looks at every contact again because the rules changed; returns how many there are."""
    ids = all_ids(session)
    for part in portions(ids):
        rows = _by_id(session, tables.Contact, part).values()
        versions = {row.id: row.modified_at for row in rows}
        _follow_scores(session, [Snapshot(r.id, r.properties, r.modified_at) for r in rows], scores, versions, now)
    mark_pending(session, ids, now)
    return len(ids)


def rearm(session: Session, contact_ids: Sequence[str], score: str) -> None:
    """The score was seen below the re-arm level: after its lead is closed, the next crossing starts a new cycle."""
    for ids in portions(contact_ids):
        of = (col(tables.Handover.contact_id).in_(ids), col(tables.Handover.score) == score)
        session.exec(update(tables.Handover).where(*of).values(rearmed=True))


def save_companies(session: Session, snapshots: Sequence[Snapshot], now: datetime) -> list[str]:
    """Stores companies; the contacts of those that really changed become pending. Returns the changed ids."""
    known = _by_id(session, tables.Company, [s.id for s in snapshots])
    snapshots = [_completed(s, known.get(s.id)) for s in snapshots]
    changed = []
    for snapshot in {s.id: s for s in snapshots}.values():
        row = known.get(snapshot.id)
        if row is None or _differs(row, snapshot):
            changed.append(snapshot.id)
        session.add(_keep(row or tables.Company(id=snapshot.id), snapshot))
    session.flush()
    _follow_merges(session, snapshots, "CorporateAccount", now)
    for ids in portions(changed):
        mark_pending(session, contacts_of(session, ids), now)
    return changed


def contacts_of(session: Session, company_ids: Sequence[str]) -> list[str]:
    """Ids of the contacts associated with any of the companies."""
    of = col(tables.Association.company_id).in_(company_ids)
    return list(session.exec(select(tables.Association.contact_id).where(of).distinct()))


def contacts_by_company(session: Session, company_ids: Sequence[str]) -> dict[str, list[str]]:
    """The contacts of each of the companies; companies without any are left out."""
    found: dict[str, list[str]] = {}
    for ids in portions(company_ids):
        of = col(tables.Association.company_id).in_(ids)
        pairs = select(tables.Association.company_id, tables.Association.contact_id).where(of).distinct()
        for company, contact in session.exec(pairs):
            found.setdefault(company, []).append(contact)
    return found


def save_associations(session: Session, found: Mapping[str, LabelSet], now: datetime) -> dict[str, str]:
    """Replaces the associations of these contacts; those whose set differs become pending.

    Returns their ids, each with what changed. A label that was only renamed changes nothing: rules hold to its id.
    """
    changed: dict[str, str] = {}
    lost, pins = label_pins.lost(session), label_pins.pins(session)
    for ids in portions(found):
        stored = _stored_labels(session, ids)
        if lost:
            found = {
                **found,
                **{i: found[i] | vanished.kept(stored.get(i, frozenset()), found[i], lost, pins) for i in ids},
            }
        differing = [i for i in ids if _with_texts(stored.get(i, frozenset())) != _with_texts(found[i])]
        session.exec(delete(tables.Association).where(col(tables.Association.contact_id).in_(differing)))
        rows = [_association_row(i, company, label) for i in differing for company, label in found[i]]
        if rows:
            session.execute(insert(_TABLES["association"]), rows)
        read = {"associations_stale": False, "associations_read_at": now}
        session.exec(update(tables.Contact).where(col(tables.Contact.id).in_(ids)).values(**read))
        kinds = ((i, association_change(stored.get(i, frozenset()), found[i])) for i in differing)
        changed |= {i: kind for i, kind in kinds if kind}
        changed |= dict.fromkeys(_readable_again(session, ids), "associations")
    session.flush()
    mark_pending(session, list(changed), now)
    return changed


def gone_labels(session: Session, found: Mapping[str, LabelSet]) -> set[LabelId]:
    """Labels that pairs have lost since they were read last."""
    stored = {i: labels for ids in portions(found) for i, labels in _stored_labels(session, ids).items()}
    return {label for i, labels in stored.items() for label in vanished.gone(labels, found[i])}


def properties_of(session: Session, kind: str, ids: Iterable[str]) -> dict[str, Properties]:
    """What the mirror holds of `contacts` or `companies`."""
    rows = _by_id(session, tables.Contact, ids) if kind == "contacts" else _by_id(session, tables.Company, ids)
    return {i: row.properties for i, row in rows.items()}


def unreadable_associations(session: Session, contact_ids: Sequence[str], now: datetime) -> list[str]:
    """Marks contacts whose associations could not be read; what is known of them stays. Returns the newly marked."""
    rows = _by_id(session, tables.Contact, contact_ids).values()
    fresh = [row for row in rows if ASSOCIATIONS not in row.unreadable]
    for row in fresh:
        row.unreadable = sorted({*row.unreadable, ASSOCIATIONS})
        session.add(row)
    session.flush()
    mark_pending(session, [row.id for row in fresh], now)
    return [row.id for row in fresh]


def _readable_again(session: Session, ids: Sequence[str]) -> list[str]:
    rows = [row for row in _by_id(session, tables.Contact, ids).values() if ASSOCIATIONS in row.unreadable]
    for row in rows:
        row.unreadable = sorted(set(row.unreadable) - {ASSOCIATIONS})
        session.add(row)
    return [row.id for row in rows]


def association_change(before: LabelSet, now: LabelSet) -> str | None:
    """What differs, in a word for the log; None if only texts do."""
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


def _stored_labels(session: Session, ids: Sequence[str]) -> dict[str, LabelSet]:
    rows = session.exec(select(tables.Association).where(col(tables.Association.contact_id).in_(ids))).all()
    found: dict[str, set[tuple[str, Label]]] = {}
    for row in rows:
        found.setdefault(row.contact_id, set()).add((row.company_id, Label(row.category, row.type_id, row.label)))
    return {contact: frozenset(labels) for contact, labels in found.items()}


def _association_row(contact_id: str, company_id: str, label: Label) -> dict[str, object]:
    return {
        "contact_id": contact_id,
        "company_id": company_id,
        "category": label.category,
        "type_id": label.type_id,
        "label": label.text,
    }


def save_owners(session: Session, owners: Sequence[Owner], now: datetime) -> list[str]:
    """Replaces the owners; whoever has an owner, or a company of one, who is new or has another address is pending."""
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
    """Contacts that HubSpot no longer has: believed (and marked pending) only at the second time."""
    gone = []
    for row in _by_id(session, tables.Contact, list(contact_ids)).values():
        if row.missing_since is None:
            row.missing_since = now
        elif not row.erased and row.merged_into is None:
            row.erased = True
            gone.append(row.id)
        session.add(row)
    mark_pending(session, gone, now)
    return gone


def mark_pending(session: Session, contact_ids: Iterable[str], now: datetime) -> None:
    """A change: due at once, with a fresh count of attempts. What is in flight stays in flight."""
    touched = {"attempts": 0, "waits": 0, "due_at": now, "code": None, "detail": None}
    waiting = {"status": Status.PENDING, "pending_since": now}
    for ids in portions(contact_ids):
        known = set(session.exec(select(tables.Progress.contact_id).where(col(tables.Progress.contact_id).in_(ids))))
        of = col(tables.Progress.contact_id).in_(known)
        settled = ~col(tables.Progress.status).in_((Status.PENDING, Status.IN_FLIGHT))
        session.exec(update(tables.Progress).where(of, settled).values(**waiting))
        session.exec(update(tables.Progress).where(of).values(change_seq=tables.Progress.change_seq + 1, **touched))
        fresh = [{"contact_id": i, "change_seq": 1} | waiting | touched for i in ids if i not in known]
        if fresh:
            session.execute(insert(_TABLES["progress"]), fresh)


def _progress(session: Session, ids: Sequence[str]) -> Sequence[tables.Progress]:
    return session.exec(select(tables.Progress).where(col(tables.Progress.contact_id).in_(ids))).all()


def stale_associations(session: Session, limit: int) -> list[str]:
    """Ids of contacts whose associations must be read again because the contact changed."""
    stale = select(tables.Contact.id).where(col(tables.Contact.associations_stale), ~gone())
    return list(session.exec(stale.order_by(tables.Contact.id).limit(limit)))


def gone() -> ColumnElement[bool]:
    """Contacts that are no longer live in HubSpot."""
    return col(tables.Contact.archived) | col(tables.Contact.erased) | col(tables.Contact.merged_into).is_not(None)


def handed_over_or_crossed(session: Session) -> list[str]:
    """Contacts that are at or above a threshold or have a lead: their labels matter without a timestamp."""
    crossed = select(tables.Crossing.contact_id).union(select(tables.Handover.contact_id))
    live = select(tables.Contact.id).where(col(tables.Contact.id).in_(crossed), ~gone())
    return list(session.exec(live.order_by(tables.Contact.id)))


def crossed(session: Session, score: str) -> list[str]:
    """Live contacts that stand at or above the threshold of `score` in the mirror."""
    of = select(tables.Crossing.contact_id).where(tables.Crossing.score == score)
    return list(session.exec(select(tables.Contact.id).where(col(tables.Contact.id).in_(of), ~gone())))


def unread_since(session: Session, since: datetime, now: datetime, after: str, limit: int) -> list[str]:
    """Live contacts whose associations were not read since then, in a fixed order, for sweeps in portions."""
    read_at = col(tables.Contact.associations_read_at)
    page = select(tables.Contact.id).where(
        col(tables.Contact.id) > after, ~gone(), read_at.is_(None) | (read_at < since) | (read_at > now)
    )
    return list(session.exec(page.order_by(tables.Contact.id).limit(limit)))


def unknown_companies(session: Session, contact_ids: Sequence[str]) -> list[str]:
    """Ids of associated companies that are not in the mirror."""
    of = col(tables.Association.contact_id).in_(contact_ids)
    known = select(tables.Company.id)
    wanted = select(tables.Association.company_id).where(of, ~col(tables.Association.company_id).in_(known))
    return list(session.exec(wanted.distinct()))


def views(session: Session, contact_ids: Sequence[str]) -> dict[str, ContactView]:
    """Everything a decision needs, by contact id. Unknown ids are left out."""
    found: dict[str, ContactView] = {}
    for ids in portions(contact_ids):
        found |= _views(session, ids)
    return found


def _views(session: Session, ids: Sequence[str]) -> dict[str, ContactView]:
    contacts = _by_id(session, tables.Contact, ids)
    rows = session.exec(select(tables.Association).where(col(tables.Association.contact_id).in_(ids))).all()
    companies = _by_id(session, tables.Company, {row.company_id for row in rows})
    owners = _owners(session)
    progress = {row.contact_id: row.change_seq for row in _progress(session, ids)}
    cycles, crossings = _cycles(session, ids), _crossings(session, ids)
    lost = readable.unreadable(session, "contacts")
    associations = _associations(session, rows, companies, owners)
    alone = left_alone.reasons(session, ids)
    return {
        i: ContactView(
            id=i,
            properties=contact.properties,
            associations=associations.get(i, ()),
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
    rows: Iterable[tables.Association],
    companies: Mapping[str, tables.Company],
    owners: Mapping[str, Owner],
) -> dict[str, tuple[Association, ...]]:
    pins, lost_labels = label_pins.pins(session), label_pins.lost(session)
    lost = readable.unreadable(session, "companies")
    labels: dict[str, dict[str, set[Label]]] = {}
    for row in rows:
        pair = labels.setdefault(row.contact_id, {}).setdefault(row.company_id, set())
        pair.add(named(Label(row.category, row.type_id, row.label), pins, lost_labels))
    return {
        contact: tuple(
            Association(_company(companies.get(i), i, owners, lost), frozenset(pairs[i])) for i in sorted(pairs)
        )
        for contact, pairs in labels.items()
    }


def companies(session: Session, company_ids: Iterable[str]) -> dict[str, Company]:
    """The companies that the mirror holds, by id."""
    rows = _by_id(session, tables.Company, company_ids)
    owners, lost = _owners(session), readable.unreadable(session, "companies")
    return {i: _company(row, i, owners, lost) for i, row in rows.items()}


def company_ids(session: Session) -> list[str]:
    """All companies of the mirror."""
    return list(session.exec(select(tables.Company.id).order_by(tables.Company.id)))


def _owners(session: Session) -> dict[str, Owner]:
    return {row.id: Owner(row.id, row.email, row.archived) for row in session.exec(select(tables.Owner))}


def _owner(properties: Properties, owners: Mapping[str, Owner]) -> Owner | None:
    """The owner that the properties name; while no owners were ever read, one of whom only the id is known."""
    owner_id = properties.get(OWNER_PROPERTY)
    if not owner_id:
        return None
    return owners.get(owner_id) if owners else Owner(owner_id, None, unread=True)


def _company(row: tables.Company | None, company_id: str, owners: Mapping[str, Owner], lost: frozenset[str]) -> Company:
    properties = row.properties if row else {}
    unreadable = lost | frozenset(row.unreadable) if row else frozenset()
    return Company(company_id, properties, _owner(properties, owners), unreadable)


def _cycles(session: Session, ids: Sequence[str]) -> dict[str, tuple[Cycle, ...]]:
    rows = session.exec(select(tables.Handover).where(col(tables.Handover.contact_id).in_(ids))).all()
    found: dict[str, tuple[Cycle, ...]] = {}
    for row in rows:
        found[row.contact_id] = (*found.get(row.contact_id, ()), Cycle(row.score, row.cycle, row.rearmed, row.evidence))
    return found


def _crossings(session: Session, ids: Sequence[str]) -> dict[str, dict[str, datetime]]:
    rows = session.exec(select(tables.Crossing).where(col(tables.Crossing.contact_id).in_(ids))).all()
    found: dict[str, dict[str, datetime]] = {}
    for row in rows:
        if row.crossed_at:
            found.setdefault(row.contact_id, {})[row.score] = row.crossed_at
    return found


def _by_id(session: Session, table: type[Row], ids: Iterable[str]) -> dict[str, Row]:
    return {row.id: row for part in portions(ids) for row in session.exec(select(table).where(col(table.id).in_(part)))}
