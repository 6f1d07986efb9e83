"""Decides on due contacts, and hands those that qualify over in batches.

A contact that does not qualify is recorded without a request to C4C, unless it withdrew consent after its handover, or
an open lead shows an outdated score. The guard looks at the whole cycle before the first write.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

from sync import faults
from sync.context import Context, Counts
from sync.contracts import contract, tenant_memory
from sync.contracts.tenant import read_tenant
from sync.domain.codes import Code
from sync.domain.decision import Decision
from sync.domain.views import ContactView
from sync.errors import Refused, SyncError
from sync.faults import Faults
from sync.handover import doubles, guard, in_flight, permission, recording, restored, uniqueness
from sync.handover.batch import BATCH_SIZE, Batch, LinksOf, decided
from sync.handover.guard import Candidate
from sync.handover.handover import Handover, real
from sync.lifecycle import Done, Failed
from sync.planner.plan import Plan, Tenant, concerns
from sync.planner.qualify import leading, qualify
from sync.privacy import consent_trail, erasing
from sync.state import pausing, work
from sync.state.decisions import newest
from sync.state.pending import portions

_COUNTED = {"create": "created", "update": "updated", "delete": "deleted"}

_REFUSALS = frozenset({Code.C4C_REJECTED, Code.C4C_DENIED})
"""After these codes the tenant is compared with the rules again, since a field or service may have been removed
meanwhile.
"""

_TRIAGE = 1000
"""Contacts that are decided on together."""


def run(context: Context) -> Counts:
    """Hands over what is due. Raises RemoteError if C4C is away, GuardTripped before the first write of too many.

    Raises SecondWriter before the next write, once another program is found to write under our keys."""
    counts: Counts = {
        "qualified": 0,
        "not_qualified": 0,
        "created": Counter(),
        "updated": Counter(),
        "deleted": Counter(),
        "unchanged": 0,
        "parked": 0,
    }
    try:
        _push(context, counts)
    except SyncError as failure:
        failure.counts = _finished(context, counts)
        raise
    return _finished(context, counts)


def _finished(context: Context, counts: Counts) -> Counts:
    """The counts as numbers, with what is still pending; also called when the job failed half-way."""
    with context.store.reading() as session:
        counts["pending"] = work.pending_count(session)
        if pausing.paused(session):
            counts["paused"] = True
    return {**counts, **{kind: dict(counts[kind]) for kind in _COUNTED.values()}}


def _push(context: Context, counts: Counts) -> None:
    erasing.carry_out(context)
    permission.demand(context)
    if permission.pause_in_force(context):
        return
    with context.store.session() as session:
        work.pull_back(session, context.now(), context.config.worker.retry.longest)
    concerned = Faults()
    handover = cache(lambda: _handover(context, concerned))
    # Before anything is written: another writer under our keys is found by what both have written already.
    uniqueness.look_again(context, lambda: handover().tenant.schema)
    permission.demand(context)
    restored.release(context)
    doubles.release_waiting(context)
    # Before the due contacts: a record whose answer was lost must have its pair when they are planned.
    unresolved = in_flight.resolve_intents(context, handover)
    with context.store.reading() as session:
        due = work.due(session, context.now(), limit=1_000_000)
    waiting = unresolved.contacts | concerned.found.keys()
    _hand_over(context, handover, [contact for contact in due if contact not in waiting], counts, concerned)
    counts["parked"] += faults.settle_faults(context, concerned)
    consent_trail.fill_in(context)
    if unresolved.failure:
        raise unresolved.failure


def _hand_over(
    context: Context, handover: Callable[[], Handover], due: Sequence[str], counts: Counts, found: Faults
) -> None:
    concerned, withdrawn = _triage(context, due, counts, found)
    fingerprints = {contact: recording.input_fingerprint(view) for contact, view in withdrawn.views.items()}
    # Over all that is due and before the first write: a guard that counted batch by batch would see the flood too late.
    cleared = guard.cleared(context, handover, concerned, fingerprints)
    _settle(context, _only(withdrawn, cleared.contacts), counts, found)
    going = [c.id for c in concerned if c.id in cleared.contacts and c.id not in found.found]
    refused = _carry_over(context, handover(), going, cleared.read, counts) if going else []
    if refused and _tenant_lost_something(context):
        # Without the field or service that is gone, the same records may be accepted.
        counts["parked"] -= len(refused)
        _carry_over(context, _handover(context, found), refused, None, counts)
    elif contract.tenant_is_due(context):
        _tenant(context)


def cause_is_known(context: Context, refused: Refused) -> bool:
    """Compares the tenant with the rules, and returns whether that explains why SAP Sales Cloud refused a request."""
    return refused.system == "c4c" and _tenant_lost_something(context)


def _tenant_lost_something(context: Context) -> bool:
    """Compares the tenant with the rules, and returns whether it lacks something that it had before."""
    before = contract.known_mismatches(context, "c4c")
    _tenant(context)
    return bool(contract.known_mismatches(context, "c4c") - before)


def _carry_over(
    context: Context, handover: Handover, ids: Sequence[str], read: Batch | None, counts: Counts
) -> list[str]:
    """Hands over batch by batch, with a checkpoint between batches. Returns the contacts with a refused record.

    `read`: what the guard has just read of these contacts, so that nothing is read twice.
    """
    refused: list[str] = []
    for start in range(0, len(ids), BATCH_SIZE):
        if context.stopping() or permission.pause_in_force(context):
            return refused
        batch = read if read and read.views.keys() == set(ids) else _loaded(context, handover, ids[start:][:BATCH_SIZE])
        try:
            handover.carry_over(batch)
        finally:
            _count(counts, batch)
        permission.demand(context)
        refused += [contact for contact, outcome in batch.outcomes.items() if outcome.code in _REFUSALS]
        context.progress("push", min(start + BATCH_SIZE, len(ids)), len(ids))
    return refused


def _loaded(context: Context, handover: Handover, ids: Sequence[str]) -> Batch:
    in_flight.let_settle_of(context, ids)
    return handover.journal.load(ids)


def _triage(context: Context, due: Sequence[str], counts: Counts, found: Faults) -> tuple[list[Candidate], Batch]:
    """Settles contacts that need no request to C4C.

    Returns the others, and for the guard those that no longer qualify.
    """
    concerned: list[Candidate] = []
    withdrawn = Batch({}, {})
    for ids in portions(due, _TRIAGE):
        with context.store.reading() as session:
            views = found.views(session, ids)
            links = LinksOf(work.links_of(session, ids, ()))
            schema = tenant_memory.remembered_tenant(session, context.config.rules)[0].schema
            last = newest(session, ids)
        settled = Batch({}, {})
        for contact, view in views.items():
            with found.concerning({contact: view.change_seq}):
                before, known = last.get(contact), links.of(view)
                if before and recording.holds(before, view, known, context):
                    settled.views[contact], settled.outcomes[contact] = view, Done(Code(before.code))
                    continue
                decisions = qualify(view, context.config.rules)
                # A property that cannot be read must not withdraw a contact.
                gone = bool(view.cycles and before and before.code == Code.QUALIFIED)
                gone = gone and leading(decisions).code is not Code.PROPERTY_UNREADABLE
                if concerns(view, decisions, known, context.config.rules, schema):
                    consent = context.config.rules.qualification.consent
                    concerned.append(guard.candidate(view, known, decisions, gone, consent))
                else:
                    _decide(withdrawn if gone else settled, view, decisions)
        _settle(context, settled, counts, found)
    return concerned, withdrawn


def _decide(batch: Batch, view: ContactView, decisions: tuple[Decision, ...]) -> None:
    batch.views[view.id] = view
    batch.plans[view.id] = Plan(view.id, decisions)
    batch.outcomes[view.id] = decided(decisions)


def _only(batch: Batch, contacts: frozenset[str]) -> Batch:
    ids = [i for i in batch.views if i in contacts]
    made = Batch({i: batch.views[i] for i in ids}, {})
    made.plans = {i: batch.plans[i] for i in ids}
    made.outcomes = {i: batch.outcomes[i] for i in ids}
    return made


def _settle(context: Context, settled: Batch, counts: Counts, found: Faults) -> None:
    recording.record(context, settled, found)
    _count(counts, settled)


def _handover(context: Context, found: Faults) -> Handover:
    return real(context, _tenant(context), found)


def _tenant(context: Context) -> Tenant:
    """Reads what the tenant offers now, and reports what the rules name and the tenant lacks."""
    tenant, mismatches = read_tenant(context.c4c, context.config.rules, context.now())
    with context.store.session() as session:
        tenant_memory.remember_tenant(session, tenant)
    needed = [m for m in mismatches if not m.optional]
    contract.report(context, "c4c", [{"entity": m.entity, "field": m.field, "cause": m.problem} for m in needed])
    contract.tenant_was_read(context)
    return tenant


def _count(counts: Counts, batch: Batch) -> None:
    for contact, outcome in batch.outcomes.items():
        decisions = batch.plans[contact].decisions if contact in batch.plans else ()
        qualified = any(decision.qualified for decision in decisions)
        counts["parked"] += isinstance(outcome, Failed)
        if isinstance(outcome, Done):
            counts["qualified" if qualified else "not_qualified"] += 1
            counts["unchanged"] += qualified and contact not in batch.writes_of
    for (action, entity), number in batch.written.items():
        counts[_COUNTED[action]][entity] += number
