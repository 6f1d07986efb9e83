"""Records how the work of a batch ended in one commit, and logs one event for each of its contacts."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sync import lifecycle, metrics
from sync.context import Context
from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.entities import Entity
from sync.domain.keys import Key
from sync.domain.link import Observed, after, named_meanwhile
from sync.domain.rules import Rules
from sync.domain.views import ContactView
from sync.faults import Faults
from sync.handover import consent_trail, evidence, linking
from sync.handover.batch import Batch
from sync.lifecycle import Failed, Outcome, Postponed, Status
from sync.log import Event, emit, emit_debug
from sync.planner.plan import Links, Plan
from sync.state.decisions import DecisionRecord, Newest
from sync.state.documents import IN_SERVICE
from sync.state.handovers import HandoverRecord
from sync.state.loaded import Loaded


@dataclass
class _Kept:
    """What was committed, for logging afterwards."""

    after: dict[str, lifecycle.Progress | None] = field(default_factory=dict)
    handed_over: list[HandoverRecord] = field(default_factory=list)
    decided: set[str] = field(default_factory=set)
    """Contacts with a decision that differs from the one before."""


def record(context: Context, batch: Batch, faults: Faults) -> None:
    """Stores decisions, handovers, merge bases and progress of every settled contact, in one commit.

    A contact that cannot be recorded is left out of the batch, for `faults.settle` to decide on.
    """
    now, kept = context.now(), _Kept()
    faults.each(
        list(batch.outcomes),
        lambda contacts: _commit(context, batch, contacts, kept),
        lambda contact: batch.concerned([contact]),
    )
    batch.leave_out(faults.found)
    with context.store.reading() as session:
        since = IN_SERVICE.read(session)
    for handover in kept.handed_over:
        _report_lead(batch, handover, since, now, context.config.worker.slo.handover)
    _report(batch, kept)


def _commit(context: Context, batch: Batch, contacts: Sequence[str], kept: _Kept) -> None:
    """Records all of these contacts, or none."""
    made, settled = _Kept(), list[ContactView]()
    attempt = replace(batch, links=dict(batch.links))
    now = context.now()
    with context.store.session() as session:
        loaded = Loaded(session, contacts, _planned_links(batch, contacts))
        for contact in contacts:
            view, outcome = batch.views[contact], batch.outcomes[contact]
            after = loaded.finish(contact, view.change_seq, outcome, context.retry_policy, now)
            made.after[contact] = after
            planned = batch.plans.get(contact)
            if planned and not isinstance(outcome, Postponed):
                settled.append(view)
                made.handed_over += _keep(context, attempt, planned, loaded, now)
            if planned and (not isinstance(outcome, Postponed) or _is_parked(after)):
                # Also if it is out of tries: `explain` then shows the reason as for every parked contact.
                _decided(context, attempt, planned, outcome, loaded)
        made.decided = loaded.write(context.run_id, now)
        consent_trail.note(session, settled, made.handed_over, context.config.rules, now)
    batch.links = attempt.links
    kept.after |= made.after
    kept.handed_over += made.handed_over
    kept.decided |= made.decided


def _planned_links(batch: Batch, contacts: Iterable[str]) -> set[tuple[str, str]]:
    """(entity, key) of every record that the plans of these contacts name."""
    plans = [batch.plans[contact] for contact in contacts if contact in batch.plans]
    written = {(write.entity, write.key) for planned in plans for write in planned.records}
    return written.union(*(planned.obsolete_links for planned in plans))


def _keep(context: Context, batch: Batch, planned: Plan, loaded: Loaded, now: datetime) -> list[HandoverRecord]:
    """Records what is new about one contact's records and leads."""
    view, rules = batch.views[planned.contact_id], context.config.rules
    _record_merge_base(planned, batch, now, loaded)
    return [h for h in _handovers(view, planned, rules) if loaded.handed_over(h, now)]


def _decided(context: Context, batch: Batch, planned: Plan, outcome: Outcome, loaded: Loaded) -> None:
    view = batch.views[planned.contact_id]
    made = decision_record(view, planned, outcome, context.config.rules.fingerprint, batch.warnings.get(view.id, ()))
    loaded.decided(view.id, made)


def _is_parked(after: lifecycle.Progress | None) -> bool:
    return after is not None and after.status is Status.PARKED


def decision_record(
    view: ContactView, planned: Plan, outcome: Outcome, rules_fingerprint: str, more_warnings: Sequence[Reason] = ()
) -> DecisionRecord:
    """The decision as it is stored: codes, reasons and warnings, with fingerprints of rules and input."""
    body = {
        "scores": [decision.to_json() for decision in planned.decisions],
        "warnings": [warning.to_json() for warning in (*planned.warnings, *more_warnings)],
    }
    return DecisionRecord(Code(outcome.code), body, rules_fingerprint, input_fingerprint(view))


_PLAIN = frozenset(
    {
        Code.SCORE_MISSING,
        Code.SCORE_BELOW_THRESHOLD,
        Code.NO_LEGAL_BASIS,
        Code.FILTERED_OUT,
        Code.ARCHIVED,
        Code.MERGED,
        Code.ERASED,
        Code.MISSING_LAST_NAME,
        Code.NO_COMPANY,
        Code.LEFT_ALONE,
    }
)
"""Codes after which nothing is written for a contact that was never handed over."""


