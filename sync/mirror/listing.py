"""What lists, the search and the report read: plain rows of the mirror and of what was recorded, never whole tables.

The one module with their statements. It reads of a decision only its time, its contact and its code.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Select,
    Text,
    cast,
    distinct,
    func,
    literal_column,
    or_,
    select,
    union,
    union_all,
)
from sqlmodel import Session, col

from sync.domain.entities import Entity
from sync.domain.link import GONE
from sync.domain.rules import OWNER_PROPERTY
from sync.lifecycle import Status
from sync.mirror import name_index
from sync.mirror.objects import gone
from sync.state import decisions, tables
from sync.state.pending import among, portions

Sort = Literal["contact", "score", "since", "name"]

_CONTACT, _PROGRESS, _LINK = tables.Contact, tables.Progress, tables.Link
_HANDOVER, _CROSSING, _DECISION = tables.Handover, tables.Crossing, tables.Decision
_AT_ONCE = 1000
"""Rows fetched at once, so that memory does not grow with the list."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which contacts a list shows; all conditions must hold.

    `code` also lets those pass that are not decided yet, since only the rules can tell their code. `low` and `high`
    bound the number in `property`, the score that the list shows. `owner` is the e-mail address of a HubSpot owner.
    """

    property: str
    code: str | None = None
    low: float | None = None
    high: float | None = None
    since: datetime | None = None
    owner: str | None = None
    parked: bool = False


class Settled(NamedTuple):
    """What is recorded of a contact's work; `code` is None while it waits for its next decision."""

    status: str | None
    code: str | None
    since: datetime | None
    detail: str | None


def contact_ids(session: Session, choice: Choice, sort: Sort) -> Iterator[tuple[str, str | None]]:
    """(contact, recorded code) of the chosen contacts in order, a few at a time."""
    of = select(col(_CONTACT.id), col(_PROGRESS.code)).outerjoin(
        _PROGRESS, col(_PROGRESS.contact_id) == col(_CONTACT.id)
    )
    chosen = of.where(*_conditions(session, choice)).order_by(*_order(choice, sort))
    for row in session.execute(chosen, execution_options={"yield_per": _AT_ONCE}):
        yield row[0], row[1]


def contact_count(session: Session, choice: Choice) -> int:
    """How many contacts the list has, those that are not decided yet included."""
    of = select(func.count()).select_from(_CONTACT)
    of = of.outerjoin(_PROGRESS, col(_PROGRESS.contact_id) == col(_CONTACT.id)) if _by_progress(choice) else of
    number: int = session.execute(of.where(*_conditions(session, choice))).scalar_one()
    return number


def _by_progress(choice: Choice) -> bool:
    return choice.code is not None or choice.since is not None or choice.parked


def _conditions(session: Session, choice: Choice) -> Iterator[ColumnElement[bool]]:
    points = cast(_property(choice.property), Float)
    if choice.low is not None:
        yield points >= choice.low
    if choice.high is not None:
        yield points <= choice.high
    if choice.low is not None or choice.high is not None:
        yield ~gone()
    if choice.code is not None:
        yield or_(col(_PROGRESS.code) == choice.code, col(_PROGRESS.code).is_(None))
    if choice.since is not None:
        yield col(_PROGRESS.settled_at) >= choice.since
    if choice.parked:
        yield col(_PROGRESS.status) == Status.PARKED
    if choice.owner is not None:
        yield _property(OWNER_PROPERTY).in_(_owner_ids(session, choice.owner))


def _order(choice: Choice, sort: Sort) -> tuple[Any, ...]:
    """By id as a number in any case, so that the order is always the same."""
    by_id = (func.length(col(_CONTACT.id)), col(_CONTACT.id))
    match sort:
        case "score":
            return (cast(_property(choice.property), Float).desc(), *by_id)
        case "since":
            return (col(_PROGRESS.settled_at).desc(), *by_id)
        case "name":
            return (func.lower(_property("lastname")), func.lower(_property("firstname")), *by_id)
        case _:
            return by_id


def _property(name: str) -> ColumnElement[str]:
    return func.json_extract(col(_CONTACT.properties), f'$."{name}"')


def _owner_ids(session: Session, address: str) -> list[str]:
    of = select(col(tables.Owner.id)).where(func.lower(col(tables.Owner.email)) == address.casefold())
    return list(session.execute(of).scalars())


