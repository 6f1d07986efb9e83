"""What the next run would write for one contact, from links alone: the real planner on a C4C as we know it. Pure.

What C4C holds is taken to be what we sent last and what each record told when it was read last. What nobody of ours has
seen — an account that sales made meanwhile, an edit since the last run — cannot be known here; `plan` asks C4C.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.domain.codes import Code
from sync.domain.decision import Decision, Reason
from sync.domain.entities import TYPES, Entity
from sync.domain.link import FORMER, GONE
from sync.domain.rules import Rules
from sync.domain.views import ContactView, Link
from sync.planner.imagine import Imagined, Predicted
from sync.planner.observed import PARTS, Foreign, known_fields
from sync.planner.plan import Links, Tenant, plan
from sync.planner.snapshot import Lookup, Record, Snapshot

MOST_ROUNDS = 50
"""Rounds of pretended writes for one contact; the longest chain of records takes about six."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one contact would come to."""

    decisions: tuple[Decision, ...]
    writes: tuple[Predicted, ...] = ()
    problem: Reason | None = None
    warnings: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """What is assumed beyond the links.

    `accounts`: companies that become accounts for other contacts meanwhile. `ambiguous`: (entity, key) of what C4C was
    found to hold more than once, which only a person can settle. `most_relationships`: the limit for one contact.
    """

    accounts: frozenset[str] = frozenset()
    ambiguous: frozenset[tuple[str, str]] = frozenset()
    creates_permission_sets: bool = False
    most_relationships: int = 0


def predict(
    view: ContactView,
    decisions: tuple[Decision, ...],
    links: Links,
    rules: Rules,
    tenant: Tenant,
    world: World,
) -> Prediction:
    """Plans and pretends to write until nothing is left to write."""
    imagined = _remembered(view, links, rules, world)
    known, snapshot = dict(links), _Answering(imagined)
    for _ in range(MOST_ROUNDS):
        planned = plan(view, decisions, known, snapshot, rules, tenant, world.most_relationships)
        ready = {(write.entity, write.key): write for write in planned.ready()}
        if not ready:
            return Prediction(planned.decisions, tuple(imagined.written.values()), planned.problem, planned.warnings)
        for write in ready.values():
            imagined.write(write, known, snapshot)
    restless = Reason(Code.C4C_CONFLICT, f"the plan does not come to rest within {MOST_ROUNDS} rounds")
    return Prediction(planned.decisions, tuple(imagined.written.values()), restless, planned.warnings)


class _Answering(Snapshot):
    """Answers every question at once, so that no plan waits."""

    def __init__(self, imagined: Imagined) -> None:
        super().__init__()
        self._imagined = imagined

    def ask(self, lookup: Lookup) -> tuple[Record, ...] | None:
        if lookup not in self.answers:
            self.learn(lookup, self._imagined.answer(lookup))
        return super().ask(lookup)


def _remembered(view: ContactView, links: Links, rules: Rules, world: World) -> Imagined:
    """C4C as the links tell it."""
    imagined = Imagined(rules, creates_permission_sets=world.creates_permission_sets)
    for link in links.values():
        if link.object_id and not link.observed.get(GONE):
            imagined.add(link.entity, _row(link, links, imagined.key_field(link.entity)))
        _add_former(imagined, link)
    for link in links.values():
        _add_parts(imagined, link)
    _assume(imagined, view, links, world)
    return imagined


def _assume(imagined: Imagined, view: ContactView, links: Links, world: World) -> None:
    """What the links do not tell."""
    for key in sorted(world.accounts):
        if (Entity.ACCOUNT, key) not in links:
            imagined.assume_account(key)
    for entity, key in sorted(world.ambiguous):
        if (entity, key) not in links:
            imagined.assume_ambiguous(entity, key)
    person = links.get((Entity.CONTACT, view.id))
    if person and world.creates_permission_sets and not imagined.rows(Entity.PERMISSION):
        imagined.assume_permission_set(view.id, str(person.observed.get("ContactUUID")))


def _row(link: Link, links: Links, key_field: str) -> dict[str, Any]:
    """The record behind a link. A pair that only a person named was never looked at: it has no key of ours yet."""
    looked_at = link.observed.keys() - {FORMER} or link.origin != "set"
    key = {key_field: link.key} if key_field and looked_at else {}
    return {**known_fields(link), **_parent(link, links), **key, "ObjectID": link.object_id}


def _parent(link: Link, links: Links) -> dict[str, Any]:
    """Relationships are read by their contact, which they name by its number when they are made."""
    if link.entity != Entity.RELATION:
        return {}
    person = links.get((Entity.CONTACT, link.owner))
    same = person is not None and person.observed.get("ContactID") == link.sent.get("ContactID")
    return {"ParentObjectID": person.object_id} if person and same else {}


def _add_parts(imagined: Imagined, link: Link) -> None:
    """What a header was seen to hold: parts that sales added, and our own where sales changed them."""
    inside = next((entity for entity, kind in TYPES.items() if kind.parent == link.entity), None)
    parts = link.observed.get(PARTS)
    if inside is None or not isinstance(parts, Mapping):
        return
    for object_id, known in parts.items():
        ours: Mapping[str, Any] = next((r for r in imagined.rows(inside) if r["ObjectID"] == object_id), {})
        observed = {
            name: Foreign(value["digest"]) if isinstance(value, Mapping) else value for name, value in known.items()
        }
        foreign = {name: value for name, value in observed.items() if ours.get(name) != value}
        imagined.add(inside, {**ours, **foreign, "ParentObjectID": link.object_id, "ObjectID": object_id})


def _add_former(imagined: Imagined, link: Link) -> None:
    """A person named another record than the one that holds our key: that one still holds it."""
    former, key_field = link.observed.get(FORMER), imagined.key_field(link.entity)
    if isinstance(former, str) and key_field:
        imagined.add(link.entity, {key_field: link.key, "ObjectID": former})
