"""C4C as it would be after planned writes: records and ids made up in memory, so that planning can go on. Pure.

Ids that C4C would give are made up from entity and key, and shown as what they stand for.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sync.domain.entities import Entity
from sync.domain.link import Announced, after
from sync.domain.rules import Rules
from sync.domain.views import Link
from sync.mappers.draft import Awaited
from sync.planner.effects import wrote
from sync.planner.matching import Matches, answered, index
from sync.planner.observed import Foreign
from sync.planner.records.relations import MAIN, WORK_PLACE
from sync.planner.snapshot import Lookup, Record, Snapshot
from sync.planner.writes import Write

NUMBERS: Mapping[str, tuple[str, str]] = {
    Entity.ACCOUNT: ("UUID", "AccountID"),
    Entity.CONTACT: ("ContactUUID", "ContactID"),
    Entity.LEAD: ("", "ID"),
}
"""Fields that C4C fills in when it makes a record: UUID and number."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a predicted write, in words where C4C has yet to give an id."""

    old: Any
    new: Any
    rule: str

    def to_json(self) -> dict[str, Any]:
        return {"from": self.old, "to": self.new, "rule": self.rule}


@dataclass(frozen=True, slots=True)
class Predicted:
    """One record that would be written; several writes of one record count as one."""

    entity: str
    key: str
    action: str
    fields: Mapping[str, Field]
    adopts: Mapping[str, str | None] = field(default_factory=dict)
    """Of a record that somebody else made and that is taken over: `object_id`, `number`, and `by` which natural key."""

    def to_json(self) -> dict[str, Any]:
        fields = {name: field.to_json() for name, field in self.fields.items()}
        adopts = {"adopts": dict(self.adopts)} if self.adopts else {}
        return {"entity": self.entity, "key": self.key, "action": self.action, **adopts, "fields": fields}


