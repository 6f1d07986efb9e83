"""A target without a network: C4C as our links remember it. Pure.

What C4C holds is taken to be what we sent last and what each record showed when it was read last. What none of our runs
has read — an account that sales made meanwhile, an edit since the last run — cannot be known here; `plan` asks C4C.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sync.domain.entities import TYPES, Entity
from sync.domain.link import FORMER, GONE
from sync.domain.rules import Rules
from sync.domain.views import ContactView, Link
from sync.planner.dry_run_target import DryRunTarget
from sync.planner.observed import PARTS, Foreign, known_fields
from sync.planner.snapshot import Lookup, Snapshot
from sync.planner.writes import Links


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is assumed beyond the links.

    `accounts`: companies that become accounts for other contacts meanwhile. `ambiguous`: (entity, key) of what C4C was
    found to hold more than once, which only a person can settle. `creates_permission_sets`: whether the tenant makes
    one for each new contact. `most_relationships`: the limit for one contact.
    """

    accounts: frozenset[str] = frozenset()
    ambiguous: frozenset[tuple[str, str]] = frozenset()
    creates_permission_sets: bool = False
    most_relationships: int = 0


class Nothing:
    """Holds no record, so that a dry run on it rests on what is added alone."""

    def find(self, lookups: Iterable[Lookup], snapshot: Snapshot) -> None:
        for lookup in lookups:
            snapshot.learn(lookup, ())


def remembered(view: ContactView, links: Links, rules: Rules, assumed: Assumptions) -> DryRunTarget:
    """C4C as the links of one contact remember it, for pretended writes."""
    key_fields = rules.mapping.key_fields()
    target = DryRunTarget(Nothing(), key_fields, creates_permission_sets=assumed.creates_permission_sets)
    for link in links.values():
        if link.object_id and not link.observed.get(GONE):
            target.add(link.entity, _row(link, links, key_fields.get(link.entity)))
        _add_former(target, link, key_fields.get(link.entity))
    for link in links.values():
        _add_parts(target, link)
    _assume(target, view, links, assumed)
    return target


def _assume(target: DryRunTarget, view: ContactView, links: Links, assumed: Assumptions) -> None:
    """What the links do not show."""
    for key in sorted(assumed.accounts):
        if (Entity.ACCOUNT, key) not in links:
            target.assume_account(key)
    for entity, key in sorted(assumed.ambiguous):
        if (entity, key) not in links:
            target.assume_ambiguous(entity, key)
    person = links.get((Entity.CONTACT, view.id))
    if person and assumed.creates_permission_sets and not target.rows(Entity.PERMISSION):
        target.assume_permission_set(view.id, str(person.observed.get("ContactUUID")))


def _row(link: Link, links: Links, key_field: str | None) -> dict[str, Any]:
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


def _add_parts(target: DryRunTarget, link: Link) -> None:
    """The parts of a header as they were read: those that sales added, and our own where sales changed them."""
    inside = next((entity for entity, kind in TYPES.items() if kind.parent == link.entity), None)
    parts = link.observed.get(PARTS)
    if inside is None or not isinstance(parts, Mapping):
        return
    for object_id, known in parts.items():
        ours: Mapping[str, Any] = next((r for r in target.rows(inside) if r["ObjectID"] == object_id), {})
        observed = {
            name: Foreign(value["digest"]) if isinstance(value, Mapping) else value for name, value in known.items()
        }
        foreign = {name: value for name, value in observed.items() if ours.get(name) != value}
        target.add(inside, {**ours, **foreign, "ParentObjectID": link.object_id, "ObjectID": object_id})


def _add_former(target: DryRunTarget, link: Link, key_field: str | None) -> None:
    """A person named another record than the one that holds our key: that one still holds it."""
    former = link.observed.get(FORMER)
    if isinstance(former, str) and key_field:
        target.add(link.entity, {key_field: link.key, "ObjectID": former})
