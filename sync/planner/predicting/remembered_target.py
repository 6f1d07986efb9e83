"""A target without a network: C4C as our links remember it. Pure.

C4C is assumed to hold what we sent last and what was last observed. Accounts that sales created meanwhile, and edits
since the last run, are unknown here; `plan` asks C4C.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sync.domain.entities import TYPES, Entity
from sync.domain.link import FORMER, GONE
from sync.domain.rules import Rules
from sync.domain.views import ContactView, Link
from sync.planner.observed import PARTS, Foreign, known_fields
from sync.planner.predicting.dry_run_target import DryRunTarget
from sync.planner.snapshot import Lookup, Snapshot
from sync.planner.writes import Links


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Assumptions beyond the links.

    `accounts`: companies that become accounts for other contacts meanwhile. `ambiguous`: (entity, key) of records that
    C4C was found to hold several times, so that a person must choose. `creates_permission_sets`: whether the tenant
    makes one for each new contact. `most_relationships`: the limit for one contact.
    """

    accounts: frozenset[str] = frozenset()
    ambiguous: frozenset[tuple[str, str]] = frozenset()
    creates_permission_sets: bool = False
    most_relationships: int = 0


class _Nothing:
    """Holds no record, so that a dry run on it sees only what is added."""

    def find(self, lookups: Iterable[Lookup], snapshot: Snapshot) -> None:
        for lookup in lookups:
            snapshot.learn(lookup, ())


def remembered(view: ContactView, links: Links, rules: Rules, assumed: Assumptions) -> DryRunTarget:
    """A target with C4C's records according to one contact's links, for simulated writes."""
    key_fields = rules.mapping.key_fields()
    target = DryRunTarget(_Nothing(), key_fields, creates_permission_sets=assumed.creates_permission_sets)
    for link in links.values():
        if link.object_id and not link.observed.get(GONE):
            target.add(link.entity, _row(link, links, key_fields.get(link.entity)))
        _add_former(target, link, key_fields.get(link.entity))
    for link in links.values():
        _add_parts(target, link)
    _assume(target, view, links, assumed)
    return target


def _assume(target: DryRunTarget, view: ContactView, links: Links, assumed: Assumptions) -> None:
    """Adds the assumptions beyond the links."""
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
    """The record behind a link.

    If only a person named the pair, the record has not been read and has no key of ours yet.
    """
    looked_at = link.observed.keys() - {FORMER} or link.origin != "set"
    key = {key_field: link.key} if key_field and looked_at else {}
    return {**known_fields(link), **_parent(link, links), **key, "ObjectID": link.object_id}


def _parent(link: Link, links: Links) -> dict[str, Any]:
    """The contact of a relationship. Relationships are looked up by it, but name it by number when they are created."""
    if link.entity != Entity.RELATION:
        return {}
    person = links.get((Entity.CONTACT, link.owner))
    same = person is not None and person.observed.get("ContactID") == link.sent.get("ContactID")
    return {"ParentObjectID": person.object_id} if person and same else {}


def _add_parts(target: DryRunTarget, link: Link) -> None:
    """Adds the observed parts of a header: those that sales added, and ours that sales changed."""
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
    """Adds the record that still holds our key after a person named another one."""
    former = link.observed.get(FORMER)
    if isinstance(former, str) and key_field:
        target.add(link.entity, {key_field: link.key, "ObjectID": former})
