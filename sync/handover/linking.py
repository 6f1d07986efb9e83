"""Keeps id pairs round a write: the intent before it, the pair with the values sent after it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from sync.context import Context
from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.entities import Entity
from sync.domain.keys import Key, owner_of
from sync.domain.link import Announced, Wrote, after, named_meanwhile
from sync.domain.rules import Rules
from sync.domain.values import same
from sync.domain.views import Link
from sync.faults import Concerned, Faults
from sync.handover import evidence
from sync.handover.batch import Batch
from sync.log import Event, emit
from sync.mirror import association_rows
from sync.planner.effects import wrote
from sync.planner.plan import Tenant, Write
from sync.planner.provenance import creator
from sync.planner.records.relations import MAIN
from sync.planner.snapshot import Snapshot
from sync.planner.target import Duplicate, RefusedRequest, Rejected, Results, Unknown, Written
from sync.state import second_writer, streams, tables, work

READ_BACK = ("UserStatusCode", "QualificationLevelCode")
"""What C4C may turn into something else by itself (KBA 2419551)."""


Pair = tuple[str, str]
"""Entity and key of a link."""


def intend(session: Session, batch: Batch, writes: Sequence[Write], rules: Rules, now: datetime) -> dict[Pair, Link]:
    """Announces every record that is about to be created: if the answer is lost, its values are known to be ours.

    A lead's intent also knows what the handover rests on, for the evidence if it turns out to exist. Returns the links
    of the batch as they are once this is committed.
    """
    attempt = replace(batch, links=dict(batch.links))
    announced = [one for w in writes if w.action == "create" for one in (w, *w.children)]
    loaded = _loaded(session, announced)
    for one in announced:
        _save(session, attempt, one, Announced(one.values(), _known(batch, one, rules)), now, loaded)
    return attempt.links


def _known(batch: Batch, write: Write, rules: Rules) -> dict[str, Any]:
    if write.entity != Entity.LEAD:
        return {}
    key = Key.parse(write.entity, write.key)
    return evidence.of(batch.views[key.owner], key.lead[0], rules)


def keep(
    context: Context,
    tenant: Tenant,
    batch: Batch,
    results: Results,
    faults: Faults,
    owners: Callable[[Write], Concerned],
) -> None:
    """Commits the pairs of what was written, and teaches the target what C4C now holds.

    `owners`: the contacts that a write belongs to. A pair that cannot be kept stays announced, and concerns them alone.
    """
    faults.each(results, lambda part: _commit(context, tenant, batch, part), lambda one: owners(one[0]))
    for write, result in results:
        if isinstance(result, Written):
            with faults.concerning(owners(write)):
                _teach(batch.snapshot, write, result)
                _read_back(batch, write, result)
            batch.written.update((write.action, part.entity) for part in (write, *write.children))
    batch.leave_out(faults.found)


def _commit(context: Context, tenant: Tenant, batch: Batch, results: Results) -> None:
    """Keeps the pairs of all of these writes, or of none."""
    now = context.now()
    attempt = replace(batch, links=dict(batch.links), new_accounts=set(batch.new_accounts))
    with context.store.session() as session, session.no_autoflush:
        loaded = _loaded(session, [write for write, _ in results])
        for write, result in results:
            if isinstance(result, Written):
                _keep(session, attempt, write, result, tenant, now, loaded)
            elif isinstance(result, Rejected | RefusedRequest | Duplicate) and write.action == "create":
                _drop(session, attempt, write)
        _remember_ourselves(session, tenant, results)
        lost = [(w.entity, w.key) for w, r in results if w.action == "create" and isinstance(r, Unknown)]
        second_writer.note_lost(session, lost, now)
        if attempt.new_accounts:
            association_rows.wake_contacts_of(session, sorted(attempt.new_accounts), batch.views, now)
    batch.links, batch.new_accounts = attempt.links, attempt.new_accounts


OURSELVES = "creator"
"""Under this name the state remembers how C4C files what we create, as a digest."""


def _remember_ourselves(session: Session, tenant: Tenant, results: Results) -> None:
    made = (r.record for w, r in results if w.action == "create" and isinstance(r, Written) and r.record)
    name = next(filter(None, map(creator, made)), "")
    if name and name != tenant.ourselves:
        streams.remember(session, OURSELVES, name)


def _loaded(session: Session, writes: Sequence[Write]) -> work.Loaded:
    return work.Loaded(session, (), {(write.entity, write.key) for write in writes})


def _keep(
    session: Session,
    batch: Batch,
    write: Write,
    result: Written,
    tenant: Tenant,
    now: datetime,
    loaded: work.Loaded,
) -> None:
    if write.action == "delete":
        _drop(session, batch, write)
    elif write.linked:
        is_new = _save(session, batch, write, wrote(write, result.record, tenant.schema), now, loaded)
        if is_new and write.entity == Entity.ACCOUNT:
            batch.new_accounts.add(write.key)


def _save(
    session: Session, batch: Batch, write: Write, event: Announced | Wrote, now: datetime, loaded: work.Loaded
) -> bool:
    """Keeps what becomes of the pair; True if it names another record than before."""
    pair = (write.entity, write.key)
    stored = loaded.links.get(pair)
    if named_meanwhile(work.as_link(stored) if stored else None, batch.links.get(pair)):
        return False
    link = batch.links[pair] = after(write.entity, write.key, batch.links.get(pair), event)
    return work.save_link(session, link, now, written=isinstance(event, Wrote), loaded=loaded)


def _drop(session: Session, batch: Batch, write: Write) -> None:
    for one in (write, *write.children):
        drop(session, one.entity, one.key, batch.links.pop((one.entity, one.key), None))


def drop(session: Session, entity: str, key: str, known: Link | None) -> None:
    """Forgets a pair that was loaded as `known`, unless a person named another record for it since."""
    stored = session.get(tables.Link, (entity, key))
    if stored is not None and not named_meanwhile(work.as_link(stored), known):
        session.delete(stored)


def _teach(snapshot: Snapshot, write: Write, result: Written) -> None:
    if result.record is not None:
        snapshot.created(result.record, write.answers)
    elif write.object_id is not None and write.action == "delete":
        snapshot.removed(write.entity, write.object_id)
    elif write.object_id is not None:
        snapshot.changed(snapshot.records[write.entity, write.object_id], write.values())
    if write.entity == Entity.RELATION and write.values().get(MAIN):
        # C4C takes the mark from the former main account by itself.
        snapshot.forget(Entity.RELATION, write.object_id, write.answers)


def _read_back(batch: Batch, write: Write, result: Written) -> None:
    """Names what did not come out as configured, as a warning on the decision."""
    if write.entity != Entity.LEAD or write.action != "create" or result.record is None:
        return
    for name, value in write.values().items():
        got = result.record.fields.get(name)
        if name in READ_BACK and got is not None and not same(value, got):
            text = f"{Entity.LEAD}.{name}: configured {value}, SAP Sales Cloud made it {got}"
            batch.warnings.setdefault(owner_of(write.key), []).append(Reason(Code.VALUE_INVALID, text))
            emit(Event.CONTRACT_MISMATCH, system="c4c", entity=Entity.LEAD, field=name, cause=text)