def holds(last: Newest, view: ContactView, links: Links, context: Context) -> bool:
    """Whether the decision recorded last still holds, so that none is made: nothing that it rests on has changed.

    Only for contacts that were never handed over and are below every threshold: of others, the time of crossing and
    what SAP Sales Cloud holds count too.
    """
    if last.code not in _PLAIN or view.cycles or view.crossed_at or any(e == Entity.LEAD for e, _ in links):
        return False
    return last.holds(context.config.rules.fingerprint, input_fingerprint(view), context.now())


def input_fingerprint(view: ContactView) -> str:
    """A fingerprint of everything that the decision depends on."""
    found: str = view.memo.once("input", (), (), lambda: _input_fingerprint(view))
    return found


def _input_fingerprint(view: ContactView) -> str:
    companies = [
        [a.company.id, dict(a.company.properties), sorted((x.category, x.type_id, x.text or "") for x in a.labels)]
        for a in view.associations
    ]
    looked_at = [dict(view.properties), companies, view.archived, view.erased, view.merged_into]
    unreadable = [
        *sorted(view.unreadable),
        *(f"{a.company.id} {n}" for a in view.associations for n in a.company.unreadable),
    ]
    looked_at += [sorted(unreadable)] if unreadable else []
    looked_at += [view.left_alone] if view.left_alone else []
    return hashlib.sha256(_SORTED(looked_at).encode()).hexdigest()[:16]


_SORTED = json.JSONEncoder(sort_keys=True).encode


def _handovers(view: ContactView, planned: Plan, rules: Rules) -> list[HandoverRecord]:
    return [
        evidence.handover(
            write.key, write.object_id, evidence.evidence_of(view, Key.parse(Entity.LEAD, write.key).lead[0], rules)
        )
        for write in planned.records
        if write.entity == Entity.LEAD and write.object_id
    ]


def _record_merge_base(planned: Plan, batch: Batch, now: datetime, loaded: Loaded) -> None:
    """Updates the links of existing records with the values that are now equal on both sides."""
    for pair in planned.obsolete_links:
        linking.drop(loaded, pair, batch.links.pop(pair, None))
    for write in planned.records:
        if write.object_id is None or not write.linked or write.action == "delete":
            continue
        pair = (write.entity, write.key)
        known = batch.links.get(pair)
        if named_meanwhile(loaded.link(pair), known):
            continue
        # Equal values are the new merge base, whatever was sent before.
        link = after(
            *pair, known, Observed(write.object_id, write.merge_base, write.observed, write.ours, write.shared)
        )
        if link != known:
            loaded.save(link, now, written=False)
            batch.links[pair] = link


def _report_lead(
    batch: Batch, handover: HandoverRecord, since: datetime | None, now: datetime, promised: timedelta
) -> None:
    if _is_created(batch, handover):
        evidence.report(handover, since, now, promised)
    else:
        emit(Event.LEAD_ADOPTED, contact=handover.contact_id, key=handover.lead_key, object_id=handover.object_id)


def _is_created(batch: Batch, handover: HandoverRecord) -> bool:
    """Whether we created the lead. That includes a lead whose answer was lost and that was then found by its key."""
    link = batch.links.get((Entity.LEAD, handover.lead_key))
    return link is not None and link.origin == "created"


def _report(batch: Batch, kept: _Kept) -> None:
    for contact, outcome in batch.outcomes.items():
        writes: Mapping[str, int] = batch.writes_of.get(contact, {})
        _report_contact(contact, outcome, kept.after[contact], writes, contact in kept.decided)


def _report_contact(
    contact: str, outcome: Outcome, after: lifecycle.Progress | None, writes: Mapping[str, int], is_new: bool
) -> None:
    code = str(outcome.code)
    if after and after.status in (Status.DONE, Status.PARKED):
        metrics.DECISIONS.labels(code).inc()
    if isinstance(outcome, Failed):
        emit(Event.CONTACT_PARKED, contact=contact, code=code, cause=outcome.detail)
    elif isinstance(outcome, Postponed):
        _report_postponed(contact, outcome, after)
    elif outcome.code in (Code.QUALIFIED, Code.LEAD_CLOSED):
        emit(Event.CONTACT_SYNCED, contact=contact, code=code, counts=dict(writes))
    else:
        # A refusal is carried over for these contacts too. The same answer again is news to nobody.
        report = emit if is_new or writes else emit_debug
        report(Event.CONTACT_NOT_QUALIFIED, contact=contact, code=code, counts=dict(writes))


def _report_postponed(contact: str, outcome: Postponed, after: lifecycle.Progress | None) -> None:
    """Logs a postponed contact: as parked if it is out of tries, else as tried again."""
    if _is_parked(after):
        emit(Event.CONTACT_PARKED, contact=contact, code=str(outcome.code), cause=outcome.detail)
        return
    due = str(after.due_at) if after else None
    emit(Event.CONTACT_RETRY, contact=contact, code=str(outcome.code), due=due, cause=outcome.detail)
