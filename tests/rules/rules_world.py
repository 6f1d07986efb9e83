"""What the rule tests share: rules from a few lines of TOML, contacts from a few words, and a C4C in this process."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from sqlalchemy import event

from sandbox.c4c import filters
from sandbox.c4c.model import BY_SET, ENTITIES
from sandbox.c4c.store import C4CStore
from sandbox.clock import Clock
from sync.c4c.odata import Operation, Query, Row
from sync.c4c_client import C4C
from sync.config import Configuration, Guard, WorkerConfig, load
from sync.context import Context
from sync.domain.rules import Mapping, Qualification, Rules
from sync.domain.schema import Field, Schema
from sync.domain.views import Association, Company, ContactView, Cycle, Label, Owner
from sync.errors import Refused
from sync.jobs import push, rules_change
from sync.mirror import association_rows, loading, mirrored
from sync.planner.snapshot import Record
from sync.planner.target import Employee, Masters, WriteResult, Written
from sync.reading import company_keys
from sync.rule_files import checks as rule_checks
from sync.rule_files import standard_fields
from sync.state import work
from sync.state.store import Store, open_store

PROJECT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MQL = '[[scores]]\nname = "mql"\nproperty = "lead_score"\nthreshold = 75\nrearm_below = 60\n'
BASIS = "Freely given consent from contact"
GOOD = {"lead_score": "80", "lastname": "Muster", "hs_legal_basis": BASIS}


@cache
def shipped() -> Mapping:
    return load(PROJECT / "config").rules.mapping


@cache
def rules(qualification: str = MQL, mapping: str | None = None) -> Rules:
    """Rules as `config.load` would make them; a mistake is an assertion."""
    found = Qualification.model_validate(tomllib.loads(qualification))
    mapped = shipped() if mapping is None else Mapping.model_validate(tomllib.loads(mapping))
    problems = [*rule_checks.qualification(found), *rule_checks.mapping(mapped, found)]
    assert not problems, problems
    return Rules(qualification=found, mapping=mapped, fingerprint=f"{hash((qualification, mapping)):x}")


def company(id_: str = "7", owner: Owner | None = None, **properties: str) -> Company:
    return Company(id_, {"name": f"Firma {id_}", **properties}, owner)


def labelled(of: Company, *texts: str) -> Association:
    """A company with labels; `Primary` is HubSpot's own."""
    ids = {text: n for n, text in enumerate(sorted(set(texts) - {"Primary"}), 20)}
    labels = {Label("USER_DEFINED", n, text) for text, n in ids.items()} | {Label("HUBSPOT_DEFINED", 279)}
    primary = {Label("HUBSPOT_DEFINED", 1, "Primary")} if "Primary" in texts else set()
    return Association(of, frozenset(labels | primary))


def contact(
    *associations: Association, handed_over: bool = False, owner: Owner | None = None, **properties: str
) -> Any:
    """A contact who is good for a lead of the score `mql`, with the primary company 7 unless told otherwise."""
    cycles = (Cycle("mql", 1),) if handed_over else ()
    held = associations or (labelled(company(), "Primary"),)
    return ContactView("123", {**GOOD, **properties}, held, owner, cycles=cycles)


# ---- a C4C in this process


