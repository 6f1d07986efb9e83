"""Finds out whether creates whose answers were lost have succeeded, before the present rules decide.

Meanwhile a score may have fallen or a person may have opted out, but the record exists: it is linked with the values
that we sent, and a lead counts as handed over, so that a refusal reaches its person.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from sync.context import Context
from sync.domain.entities import Entity
from sync.domain.keys import Key
from sync.domain.link import INTENT, Observed, after, named_meanwhile
from sync.domain.schema import Schema
from sync.domain.views import Link
from sync.errors import RemoteError
from sync.handover import evidence
from sync.handover.handover import Handover
from sync.mirror import association_rows
from sync.planner.keyed_fields import NUMBERS
from sync.planner.observed import observe, unread
from sync.planner.plan import Tenant
from sync.planner.snapshot import Ask, Lookup, Record, Snapshot, Unanswerable
from sync.state import second_writer, tables, work
from sync.state.documents import IN_SERVICE
from sync.state.handovers import HandoverRecord


@dataclass(frozen=True, slots=True)
class _Unresolved:
    """Contacts that wait because C4C could not be read, and the failure."""

    contacts: frozenset[str] = frozenset()
    failure: RemoteError | None = field(default=None)


def resolve_intents(context: Context, handover: Callable[[], Handover]) -> _Unresolved:
    """Links records that exist, and forgets intents of those that do not. Costs nothing without open intents."""
    with context.store.reading() as session:
        intents = work.open_intents(session, tuple(NUMBERS))
    if not intents:
        return _Unresolved()
    try:
        running = handover()
        _let_settle(context, max((at for _, at in intents if at), default=None))
        links = [link for link, _ in intents]
        with context.store.reading() as session:
            seqs = work.change_seqs(session, [link.owner for link in links if link.entity != Entity.ACCOUNT])
        snapshot = _read(running, links, seqs)
    except RemoteError as failure:
        return _Unresolved(frozenset(link.owner for link, _ in intents if link.entity != Entity.ACCOUNT), failure)
    running.faults.each(
        links, lambda part: _keep(context, running.tenant, part, snapshot), lambda link: _concerned(link, seqs)
    )
    return _Unresolved()


def _let_settle(context: Context, since: datetime | None) -> None:
    """Waits until a write that began at `since` must have taken effect, before its record is looked up."""
    if since:
        until = since + timedelta(seconds=context.config.worker.c4c.settle_seconds)
        context.sleep(max(0.0, (until - context.now()).total_seconds()))


def let_settle_of(context: Context, contact_ids: Sequence[str]) -> None:
    """Waits until writes of these contacts with an unknown end must have taken effect, before C4C is read."""
    with context.store.reading() as session:
        since = work.in_flight_since(session, contact_ids)
    _let_settle(context, since)


def _lookup(link: Link) -> Lookup:
    if link.entity == Entity.LEAD:
        return Lookup(Ask.LEADS_OF, Entity.LEAD, Key.parse(link.entity, link.key).stem)
    return Lookup(Ask.BY_KEY, link.entity, link.key)


def _concerned(link: Link, seqs: Mapping[str, int]) -> dict[str, int]:
    """The contact of an intent. An account's intent has none: each contact that needs the account looks it up again."""
    return {contact: seqs[contact] for contact in [link.owner] if link.entity != Entity.ACCOUNT}


def _read(running: Handover, links: Sequence[Link], seqs: Mapping[str, int]) -> Snapshot:
    snapshot = Snapshot()
    running.faults.each(
        links,
        lambda part: running.target.find({_lookup(link) for link in part}, snapshot),
        lambda link: _concerned(link, seqs),
    )
    return snapshot


def _holders(link: Link, snapshot: Snapshot, key_field: str) -> list[Record] | None:
    """The records with the intent's key; None if the lookup could not be answered."""
    with suppress(Unanswerable):
        found = snapshot.ask(_lookup(link))
        return None if found is None else [record for record in found if record.text(key_field) == link.key]
    return None


def _oldest(link: Link, holders: Sequence[Record]) -> Record | None:
    """The oldest of the records. If somebody copied a record with its key, the first one is ours."""
    return min(holders, key=lambda record: _age(record.text(NUMBERS[link.entity])), default=None)


def _age(number: str) -> tuple[int, str]:
    # Numbers grow but have no leading zeros: the shorter one is the older.
    return len(number), number


def _keep(context: Context, tenant: Tenant, intents: Sequence[Link], snapshot: Snapshot) -> None:
    now, key_fields = context.now(), context.config.rules.mapping.key_fields()
    leads: list[HandoverRecord] = []
    with context.store.session() as session:
        # A worker that hung must not store what its successor has long decided.
        context.fence(session)
        for intent in intents:
            holders = _holders(intent, snapshot, key_fields[intent.entity])
            if holders is None:
                continue
            record = _oldest(intent, holders)
            stored = session.get(tables.Link, (intent.entity, intent.key))
            is_named = named_meanwhile(work.as_link(stored) if stored else None, intent)
            if record is None:
                if not is_named:
                    work.drop_link(session, intent.entity, intent.key)
                # It may still arrive late. Noted, so that it is then taken for ours and not for another program's.
                second_writer.note_lost(session, [(intent.entity, intent.key)], now)
            elif not is_named:
                leads += _link(session, intent, record, tenant.schema, now)
        since = IN_SERVICE.read(session)
    for lead in leads:
        evidence.report(lead, since, now, context.config.worker.slo.handover)


def _link(session: Session, intent: Link, record: Record, schema: Schema, now: datetime) -> list[HandoverRecord]:
    """Stores the link; returns the handover if it is a lead that was not recorded as handed over."""
    observed = observe(record, intent.sent, schema, unread(intent))
    link = after(intent.entity, intent.key, intent, Observed(record.object_id, {}, observed, ours=True))
    work.save_link(session, link, now, written=True)
    if link.entity == Entity.ACCOUNT:
        association_rows.wake_contacts_of(session, [link.key], (), now)
    if link.entity != Entity.LEAD:
        return []
    known = intent.observed.get(INTENT)
    made = evidence.handover(link.key, link.object_id, known if isinstance(known, Mapping) else {})
    return [made] if work.record_handover(session, made, now) else []
