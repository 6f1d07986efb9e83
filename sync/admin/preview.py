"""What the next push would write, field by field against what C4C holds now. Writes nothing."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sync.context import Context
from sync.contracts import tenant_memory
from sync.contracts.tenant import read_tenant
from sync.domain.decision import Decision
from sync.domain.numbers import in_order
from sync.faults import Faults
from sync.handover import doubles
from sync.handover.batch import BATCH_SIZE, Batch, LinksOf, decided
from sync.handover.dry_run import DryRun
from sync.jobs import rules_change
from sync.lifecycle import Failed
from sync.mirror import selection
from sync.planner.plan import concerns
from sync.planner.predicting.predicted import Predicted, Predictions
from sync.planner.qualify import leading, qualify
from sync.state import work
from sync.state.decisions import last_qualified
from sync.state.pending import portions

_Document = dict[str, Any]


def preview(context: Context, contact_ids: Sequence[str] = ()) -> _Document:
    """The plan for these contacts, or for everybody who is due.

    Raises RemoteError if C4C cannot be read, Defect for the same exception on many contacts.
    """
    faults = Faults()
    ids = list(contact_ids) or _due(context)
    document: _Document = {"parked": [], "withdrawn": [], "mismatches": [], "warnings": [], "decided": Counter()}
    unchanged: Counter[str] = Counter()
    writes: Iterable[Predicted] = ()
    if qualified := _qualified(context, ids, document, faults):
        tenant, mismatches = read_tenant(context.c4c, context.config.rules, context.now())
        document["mismatches"] = [str(mismatch) for mismatch in mismatches]
        dry_run = DryRun(context, tenant, faults)
        # In the push's own batches, since each batch finds what the one before it writes.
        for start in range(0, len(qualified), BATCH_SIZE):
            batch = dry_run.play(qualified[start : start + BATCH_SIZE])
            unchanged += _unchanged(batch, dry_run.predicted)
            _tell(batch, document)
            context.checkpoint()
            context.progress("plan", min(start + BATCH_SIZE, len(qualified)), len(qualified))
        writes = dry_run.predicted.values()
    document["parked"] += faults.listed()
    return {**_counts(writes), "unchanged": dict(unchanged), "records": [w.to_json() for w in writes], **document}


def unknown_contacts(context: Context, contact_ids: Sequence[str]) -> list[str]:
    """Those of the ids that are not in the mirror."""
    with context.store.reading() as session:
        known = selection.known_contacts(session, contact_ids)
    return [contact for contact in contact_ids if contact not in known]


def _due(context: Context) -> list[str]:
    """Contacts that are due, or will be once a run notices that the rules, or a contact's duplicate, have changed."""
    with context.store.reading() as session:
        if rules_change.are_new(session, context.config.rules):
            return work.decidable(session, "", limit=1_000_000)
        due = work.due(session, context.now(), limit=1_000_000)
        return list(dict.fromkeys([*due, *doubles.alone(session, context.config.rules)])) if due else []


def _qualified(context: Context, ids: Sequence[str], document: _Document, faults: Faults) -> list[str]:
    """The contacts that would be handed over, in the order of the push.

    Of the others, notes those that would be parked.
    """
    found: list[str] = []
    for portion in portions(ids, BATCH_SIZE):
        with context.store.reading() as session:
            views = faults.views(session, portion)
            links = LinksOf(work.links_of(session, portion, ()))
            schema = tenant_memory.remembered_tenant(session, context.config.rules)[0].schema
            were_qualified = last_qualified(session, [i for i, view in views.items() if view.cycles])
        for contact, view in views.items():
            with faults.concerning({contact: view.change_seq}):
                decisions = qualify(view, context.config.rules)
                concerned = concerns(view, decisions, links.of(view), context.config.rules, schema)
                _tell_decided(contact, decisions, contact in were_qualified, concerned, document)
                found += [contact] * concerned
    return found


def _tell_decided(
    contact: str, decisions: tuple[Decision, ...], was_qualified: bool, concerned: bool, document: _Document
) -> None:
    document["decided"][str(leading(decisions).code)] += 1
    if was_qualified and not any(decision.qualified for decision in decisions):
        document["withdrawn"].append({"contact": contact, "code": str(leading(decisions).code)})
    if not concerned and isinstance(outcome := decided(decisions), Failed):
        document["parked"].append(_parked(contact, outcome))


def _unchanged(batch: Batch, predicted: Predictions) -> Counter[str]:
    records = {(w.entity, w.key) for planned in batch.plans.values() for w in planned.records}
    return Counter(entity for entity, key in records if (entity, key) not in predicted)


def _tell(batch: Batch, document: _Document) -> None:
    for contact in sorted(batch.outcomes, key=in_order):
        outcome, planned = batch.outcomes[contact], batch.plans[contact]
        if isinstance(outcome, Failed):
            document["parked"].append(_parked(contact, outcome))
        document["warnings"] += [{"contact": contact, **warning.to_json()} for warning in planned.warnings]


def _parked(contact: str, outcome: Failed) -> dict[str, str]:
    return {"contact": contact, "code": str(outcome.code), "text": outcome.detail}


def _counts(writes: Iterable[Predicted]) -> dict[str, dict[str, int]]:
    """Records by action and entity."""
    of = {"creates": "create", "updates": "update", "deletes": "delete"}
    return {name: dict(Counter(w.entity for w in writes if w.action == action)) for name, action in of.items()}
