"""Reads the answers to the planner's questions from C4C, in few batches."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from sync.c4c.odata import Row
from sync.c4c_client import C4CPort
from sync.domain.alike import tax_number
from sync.domain.entities import Entity
from sync.domain.rules import Rules
from sync.domain.schema import Schema
from sync.handover.halving import Findings, Halving
from sync.planner.queries import FieldQuery, answered, index, place, queries, record, selects
from sync.planner.snapshot import Ask, Lookup, Record, Snapshot
from sync.planner.writes import TAX_NUMBER


class Answers(Protocol):
    """Whoever can answer the planner."""

    def answer(self, lookups: Iterable[Lookup], snapshot: Snapshot) -> None:
        """Teaches `target` the answers; a question without rows is answered by none."""


class Reader:
    """Answers questions for one set of rules and one tenant."""

    def __init__(self, c4c: C4CPort, rules: Rules, schema: Schema) -> None:
        self._halving = Halving(c4c)
        self._select = selects(rules, schema)
        self._has_relations = Entity.RELATION in schema.entities
        self._keys = rules.mapping.key_fields()

    def answer(self, lookups: Iterable[Lookup], snapshot: Snapshot) -> None:
        """Teaches `target` the answers; a question without rows is answered by none, a refused one is named."""
        asked = frozenset(lookups)
        special = {kind: {q for q in asked if q.kind is kind} for kind in _SPECIAL}
        plain = asked - frozenset().union(*special.values())
        found = self._read(plain, special)
        answers = index(plain, found.by_entity(), self._keys)
        for lookup in plain:
            _learn(snapshot, lookup, answered(lookup, answers), found.refused.get(place(lookup, self._keys)))
        self._by_tax_number(special[Ask.ACCOUNT_BY_TAX], found, snapshot)
        self._contacts_of(special[Ask.CONTACTS_OF], found, snapshot)

    def _read(self, plain: frozenset[Lookup], special: Mapping[Ask, set[Lookup]]) -> Findings:
        """One round of reads for everything, the first step of the two-step look-ups included."""
        asked = queries([*plain, *special[Ask.ACCOUNT_BY_TAX], *special[Ask.CONTACTS_OF]], self._keys, self._select)
        accounts = tuple(sorted(q.value for q in special[Ask.CONTACTS_OF]))
        if self._has_relations:
            asked += FieldQuery(Ask.CONTACTS_OF, Entity.RELATION, "AccountID", accounts).portions()
        return self._halving.read(asked)

    def _by_tax_number(self, lookups: Iterable[Lookup], found: Findings, snapshot: Snapshot) -> None:
        owners = {q: _owners(found[TAX_NUMBER], q.value) for q in lookups}
        accounts, refused = self._by(Entity.ACCOUNT, "ObjectID", {i for ids in owners.values() for i in ids})
        for lookup, ids in owners.items():
            why = found.refused.get(place(lookup, self._keys)) or _first(refused, ids)
            _learn(snapshot, lookup, (accounts[i] for i in ids if i in accounts), why)

    def _contacts_of(self, lookups: Iterable[Lookup], found: Findings, snapshot: Snapshot) -> None:
        """Contact persons by main account and by relationship: one person may belong to several accounts."""
        known = {str(row.get("ContactID")): record(Entity.CONTACT, row) for row in found[Entity.CONTACT]}
        related = {q: _values(found[Entity.RELATION], "ContactID", "AccountID", q.value) for q in lookups}
        more, refused = self._by(Entity.CONTACT, "ContactID", {i for ids in related.values() for i in ids} - set(known))
        known |= {r.text("ContactID"): r for r in more.values()}
        for lookup, ids in related.items():
            main = {i for i, person in known.items() if person.text("AccountID") == lookup.value}
            asked = ((entity, "AccountID", lookup.value) for entity in (Entity.CONTACT, Entity.RELATION))
            why = next((found.refused[p] for p in asked if p in found.refused), None) or _first(refused, ids)
            _learn(snapshot, lookup, (known[i] for i in sorted(main | ids) if i in known), why)

    def _by(self, entity: str, name: str, values: Iterable[str]) -> tuple[dict[str, Record], dict[str, str]]:
        """Records by ObjectID, and why it was refused by value, of a look-up by the values that another one found."""
        whole = FieldQuery(Ask.BY_ID, entity, name, tuple(sorted(values)), self._select[entity])
        found = self._halving.read(list(whole.portions()))
        refused = {value: why for (_, _, value), why in found.refused.items()}
        return {str(row["ObjectID"]): record(entity, row) for row in found[entity]}, refused


_SPECIAL = (Ask.ACCOUNT_BY_TAX, Ask.CONTACTS_OF)


def _learn(snapshot: Snapshot, lookup: Lookup, records: Iterable[Record], refused: str | None) -> None:
    if refused:
        snapshot.refused[lookup] = refused
    else:
        snapshot.learn(lookup, records)


def _first(refused: Mapping[str, str], values: Iterable[str]) -> str | None:
    return next((refused[value] for value in sorted(values) if value in refused), None)


def _owners(numbers: Iterable[Row], number: str) -> set[str]:
    """The ObjectIDs of the accounts that have this tax number, however it is set in groups."""
    rows = (row for row in numbers if tax_number(str(row.get("TaxID") or "")) == tax_number(number))
    return {str(row["ParentObjectID"]) for row in rows if row.get("ParentObjectID")}


def _values(rows: Iterable[Row], name: str, where: str, value: str) -> set[str]:
    """The distinct `name`s of the rows whose `where` is `value`."""
    return {str(row[name]) for row in rows if row.get(name) and row.get(where) == value}
