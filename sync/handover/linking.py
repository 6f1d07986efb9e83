"""Stores links around a write: the intent before it, the link with the values sent after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from sync.context import Context
from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.entities import Entity
from sync.domain.keys import Key, owner_of
from sync.domain.link import INTENT, named_meanwhile
from sync.domain.rules import Rules
from sync.domain.values import same
from sync.domain.views import ContactView, Link
from sync.faults import Faults
from sync.handover import consent_trail, evidence
from sync.handover.batch import Batch
from sync.handover.rounds import Pair, Round
from sync.log import Event, emit
from sync.mirror import association_rows
from sync.planner import effects
from sync.planner.plan import Tenant, Write
from sync.planner.provenance import creator
from sync.planner.target import Duplicate, RefusedRequest, Rejected, Results, Unknown, WriteResult, Written
from sync.state import second_writer
from sync.state.documents import CREATOR, IN_SERVICE
from sync.state.handovers import HandoverRecord
from sync.state.loaded import Loaded
from sync.state.second_writer import Made

_READ_BACK = ("UserStatusCode", "QualificationLevelCode")
"""Fields that C4C may set to another value by itself (KBA 2419551)."""


def intend(session: Session, batch: Batch, writes: Sequence[Write], rules: Rules, now: datetime) -> dict[Pair, Link]:
    """Announces every record that is about to be created: if the answer is lost, its values are known to be ours.

    A lead's intent also holds the evidence of its handover, for the case that only a later lookup finds the lead.
    Returns the links of the batch as they are once this is committed.
    """
    links = dict(batch.links)
    announced = [one for w in writes if w.action == "create" for one in (w, *w.children)]
    loaded = Loaded(session, (), {(one.entity, one.key) for one in announced})
    for one in announced:
        pair = (one.entity, one.key)
        if not named_meanwhile(loaded.link(pair), links.get(pair)):
            link = effects.announce(one, links, _handover(batch, one, rules))
            loaded.save(link, now, written=False)
    loaded.write("", now)
    return links


def _handover(batch: Batch, write: Write, rules: Rules) -> dict[str, Any]:
    if write.entity != Entity.LEAD:
        return {}
    key = Key.parse(write.entity, write.key)
    return evidence.evidence_of(batch.views[key.owner], key.lead[0], rules)


def made(results: Results) -> list[Made]:
    """The records that these writes created."""
    return [
        Made(write.entity, write.key, result.record.object_id)
        for write, result in results
        if write.action == "create" and isinstance(result, Written) and result.record
    ]


# ---- after a write


@dataclass(frozen=True, slots=True)
class _Learned:
    """A result with the links known before it, and the link known since, if any."""

    write: Write
    result: WriteResult
    before: Mapping[Pair, Link | None] = field(default_factory=dict)
    link: Link | None = None

    @property
    def pair(self) -> Pair:
        return self.write.entity, self.write.key

    @property
    def is_new_account(self) -> bool:
        """Whether the result linked an account that had no link before."""
        known = self.before.get(self.pair)
        is_new = self.link is not None and (known is None or known.object_id != self.link.object_id)
        return is_new and self.write.entity == Entity.ACCOUNT

    @property
    def leaves_nothing(self) -> bool:
        """Whether no record exists: it was deleted, or C4C refused to create it."""
        if self.write.action == "delete":
            return isinstance(self.result, Written)
        return self.write.action == "create" and isinstance(self.result, Rejected | RefusedRequest | Duplicate)


def keep(context: Context, tenant: Tenant, round_: Round, results: Results, faults: Faults) -> None:
    """Takes in what C4C now holds, and commits the links of what was written.

    If a link cannot be stored, its intent stays, and only the contacts of that write are concerned.
    """
    batch, learned = round_.batch, list[_Learned]()
    for write, result in results:
        with faults.concerning(round_.concerned(write)):
            learned.append(_learn(batch, tenant, write, result))
        if isinstance(result, Written):
            batch.written.update((write.action, part.entity) for part in (write, *write.children))
    faults.each(learned, lambda part: _commit(context, tenant, batch, part), lambda one: round_.concerned(one.write))
    batch.leave_out(faults.found)


def _learn(batch: Batch, tenant: Tenant, write: Write, result: WriteResult) -> _Learned:
    before = {(one.entity, one.key): batch.links.get((one.entity, one.key)) for one in (write, *write.children)}
    link = None
    if isinstance(result, Written):
        link = effects.learn(write, result, batch.links, batch.snapshot, tenant.schema)
        _warn_of_other_values(batch, write, result)
    learned = _Learned(write, result, before, link)
    if learned.leaves_nothing:
        effects.forget_write(write, batch.links)
    return learned


def _commit(context: Context, tenant: Tenant, batch: Batch, learned: Sequence[_Learned]) -> None:
    """Keeps the pairs of all of these writes and the handovers of new leads, or none of them."""
    now = context.now()
    with context.store.session() as session:
        loaded = Loaded(session, (), {pair for one in learned for pair in one.before})
        kept = [one for one in learned if _save(batch, one, now, loaded)]
        leads = [lead for one in kept if (lead := _new_lead(loaded, one, now))]
        loaded.write("", now)
        consent_trail.note(session, _views(batch, leads), leads, context.config.rules, now)
        _remember_ourselves(session, tenant, learned)
        # A lost create may have made a record; a second one with the key is then no sign of another program.
        lost = [one.pair for one in learned if one.write.action == "create" and isinstance(one.result, Unknown)]
        second_writer.note_lost(session, lost, now)
        accounts = {one.write.key for one in kept if one.is_new_account}
        if accounts:
            association_rows.wake_contacts_of(session, sorted(accounts), batch.views, now)
        since = IN_SERVICE.read(session)
    batch.new_accounts |= accounts
    for lead in leads:
        evidence.report(lead, since, now, context.config.worker.slo.handover)


def _views(batch: Batch, leads: Sequence[HandoverRecord]) -> list[ContactView]:
    return [batch.views[lead.contact_id] for lead in leads]


def _new_lead(loaded: Loaded, one: _Learned, now: datetime) -> HandoverRecord | None:
    """Records the handover of a lead that was created just now, together with its pair; None if there is none.

    If we died after the pair, and the contact no longer qualified at the next start, nobody would know that it was
    handed over, and its refusal would never reach it.
    """
    if one.link is None or one.write.entity != Entity.LEAD or one.write.action != "create":
        return None
    intent = one.before[one.pair]
    known = intent.observed.get(INTENT) if intent else None
    made = evidence.handover(one.write.key, one.link.object_id, known if isinstance(known, Mapping) else {})
    return made if loaded.handed_over(made, now) else None


def _save(batch: Batch, one: _Learned, now: datetime, loaded: Loaded) -> bool:
    """Stores one link; False if there is none to store, or a person named another record meanwhile."""
    if one.leaves_nothing:
        for pair, known in one.before.items():
            drop(loaded, pair, known)
    if one.link is None:
        return False
    known = one.before[one.pair]
    if named_meanwhile(loaded.link(one.pair), known):
        batch.links.pop(one.pair, None)
        batch.links |= {one.pair: known} if known else {}
        return False
    loaded.save(one.link, now, written=True)
    return True


def drop(loaded: Loaded, pair: Pair, known: Link | None) -> None:
    """Forgets a pair that was loaded as `known`, unless a person named another record for it since."""
    if not named_meanwhile(loaded.link(pair), known):
        loaded.drop(pair)


def _remember_ourselves(session: Session, tenant: Tenant, learned: Sequence[_Learned]) -> None:
    """Remembers which creator C4C notes on our records, from the first record that we create."""
    created = (one.result for one in learned if one.write.action == "create")
    records = (result.record for result in created if isinstance(result, Written) and result.record)
    name = next(filter(None, map(creator, records)), "")
    if name and name != tenant.ourselves:
        CREATOR.write(session, name)


def _warn_of_other_values(batch: Batch, write: Write, result: Written) -> None:
    """Adds a warning to the decision for each value that C4C changed against the configuration."""
    if write.entity != Entity.LEAD or write.action != "create" or result.record is None:
        return
    for name, value in write.values().items():
        got = result.record.fields.get(name)
        if name in _READ_BACK and got is not None and not same(value, got):
            text = f"{Entity.LEAD}.{name}: configured {value}, SAP Sales Cloud made it {got}"
            batch.warnings.setdefault(owner_of(write.key), []).append(Reason(Code.VALUE_INVALID, text))
            emit(Event.CONTRACT_MISMATCH, system="c4c", entity=Entity.LEAD, field=name, cause=text)
