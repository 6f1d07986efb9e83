"""Reads the answers to the planner's lookups from C4C, in few batches."""

from collections.abc import Iterable, Mapping, Sequence

from sync.c4c.client import C4CPort
from sync.c4c.halving import Findings, Halving
from sync.c4c.lookups import NO_MORE, FieldQuery, queries, selects
from sync.domain.alike import tax_number
from sync.domain.entities import Entity
from sync.domain.rules import Rules
from sync.domain.schema import Schema
from sync.planner.matching import answered, index, place
from sync.planner.snapshot import Ask, Lookup, Record, Snapshot
from sync.planner.writes import TAX_NUMBER


class Reader:
    """Answers lookups for one set of rules and one tenant."""

    def __init__(
        self, c4c: C4CPort, rules: Rules, schema: Schema, besides: Mapping[str, Sequence[str]] = NO_MORE
    ) -> None:
        """`besides`: by entity, fields that are read besides those of the rules."""
        self._halving = Halving(c4c)
        self._select = selects(rules, schema, besides)
        self._has_relations = Entity.RELATION in schema.entities
        self._keys = rules.mapping.key_fields()

    def find(self, lookups: Iterable[Lookup], snapshot: Snapshot) -> None:
        """Adds the answers to `snapshot`: an empty one if no record fits, and the reason for a refused lookup."""
        asked = frozenset(lookups)
        special = {kind: {q for q in asked if q.kind is kind} for kind in _SPECIAL}
        plain = asked - frozenset().union(*special.values())
        found = self._read(plain, special)
        matches = index(plain, found.by_entity(), self._keys)
        for lookup in plain:
            _learn(snapshot, lookup, answered(lookup, matches), found.refused.get(place(lookup, self._keys)))
        self._by_tax_number(special[Ask.ACCOUNT_BY_TAX], found, snapshot)
        self._contacts_of(special[Ask.CONTACTS_OF], found, snapshot)

    def _read(self, plain: frozenset[Lookup], special: Mapping[Ask, set[Lookup]]) -> Findings:
        """One round of reads for all lookups, including the first step of those with two steps."""
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
        """Contact persons of accounts, found by main account and by relationship, since a person may belong to several
        accounts.
        """
        known = {person.text("ContactID"): person for person in found[Entity.CONTACT]}
        related = {q: _values(found[Entity.RELATION], "ContactID", "AccountID", q.value) for q in lookups}
        more, refused = self._by(Entity.CONTACT, "ContactID", {i for ids in related.values() for i in ids} - set(known))
        known |= {r.text("ContactID"): r for r in more.values()}
        for lookup, ids in related.items():
            main = {i for i, person in known.items() if person.text("AccountID") == lookup.value}
            asked = ((entity, "AccountID", lookup.value) for entity in (Entity.CONTACT, Entity.RELATION))
            why = next((found.refused[p] for p in asked if p in found.refused), None) or _first(refused, ids)
            _learn(snapshot, lookup, (known[i] for i in sorted(main | ids) if i in known), why)

    def _by(self, entity: str, name: str, values: Iterable[str]) -> tuple[dict[str, Record], dict[str, str]]:
        """The second step of a lookup, by the values that the first one found: records by ObjectID, and refusals by
        value.
        """
        whole = FieldQuery(Ask.BY_ID, entity, name, tuple(sorted(values)), self._select[entity])
        found = self._halving.read(list(whole.portions()))
        refused = {value: why for (_, _, value), why in found.refused.items()}
        return {one.object_id: one for one in found[entity]}, refused


_SPECIAL = (Ask.ACCOUNT_BY_TAX, Ask.CONTACTS_OF)


def _learn(snapshot: Snapshot, lookup: Lookup, records: Iterable[Record], refused: str | None) -> None:
    if refused:
        snapshot.refused[lookup] = refused
    else:
        snapshot.learn(lookup, records)


def _first(refused: Mapping[str, str], values: Iterable[str]) -> str | None:
    return next((refused[value] for value in sorted(values) if value in refused), None)


def _owners(numbers: Iterable[Record], number: str) -> set[str]:
    """The ObjectIDs of the accounts with this tax number, however it is grouped."""
    same = (one for one in numbers if tax_number(one.text("TaxID")) == tax_number(number))
    return {account for one in same if (account := one.text("ParentObjectID"))}


def _values(records: Iterable[Record], name: str, where: str, value: str) -> set[str]:
    """The distinct `name`s of the records whose `where` is `value`."""
    return {found for one in records if one.fields.get(where) == value and (found := one.text(name))}
