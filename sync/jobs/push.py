"""Decides on due contacts, and hands those that qualify over in slices.

What does not qualify is recorded without a word to C4C. The guard looks at the whole cycle before the first write.
"""

from collections import Counter
from collections.abc import Sequence

from sync.domain.views import ContactView
from sync.errors import GuardTripped
from sync.jobs import recording, tenant_memory
from sync.jobs.context import Context, Counts
from sync.jobs.handover import Handover
from sync.jobs.slice import Slice, decided
from sync.jobs.tenant import read_tenant
from sync.lifecycle import Done, Failed
from sync.log import Event, emit
from sync.planner.plan import Links, Plan
from sync.planner.qualify import qualify
from sync.planner.resolve import LEAD
from sync.state import mirror, work

SLICE = 200
"""Contacts carried over together: large enough for few requests, small enough to repeat after a crash."""

TRIAGE = 1000
"""Contacts decided on together."""


def run(context: Context) -> Counts:
    """Hands over what is due. Raises RemoteError if C4C is away, GuardTripped before the first write of too many."""
    counts: Counts = {
        "qualified": 0,
        "not_qualified": 0,
        "created": Counter(),
        "updated": Counter(),
        "unchanged": 0,
        "parked": 0,
    }
    with context.store.reading() as session:
        due = work.due(session, context.now(), limit=1_000_000)
    qualified = _triage(context, due, counts)
    if qualified:
        _carry_over(context, qualified, counts)
    with context.store.reading() as session:
        counts["pending"] = work.pending_count(session)
    return {**counts, "created": dict(counts["created"]), "updated": dict(counts["updated"])}


def _carry_over(context: Context, qualified: Sequence[str], counts: Counts) -> None:
    """Hands over slice by slice; between slices the process may be asked to stop."""
    handover = _handover(context)
    for start in range(0, len(qualified), SLICE):
        if context.stopping():
            return
        _count(counts, handover.carry_over(qualified[start : start + SLICE]))
        context.progress("push", min(start + SLICE, len(qualified)), len(qualified))


def _triage(context: Context, due: Sequence[str], counts: Counts) -> list[str]:
    """Settles those who do not qualify, and returns the others. Raises GuardTripped."""
    qualified: list[str] = []
    new_leads = 0
    for ids in mirror.portions(due, TRIAGE):
        with context.store.reading() as session:
            views = mirror.views(session, ids)
            links = work.links_of(session, ids, ())
        settled = Slice({}, {})
        for contact, view in views.items():
            decisions = qualify(view, context.config.rules)
            if any(decision.qualified for decision in decisions):
                qualified.append(contact)
                new_leads += _new_leads(view, links, [d.score for d in decisions if d.qualified])
            else:
                settled.views[contact] = view
                settled.plans[contact] = Plan(contact, decisions)
                settled.outcomes[contact] = decided(decisions)
        recording.record(context, settled)
        _count(counts, settled)
    _check_guard(context, new_leads)
    return qualified


def _new_leads(view: ContactView, links: Links, scores: Sequence[str]) -> int:
    known = {key.rpartition(":")[0] for entity, key in links if entity == LEAD}
    return sum(f"{view.id}:{score}" not in known for score in scores)


def _check_guard(context: Context, new_leads: int) -> None:
    limit = context.config.worker.guard.max_creates
    if limit and new_leads > limit:
        emit(Event.GUARD_TRIPPED, kind="creates", found=new_leads, limit=limit)
        raise GuardTripped(
            f"{new_leads} leads would be created, {limit} are allowed in one cycle; nothing was written. If the number "
            "is right, raise guard.max_creates in worker.toml (0 switches the guard off) and run again"
        )


def _handover(context: Context) -> Handover:
    tenant, mismatches = read_tenant(context.c4c, context.config.rules, context.now())
    with context.store.session() as session:
        tenant_memory.remember(session, tenant)
    for mismatch in mismatches:
        emit(
            Event.CONTRACT_MISMATCH,
            system="c4c",
            entity=mismatch.entity,
            field=mismatch.field,
            cause=mismatch.problem,
        )
    return Handover(context, tenant)


def _count(counts: Counts, slice_: Slice) -> None:
    for contact, outcome in slice_.outcomes.items():
        decisions = slice_.plans[contact].decisions if contact in slice_.plans else ()
        qualified = any(decision.qualified for decision in decisions)
        counts["parked"] += isinstance(outcome, Failed)
        if isinstance(outcome, Done):
            counts["qualified" if qualified else "not_qualified"] += 1
            counts["unchanged"] += qualified and contact not in slice_.writes_of
    for (action, entity), number in slice_.written.items():
        counts["created" if action == "create" else "updated"][entity] += number