@dataclass
class FakeC4C:
    """Our C4C port on the sandbox's store, without HTTP. `log`: every write that took effect; `read`, `asked`: what was looked at."""

    store: C4CStore = field(default_factory=lambda: C4CStore(Clock()))
    log: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    people: list[Employee] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    may_rewrite: bool = False
    """Whether a write may leave all as it was: C4C writes e-mail addresses in its own case, which a lost state forgets."""

    def hire(self, *addresses: str) -> None:
        """Employees that may own records."""
        for address in addresses:
            row = self.store.create("Employee", {"Email": address, "FirstName": "A", "LastName": "B"})
            self.people.append(Employee(row["UUID"], address))

    def answers(self, queries: Sequence[Query]) -> list[list[Row] | Refused]:
        return [self._read(query) for query in queries]

    def _read(self, query: Query) -> list[Row]:
        entity = BY_SET[query.collection]
        test = filters.parse(entity, query.filter, True).test if query.filter else lambda row: True
        rows = (self.store.full(entity.name, row) for row in self.store.all(entity.name))
        found = [row for row in rows if test(row)]
        self.read |= {row["ObjectID"] for row in found}
        self.asked.append((entity.name, query.filter))
        names = (*query.select, "ObjectID") if query.select else tuple(entity.fields)
        return [{name: row.get(name) for name in names} for row in found]

    def ids(self) -> set[str]:
        """The ObjectID of everything that is there."""
        return {row["ObjectID"] for entity in ENTITIES for row in self.store.all(entity)}

    def forget_reads(self) -> None:
        self.read.clear()
        self.asked.clear()

    def looked_for(self, entity: str, row: Row) -> bool:
        """Whether any query named the row, by its own id or key or its header's id; others meet it by chance only."""
        names = [row.get(name) for name in ("ObjectID", "ParentObjectID", "HubSpotID_KUT")]
        return any(e == entity and any(f"'{name}'" in filter_ for name in names if name) for e, filter_ in self.asked)

    def write(self, groups: Sequence[Sequence[Operation]]) -> list[list[WriteResult]]:
        return [[self._write(operation) for operation in group] for group in groups]

    def _write(self, operation: Operation) -> WriteResult:
        set_name, _, key = operation.path.partition("(")
        entity, body = BY_SET[set_name].name, dict(operation.body)
        if operation.method == "POST":
            children = {name: body.pop(name) for name in tuple(body) if name in BY_SET[set_name].navs}
            row = self.store.full(entity, self.store.create(entity, body, by="SYNC"))
            for name, parts in children.items():
                for part in parts:
                    inside = {**part, "ParentObjectID": row["ObjectID"]}
                    self.store.create(BY_SET[set_name].navs[name].to, inside, by="SYNC")
            self.log.append(("create", entity, {**body, **children, "ObjectID": row["ObjectID"]}))
            return Written(Record(entity, row["ObjectID"], row))
        object_id = key.strip("')")
        if operation.method == "DELETE":
            self.store.delete(entity, object_id, by="SYNC")
            self.log.append(("delete", entity, {"ObjectID": object_id}))
            return Written()
        changed = self.store.change(entity, object_id, body, by="SYNC")
        assert changed or self.may_rewrite, "a PATCH that changes nothing"
        self.log.append(("update", entity, {**body, "ObjectID": object_id}))
        return Written()

    def metadata(self, entities: Sequence[str]) -> Schema:
        custom = {e: [f for n, f in ENTITIES[e].fields.items() if n.endswith("_KUT")] for e in entities}
        offered = Schema({e: standard_fields.standard().entities[e] for e in entities})
        for entity, fields in custom.items():
            offered = offered.with_custom(entity, *(Field(f.name, f.type, f.length) for f in fields))
        return offered

    def codes(self, code_lists: Sequence[str]) -> dict[str, dict[str, str]]:
        return {}

    def masters(self, code_lists: Sequence[str], now: datetime) -> Masters:
        return Masters({}, self.people)


# ---- a worker without HubSpot


def new_store() -> Store:
    """A state store of its own."""
    store = open_store(Path(mkdtemp()) / "state.db")
    # No power is cut here, and waiting for the disk is most of what these tests would do.
    event.listen(store.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    store.engine.dispose()
    return store


@dataclass
class World:
    """A mirror that tests fill by hand, the worker's push on it, and the C4C behind."""

    store: Store = field(default_factory=new_store)
    c4c: FakeC4C = field(default_factory=FakeC4C)
    now: datetime = NOW

    def context(self, rules: Rules) -> Context:
        settings = Configuration(WorkerConfig(guard=Guard(max_creates=0, max_changed_share=0)), rules)
        return Context(self.store, None, C4C(self.c4c), settings, "run", now=lambda: self.now, sleep=lambda _: None)  # type: ignore[arg-type]

    def push(self, rules: Rules) -> None:
        """Adopts the rules as a run does, and pushes until nothing is due."""
        context = self.context(rules)
        rules_change.follow_rules(context)
        for _ in range(5):
            push.run(context)
            with self.store.reading() as session:
                if not work.due(session, self.now, 1):
                    return

    def contacts(self, rules: Rules, rows: dict[str, dict[str, str]]) -> None:
        """Stores contacts as a poll would; they become due if they changed."""
        snapshots = [mirrored.Fetched(i, properties, self.now) for i, properties in rows.items()]
        with self.store.session() as session:
            mirrored.save_contacts(session, snapshots, rules.qualification.scores, self.now)
            known = {i: _pairs(view) for i, view in loading.views(session, list(rows)).items()}
            association_rows.save_associations(session, known, self.now)

    def companies(self, rows: dict[str, dict[str, str]]) -> None:
        with self.store.session() as session:
            mirrored.save_companies(session, [mirrored.Fetched(i, p, self.now) for i, p in rows.items()], self.now)
            company_keys.note_companies(session, list(rows), shipped().account, self.now)

    def associate(self, pairs: dict[str, Iterable[tuple[str, Label]]]) -> None:
        with self.store.session() as session:
            association_rows.save_associations(session, {i: frozenset(found) for i, found in pairs.items()}, self.now)

    def leads(self) -> list[dict[str, Any]]:
        return self.c4c.store.rows("Lead")


def _pairs(view: ContactView) -> frozenset[tuple[str, Label]]:
    return frozenset((a.company.id, label) for a in view.associations for label in a.labels)


PRIMARY = Label("HUBSPOT_DEFINED", 1, "Primary")
