"""Compares the mirror, the links and SAP Sales Cloud: missing, extra, drifted, duplicate. Writes nothing there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.context import Context
from sync.contracts.tenant import read_tenant
from sync.domain.entities import KEYED, Entity
from sync.domain.keys import owner_of
from sync.domain.rules import Rules
from sync.faults import Faults
from sync.handover import links
from sync.handover.batch import Batch
from sync.handover.dry_run import DryRun
from sync.mirror import left_alone, selection
from sync.planner.keyed_fields import NUMBERS
from sync.planner.plan import Write, concerns
from sync.planner.target import By, Scan, Scanned, all_found
from sync.state import tables
from sync.state.documents import DUPLICATES
from sync.state.pending import mark_pending, portions
from sync.state.store import Store

COMPARED_AT_ONCE = 200


@dataclass
class _Differences:
    """Differences by kind. Each entry names entity and key, and the contacts to look at again.

    `not_compared`: contacts on which an exception occurred, each with code and place.
    """

    missing: list[dict[str, Any]] = field(default_factory=list)
    extra: list[dict[str, Any]] = field(default_factory=list)
    drifted: list[dict[str, Any]] = field(default_factory=list)
    duplicate: list[dict[str, Any]] = field(default_factory=list)
    shared: list[dict[str, Any]] = field(default_factory=list)
    """Pairs whose record carries the key of another HubSpot id, by rule, by merge or because a person said so. Not a
    mistake.
    """
    left_over: list[dict[str, Any]] = field(default_factory=list)
    """Records of HubSpot ids that were merged away, besides the survivor's own; sales should merge them."""
    obsolete: list[dict[str, Any]] = field(default_factory=list)
    """Pairs whose record sales retired. Its contacts will wait for a person when something needs to be written."""
    settled: list[dict[str, Any]] = field(default_factory=list)
    """Deleted records of contacts that a person wants left alone. Not a mistake; nothing to do."""
    not_compared: list[dict[str, str]] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)

    def total(self) -> int:
        kinds = (self.missing, self.extra, self.drifted, self.duplicate, self.not_compared)
        return sum(len(kind) for kind in kinds)

    def beyond_repair(self) -> int:
        """What only a person can settle: several records with one key, records of unknown contacts, and contacts on
        which this program failed.
        """
        return len(self.duplicate) + len(self.not_compared) + sum(not entry["contacts"] for entry in self.extra)

    def contacts(self) -> set[str]:
        """Contacts that the normal path would look at to repair what it can."""
        kinds = (*self.missing, *self.extra, *self.drifted)
        return {contact for entry in kinds for contact in entry["contacts"]}

    def to_json(self) -> dict[str, Any]:
        return {
            "missing": self.missing,
            "extra": self.extra,
            "drifted": self.drifted,
            "duplicate": self.duplicate,
            "shared": self.shared,
            "left_over": self.left_over,
            "obsolete": self.obsolete,
            "settled": self.settled,
            "not_compared": self.not_compared,
            "checked": self.checked,
        }


def verify(context: Context) -> _Differences:
    """All differences. Raises RemoteError if C4C cannot be read, Defect for the same exception on many contacts."""
    tenant, _ = read_tenant(context.c4c, context.config.rules, context.now())
    with context.store.reading() as session:
        pairs = selection.links(session, KEYED)
        settled = selection.done(session)
        alone = {row.contact_id: row.reason for row in left_alone.everybody(session)}
    records = _records(context)
    context.progress("verify records", len(records), len(records))
    found = _Differences(checked={"records": len(records), "links": len(pairs), "contacts": len(settled)})
    found.duplicate = list(_duplicates(records))
    with context.store.session() as session:
        DUPLICATES.write(session, len(found.duplicate))
    gone = _gone(context, pairs, records)
    missing = [(link, _entry(context.store, link.entity, link.key, link.object_id)) for link in gone]
    found.missing = [entry for _, entry in missing if not _is_settled(entry, alone)]
    found.settled = [_named(link, _why(entry, alone)) for link, entry in missing if _is_settled(entry, alone)]
    linked = {(link.entity, link.object_id) for link in pairs}
    known_twice = {(entry["entity"], i) for entry in found.duplicate for i in entry["object_ids"]}
    found.extra = [
        _entry(context.store, r.entity, r.key, r.object_id)
        for r in records
        if not r.obsolete and (r.entity, r.object_id) not in linked | known_twice
    ]
    retired = {(r.entity, r.object_id) for r in records if r.obsolete}
    found.obsolete = [_named(link, _successor(link)) for link in pairs if (link.entity, link.object_id) in retired]
    with context.store.reading() as session:
        survivors = selection.merged_away(session)
    found.shared = [_named(link, "shared with another HubSpot id") for link in pairs if link.origin == "shared"]
    found.left_over = [
        _named(link, f"HubSpot merged its id into {survivors[_kind(link), link.hubspot_id]}")
        for link in pairs
        if (_kind(link), link.hubspot_id) in survivors and link not in gone
    ]
    dry_run = DryRun(context, tenant, Faults())
    _compare_fields(context, dry_run, settled, found)
    found.not_compared = dry_run.faults.listed()
    return found


def _successor(link: tables.Link) -> str:
    """What to do about a retired record."""
    name = f"hubspot-c4c-sync links set {link.entity} {link.key} OBJECT_ID"
    alone = "hubspot-c4c-sync parked leave CONTACT_ID --reason TEXT"
    return f"name its successor with `{name}`, or leave its contact alone with `{alone}`"


