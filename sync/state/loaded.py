"""Rows of many contacts: read with one statement for each table, changed in memory, written with one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update
from sqlmodel import Session

from sync import lifecycle
from sync.domain.codes import Code
from sync.domain.entities import Entity
from sync.domain.views import ORIGINS, Link
from sync.lifecycle import Status
from sync.state import decisions, handovers, tables
from sync.state.decisions import DecisionRecord, Newest
from sync.state.handovers import HandoverRecord
from sync.state.pending import among, portions

_PROGRESS, _LINK, _HANDOVER = (tables.Base.metadata.tables[name] for name in ("progress", "link", "handover"))
_Pair = tuple[str, str]
_Row = dict[str, Any]


class _Waiting(NamedTuple):
    """What the next progress of a contact depends on."""

    status: str
    attempts: int
    due_at: datetime | None
    code: str | None
    detail: str | None
    waits: int
    change_seq: int

    def progress(self) -> lifecycle.Progress:
        code = Code(self.code) if self.code else None
        return lifecycle.Progress(Status(self.status), self.attempts, self.due_at, code, self.detail, self.waits)


@dataclass(frozen=True, slots=True)
class _Stored:
    """What must be known of a stored pair before it is changed."""

    object_id: str
    origin: str
    linked_at: datetime | None


class Loaded:
    """Reads what is stored of contacts and pairs, and writes what became of them, when `write` is called."""

    def __init__(self, session: Session, contact_ids: Iterable[str], pairs: Iterable[_Pair]) -> None:
        """`pairs`: (entity, key) of the links that will be needed."""
        ids, wanted = list(contact_ids), set(pairs)
        self._session = session
        self._progress = _progress(session, ids)
        self._links = _links(session, wanted)
        self._handed_over = _handed_over(session, [key for entity, key in wanted if entity == Entity.LEAD])
        self._decisions: dict[str, Newest] = decisions.newest(session, ids)
        self._made: dict[str, DecisionRecord] = {}
        self._ended: dict[str, _Row] = {}
        self._saved: dict[_Pair, tuple[Link, _Row, bool]] = {}
        self._handovers: list[_Row] = []
        self._dropped: list[_Pair] = []

    # ---- contacts

    def finish(
        self,
        contact_id: str,
        change_seq: int,
        outcome: lifecycle.Outcome,
        policy: lifecycle.RetryPolicy,
        now: datetime,
    ) -> lifecycle.Progress | None:
        """The next progress; None if the contact changed meanwhile, so that it stays pending."""
        before = self._progress.get(contact_id)
        if before is None:
            return None
        if before.change_seq != change_seq:
            self._ended[contact_id] = {"status": Status.PENDING, "due_at": now}
            return None
        after = lifecycle.advance(before.progress(), outcome, policy, now)
        names = ("status", "attempts", "due_at", "code", "detail", "waits")
        self._ended[contact_id] = {name: getattr(after, name) for name in names}
        if after.status in (Status.DONE, Status.PARKED):
            self._ended[contact_id] |= {"pending_since": None, "settled_at": now}
        return after

    def decided(self, contact_id: str, decision: DecisionRecord) -> None:
        """Adds the decision. It is not stored if it equals the one recorded last."""
        self._made[contact_id] = decision

    def handed_over(self, handover: HandoverRecord, now: datetime) -> bool:
        """Adds a handover with its evidence; False if it was recorded before."""
        if handover.lead_key in self._handed_over:
            return False
        self._handed_over.add(handover.lead_key)
        self._handovers.append(handovers.row(handover, now))
        return True

    # ---- pairs

    def link(self, pair: _Pair) -> Link | None:
        """The stored pair, without the values that were sent and observed."""
        found = self._links.get(pair)
        return Link(*pair, found.object_id, {}, origin=ORIGINS.get(found.origin, "adopted")) if found else None

    def save(self, link: Link, now: datetime, *, written: bool) -> bool:
        """Adds a link as `sync.domain.link.after` made it; True if it names another record than before."""
        pair = (link.entity, link.key)
        stored = self._links.get(pair)
        is_new = stored is None or stored.object_id != link.object_id
        linked_at = stored.linked_at if stored and not is_new and link.object_id else now
        row: _Row = {"object_id": link.object_id, "origin": link.origin, "linked_at": linked_at}
        row |= {"sent": dict(link.sent), "seen": dict(link.observed)} | ({"written_at": now} if written else {})
        known = self._saved.get(pair)
        insert_it = known[2] if known else stored is None
        self._saved[pair] = link, {**(known[1] if known else {}), **row}, insert_it
        self._links[pair] = _Stored(link.object_id, link.origin, linked_at)
        return is_new

    def drop(self, pair: _Pair) -> None:
        """Removes a pair."""
        if self._links.pop(pair, None):
            self._dropped.append(pair)
        self._saved.pop(pair, None)

    # ---- writing

    def write(self, run_id: str, now: datetime) -> set[str]:
        """Writes everything that was added; returns the contacts with a decision that says something new."""
        for entity, key in self._dropped:
            self._session.execute(delete(_LINK).where(_LINK.c.entity == entity, _LINK.c.key == key))
        self._write_links()
        decided = decisions.append(self._session, self._made, self._decisions, run_id, now)
        _many(self._session, insert(_HANDOVER), self._handovers)
        for names, rows in _alike(self._ended).items():
            of = update(_PROGRESS).where(_PROGRESS.c.contact_id == bindparam("of_contact"))
            _many(
                self._session,
                of.values({name: bindparam(name) for name in names}),
                [{"of_contact": contact, **row} for contact, row in rows],
            )
        return decided

    def _write_links(self) -> None:
        fresh = {pair: {**_key(link), **row} for pair, (link, row, is_new) in self._saved.items() if is_new}
        known = {pair: row for pair, (_, row, is_new) in self._saved.items() if not is_new}
        for rows in _alike(fresh).values():
            _many(self._session, insert(_LINK), [row for _, row in rows])
        of = update(_LINK).where(_LINK.c.entity == bindparam("of_entity"), _LINK.c.key == bindparam("of_key"))
        for names, rows in _alike(known).items():
            values = of.values({name: bindparam(name) for name in names})
            _many(self._session, values, [{"of_entity": pair[0], "of_key": pair[1], **row} for pair, row in rows])


def _key(link: Link) -> _Row:
    return {"entity": link.entity, "key": link.key, "hubspot_id": link.owner}


def _many(session: Session, statement: Any, rows: list[_Row]) -> None:
    if rows:
        # On the connection: the session would look for rows of its own to write first.
        session.connection().execute(statement, rows)


def _alike(rows: Mapping[Any, _Row]) -> dict[tuple[str, ...], list[tuple[Any, _Row]]]:
    """The rows by the columns that they set."""
    found: dict[tuple[str, ...], list[tuple[Any, _Row]]] = {}
    for key, row in rows.items():
        found.setdefault(tuple(row), []).append((key, row))
    return found


def _progress(session: Session, contact_ids: Iterable[str]) -> dict[str, _Waiting]:
    c = _PROGRESS.c
    columns = (c.contact_id, c.status, c.attempts, c.due_at, c.code, c.detail, c.waits, c.change_seq)
    return {
        row[0]: _Waiting(*row[1:])
        for ids in portions(contact_ids)
        for row in session.execute(select(*columns).where(among(c.contact_id, ids)))
    }


def _links(session: Session, pairs: Iterable[_Pair]) -> dict[_Pair, _Stored]:
    c = _LINK.c
    by_entity: dict[str, list[str]] = {}
    for entity, key in pairs:
        by_entity.setdefault(entity, []).append(key)
    found: dict[_Pair, _Stored] = {}
    for entity, keys in by_entity.items():
        of = select(c.key, c.object_id, c.origin, c.linked_at).where(c.entity == entity)
        for part in portions(keys):
            found |= {(entity, row[0]): _Stored(*row[1:]) for row in session.execute(of.where(among(c.key, part)))}
    return found


def _handed_over(session: Session, lead_keys: Iterable[str]) -> set[str]:
    of = select(_HANDOVER.c.lead_key)
    return {
        key
        for part in portions(lead_keys)
        for key in session.execute(of.where(among(_HANDOVER.c.lead_key, part))).scalars()
    }
