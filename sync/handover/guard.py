"""The guard checks everything that a cycle would write, before its first write.

A cheap upper bound from the links comes first, so that an ordinary cycle costs nothing. Only if the bound exceeds a
limit is the whole cycle planned; with more than one batch this reads SAP Sales Cloud twice. A person approves a stopped
plan by its digest. The approval does not cover contacts whose part of the plan has changed since.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session

from sync.config import Guard
from sync.context import Context
from sync.domain.decision import Decision
from sync.domain.entities import TYPES, Entity
from sync.domain.rules import Consent
from sync.domain.views import ContactView
from sync.errors import GuardTripped
from sync.handover import in_flight
from sync.handover.batch import BATCH_SIZE, Batch
from sync.handover.dry_run import DryRun
from sync.handover.handover import Handover
from sync.log import Event, emit
from sync.planner.consent import refused_since
from sync.planner.plan import Links
from sync.planner.predicting.predicted import Predicted
from sync.state import guarding, work
from sync.state.documents import Stopped

_FURTHER = len(TYPES)
"""The most records that one contact needs besides leads and relationships: account, person, permissions, attributes."""


@dataclass
class Extent:
    """What a cycle would do: records to create by entity, known records to change, contacts to withdraw.

    Relationships are counted separately, also those to change, since one contact may have very many.
    """

    creates: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    withdrawn: int = 0
    relationship_changes: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """How much exists that could be changed or withdrawn; `records` excludes relationships."""

    records: int
    contacts: int
    relationships: int = 0

    @classmethod
    def of(cls, session: Session) -> "Known":
        """The numbers from the state store."""
        relationships = work.link_count(session, Entity.RELATION)
        return cls(work.link_count(session) - relationships, work.handover_count(session), relationships)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contact of the cycle with what the bound needs, without its plan."""

    id: str
    change_seq: int
    most_creates: int
    known_records: int
    most_relationships: int
    known_relationships: int
    withdrawn: bool = False
    """It qualified until now; only its refusal remains to be carried over."""


def candidate(
    view: ContactView, links: Links, decisions: Sequence[Decision], was_qualified: bool, consent: Consent
) -> Candidate:
    """The contact's part in the bound. If only the score of its lead is outdated, nothing is created."""
    leads = sum(decision.qualified for decision in decisions)
    creates = leads + _FURTHER if leads or refused_since(view, consent) else 0
    mine = (link for link in links.values() if link.object_id and link.owner == view.id)
    known = Counter(link.entity == Entity.RELATION for link in mine)
    return Candidate(
        view.id,
        view.change_seq,
        most_creates=creates,
        known_records=known[False] + 1,
        most_relationships=len(view.associations) if leads else 0,
        known_relationships=known[True],
        withdrawn=was_qualified and not leads,
    )


def excess(extent: Extent, known: Known, limits: Guard) -> tuple[str, int, int] | None:
    """(kind, found, limit) of the first limit that the extent exceeds. Pure."""
    relationships = extent.creates[Entity.RELATION]
    for kind, found in (("creates", extent.creates.total() - relationships), ("relationships", relationships)):
        if limits.max_creates and found > limits.max_creates:
            return kind, found, limits.max_creates
    for kind, found, of in (
        # In the order in which one explains the next: each contact that falls below the threshold also changes its open
        # lead.
        ("withdrawals", extent.withdrawn, known.contacts),
        ("changes", extent.changes, known.records),
        ("relationship changes", extent.relationship_changes, known.relationships),
    ):
        allowed = max(limits.changes_from, int(limits.max_changed_share * of))
        if limits.max_changed_share and found > allowed:
            return kind, found, allowed
    return None


def exceeding(kind: str, number: int, limit: int) -> str:
    """A sentence on an exceeded limit."""
    return f"{number} {_DOING[kind]}, {limit} are allowed in one cycle"


_DOING = {
    "creates": "records would be created",
    "relationships": "relationships would be created",
    "changes": "known records would be changed",
    "relationship changes": "known relationships would be changed",
    "withdrawals": "contacts that were handed over would no longer qualify",
}


@dataclass(frozen=True, slots=True)
class _Cleared:
    """The contacts that may go on.

    `read`: if they are one batch, what the guard has loaded and read of them, so that the real run can use it.
    """

    contacts: frozenset[str]
    read: Batch | None = None


def cleared(
    context: Context, handover: Callable[[], Handover], candidates: Sequence[Candidate], withdrawn: Mapping[str, str]
) -> _Cleared:
    """Checks a whole cycle.

    `withdrawn`: contacts handed over before that no longer qualify, with their input's fingerprint.

    Raises GuardTripped before anything is written.
    """
    with context.store.reading() as session:
        before = guarding.last_stopped(session)
        known = Known.of(session)
    everybody = frozenset({c.id for c in candidates} | set(withdrawn))
    limits = context.config.worker.guard
    if excess(_bound(candidates, withdrawn), known, limits) is None:
        _settle(context, before)
        return _Cleared(everybody)
    cycle = _fingerprint([[c.id, c.change_seq] for c in candidates] + sorted(withdrawn.items()))
    if before and before.approved_at is None and before.cycle == cycle and _still(before, known, limits):
        raise _tripped(before)
    parts, read = _parts(handover(), candidates, withdrawn)
    return _Cleared(_judged(context, parts, known, cycle, before), read)


