"""The target of a dry run: it reads from another target, simulates every write in memory, and answers as C4C would.
Pure.

Ids that C4C would give are derived from entity and key, and shown in words."""

import uuid
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sync.domain.entities import Entity
from sync.mappers.draft import Awaited
from sync.planner.keyed_fields import NUMBERS, UUIDS
from sync.planner.matching import Matches, answered, index, read_from
from sync.planner.observed import Foreign
from sync.planner.records.relations import MAIN, WORK_PLACE
from sync.planner.snapshot import Ask, Lookup, Record, Snapshot
from sync.planner.target import LookupReader, Results, Written
from sync.planner.writes import Write

_Row = dict[str, Any]
"""The fields of a record, `ObjectID` among them."""


class DryRunTarget:
    """The records of `real`, changed by the simulated writes.

    `creates_permission_sets`: whether the tenant makes a set of permissions for each new contact.
    """

    def __init__(
        self, real: LookupReader, key_fields: Mapping[str, str], *, creates_permission_sets: bool = False
    ) -> None:
        self._real = real
        self._key_fields = key_fields
        self._creates_permission_sets = creates_permission_sets
        self._read = Snapshot()
        self._rows: dict[str, dict[str, _Row]] = defaultdict(dict)
        self._changes: dict[tuple[str, str], _Row] = defaultdict(dict)
        self._removed: set[tuple[str, str]] = set()
        self._changed_persons: set[str] = set()
        self._made_up: dict[str, str] = {}
        self._named: dict[tuple[str, str], _Row] = {}
        self._indexed: Matches = {}

    def read(self) -> Snapshot:
        """The records really read since `forget_read`, without simulated writes."""
        return self._read

    def forget_read(self) -> None:
        """Has everything read anew from now on; simulated writes stay."""
        self._read = Snapshot()

    # ---- reading

    def find(self, lookups: Iterable[Lookup], snapshot: Snapshot) -> None:
        """Adds the answers to `snapshot`. Nothing is really read twice. Raises RemoteError if it cannot be read."""
        asked = set(lookups)
        self._read_through({lookup for lookup in asked if lookup.value not in self._made_up})
        for lookup in asked:
            if lookup in self._read.refused:
                snapshot.refused[lookup] = self._read.refused[lookup]
            else:
                snapshot.learn(lookup, [*self._as_changed(lookup), *self._pretended(lookup)])

    def _read_through(self, lookups: set[Lookup]) -> None:
        """Reads what is not known yet from the real target."""
        for lookup in lookups:
            known = self._read.records.get((lookup.entity, lookup.value)) if lookup.kind is Ask.BY_ID else None
            if known and lookup not in self._read.answers:
                self._read.learn(lookup, [known])
        unread = lookups - self._read.answers.keys() - self._read.refused.keys()
        if unread:
            self._real.find(unread, self._read)

    def _as_changed(self, lookup: Lookup) -> list[Record]:
        """The records that were really read, with the changes of simulated writes."""
        found = self._read.ask(lookup) or () if lookup in self._read.answers else ()
        there = (record for record in found if (record.entity, record.object_id) not in self._removed)
        return [replace(r, fields={**r.fields, **self._changes.get((r.entity, r.object_id), {})}) for r in there]

    def _pretended(self, lookup: Lookup) -> list[Record]:
        """The records that exist in the dry run only."""
        if (lookup.kind, lookup.entity) not in self._indexed:
            entity = read_from(lookup.kind, lookup.entity)
            records = {entity: [_record(entity, row) for row in self._rows[entity].values()]}
            self._indexed |= index([lookup], records, self._key_fields)
        return answered(lookup, self._indexed)

    # ---- assumed records

    def add(self, entity: str, row: _Row) -> None:
        """Adds a record that the real target does not have."""
        self._indexed.clear()
        self._rows[entity][row["ObjectID"]] = row
        for name in _names(entity):
            self._named[entity, str(row.get(name) or "").casefold()] = row

    def assume_account(self, key: str) -> None:
        """Adds an account that the handover of another contact creates."""
        self.add(Entity.ACCOUNT, self._fresh(Entity.ACCOUNT, key, {}))

    def assume_ambiguous(self, entity: str, key: str) -> None:
        """Adds two records, so that the lookup is ambiguous."""
        for n in ("one", "another"):
            row = self._fresh(entity, key, {})
            self.add(entity, {**row, "ObjectID": f"{n} {entity}"})

    def assume_permission_set(self, key: str, owner: str) -> None:
        """Adds the permission set that C4C creates by itself for the contact with this key and UUID."""
        self.add(Entity.PERMISSION, self._fresh(Entity.PERMISSION, key, {"BusinessPartnerUUID": owner}))

    def rows(self, entity: str) -> Sequence[_Row]:
        """The records that exist in memory only."""
        return list(self._rows[entity].values())

    # ---- simulated writes

    def apply(self, writes: Sequence[Write], alone: Container[tuple[str, str]] = ()) -> Iterator[Results]:
        """Lets every write succeed, in memory only."""
        del alone
        yield [(write, self._write(write)) for write in writes]

    def _write(self, write: Write) -> Written:
        if write.action == "create":
            return Written(_record(write.entity, self._create(write)))
        assert write.object_id is not None
        if write.action == "delete":
            self._delete(write.entity, write.object_id)
        else:
            self._change(write.entity, write.object_id, write.values())
        return Written()

    def _create(self, write: Write) -> _Row:
        row = self._fresh(write.entity, write.key, write.values())
        if write.entity == Entity.RELATION:
            row["ParentObjectID"] = self._named_id(Entity.CONTACT, str(row.get("ContactID") or ""))
        self.add(write.entity, row)
        for child in write.children:
            part = self._fresh(child.entity, child.key, child.values())
            self.add(child.entity, {**part, "ParentObjectID": row["ObjectID"]})
        if write.entity == Entity.CONTACT:
            self._follow_contact(row)
        self._move_main(write.entity, row, write.values())
        return row

    def _delete(self, entity: str, object_id: str) -> None:
        self._indexed.clear()
        self._rows[entity].pop(object_id, None)
        self._removed.add((entity, object_id))

    def _change(self, entity: str, object_id: str, values: Mapping[str, Any]) -> None:
        self._set(entity, object_id, values)
        if entity == Entity.CONTACT:
            self._changed_persons.add(object_id)
        self._move_main(entity, self._row(entity, object_id), values)

    def _set(self, entity: str, object_id: str, values: Mapping[str, Any]) -> None:
        if object_id in self._rows[entity]:
            self._indexed.clear()
            self._rows[entity][object_id].update(values)
        else:
            self._changes[entity, object_id].update(values)

    def _row(self, entity: str, object_id: str) -> _Row:
        """The present record, whether it was read or simulated."""
        if object_id in self._rows[entity]:
            return self._rows[entity][object_id]
        read = self._read.records.get((entity, object_id))
        fields = read.fields if read else {}
        return {**fields, **self._changes.get((entity, object_id), {}), "ObjectID": object_id}

    def _named_id(self, entity: str, name: str) -> str | None:
        """ObjectID of the record with this number or UUID, whether it was read or simulated."""
        if not name:
            return None
        if row := self._named.get((entity, name.casefold())):
            return str(row["ObjectID"])
        read = (found for field in _names(entity) for found in self._read.find(entity, field, name))
        return next((record.object_id for record in read), None)

    # ---- what C4C does by itself

    def _move_main(self, entity: str, row: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Clears the flag of the former main account, as C4C does by itself."""
        if entity != Entity.RELATION or not values.get(MAIN):
            return
        read = {r.object_id: r.fields for r in self._read.records.values() if r.entity == Entity.RELATION}
        for object_id, other in {**self._rows[Entity.RELATION], **read}.items():
            if object_id != row["ObjectID"] and other.get("ParentObjectID") == row.get("ParentObjectID"):
                self._set(Entity.RELATION, object_id, {MAIN: False})
        self._show_work_place(str(row.get("ParentObjectID")), row)

    def _show_work_place(self, person: str, main: Mapping[str, Any]) -> None:
        """Shows the work place of the new main relationship on the person, for tenants that store it on the
        relationship.

        A run notices that at once for a person whom it has changed, since it reads again what it changed; a plan cannot
        know where C4C keeps it, and names rather a value too many than one too few.
        """
        if person in self._changed_persons:
            self._set(Entity.CONTACT, person, {name: main.get(name) for name in WORK_PLACE})

    def _follow_contact(self, row: _Row) -> None:
        """Adds the relationship to the main account, and perhaps a permission set, which C4C creates by itself."""
        account = self._named_id(Entity.ACCOUNT, str(row.get("AccountUUID") or ""))
        if account:
            number = self._row(Entity.ACCOUNT, account).get("AccountID")
            work_place = {name: row[name] for name in WORK_PLACE if name in row}
            parties = {"ContactID": row["ContactID"], "AccountID": number}
            made_up = f"main of {row['ObjectID']}"
            self._made_up[made_up] = f"(main relationship of {self.shown(row['ObjectID'])})"
            ids = {"ParentObjectID": row["ObjectID"], "ObjectID": made_up}
            self.add(Entity.RELATION, {**work_place, **parties, MAIN: True, **ids})
        if self._creates_permission_sets:
            self.assume_permission_set(row[self._key_fields[Entity.CONTACT]], str(row["ContactUUID"]))

    def _fresh(self, entity: str, key: str, body: Mapping[str, Any]) -> _Row:
        """A new record as C4C would return it."""
        made_up = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{entity} {key}")).upper()
        object_id = made_up.replace("-", "")
        self._made_up[made_up] = self._made_up[object_id] = str(Awaited(entity, key))
        keyed = {self._key_fields[entity]: key} if entity in self._key_fields else {}
        return {**body, **keyed, **dict.fromkeys(_names(entity), made_up), "ObjectID": object_id}

    # ---- showing

    def shown(self, value: Any) -> Any:
        """The value; for an id that C4C has not given yet, words that say what it stands for."""
        if isinstance(value, Foreign | Awaited):
            return str(value)
        return self._made_up.get(value, value) if isinstance(value, str) else value


def _names(entity: str) -> list[str]:
    """The fields with UUID and number, which C4C fills in when it creates a record."""
    return [fields[entity] for fields in (UUIDS, NUMBERS) if entity in fields]


def _record(entity: str, row: _Row) -> Record:
    return Record(entity, row["ObjectID"], dict(row))


def creates_permission_sets(origins: Sequence[str]) -> bool:
    """Whether the tenant creates permission sets by itself, judged by those of the contacts that we created last."""
    return origins.count("adopted") > origins.count("created")
