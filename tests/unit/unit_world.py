"""C4C in memory: answers the planner's questions and carries out its writes, as the shell around the planner does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from unit_builders import shipped, tenant_schema, uuid

from sync.domain.rules import Rules
from sync.domain.schema import Schema
from sync.domain.views import ContactView, Link
from sync.planner.compare import Change
from sync.planner.plan import Plan, Tenant, Write, plan
from sync.planner.qualify import qualify
from sync.planner.snapshot import Ask, Lookup, Record, Snapshot

ROUNDS = 12
"""More rounds than any contact needs: a planner that asks for ever fails instead of hanging."""

MATCHES = {
    Ask.BY_KEY: "HubSpotID_KUT",
    Ask.ACCOUNT_BY_TAX: "TaxID",
    Ask.CONTACTS_OF: "AccountID",
    Ask.PARTS_OF: "ParentObjectID",
    Ask.PERMISSIONS_OF: "BusinessPartnerUUID",
    Ask.ATTRIBUTES_OF: "BusinessPartnerID",
}


@dataclass
class World:
    """What C4C holds (`records`), what we remember (`links`), and what the tenant offers."""

    records: list[Record] = field(default_factory=list)
    links: dict[tuple[str, str], Link] = field(default_factory=dict)
    rules: Rules = field(default_factory=shipped)
    employees: dict[str, str] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()
    schema: Schema = field(default_factory=tenant_schema)

    # ---- what a test sets up and looks at

    def linked(self, key: str, record: Record, **sent: Any) -> World:
        """The world in which we had written `record` under `key` and sent these values."""
        self.links[record.entity, key] = Link(record.entity, key, record.object_id, sent)
        return self

    def one(self, entity: str) -> Record:
        [record] = self.all(entity)
        return record

    def all(self, entity: str) -> list[Record]:
        return [record for record in self.records if record.entity == entity]

    # ---- reading

    def answer(self, lookup: Lookup) -> list[Record]:
        return [record for record in self.all(lookup.entity) if _fits(lookup, record)]

    def plan(self, view: ContactView) -> Plan:
        """The plan once all questions are answered; everything is read anew."""
        snapshot, decisions = Snapshot(), qualify(view, self.rules)
        tenant = Tenant(self.schema, self.employees, shared=self.shared)
        for _ in range(ROUNDS):
            found = plan(view, decisions, self.links, snapshot, self.rules, tenant)
            if not found.lookups:
                return found
            for lookup in found.lookups:
                snapshot.learn(lookup, self.answer(lookup))
        raise AssertionError(f"still open after {ROUNDS} rounds: {found.lookups}")

    # ---- writing

    def sync(self, view: ContactView) -> list[Write]:
        """Plans and writes until there is nothing to write; the writes in their order."""
        return [write for wave in self.waves(view) for write in wave]

    def waves(self, view: ContactView) -> Iterator[list[Write]]:
        for _ in range(ROUNDS):
            writes = list(self.plan(view).ready())
            if not writes:
                return
            for write in writes:
                self._write(write)
            yield writes
        raise AssertionError(f"still writing after {ROUNDS} rounds")

    def _write(self, write: Write) -> None:
        if write.action == "delete":
            self._delete(write)
            return
        record = self._created(write) if write.action == "create" else self._changed(write)
        self._keep(write, record.object_id)
        for child in write.children:
            inside = replace(child, changes=(*child.changes, Change("ParentObjectID", None, record.object_id, "")))
            self._keep(child, self._created(inside).object_id)

    def _keep(self, write: Write, object_id: str) -> None:
        if not write.linked:
            return
        known = self.links.get((write.entity, write.key))
        sent = {**(known.sent if known else {}), **write.values()}
        origin = "created" if write.ours else known.origin if known else "adopted"
        self.links[write.entity, write.key] = Link(write.entity, write.key, object_id, sent, origin)

    def _delete(self, write: Write) -> None:
        self.records = [r for r in self.records if (r.entity, r.object_id) != (write.entity, write.object_id)]
        self.links.pop((write.entity, write.key), None)

    def _changed(self, write: Write) -> Record:
        [old] = [r for r in self.all(write.entity) if r.object_id == write.object_id]
        record = replace(old, fields={**old.fields, **write.values()}, version=f"{old.version}+")
        self.records = [record if r is old else r for r in self.records]
        return record

    def _created(self, write: Write) -> Record:
        number = f"{write.entity[0]}N{len(self.records)}"
        given = {
            "CorporateAccount": {"UUID": uuid(number), "AccountID": number, "LifeCycleStatusCode": "2"},
            "Contact": {"ContactUUID": uuid(number), "ContactID": number, "StatusCode": "2"},
            "Lead": {"ID": number, "LifeCycleStatusCode": "2"},
        }.get(write.entity, {})
        if write.entity == "Contact":
            given |= self._main_relation(number, write.values().get("AccountUUID"))
        if write.entity == "ContactIsContactPersonFor":
            given["ParentObjectID"] = self._person(write.values()["ContactID"])
        record = Record(write.entity, number, {**given, **write.values()}, f"etag-{number}")
        self.records = [*self.records, record]
        return record

    def _person(self, contact_id: object) -> str:
        [person] = [r.object_id for r in self.all("Contact") if r.fields["ContactID"] == contact_id]
        return person

    def _main_relation(self, contact_id: str, account_uuid: object) -> dict[str, str]:
        """C4C makes the main relationship of a new contact by itself."""
        [number] = [r.text("AccountID") for r in self.all("CorporateAccount") if r.fields["UUID"] == account_uuid]
        row = relation(contact_id, number, ReverseMainIndicator=True, ParentObjectID=contact_id)
        self.records = [*self.records, row]
        return {"AccountID": number}


def relation(contact_id: str, account_id: str, **fields: Any) -> Record:
    own = {"ContactID": contact_id, "AccountID": account_id, "ReverseMainIndicator": False, "ParentObjectID": "C1"}
    return Record("ContactIsContactPersonFor", f"R-{contact_id}-{account_id}", own | fields)


def _fits(lookup: Lookup, record: Record) -> bool:
    match lookup.kind:
        case Ask.BY_ID:
            return record.object_id == lookup.value
        case Ask.BY_UUID:
            return lookup.value in (record.text("UUID"), record.text("ContactUUID"))
        case Ask.LEADS_OF:
            return record.text("HubSpotID_KUT").startswith(f"{lookup.value}:")
        case Ask.ACCOUNT_BY_POSTAL:
            return lookup.value == f"{record.text('CountryCode')} {record.text('StreetPostalCode')}"
        case Ask.ACCOUNT_BY_DOMAIN:
            return lookup.value in record.text("WebSite").lower()
        case _:
            return record.text(MATCHES[lookup.kind]) == lookup.value
