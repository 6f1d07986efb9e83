"""Stores what HubSpot sent. A row that cannot be stored as it came is stored as unreadable, and the others go on."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from sqlmodel import Session

from sync.context import Context
from sync.faults import Faults, raise_many
from sync.log import Event, emit
from sync.mirror import mirrored
from sync.mirror.mirrored import Fetched
from sync.reading import company_keys
from sync.reading.erased import without_erased

_Kind = Literal["contact", "company"]

_Save = Callable[[Session, Sequence[Fetched]], list[str]]
"""Stores rows in one transaction and returns the ids of those that really changed."""


_Then = Callable[[Session, Sequence[str]], None]
"""A further step with the ids of the rows that really changed."""


def _nothing(session: Session, changed: Sequence[str]) -> None:
    """Does nothing: there is no further step."""


def store_rows(
    context: Context, kind: _Kind, found: Sequence[Fetched], save: _Save, then: _Then = _nothing
) -> list[str]:
    """Stores the rows of one page; returns the ids of those that really changed.

    `then` is committed together with the last row, so a page that was cut off is read again. Raises Defect if the same
    exception concerns many rows; `then` has not been called in that case.
    """
    by_id = {fetched.id: fetched for fetched in found}
    changed: list[str] = []

    def store(ids: Sequence[str]) -> None:
        with context.store.session() as session:
            news = save(session, [by_id[i] for i in ids])
            if len(ids) == len(by_id):
                then(session, news)
        changed.extend(news)

    unread = unstorable(kind, list(by_id), store)
    for i in unread:
        by_id[i] = replace(by_id[i], properties=dict.fromkeys(by_id[i].properties), unreadable=_names(by_id[i]))
        store([i])
    if unread:
        with context.store.session() as session:
            then(session, changed)
    return changed


def unstorable(kind: _Kind, ids: Sequence[str], store: Callable[[Sequence[str]], object]) -> list[str]:
    """Stores what belongs to these ids, and returns those on which an exception occurs.

    `store` keeps all of its ids or none. Raises Defect where many have the same exception.
    """
    faults = Faults()
    faults.each(ids, store, lambda i: {i: 0})
    raise_many(faults.many({}))
    for i, fault in faults.found.items():
        emit(Event.ROW_UNREADABLE, **{kind: i}, cause=fault)
    return list(faults.found)


def _names(fetched: Fetched) -> frozenset[str]:
    return frozenset(fetched.properties) | fetched.unreadable


def store_contacts(context: Context, session: Session, rows: Sequence[Fetched]) -> list[str]:
    scores = context.config.rules.qualification.scores
    return mirrored.save_contacts(session, without_erased(context, session, rows), scores, context.now())


def store_companies(context: Context, session: Session, rows: Sequence[Fetched]) -> list[str]:
    now = context.now()
    changed = mirrored.save_companies(session, rows, now)
    company_keys.note_companies(session, changed, context.config.rules.mapping.account, now)
    return changed
