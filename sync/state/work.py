"""Contacts that are due, writes in flight, and the one commit that records how a contact's work ended."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, update
from sqlmodel import Session, col, select

from sync import lifecycle
from sync.domain.codes import Code
from sync.domain.entities import Entity
from sync.domain.views import ORIGINS, Link
from sync.lifecycle import Status
from sync.state import handovers, tables
from sync.state.handovers import HandoverRecord
from sync.state.loaded import Loaded
from sync.state.pending import among, portions

_WAITING = (Status.PENDING, Status.IN_FLIGHT)


def due(session: Session, now: datetime, limit: int, after: str = "") -> list[str]:
    """Ids of contacts whose time has come, those in flight first, then in the order of their ids."""
    rows = _due(select(tables.Progress.contact_id), now).where(col(tables.Progress.contact_id) > after)
    in_flight_first = case((col(tables.Progress.status) == Status.IN_FLIGHT, 0), else_=1)
    return list(session.exec(rows.order_by(in_flight_first, tables.Progress.contact_id).limit(limit)))


def decidable(session: Session, after: str, limit: int) -> list[str]:
    """Ids of contacts that can be decided, due or not, in a fixed order, so that a pass can go in portions."""
    page = _decidable(select(tables.Contact.id)).where(col(tables.Contact.id) > after)
    return list(session.exec(page.order_by(tables.Contact.id).limit(limit)))


def decidable_of(session: Session, contact_ids: Sequence[str]) -> list[str]:
    """Those of these contacts that can be decided."""
    return list(session.exec(_decidable(select(tables.Contact.id)).where(among(tables.Contact.id, contact_ids))))


def due_count(session: Session, now: datetime) -> int:
    count: int = session.exec(_due(select(func.count()), now)).one()
    return count


def _due(selection: Any, now: datetime) -> Any:
    joined = selection.select_from(tables.Progress).join(
        tables.Contact, col(tables.Contact.id) == col(tables.Progress.contact_id)
    )
    return _decidable(joined).where(col(tables.Progress.status).in_(_WAITING), col(tables.Progress.due_at) <= now)


def _decidable(selection: Any) -> Any:
    """The condition for contacts that can be decided: their associations have been read.

    Unknown associations are not absent ones.
    """
    known = col(tables.Contact.associations_read_at).is_not(None) | col(tables.Contact.archived)
    return selection.where(known | col(tables.Contact.erased) | col(tables.Contact.merged_into).is_not(None))


def pending_count(session: Session) -> int:
    """Number of contacts that wait, due or not."""
    return session.exec(select(func.count()).where(col(tables.Progress.status).in_(_WAITING))).one()


def mark_in_flight(session: Session, contact_ids: Sequence[str], now: datetime) -> None:
    """Notes the intent to write. After a crash these contacts are looked up in C4C before anything new is written."""
    for ids in portions(contact_ids):
        of = among(tables.Progress.contact_id, ids)
        session.exec(update(tables.Progress).where(of).values(status=Status.IN_FLIGHT, started_at=now))


def changed_since(session: Session, known: Mapping[str, int]) -> list[str]:
    """Those of the contacts whose mirror has changed since it had this `change_seq`."""
    return [contact for contact, seq in change_seqs(session, known).items() if seq != known[contact]]


def change_seqs(session: Session, contact_ids: Iterable[str]) -> dict[str, int]:
    """`change_seq` of each of these contacts, 0 for one that has no progress yet."""
    found = dict.fromkeys(contact_ids, 0)
    for ids in portions(list(found)):
        of = select(tables.Progress.contact_id, tables.Progress.change_seq)
        found |= dict(iter(session.exec(of.where(among(tables.Progress.contact_id, ids)))))
    return found


def in_flight_since(session: Session, contact_ids: Sequence[str]) -> datetime | None:
    """When the latest write of these contacts with an unknown end was started."""
    of = among(tables.Progress.contact_id, contact_ids), col(tables.Progress.status) == Status.IN_FLIGHT
    times = session.exec(select(tables.Progress.started_at).where(*of)).all()
    return max((t for t in times if t), default=None)


def pull_back(session: Session, now: datetime, longest: timedelta) -> None:
    """Makes contacts due now whose due time is later than any retry could be: our clock ran ahead
    when it was written.
    """
    # With the status the index finds them; without, each push would look at every contact.
    too_far = col(tables.Progress.status).in_(_WAITING), col(tables.Progress.due_at) > now + longest
    if session.exec(select(tables.Progress.contact_id).where(*too_far).limit(1)).first() is not None:
        session.exec(update(tables.Progress).where(*too_far).values(due_at=now))


def progress_of(session: Session, contact_id: str) -> tables.Progress | None:
    return session.get(tables.Progress, contact_id)


def finish(
    session: Session,
    contact_id: str,
    change_seq: int,
    outcome: lifecycle.Outcome,
    policy: lifecycle.RetryPolicy,
    now: datetime,
) -> lifecycle.Progress | None:
    """Writes the next progress; None if the contact changed meanwhile, so that it stays pending."""
    loaded = Loaded(session, [contact_id], ())
    after = loaded.finish(contact_id, change_seq, outcome, policy, now)
    loaded.write("", now)
    return after


def record_handover(session: Session, handover: HandoverRecord, now: datetime) -> bool:
    """Keeps a handover with its evidence; False if it was recorded before."""
    if session.get(tables.Handover, handover.lead_key):
        return False
    session.add(tables.Handover(**handovers.row(handover, now)))
    return True


def parked_details(session: Session, code: Code) -> dict[str, int]:
    """The contacts that are parked with this code, by detail."""
    detail = tables.Progress.detail
    of = select(detail, func.count()).where(tables.Progress.status == Status.PARKED, tables.Progress.code == code)
    return {str(text): number for text, number in session.exec(of.group_by(detail))}


def link_count(session: Session, entity: str = "") -> int:
    """Number of linked records in C4C, of one entity or of all; intents do not count."""
    of = select(func.count()).select_from(tables.Link).where(tables.Link.object_id != "")
    return session.exec(of.where(tables.Link.entity == entity) if entity else of).one()


def handover_count(session: Session) -> int:
    return session.exec(select(func.count()).select_from(tables.Handover)).one()


def _is_adopted() -> ColumnElement[bool]:
    """The condition for leads that were found in C4C instead of created, as after a start without a state.

    Their link's origin tells.
    """
    same = col(tables.Link.entity) == Entity.LEAD, col(tables.Link.key) == col(tables.Handover.lead_key)
    return exists().where(*same, col(tables.Link.origin) != "created")


def adopted_lead_count(session: Session) -> int:
    """Number of leads that were adopted instead of created."""
    return session.exec(select(func.count()).select_from(tables.Handover).where(_is_adopted())).one()


def created_lead_count(session: Session) -> int:
    """Number of leads that we created, in all runs."""
    return session.exec(select(func.count()).select_from(tables.Handover).where(~_is_adopted())).one()


def last_created_lead(session: Session) -> datetime | None:
    return session.exec(select(func.max(tables.Handover.handed_over_at)).where(~_is_adopted())).one()


def recent_latencies(session: Session, since: datetime, limit: int) -> list[float]:
    """Seconds from the crossing to the lead, of the newest handovers that crossed since then."""
    of = (
        select(tables.Handover.handed_over_at, tables.Handover.crossed_at)
        .where(col(tables.Handover.crossed_at) >= since, ~_is_adopted())
        .order_by(col(tables.Handover.handed_over_at).desc())
        .limit(limit)
    )
    return [
        max(0.0, (handed_over - crossed).total_seconds())
        for handed_over, crossed in session.exec(of)
        if handed_over and crossed
    ]


def handovers_of(session: Session, contact_id: str) -> Sequence[tables.Handover]:
    return session.exec(select(tables.Handover).where(tables.Handover.contact_id == contact_id)).all()


def links_of(session: Session, contact_ids: Sequence[str], company_ids: Iterable[str]) -> dict[tuple[str, str], Link]:
    """The links of these contacts and companies by (entity, key), their leads and relationships included."""
    return {(row.entity, row.key): as_link(row) for row in link_rows(session, contact_ids, company_ids)}


def as_link(row: tables.Link) -> Link:
    return Link(
        row.entity, row.key, row.object_id, row.sent, origin=ORIGINS.get(row.origin, "adopted"), observed=row.observed
    )


def permission_set_origins(session: Session, limit: int = 100) -> list[str]:
    """The origins of the permission sets of the contacts that we created most recently."""
    ours = select(tables.Link.key).where(tables.Link.entity == Entity.CONTACT, tables.Link.origin == "created")
    of = select(tables.Link.origin).where(
        tables.Link.entity == Entity.PERMISSION, tables.Link.object_id != "", col(tables.Link.key).in_(ours)
    )
    return list(session.exec(of.order_by(col(tables.Link.linked_at).desc()).limit(limit)))


def link_rows(session: Session, contact_ids: Iterable[str], company_ids: Iterable[str]) -> list[tables.Link]:
    """The accounts of these companies, and all other records of these contacts, by entity and key.

    HubSpot numbers contacts and companies separately, so a contact and a company may have the same id."""
    is_account = col(tables.Link.entity) == Entity.ACCOUNT
    found: list[tables.Link] = []
    for hubspot_ids, of_kind in ((contact_ids, ~is_account), (company_ids, is_account)):
        for ids in portions(hubspot_ids):
            found += session.exec(select(tables.Link).where(of_kind, among(tables.Link.hubspot_id, ids)))
    return sorted(found, key=lambda row: (row.entity, row.key))


def save_link(session: Session, link: Link, now: datetime, *, written: bool) -> bool:
    """Stores a link as `sync.domain.link.after` made it; True if it names another record than before."""
    key = (link.entity, link.key)
    row = session.get(tables.Link, key)
    is_new = row is None or row.object_id != link.object_id
    stored = row or tables.Link(entity=link.entity, key=link.key, hubspot_id=link.owner, object_id="")
    stored.object_id, stored.origin = link.object_id, link.origin
    stored.sent, stored.observed = dict(link.sent), dict(link.observed)
    stored.linked_at = now if is_new or not link.object_id else stored.linked_at
    stored.written_at = now if written else stored.written_at
    session.add(stored)
    return is_new


def open_intents(session: Session, entities: Sequence[str]) -> list[tuple[Link, datetime | None]]:
    """Announced records of these kinds whose creation is not confirmed, each with the time of the announcement."""
    of = select(tables.Link).where(tables.Link.object_id == "", col(tables.Link.entity).in_(entities))
    return [(as_link(row), row.linked_at) for row in session.exec(of.order_by(tables.Link.entity, tables.Link.key))]


def drop_link(session: Session, entity: str, key: str) -> bool:
    """Forgets a pair; False if it was not known."""
    row = session.get(tables.Link, (entity, key))
    if row is not None:
        session.delete(row)
    return row is not None


def parked_as(session: Session, contact_ids: Sequence[str], code: Code) -> set[str]:
    """Those of the contacts that are parked with this code."""
    return set(session.exec(_parked(code).where(among(tables.Progress.contact_id, contact_ids))))


def parked_ids(session: Session, code: Code) -> list[str]:
    """All contacts that are parked with this code."""
    return list(session.exec(_parked(code)))


def _parked(code: Code) -> Any:
    progress = tables.Progress
    return select(progress.contact_id).where(progress.status == Status.PARKED, progress.code == str(code))


def parked_counts(session: Session) -> dict[str, int]:
    """Parked contacts by code."""
    of = select(tables.Progress.code, func.count()).where(tables.Progress.status == Status.PARKED)
    return {str(code): n for code, n in session.exec(of.group_by(col(tables.Progress.code)))}


def done_counts(session: Session) -> dict[str, int]:
    """Settled contacts by deciding code."""
    of = select(tables.Progress.code, func.count()).where(tables.Progress.status == Status.DONE)
    return {str(code): n for code, n in session.exec(of.group_by(col(tables.Progress.code)))}


def oldest_pending(session: Session) -> datetime | None:
    """Since when the contact that has waited longest is waiting."""
    of = select(func.min(tables.Progress.pending_since)).where(col(tables.Progress.status).in_(_WAITING))
    return session.exec(of).one()