def _is_settled(entry: Mapping[str, Any], alone: Mapping[str, str]) -> bool:
    """Whether all contacts of this record are left alone, so that it will not be created again."""
    return bool(entry["contacts"]) and all(contact in alone for contact in entry["contacts"])


def _why(entry: Mapping[str, Any], alone: Mapping[str, str]) -> str:
    return "; ".join(f"contact {contact} is left alone: {alone[contact]}" for contact in entry["contacts"])


def repair(context: Context, found: _Differences) -> tuple[int, int]:
    """(contacts marked pending, records linked): the normal path creates and updates as always.

    What carries our key and belongs to a known contact is linked at once: the normal path would adopt it only when the
    contact qualifies, and until then the state would not show that it was handed over.
    """
    now = context.now()
    with context.store.session() as session:
        ours = [e for e in found.extra if e["contacts"]]
        linked = sum(links.adopt(session, e["entity"], e["key"], e["object_id"], now) for e in ours)
        ids = selection.known_contacts(session, sorted(found.contacts()))
        mark_pending(session, ids, now)
    return len(ids), linked


# ---- C4C's records


def _records(context: Context) -> list[Scanned]:
    """Every record that carries a key of ours."""
    scans = [Scan(entity, By.ANY_KEY) for entity in context.config.rules.mapping.by_entity()]
    return [one for found in all_found(context.c4c.scan(scans, context.config.rules)) for one in found]


def _duplicates(records: Iterable[Scanned]) -> Iterable[dict[str, Any]]:
    """One key on several records: only a person can say which is right."""
    by_key: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in records:
        if not record.obsolete:
            by_key[record.entity, record.key].append(record.object_id)
    for (entity, key), ids in sorted(by_key.items()):
        if len(ids) > 1:
            yield {"entity": entity, "key": key, "object_ids": sorted(ids)}


def _gone(context: Context, links: Iterable[tables.Link], records: Iterable[Scanned]) -> list[tables.Link]:
    """Links whose record does not exist.

    Records are looked up by id too, since someone may only have emptied the key field.
    """
    read = {(r.entity, r.object_id) for r in records}
    unread = [link for link in links if (link.entity, link.object_id) not in read]
    by_entity: dict[str, list[str]] = defaultdict(list)
    for link in unread:
        by_entity[link.entity].append(link.object_id)
    scans = [Scan(entity, By.ID, tuple(ids)) for entity, ids in by_entity.items()]
    there = {one.object_id for found in all_found(context.c4c.scan(scans, context.config.rules)) for one in found}
    return [link for link in unread if link.object_id not in there]


def _entry(store: Store, entity: str, key: str, object_id: str) -> dict[str, Any]:
    return {"entity": entity, "key": key, "object_id": object_id, "contacts": _contacts(store, entity, key)}


def _named(link: tables.Link, text: str) -> dict[str, Any]:
    number = link.observed.get(NUMBERS[link.entity])
    return {"entity": link.entity, "key": link.key, "object_id": link.object_id, "number": number, "text": text}


def _kind(link: tables.Link) -> str:
    return Entity.ACCOUNT if link.entity == Entity.ACCOUNT else Entity.CONTACT


def _contacts(store: Store, entity: str, key: str) -> list[str]:
    hubspot_id = owner_of(key)
    with store.reading() as session:
        if entity == Entity.ACCOUNT:
            return selection.of_companies(session, [hubspot_id])
        return selection.known_contacts(session, [hubspot_id])


# ---- fields


def _compare_fields(context: Context, dry_run: DryRun, settled: list[str], found: _Differences) -> None:
    """What the normal path would create or change for contacts that count as done."""
    known = {(entry["entity"], entry["key"]) for entry in found.missing}
    differing: dict[tuple[str, str], dict[str, Any]] = {}
    for ids in portions(settled, COMPARED_AT_ONCE):
        batch = _planned(context.config.rules, dry_run, ids)
        for contact in batch.open():
            for write in batch.plans[contact].records:
                if write.action != "unchanged":
                    entry = differing.setdefault((write.entity, write.key), _difference(write))
                    entry["contacts"].append(contact)
        context.progress("verify fields", len(ids), len(settled))
    found.drifted = [_without(e, "action") for e in differing.values() if e["action"] == "update"]
    creates = [e for e in differing.values() if e["action"] == "create" and (e["entity"], e["key"]) not in known]
    found.missing += [{**_without(e, "action", "fields"), "object_id": None} for e in creates]


def _planned(rules: Rules, dry_run: DryRun, ids: list[str]) -> Batch:
    batch = dry_run.load(ids)
    links, schema = batch.links_by_contact(), dry_run.tenant.schema
    for contact, view in list(batch.views.items()):
        with dry_run.faults.concerning(batch.concerned([contact])):
            if not concerns(view, batch.decisions[contact], links[contact], rules, schema):
                batch.leave_out([contact])
    batch.leave_out(dry_run.faults.found)
    dry_run.plan(batch)
    return batch


def _difference(write: Write) -> dict[str, Any]:
    fields = [change.name for change in write.changes]
    return {"entity": write.entity, "key": write.key, "action": write.action, "fields": fields, "contacts": []}


def _without(entry: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}