def settled_of(session: Session, contact_ids: Sequence[str]) -> dict[str, Settled]:
    """What is recorded of the work on these contacts."""
    columns = (_PROGRESS.contact_id, _PROGRESS.status, _PROGRESS.code, _PROGRESS.settled_at, _PROGRESS.detail)
    of = select(*map(col, columns))
    return {
        row[0]: Settled(*row[1:])
        for ids in portions(contact_ids)
        for row in session.execute(of.where(among(col(_PROGRESS.contact_id), ids)))
    }


# ---- the search


def first_named(session: Session, text: str, limit: int) -> list[str]:
    """Some of these contacts, at most so many, found without looking at all of them."""
    found = name_index.matches(session, text)
    return list(session.execute(found.limit(limit)).scalars()) if found is not None else []


def named_like(session: Session, text: str) -> list[str]:
    """Ids of contacts by the beginnings of words, e-mail addresses and web domains, in order of their numbers."""
    found = name_index.matches(session, text)
    return sorted(session.execute(found).scalars(), key=lambda i: (len(i), i)) if found is not None else []


def numbered(session: Session, text: str) -> list[str]:
    """Ids of contacts by their own HubSpot id or one that was merged into theirs, that of a company, or the number or
    ObjectID of a record in SAP Sales Cloud.
    """
    own = select(col(_CONTACT.id)).where(col(_CONTACT.id) == text)
    alias = tables.Alias
    merged = select(col(alias.new_id)).where(col(alias.entity) == Entity.CONTACT, col(alias.old_id) == text)
    at = select(col(tables.Association.contact_id)).where(col(tables.Association.company_id) == text)
    direct = session.execute(union_all(own, merged, at)).scalars().all()
    found = dict.fromkeys([*direct, *_of_records(session, text)])
    return [i for i in found if i]


def _of_records(session: Session, text: str) -> list[str]:
    number = literal_column(tables.RECORD_NUMBER, Text)
    columns = select(col(_LINK.entity), col(_LINK.hubspot_id))
    rows = session.execute(
        union_all(columns.where(number == text), columns.where(col(_LINK.object_id) == text.upper()))
    ).all()
    accounts = [owner for entity, owner in rows if entity == Entity.ACCOUNT]
    at = (
        select(col(tables.Association.contact_id)).where(among(col(tables.Association.company_id), accounts)).distinct()
    )
    people = sorted(session.execute(at).scalars(), key=lambda i: (len(i), i)) if accounts else []
    return [*(owner for entity, owner in rows if entity != Entity.ACCOUNT), *people]


# ---- leads


class LeadRow(NamedTuple):
    """A handover with the link of its lead, if there is one."""

    key: str
    contact: str
    score: str
    object_id: str
    handed_over_at: datetime
    crossed_at: datetime | None
    origin: str | None
    observed: Mapping[str, Any] | None
    sent: Mapping[str, Any] | None

    @property
    def adopted(self) -> bool:
        """Whether the lead was found in SAP Sales Cloud instead of created by us."""
        return self.origin not in (None, "created")


def _leads() -> Select[Any]:
    same = (col(_LINK.entity) == Entity.LEAD) & (col(_LINK.key) == col(_HANDOVER.lead_key))
    return select(
        col(_HANDOVER.lead_key),
        col(_HANDOVER.contact_id),
        col(_HANDOVER.score),
        col(_HANDOVER.object_id),
        col(_HANDOVER.handed_over_at),
        col(_HANDOVER.crossed_at),
        col(_LINK.origin),
        col(_LINK.observed),
        col(_LINK.sent),
    ).outerjoin(_LINK, same)


def leads(session: Session, since: datetime | None = None, until: datetime | None = None) -> Iterator[LeadRow]:
    """The leads that were handed over in that time, the newest first, a few at a time."""
    of = _leads().order_by(col(_HANDOVER.handed_over_at).desc(), col(_HANDOVER.lead_key))
    of = of.where(col(_HANDOVER.handed_over_at) >= since) if since else of
    of = of.where(col(_HANDOVER.handed_over_at) < until) if until else of
    for row in session.execute(of, execution_options={"yield_per": _AT_ONCE}):
        yield LeadRow(*row)