class Imagined:
    """What was pretended so far. `creates_permission_sets`: whether the tenant makes one for each new contact."""

    def __init__(self, rules: Rules, *, creates_permission_sets: bool = False) -> None:
        self._creates_permission_sets = creates_permission_sets
        self._keys = rules.mapping.key_fields()
        self._rows: dict[str, dict[str, Row]] = defaultdict(dict)
        self._changes: dict[tuple[str, str], Row] = defaultdict(dict)
        self._removed: set[tuple[str, str]] = set()
        self._read_again: set[str] = set()
        self._made_up: dict[str, str] = {}
        self._indexed: Matches = {}
        self.written: dict[tuple[str, str], Predicted] = {}

    # ---- what is there

    def key_field(self, entity: str) -> str:
        """The field of the external key; empty for entities without one."""
        return self._keys.get(entity, "")

    def add(self, entity: str, row: Row) -> None:
        """A record that is assumed to be there."""
        self._indexed.clear()
        self._rows[entity][row["ObjectID"]] = row

    def assume_account(self, key: str) -> None:
        """An account that somebody else's handover makes."""
        self.add(Entity.ACCOUNT, self._fresh(Entity.ACCOUNT, key, {}))

    def assume_ambiguous(self, entity: str, key: str) -> None:
        """Two records of which nobody can say which is meant."""
        for n in ("one", "another"):
            row = self._fresh(entity, key, {})
            self.add(entity, {**row, "ObjectID": f"{n} {entity}"})

    def assume_permission_set(self, key: str, owner: str) -> None:
        """A set that C4C made by itself for the contact with this key and UUID."""
        self.add(Entity.PERMISSION, self._fresh(Entity.PERMISSION, key, {"BusinessPartnerUUID": owner}))

    def rows(self, entity: str) -> Sequence[Row]:
        return list(self._rows[entity].values())

    def makes_up(self, lookup: Lookup) -> bool:
        """Whether the question names an id that does not exist: nobody else can answer it."""
        return lookup.value in self._made_up

    def answer(self, lookup: Lookup) -> list[Record]:
        """The records that are only imagined."""
        if (lookup.kind, lookup.entity) not in self._indexed:
            records = {e: [_record(e, row) for row in found.values()] for e, found in self._rows.items()}
            self._indexed |= index([lookup], records, self._keys)
        return answered(lookup, self._indexed)

    def completed(self, lookup: Lookup, found: Iterable[Record]) -> list[Record]:
        """What C4C answered, with what was pretended on top."""
        real = (r for r in found if (r.entity, r.object_id) not in self._removed)
        changed = [replace(r, fields={**r.fields, **self._changes.get((r.entity, r.object_id), {})}) for r in real]
        return [*changed, *self.answer(lookup)]

    # ---- pretending

    def write(self, write: Write, links: MutableMapping[tuple[str, str], Link], snapshot: Snapshot) -> None:
        """Pretends that the write succeeded: links and target tell it from now on."""
        match write.action:
            case "create":
                self._create(write, links, snapshot)
            case "delete" if write.object_id:
                self._delete(write, links, snapshot)
            case _ if write.object_id:
                self._change(write.entity, write.object_id, write.values(), snapshot)
                if write.linked:
                    self._keep(write, None, links)
        self._note(write)

    def _create(self, write: Write, links: MutableMapping[tuple[str, str], Link], snapshot: Snapshot) -> None:
        row = self._fresh(write.entity, write.key, write.values())
        if write.entity == Entity.RELATION:
            persons = snapshot.find(Entity.CONTACT, "ContactID", str(row.get("ContactID") or ""))
            row["ParentObjectID"] = next((person.object_id for person in persons), None)
        self._place(write.entity, row, snapshot, write.answers)
        self._keep(write, row, links)
        for child in write.children:
            part = self._fresh(child.entity, child.key, child.values())
            self.add(child.entity, {**part, "ParentObjectID": row["ObjectID"]})
            pair = (child.entity, child.key)
            links[pair] = after(*pair, links.get(pair), Announced(child.values()))
        if write.entity == Entity.CONTACT:
            self._follow_contact(row, snapshot)
        self._move_main(write.entity, row, write.values(), snapshot)

    def _keep(self, write: Write, row: Row | None, links: MutableMapping[tuple[str, str], Link]) -> None:
        """The same as the real run keeps; a made-up row tells nothing of values that C4C would add."""
        pair = (write.entity, write.key)
        links[pair] = after(*pair, links.get(pair), wrote(write, _record(write.entity, row) if row else None, None))

    def _place(self, entity: str, row: Row, snapshot: Snapshot, answers: Iterable[Lookup]) -> None:
        self.add(entity, row)
        snapshot.created(_record(entity, row), answers)

    def _delete(self, write: Write, links: MutableMapping[tuple[str, str], Link], snapshot: Snapshot) -> None:
        assert write.object_id is not None
        snapshot.removed(write.entity, write.object_id)
        self._indexed.clear()
        self._rows[write.entity].pop(write.object_id, None)
        self._removed.add((write.entity, write.object_id))
        links.pop((write.entity, write.key), None)

    def _change(self, entity: str, object_id: str, values: Mapping[str, Any], snapshot: Snapshot) -> None:
        self._set(entity, object_id, values, snapshot)
        if entity == Entity.CONTACT:
            self._read_again.add(object_id)
        now = snapshot.records[entity, object_id]
        self._move_main(entity, {**now.fields, "ObjectID": object_id}, values, snapshot)

    def _set(self, entity: str, object_id: str, values: Mapping[str, Any], snapshot: Snapshot) -> None:
        if object_id in self._rows[entity]:
            self._indexed.clear()
            self._rows[entity][object_id].update(values)
        else:
            self._changes[entity, object_id].update(values)
        known = snapshot.records.get((entity, object_id))
        if known:
            snapshot.records[entity, object_id] = replace(known, fields={**known.fields, **values})

    def _move_main(self, entity: str, row: Mapping[str, Any], values: Mapping[str, Any], snapshot: Snapshot) -> None:
        """C4C takes the mark from the former main account by itself."""
        if entity != Entity.RELATION or not values.get(MAIN):
            return
        read = {r.object_id: r.fields for r in snapshot.records.values() if r.entity == Entity.RELATION}
        for object_id, other in {**self._rows[Entity.RELATION], **read}.items():
            if object_id != row["ObjectID"] and other.get("ParentObjectID") == row.get("ParentObjectID"):
                self._set(Entity.RELATION, object_id, {MAIN: False}, snapshot)
        self._show_work_place(str(row.get("ParentObjectID")), row, snapshot)

    def _show_work_place(self, person: str, main: Mapping[str, Any], snapshot: Snapshot) -> None:
        """The person shows the work place of the new main relationship, where C4C keeps it there.

        A run notices that at once for a person whom it has changed, since it reads again what it changed; a plan cannot
        know where C4C keeps it, and names rather a value too many than one too few.
        """
        if person in self._read_again:
            self._set(Entity.CONTACT, person, {name: main.get(name) for name in WORK_PLACE}, snapshot)

    def _follow_contact(self, row: Row, snapshot: Snapshot) -> None:
        """C4C makes the relationship to the main account by itself, and maybe a set of permissions."""
        for account in snapshot.find(Entity.ACCOUNT, "UUID", str(row.get("AccountUUID") or "")):
            work_place = {name: row[name] for name in WORK_PLACE if name in row}
            parties = {"ContactID": row["ContactID"], "AccountID": account.text("AccountID")}
            ids = {"ParentObjectID": row["ObjectID"], "ObjectID": f"main of {row['ObjectID']}"}
            self.add(Entity.RELATION, {**work_place, **parties, MAIN: True, **ids})
        if self._creates_permission_sets:
            self.assume_permission_set(row[self._keys[Entity.CONTACT]], str(row["ContactUUID"]))

    def _fresh(self, entity: str, key: str, body: Mapping[str, Any]) -> Row:
        """A record as C4C would answer it."""
        made_up = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{entity} {key}")).upper()
        object_id = made_up.replace("-", "")
        self._made_up[made_up] = self._made_up[object_id] = str(Awaited(entity, key))
        numbered = {name: made_up for name in NUMBERS.get(entity, ()) if name}
        keyed = {self._keys[entity]: key} if entity in self._keys else {}
        return {**body, **keyed, **numbered, "ObjectID": object_id}

    # ---- telling

    def _note(self, write: Write) -> None:
        before = self.written.get((write.entity, write.key))
        fields = {c.name: Field(self._shown(c.old), self._shown(c.new), c.rule) for c in write.changes}
        parts = {name: value for name, value in write.body().items() if name not in fields}
        fields |= {name: Field(None, value, "create_only") for name, value in parts.items()}
        known = {**before.fields, **fields} if before else fields
        action = before.action if before else write.action
        adopts = before.adopts if before else _adopted(write)
        self.written[write.entity, write.key] = Predicted(write.entity, write.key, action, known, adopts)

    def _shown(self, value: Any) -> Any:
        if isinstance(value, Foreign | Awaited):
            return str(value)
        return self._made_up.get(value, value) if isinstance(value, str) else value


def _record(entity: str, row: Row) -> Record:
    return Record(entity, row["ObjectID"], dict(row))


def _adopted(write: Write) -> dict[str, str | None]:
    if not write.adopted_by:
        return {}
    number = write.observed.get(NUMBERS[write.entity][1])
    return {"object_id": write.object_id, "number": number, "by": write.adopted_by}


def creates_permission_sets(origins: Sequence[str]) -> bool:
    """Whether the tenant makes permission sets by itself: how those of the contacts that we made last came about."""
    return origins.count("adopted") > origins.count("created")