def _still(before: Stopped, known: Known, limits: Guard) -> bool:
    """Whether the stopped plan exceeds the present limits, which may have been raised."""
    extent = Extent(Counter(before.creates), before.changes, before.withdrawn, before.relationship_changes)
    return excess(extent, known, limits) is not None


def _bound(candidates: Sequence[Candidate], withdrawn: Mapping[str, str]) -> Extent:
    most = Counter({"any": sum(c.most_creates for c in candidates)})
    most[Entity.RELATION] = sum(c.most_relationships for c in candidates)
    gone = sum(c.withdrawn for c in candidates) + len(withdrawn)
    changes, relationships = (sum(c.known_records for c in candidates), sum(c.known_relationships for c in candidates))
    return Extent(most, changes, gone, relationships)


def _settle(context: Context, before: Stopped | None) -> None:
    if before is not None:
        with context.store.session() as session:
            guarding.forget_stopped(session)


# ---- the exact plan


@dataclass(frozen=True, slots=True)
class _Part:
    """One contact's part in the plan."""

    writes: frozenset[tuple[str, str, str]]
    fingerprint: str
    withdrawn: bool = False


def _parts(
    handover: Handover, candidates: Sequence[Candidate], withdrawn: Mapping[str, str]
) -> tuple[dict[str, _Part], Batch | None]:
    """Each contact's part in the plan, and what was read of them if they are one batch."""
    parts = {i: _Part(frozenset(), _fingerprint(["withdrawn", made]), withdrawn=True) for i, made in withdrawn.items()}
    ids, context = [c.id for c in candidates], handover.context
    dry_run = DryRun(context, handover.tenant, handover.faults)
    for start in range(0, len(ids), BATCH_SIZE):
        part = ids[start : start + BATCH_SIZE]
        in_flight.let_settle_of(context, part)
        dry_run.play(part)
        context.progress("guard", min(start + BATCH_SIZE, len(ids)), len(ids))
        context.checkpoint()
    planned = (c for c in candidates if c.id not in handover.faults.found)
    parts |= {c.id: _part(dry_run.predicted_of(c.id), c.withdrawn) for c in planned}
    return parts, dry_run.really_read if len(ids) <= BATCH_SIZE else None


def _part(writes: Sequence[Predicted], withdrawn: bool) -> _Part:
    records = frozenset((w.action, w.entity, w.key) for w in writes)
    return _Part(records, _fingerprint(["withdrawn"] * withdrawn + [_content(write) for write in writes]), withdrawn)


def _content(write: Predicted) -> list[object]:
    return [write.action, write.entity, write.key, [[name, str(field.new)] for name, field in write.fields.items()]]


def _extent(parts: Iterable[_Part]) -> Extent:
    """The extent of the parts. A record counts once, although several contacts may share it."""
    chosen = list(parts)
    writes = frozenset().union(*(part.writes for part in chosen)) if chosen else frozenset()
    creates = Counter(entity for action, entity, _ in writes if action == "create")
    changes = Counter(entity == Entity.RELATION for action, entity, _ in writes if action in ("update", "delete"))
    return Extent(creates, changes[False], sum(part.withdrawn for part in chosen), changes[True])


def _judged(
    context: Context, parts: Mapping[str, _Part], known: Known, cycle: str, before: Stopped | None
) -> frozenset[str]:
    approved = before.contacts if before and before.approved_at else {}
    allowed = {i for i, part in parts.items() if approved.get(i) == part.fingerprint}
    rest = {i: part for i, part in parts.items() if i not in allowed}
    extent = _extent(rest.values())
    found = excess(extent, known, context.config.worker.guard)
    if found is None or allowed:
        # What exceeds the limit and was not approved waits for the next cycle, which stops it under a digest of its
        # own.
        _settle(context, before)
        return frozenset(parts if found is None else allowed)
    stopped = _stopped(context, rest, extent, cycle, found)
    with context.store.session() as session:
        guarding.stop(session, stopped)
    kind, number, limit = found
    emit(Event.GUARD_TRIPPED, kind=kind, found=number, limit=limit, plan=stopped.digest)
    raise _tripped(stopped)


def _stopped(
    context: Context, parts: Mapping[str, _Part], extent: Extent, cycle: str, found: tuple[str, int, int]
) -> Stopped:
    fingerprints = {i: part.fingerprint for i, part in sorted(parts.items())}
    return Stopped(
        digest=_fingerprint(sorted(fingerprints.items())),
        cycle=cycle,
        text=exceeding(*found),
        at=context.now().isoformat(),
        creates=dict(extent.creates),
        changes=extent.changes,
        withdrawn=extent.withdrawn,
        relationship_changes=extent.relationship_changes,
        contacts=fingerprints,
    )


def _tripped(stopped: Stopped) -> GuardTripped:
    return GuardTripped(
        f"{stopped.text}; nothing was written. See it with `hubspot-c4c-sync plan`; if it is right, let exactly this "
        f"plan through with `hubspot-c4c-sync approve {stopped.digest}`, or raise [guard] in worker.toml"
    )


def _fingerprint(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
