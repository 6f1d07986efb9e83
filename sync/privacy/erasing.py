"""Carries erasures out, step by step, under the lease; what was cut off goes on at the next start.

The person goes from our files whatever SAP Sales Cloud answers. Nothing here is repeated by a handover at the same
time: erasures run in the lane of the handovers, before each of them.
"""

import sqlite3
from collections.abc import Sequence

from sqlmodel import Session

from sync.context import Context
from sync.errors import RemoteError
from sync.handover import permission
from sync.log import Event, emit, emit_error
from sync.privacy import certificates, clearing
from sync.state import tables, trouble
from sync.state.documents import VACUUMED, Vacuumed
from sync.state.erasure import scrub, steps
from sync.state.erasure.steps import OPEN, Order
from sync.state.erasure.tombstones import any_in_force

REPLAYED = Order("", "tombstones.csv", "the tombstone was there before this copy of the state")
FOLLOWED = Order("", "HubSpot", "HubSpot deleted the contact for good")


def take_in(context: Context) -> None:
    """Brings the table of tombstones in line with the file, and begins the erasure of everybody who bears one.

    That is an older copy of the state that was put back.
    """
    marks = context.tombstones
    stamp = marks.stamp()
    if marks.key is None or marks.is_taken_in(stamp):
        return
    with context.store.reading() as session:
        if stamp is None and not any_in_force(session):
            return
    with context.store.session() as session:
        new = marks.take_in(session)
        back = steps.back_again(session, marks, new, _email(context)) if new else []
        _begin(context, session, back, REPLAYED)
    marks.note(stamp)
    if back:
        emit(Event.ERASURE_REPLAYED, contacts=len(back))


def carry_out(context: Context) -> None:
    """Does what is open of every erasure. SAP Sales Cloud out of reach leaves its part open; the rest is done."""
    if context.tombstones.key is None:
        return
    with context.store.reading() as session:
        deleted = steps.of_deleted(session) if context.config.worker.erasure.follow else []
        if not deleted and not steps.unfinished(session):
            return
    with context.store.session() as session:
        _begin(context, session, deleted, FOLLOWED)
        open_ones = [one.id for one in steps.unfinished(session)]
    for erasure_id in open_ones:
        _remove(context, erasure_id)
    _scrub(context, open_ones)
    for erasure_id in open_ones:
        _settle(context, erasure_id)


def _email(context: Context) -> str:
    return context.config.rules.mapping.contact.email_source


def _begin(context: Context, session: Session, contact_ids: Sequence[str], order: Order) -> None:
    under_way: set[str] = set()
    for contact in contact_ids:
        if contact not in under_way:
            begun = steps.begin(session, context.tombstones, Order(contact, order.by, order.reason), context.now())
            under_way |= set(begun.contact_ids)


def _remove(context: Context, erasure_id: str) -> None:
    with context.store.session() as session:
        context.fence(session)
        erasure = _of(session, erasure_id)
        if erasure.stage == "begun":
            steps.remove(session, context.tombstones, erasure, _email(context), context.now())


def _of(session: Session, erasure_id: str) -> tables.Erasure:
    return session.get_one(tables.Erasure, erasure_id)


def _scrub(context: Context, ids: Sequence[str]) -> None:
    """Cleans file and log once for all erasures that need it; the log later, if another process reads for long."""
    with context.store.reading() as session:
        waiting = frozenset(i for i in ids if _of(session, i).stage == "purged")
        done = VACUUMED.read(session)
    if not waiting:
        return
    path = context.store.path
    try:
        if not waiting <= done.erasures:
            done = Vacuumed(waiting, scrub.vacuum(path))
            with context.store.session() as session:
                VACUUMED.write(session, done)
        clean = scrub.cut_log(path, done.log)
    except sqlite3.Error as error:
        emit_error(Event.ERASURE_WAITS, cause=trouble.sentence(error, path))
        return
    if not clean:
        emit(Event.ERASURE_WAITS, cause="another process reads the state file, so its log cannot be cut")
        return
    with context.store.session() as session:
        for erasure_id in waiting:
            _of(session, erasure_id).stage = "scrubbed"
        VACUUMED.write(session, Vacuumed())


def _settle(context: Context, erasure_id: str) -> None:
    """Clears the records in SAP Sales Cloud, and certifies the erasure once nothing is open."""
    if not permission.may_write(context):
        return
    with context.store.session() as session:
        context.fence(session)
        erasure = _of(session, erasure_id)
        rows = erasure.records
        # What is cut off from here on may have been changed already.
        erasure.records = [row | {clearing.TRIED: True} for row in rows]
    try:
        rows = clearing.clear(context, erasure.contact_ids, rows)
    except RemoteError as error:
        emit(Event.ERASURE_WAITS, system=error.system, cause=str(error))
        return
    with context.store.session() as session:
        context.fence(session)
        erasure = _of(session, erasure_id)
        erasure.records = rows
    if erasure.stage == "scrubbed" and all(row["result"] != OPEN for row in rows):
        _certify(context, erasure_id)


def _certify(context: Context, erasure_id: str) -> None:
    """Writes the certificate, then forgets the ids."""
    state = context.store.path
    with context.store.session() as session:
        erasure = _of(session, erasure_id)
        erasure.finished_at = context.now()
        document = certificates.certificate(erasure, state)
        certificates.write(document, erasure.id, state)
        erasure.contact_ids, erasure.to_do, erasure.stage = [], document["to_do"], "done"
    emit(Event.ERASED, key=erasure.contact_hash, counts=erasure.removed, left=len(document["to_do"]))
