"""Records how the work of a batch ended in one commit, and logs one event for each of its contacts."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlmodel import Session

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
from sync.log import Event, emit
from sync.planner.plan import Plan
from sync.state import work
from sync.state.documents import IN_SERVICE
from sync.state.work import DecisionRecord, HandoverRecord


@dataclass
class _Kept:
    """What was committed, for logging afterwards."""

    after: dict[str, lifecycle.Progress | None] = field(default_factory=dict)
    handed_over: list[HandoverRecord] = field(default_factory=list)


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
    _report(batch, kept.after)


def _commit(context: Context, batch: Batch, contacts: Sequence[str], kept: _Kept) -> None:
    """Records all of these contacts, or none."""
    made, settled = _Kept(), list[ContactView]()
    attempt = replace(batch, links=dict(batch.links))
    with context.store.session() as session, session.no_autoflush:
        loaded = work.Loaded(session, contacts, _planned_links(batch, contacts))
        for contact in contacts:
            view, outcome = batch.views[contact], batch.outcomes[contact]
            after = work.finish(session, contact, view.change_seq, outcome, context.retry_policy, context.now())
            made.after[contact] = after
            planned = batch.plans.get(contact)
            if planned and not isinstance(outcome, Postponed):
                settled.append(view)
                made.handed_over += _keep(session, context, attempt, planned, outcome, loaded)
            elif planned and _is_parked(after):
                # Out of tries: the decision is recorded, so that `explain` shows the reason as for every parked
                # contact.
                _decided(session, context, attempt, planned, outcome, loaded)
        consent_trail.note(session, settled, made.handed_over, context.config.rules, context.now())
    batch.links = attempt.links
    kept.after |= made.after
    kept.handed_over += made.handed_over


def _planned_links(batch: Batch, contacts: Iterable[str]) -> set[tuple[str, str]]:
    """(entity, key) of every record that the plans of these contacts name."""
    plans = (batch.plans[contact] for contact in contacts if contact in batch.plans)
    return {(write.entity, write.key) for planned in plans for write in planned.records}


def _keep(
    session: Session, context: Context, batch: Batch, planned: Plan, outcome: Outcome, loaded: work.Loaded
) -> list[HandoverRecord]:
    """Records one contact's decision and what is new about its leads."""
    view, now, rules = batch.views[planned.contact_id], context.now(), context.config.rules
    _decided(session, context, batch, planned, outcome, loaded)
    _record_merge_base(session, planned, batch, now, loaded)
    return [h for h in _handovers(view, planned, rules) if work.record_handover(session, h, now)]


def _decided(
    session: Session, context: Context, batch: Batch, planned: Plan, outcome: Outcome, loaded: work.Loaded
) -> None:
    view = batch.views[planned.contact_id]
    made = decision_record(view, planned, outcome, context.config.rules.fingerprint, batch.warnings.get(view.id, ()))
    work.record_decision(session, view.id, made, context.run_id, context.now(), loaded)


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


def input_fingerprint(view: ContactView) -> str:
    """A fingerprint of everything that the decision depends on."""
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
    return hashlib.sha256(json.dumps(looked_at, sort_keys=True).encode()).hexdigest()[:16]


def _handovers(view: ContactView, planned: Plan, rules: Rules) -> list[HandoverRecord]:
    return [
        evidence.handover(
            write.key, write.object_id, evidence.evidence_of(view, Key.parse(Entity.LEAD, write.key).lead[0], rules)
        )
        for write in planned.records
        if write.entity == Entity.LEAD and write.object_id
    ]


def _record_merge_base(session: Session, planned: Plan, batch: Batch, now: datetime, loaded: work.Loaded) -> None:
    """Updates the links of existing records with the values that are now equal on both sides."""
    for entity, key in planned.obsolete_links:
        linking.drop(session, entity, key, batch.links.pop((entity, key), None))
        loaded.links.pop((entity, key), None)
    for write in planned.records:
        if write.object_id is None or not write.linked or write.action == "delete":
            continue
        pair = (write.entity, write.key)
        known, stored = batch.links.get(pair), loaded.links.get(pair)
        if named_meanwhile(work.as_link(stored) if stored else None, known):
            continue
        # Equal values are the new merge base, whatever was sent before.
        link = after(
            *pair, known, Observed(write.object_id, write.merge_base, write.observed, write.ours, write.shared)
        )
        if link != known:
            work.save_link(session, link, now, written=False, loaded=loaded)
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


def _report(batch: Batch, after: Mapping[str, lifecycle.Progress | None]) -> None:
    for contact, outcome in batch.outcomes.items():
        _report_contact(contact, outcome, after[contact], batch.writes_of.get(contact, {}))


def _report_contact(
    contact: str, outcome: Outcome, after: lifecycle.Progress | None, writes: Mapping[str, int]
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
        # A refusal is carried over for these contacts too.
        emit(Event.CONTACT_NOT_QUALIFIED, contact=contact, code=code, counts=dict(writes))


def _report_postponed(contact: str, outcome: Postponed, after: lifecycle.Progress | None) -> None:
    """Logs a postponed contact: as parked if it is out of tries, else as tried again."""
    if _is_parked(after):
        emit(Event.CONTACT_PARKED, contact=contact, code=str(outcome.code), cause=outcome.detail)
        return
    due = str(after.due_at) if after else None
    emit(Event.CONTACT_RETRY, contact=contact, code=str(outcome.code), due=due, cause=outcome.detail)
