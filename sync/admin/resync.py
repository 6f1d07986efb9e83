"""Marks contacts pending because a person asks for it, and on request has them read from HubSpot again first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from sync.jobs.poll import STREAMS
from sync.log import Event, emit
from sync.mirror import left_alone, mirrored, refetch_queue, selection
from sync.state import streams
from sync.state.pending import mark_pending
from sync.state.store import Store


@dataclass(frozen=True, slots=True)
class Scope:
    """The contacts that a person named. Exactly one field is set."""

    contacts: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()
    since: datetime | None = None
    code: str | None = None
    everything: bool = False

    @property
    def name(self) -> str:
        named = {"contact": self.contacts, "company": self.companies, "since": self.since, "code": self.code}
        return next((name for name, value in named.items() if value), "everything")


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The contacts found in the mirror, and the ids that it does not hold."""

    contacts: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def choose(session: Session, scope: Scope) -> _Chosen:
    """Finds the contacts. The id of a merged contact stands for its survivor."""
    if scope.contacts:
        surviving = selection.survivors(session, scope.contacts)
        ids = selection.known_contacts(session, list(surviving.values()))
        return _Chosen(tuple(ids), tuple(i for i, living in surviving.items() if living not in ids))
    if scope.companies:
        return _Chosen(tuple(selection.of_companies(session, scope.companies)))
    if scope.since:
        return _Chosen(tuple(selection.modified_since(session, scope.since)))
    if scope.code:
        return _Chosen(tuple(selection.with_code(session, scope.code)))
    return _Chosen(tuple(mirrored.all_ids(session)))


def mark(store: Store, scope: Scope, chosen: _Chosen, now: datetime, *, refetch: bool) -> None:
    """Marks them pending in one commit, and enqueues those that are to be read again."""
    with store.session() as session:
        mark_pending(session, chosen.contacts, now)
        if refetch and scope.everything:
            for stream in STREAMS:
                streams.read_anew(session, stream)
        elif refetch:
            refetch_queue.enqueue(session, [*chosen.contacts, *chosen.unknown])
    emit(Event.RESYNC_MARKED, kind=scope.name, contacts=len(chosen.contacts))


def as_document(scope: Scope, chosen: _Chosen, *, marked: bool, refetch: bool, worker: str | None) -> dict[str, Any]:
    """What `resync --json` prints."""
    return {
        "scope": scope.name,
        "contacts": len(chosen.contacts),
        "unknown": list(chosen.unknown),
        "marked": len(chosen.contacts) if marked else 0,
        "dry_run": not marked,
        "refetch": refetch,
        "worker": worker,
    }


def replay(store: Store, contact_ids: Sequence[str], now: datetime) -> None:
    """Puts contacts that are parked or left alone back on the normal path."""
    with store.session() as session:
        left_alone.take_back(session, contact_ids)
        mark_pending(session, contact_ids, now)
    emit(Event.RESYNC_MARKED, kind="parked", contacts=len(contact_ids))