def leads_of(session: Session, contact_ids: Sequence[str]) -> dict[str, list[LeadRow]]:
    """The leads of these contacts, the oldest first."""
    found: dict[str, list[LeadRow]] = {}
    for ids in portions(contact_ids):
        of = _leads().where(among(col(_HANDOVER.contact_id), ids)).order_by(col(_HANDOVER.handed_over_at))
        for row in session.execute(of):
            found.setdefault(row[1], []).append(LeadRow(*row))
    return found


def observed_of(
    session: Session, contact_ids: Sequence[str], company_ids: Iterable[str]
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """What was observed of the contact persons of these contacts and the accounts of these companies, by (entity,
    HubSpot id).
    """
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entity, keys in ((Entity.CONTACT, contact_ids), (Entity.ACCOUNT, company_ids)):
        of = select(col(_LINK.key), col(_LINK.observed)).where(col(_LINK.entity) == entity, col(_LINK.object_id) != "")
        for part in portions(keys):
            found |= {
                (entity, key): observed for key, observed in session.execute(of.where(among(col(_LINK.key), part)))
            }
    return found


def owner_addresses(session: Session) -> list[str]:
    """E-mail addresses of HubSpot's owners."""
    return [address for address in session.execute(select(col(tables.Owner.email))).scalars() if address]


# ---- counts for the report


class Decided(NamedTuple):
    """Contacts on which something new was decided in a time: all, those with a score, those that qualify."""

    decided: int
    scored: int
    qualified: int


def decided_between(
    session: Session, since: datetime, until: datetime, unscored: Collection[str], unqualified: Collection[str]
) -> Decided:
    """How many contacts got a decision in that time, from an index alone.

    The codes in `unscored` say that there is no score, those in `unqualified` that the rules are not met.
    """
    code = col(tables.DecisionForm.code)
    by_contact = (
        select(func.max(code.not_in(unscored)).label("scored"), func.max(code.not_in(unqualified)).label("qualified"))
        .join(_DECISION, col(tables.DecisionForm.id) == col(_DECISION.form_id))
        .where(~decisions.made_before(since), decisions.made_before(until))
        .group_by(col(_DECISION.contact_id))
        .subquery()
    )
    sums = (func.coalesce(func.sum(cast(by_contact.c[name], Integer)), 0) for name in ("scored", "qualified"))
    return Decided(*session.execute(select(func.count(), *sums).select_from(by_contact)).one())


def codes_at(session: Session, moment: datetime) -> dict[str, int]:
    """Contacts by the code of the decision that was in force then."""
    newest = select(func.max(col(_DECISION.id))).group_by(col(_DECISION.contact_id))
    newest = newest.where(decisions.made_before(moment))
    code = col(tables.DecisionForm.code)
    of = select(code, func.count()).join(_DECISION, col(tables.DecisionForm.id) == col(_DECISION.form_id))
    of = of.where(col(_DECISION.id).in_(newest))
    return {row[0]: row[1] for row in session.execute(of.group_by(code))}


def crossed(session: Session, since: datetime, until: datetime, score: str | None = None) -> int:
    """How many contacts reached a threshold, or that of one score, in that time, as far as it is known: those that are
    above it still, and those that were handed over.
    """
    parts: list[Select[Any]] = [
        select(col(table.contact_id).label("contact")).where(
            col(table.crossed_at) >= since,
            col(table.crossed_at) < until,
            # Nobody is handed over before the crossing: an index on the later time serves.
            *([col(_HANDOVER.handed_over_at) >= since] if table is _HANDOVER else ()),
            *([col(table.score) == score] if score else ()),
        )
        for table in (_CROSSING, _HANDOVER)
    ]
    both = union(*parts).subquery()
    number: int = session.execute(select(func.count()).select_from(both)).scalar_one()
    return number


class Outcome(NamedTuple):
    """So many leads of a score show this in their link: the life cycle status, and whether they are gone."""

    score: str
    observed: Mapping[str, Any] | None
    number: int


def outcomes(session: Session, since: datetime | None = None, until: datetime | None = None) -> list[Outcome]:
    """What became of the leads that were handed over in that time, counted without loading them."""
    same = (col(_LINK.entity) == Entity.LEAD) & (col(_LINK.key) == col(_HANDOVER.lead_key))
    status, gone = (func.json_extract(col(_LINK.observed), f"$.{name}") for name in ("LifeCycleStatusCode", GONE))
    of = select(col(_HANDOVER.score), status, gone, func.count()).outerjoin(_LINK, same)
    of = of.where(col(_HANDOVER.handed_over_at) >= since) if since else of
    of = of.where(col(_HANDOVER.handed_over_at) < until) if until else of
    rows = session.execute(of.group_by(col(_HANDOVER.score), status, gone))
    return [Outcome(row[0], {"LifeCycleStatusCode": row[1], GONE: bool(row[2])}, row[3]) for row in rows]


def timed_handovers(
    session: Session, since: datetime, until: datetime | None = None
) -> list[tuple[str, datetime, datetime]]:
    """(contact, crossed, handed over) of the leads of that time that we created and whose crossing is known."""
    same = (col(_LINK.entity) == Entity.LEAD) & (col(_LINK.key) == col(_HANDOVER.lead_key))
    of = select(col(_HANDOVER.contact_id), col(_HANDOVER.crossed_at), col(_HANDOVER.handed_over_at))
    of = of.outerjoin(_LINK, same).where(
        col(_HANDOVER.handed_over_at) >= since,
        col(_HANDOVER.crossed_at).is_not(None),
        or_(col(_LINK.origin).is_(None), col(_LINK.origin) == "created"),
    )
    of = of.where(col(_HANDOVER.handed_over_at) < until) if until else of
    return [(row[0], row[1], row[2]) for row in session.execute(of.order_by(col(_HANDOVER.handed_over_at)))]


def stock(session: Session) -> dict[str | None, int]:
    """Contacts by the code that is recorded now; None for those that wait for a decision."""
    of = select(col(_PROGRESS.code), func.count()).group_by(col(_PROGRESS.code))
    return {row[0]: row[1] for row in session.execute(of)}


def above_threshold(session: Session) -> int:
    """Contacts that are at or above a threshold."""
    number: int = session.execute(select(func.count(distinct(col(_CROSSING.contact_id))))).scalar_one()
    return number


def parked_ages(session: Session) -> dict[str, tuple[int, datetime | None]]:
    """By code, how many contacts are parked, and since when the oldest one is."""
    of = select(col(_PROGRESS.code), func.count(), func.min(col(_PROGRESS.settled_at)))
    rows = session.execute(of.where(col(_PROGRESS.status) == Status.PARKED).group_by(col(_PROGRESS.code)))
    return {str(code): (number, oldest) for code, number, oldest in rows}


def longest_parked(session: Session, limit: int, code: str | None = None) -> list[str]:
    """Those of the parked contacts that have waited longest."""
    of = select(col(_PROGRESS.contact_id)).where(col(_PROGRESS.status) == Status.PARKED)
    of = of.where(col(_PROGRESS.code) == code) if code else of
    longest = of.order_by(col(_PROGRESS.settled_at), col(_PROGRESS.contact_id)).limit(limit)
    return list(session.execute(longest).scalars())


def writes(session: Session, contact_id: str) -> list[tuple[str, str, str, datetime | None, datetime | None]]:
    """(entity, key, origin, linked at, written at) of the contact's records in SAP Sales Cloud."""
    columns = (_LINK.entity, _LINK.key, _LINK.origin, _LINK.linked_at, _LINK.written_at)
    of = select(*map(col, columns)).where(
        col(_LINK.hubspot_id) == contact_id, col(_LINK.entity) != Entity.ACCOUNT, col(_LINK.object_id) != ""
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in session.execute(of.order_by(col(_LINK.key)))]


def requests(session: Session, since: datetime, until: datetime) -> dict[str, int]:
    """By job, the requests that its runs of that time sent."""
    run = tables.JobRun
    sent = func.sum(func.json_extract(col(run.counts), "$.requests"))
    of = select(col(run.job), sent).where(col(run.started_at) >= since, col(run.started_at) < until)
    return {job: number or 0 for job, number in session.execute(of.group_by(col(run.job)))}


def handed_over_since(session: Session, since: datetime) -> int:
    """How many leads there are since then."""
    of = select(func.count()).where(col(_HANDOVER.handed_over_at) >= since)
    number: int = session.execute(of).scalar_one()
    return number
