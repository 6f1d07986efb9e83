"""Reads the answers to the planner's questions from C4C, in few batches."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from sync import odata
from sync.c4c_client import C4CPort
from sync.domain.rules import Rules
from sync.odata import Query, Row
from sync.planner.lookups import answered, index, queries, record, selects
from sync.planner.resolve import ACCOUNT, CONTACT, LEAD
from sync.planner.target import Ask, Question, Record, Target
from sync.planner.writes import RELATION, TAX_NUMBER
from sync.schema import Schema, collection


class Answers(Protocol):
    """Whoever can answer the planner."""

    def answer(self, questions: Iterable[Question], target: Target) -> None:
        """Teaches `target` the answers; a question without rows is answered by none."""


class Reader:
    """Answers questions for one set of rules and one tenant."""

    def __init__(self, c4c: C4CPort, rules: Rules, schema: Schema) -> None:
        self._c4c = c4c
        self._select = selects(rules, schema)
        self._has_relations = RELATION in schema.entities
        mapping = rules.mapping
        self._keys = {
            ACCOUNT: mapping.account.external_key,
            CONTACT: mapping.contact.external_key,
            LEAD: mapping.lead.external_key,
        }

    def answer(self, questions: Iterable[Question], target: Target) -> None:
        """Teaches `target` the answers; a question without rows is answered by none."""
        asked = frozenset(questions)
        special = {kind: {q for q in asked if q.kind is kind} for kind in _SPECIAL}
        plain = asked - frozenset().union(*special.values())
        rows = self._read(plain, special)
        answers = index(plain, rows.by_entity(), self._keys)
        for question in plain:
            target.learn(question, answered(question, answers))
        self._by_tax_number(special[Ask.ACCOUNT_BY_TAX], rows[TAX_NUMBER], target)
        self._contacts_of(special[Ask.CONTACTS_OF], rows[RELATION], rows[CONTACT], target)

    def _read(self, plain: frozenset[Question], special: Mapping[Ask, set[Question]]) -> "Rows":
        """One round of reads for everything, the first step of the two-step look-ups included."""
        asked = queries([*plain, *special[Ask.ACCOUNT_BY_TAX], *special[Ask.CONTACTS_OF]], self._keys, self._select)
        accounts = sorted(q.value for q in special[Ask.CONTACTS_OF])
        if self._has_relations:
            asked += [Query(collection(RELATION), part) for part in odata.chunks("AccountID", accounts)]
        return self._rows(asked)

    def _rows(self, asked: Sequence[Query]) -> "Rows":
        rows = Rows()
        for query, found in zip(asked, self._c4c.query(asked) if asked else [], strict=True):
            rows.add(query.collection.removesuffix("Collection"), found)
        return rows

    def _by_tax_number(self, questions: Iterable[Question], numbers: Sequence[Row], target: Target) -> None:
        owners = {q: _values(numbers, "ParentObjectID", "TaxID", q.value) for q in questions}
        accounts = self._by(ACCOUNT, "ObjectID", {i for ids in owners.values() for i in ids})
        for question, ids in owners.items():
            target.learn(question, (accounts[i] for i in ids if i in accounts))

    def _contacts_of(
        self, questions: Iterable[Question], relations: Sequence[Row], contacts: Sequence[Row], target: Target
    ) -> None:
        """Contact persons by main account and by relationship: one person may belong to several accounts."""
        known = {str(row.get("ContactID")): record(CONTACT, row) for row in contacts}
        related = {q: _values(relations, "ContactID", "AccountID", q.value) for q in questions}
        further = {i for ids in related.values() for i in ids} - set(known)
        known |= {r.text("ContactID"): r for r in self._by(CONTACT, "ContactID", further).values()}
        for question, ids in related.items():
            main = {i for i, person in known.items() if person.text("AccountID") == question.value}
            target.learn(question, (known[i] for i in sorted(main | ids) if i in known))

    def _by(self, entity: str, name: str, values: Iterable[str]) -> dict[str, Record]:
        asked = [Query(collection(entity), part, self._select[entity]) for part in odata.chunks(name, sorted(values))]
        return {str(row["ObjectID"]): record(entity, row) for row in self._rows(asked)[entity]}


_SPECIAL = (Ask.ACCOUNT_BY_TAX, Ask.CONTACTS_OF)


class Rows:
    """Rows read in one round, by entity; a row that two queries found counts once."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Row]] = {}

    def add(self, entity: str, found: Iterable[Row]) -> None:
        self._rows.setdefault(entity, {}).update((str(row["ObjectID"]), row) for row in found)

    def by_entity(self) -> dict[str, list[Row]]:
        return {entity: list(rows.values()) for entity, rows in self._rows.items()}

    def __getitem__(self, entity: str) -> list[Row]:
        return list(self._rows.get(entity, {}).values())


def _values(rows: Iterable[Row], name: str, where: str, value: str) -> set[str]:
    """The distinct `name`s of the rows whose `where` is `value`."""
    return {str(row[name]) for row in rows if row.get(name) and row.get(where) == value}
