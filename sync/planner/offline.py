"""What the next run would write for one contact, from links alone: the real planner on a C4C as we know it. Pure.

What C4C holds is taken to be what we sent last and what each record told when it was read last. What nobody of ours has
seen — an account that sales made meanwhile, an edit since the last run — cannot be known here; `plan` asks C4C.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sync.domain.decision import Decision, Reason
from sync.domain.rules import Rules
from sync.domain.views import ContactView, Link
from sync.mappers.draft import Awaited
from sync.planner.lookups import answered, index, record
from sync.planner.plan import CHANNEL, PERMISSION, RELATION, Links, Tenant, Write, plan
from sync.planner.resolve import ACCOUNT, CONTACT, LEAD
from sync.planner.seen import IDENTITY, Foreign
from sync.planner.target import Question, Target

NUMBERS = {ACCOUNT: ("UUID", "AccountID"), CONTACT: ("ContactUUID", "ContactID"), LEAD: ("", "ID")}
"""Fields that C4C fills in when it makes a record: UUID and number."""


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


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one contact would come to."""

    decisions: tuple[Decision, ...]
    writes: tuple[Predicted, ...] = ()
    problem: Reason | None = None
    warnings: tuple[Reason, ...] = ()


@dataclass
class World:
    """What is assumed beyond the links: accounts made for other contacts meanwhile, and how the tenant behaves."""

    accounts: frozenset[str] = frozenset()
    creates_permission_sets: bool = False


def predict(view: ContactView, links: Links, rules: Rules, tenant: Tenant, world: World) -> Prediction:
    """Plans and pretends to write until nothing is left to write."""
    known = _Known(view, links, rules, world)
    while True:
        planned = plan(view, known.links, known.target, rules, tenant)
        if planned.questions:
            known.answer(planned.questions)
            continue
        ready = {(write.entity, write.key): write for write in planned.ready()} if planned.problem is None else {}
        if not ready:
            return Prediction(planned.decisions, known.predicted(), planned.problem, planned.warnings)
        for write in ready.values():
            known.write(write)


class _Known:
    """C4C as we know it, and what was pretended on top."""

    def __init__(self, view: ContactView, links: Links, rules: Rules, world: World) -> None:
        self.view, self.links, self.rules, self.world = view, dict(links), rules, world
        self.target = Target()
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.written: dict[tuple[str, str], Predicted] = {}
        self.made_up: dict[str, str] = {}
        mapping = rules.mapping
        self._keys = {ACCOUNT: mapping.account, CONTACT: mapping.contact, LEAD: mapping.lead}
        for link in links.values():
            if not link.seen.get("gone"):
                self.rows[link.entity].append(self._row(link))
        for key in sorted(self.world.accounts):
            if (ACCOUNT, key) not in self.links:
                self.rows[ACCOUNT].append(self._fresh(ACCOUNT, key, {}))
        self._own_permission_set()

    def _key_field(self, entity: str) -> str:
        return self._keys[entity].external_key if entity in self._keys else ""

    def _row(self, link: Link) -> dict[str, Any]:
        identity = {name: link.seen[name] for name in IDENTITY if name in link.seen}
        theirs = link.seen.get("theirs")
        foreign = {n: Foreign(str(d)) for n, d in theirs.items()} if isinstance(theirs, Mapping) else {}
        key = {self._key_field(link.entity): link.key} if link.entity in self._keys else {}
        return {**link.sent, **identity, **foreign, **key, "ObjectID": link.object_id}

    def answer(self, questions: Iterable[Question]) -> None:
        asked = list(questions)
        answers = index(asked, self.rows, {entity: self._key_field(entity) for entity in self._keys})
        for question in asked:
            self.target.learn(question, answered(question, answers))

    def write(self, write: Write) -> None:
        """Pretends that the write succeeded, and remembers it."""
        before = self.written.get((write.entity, write.key))
        fields = {c.name: Field(self._shown(c.old), self._shown(c.new), c.rule) for c in write.changes}
        action = before.action if before else write.action
        known = {**before.fields, **fields} if before else fields
        self.written[write.entity, write.key] = Predicted(write.entity, write.key, action, known)
        if write.action == "create":
            self._create(write)
        elif write.object_id is not None:
            self.target.changed(self.target.records[write.entity, write.object_id], write.body())
            for row in self.rows[write.entity]:
                if row["ObjectID"] == write.object_id:
                    row.update(write.body())

    def _shown(self, value: Any) -> Any:
        if isinstance(value, Foreign | Awaited):
            return str(value)
        return self.made_up.get(value, value) if isinstance(value, str) else value

    def _create(self, write: Write) -> None:
        row = self._fresh(write.entity, write.key, write.body())
        self.target.created(record(write.entity, row), write.answers)
        self.rows[write.entity].append(row)
        object_id = row["ObjectID"]
        self.links[write.entity, write.key] = Link(write.entity, write.key, object_id, write.body())
        if write.entity == CONTACT:
            self._follow_contact(row)

    def _fresh(self, entity: str, key: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A record as C4C would answer it; its ids are made up and shown as what they stand for."""
        made_up = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{entity}:{key}")).upper()
        self.made_up[made_up] = self.made_up[made_up.replace("-", "")] = str(Awaited(entity, key))
        uuid_field, number = NUMBERS.get(entity, ("", ""))
        numbered = {name: value for name, value in ((uuid_field, made_up), (number, made_up)) if name}
        key_value = {self._key_field(entity): key} if entity in self._keys else {}
        return {**body, **key_value, **numbered, "ObjectID": made_up.replace("-", "")}

    def _follow_contact(self, row: Mapping[str, Any]) -> None:
        """C4C makes the relationship to the main account by itself, and maybe a set of permissions."""
        account = next((a for a in self._known(ACCOUNT) if a.get("UUID") == row.get("AccountUUID")), None)
        if account is not None:
            main = {"ContactID": row["ContactID"], "AccountID": account.get("AccountID"), "ReverseMainIndicator": True}
            self.rows[RELATION].append({**main, "ObjectID": f"main of {row['ObjectID']}"})
        if self.world.creates_permission_sets:
            self._permission_set(str(row["ContactUUID"]))

    def _known(self, entity: str) -> list[Mapping[str, Any]]:
        made = [known.fields for known in self.target.records.values() if known.entity == entity]
        return [*self.rows[entity], *made]

    def _own_permission_set(self) -> None:
        """A set that C4C made has no link of ours; its channels or the tenant's habit tell that it is there."""
        contact = next((row for row in self.rows[CONTACT] if row.get("ContactUUID")), None)
        if contact is None or self.rows[PERMISSION]:
            return
        parents = [row["ParentObjectID"] for row in self.rows[CHANNEL] if row.get("ParentObjectID")]
        if parents or self.world.creates_permission_sets:
            self._permission_set(str(contact["ContactUUID"]), parents[0] if parents else None)

    def _permission_set(self, owner: str, object_id: str | None = None) -> None:
        self.rows[PERMISSION].append({"BusinessPartnerUUID": owner, "ObjectID": object_id or f"set of {owner}"})

    def predicted(self) -> tuple[Predicted, ...]:
        return tuple(self.written.values())


def creates_permission_sets(links: Iterable[Link]) -> bool:
    """Whether the tenant makes permission sets by itself, as far as links tell: our channels in its sets."""
    known = list(links)
    sets = {link.object_id for link in known if link.entity == PERMISSION}
    return any(link.entity == CHANNEL and link.sent.get("ParentObjectID") not in sets for link in known)
