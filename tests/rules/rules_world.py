"""What the rule tests share: rules from a few lines of TOML, contacts from a few words, and a worker on them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from sqlalchemy import event
from world.tenant import Tenant

from sync.c4c_client import C4C
from sync.config import Configuration, Guard, WorkerConfig, load
from sync.context import Context
from sync.domain.rules import Mapping, Qualification, Rules
from sync.domain.views import Association, Company, ContactView, Cycle, Label, Owner
from sync.jobs import push, rules_change
from sync.mirror import association_rows, loading, mirrored
from sync.reading import company_keys
from sync.rule_files import checks as rule_checks
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


# ---- a worker without HubSpot


def new_store() -> Store:
    """A state store of its own."""
    store = open_store(Path(mkdtemp()) / "state.db")
    # No power is cut here, and waiting for the disk is most of what these tests would do.
    event.listen(store.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    store.engine.dispose()
    return store


class Silent:
    """HubSpot as far as a push asks: it says neither how a consent came about nor how many requests are left."""

    budget = None

    def history(self, ids: Iterable[str], names: Iterable[str]) -> dict[str, Any]:
        return {}


@dataclass
class World:
    """A mirror that tests fill by hand, the worker's push on it, and the C4C behind."""

    store: Store = field(default_factory=new_store)
    c4c: Tenant = field(default_factory=lambda: Tenant(may_rewrite=False))
    now: datetime = NOW

    def context(self, rules: Rules) -> Context:
        settings = Configuration(WorkerConfig(guard=Guard(max_creates=0, max_changed_share=0)), rules)
        return Context(self.store, Silent(), C4C(self.c4c), settings, "run", now=lambda: self.now, sleep=lambda _: None)  # type: ignore[arg-type]

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
