"""What is known of C4C while planning: lookups, and the records that answer them.

A plan names the lookups that it lacks answers to; the handover reads those of all contacts in few batches, and plans
again. So the planner stays pure and the reads stay few.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sync.domain.codes import Code
from sync.domain.decision import Reason


class Ask(StrEnum):
    """Kinds of lookups; each says what the value of such a lookup is."""

    BY_ID = "by_id"
    """ObjectID of a record that we linked."""
    BY_KEY = "by_key"
    """External key of an account or contact."""
    BY_UUID = "by_uuid"
    """UUID of an account or contact that a lead names."""
    LEADS_OF = "leads_of"
    """`<contact id>:<score>`: the leads of all cycles."""
    ACCOUNT_BY_TAX = "account_by_tax"
    """Tax number, as HubSpot spells it."""
    ACCOUNT_BY_DOMAIN = "account_by_domain"
    """Web domain, normalised."""
    ACCOUNT_BY_POSTAL = "account_by_postal"
    """ISO code of the country, a blank, and the postal code as HubSpot spells it."""
    CONTACTS_OF = "contacts_of"
    """AccountID: the contact persons of an account."""
    PERMISSIONS_OF = "permissions_of"
    """ContactUUID: marketing permission sets of a contact."""
    ATTRIBUTES_OF = "attributes_of"
    """ContactID: the header of a contact's marketing attributes."""
    PARTS_OF = "parts_of"
    """ObjectID of the record that they belong to: relationships of a contact, channels of a
    permission set, and so on.
    """


@dataclass(frozen=True, slots=True)
class Lookup:
    kind: Ask
    entity: str
    value: str


class Unanswerable(Exception):
    """C4C refuses the lookup. What it would have found is unknown, and must not be taken as absent."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.reason = Reason(Code.C4C_REJECTED, why)


@dataclass(frozen=True, slots=True)
class Record:
    """A C4C record as it was read, or as C4C answered its creation.

    `version`: an ETag, to be handed back with a change. `stale`: we changed the record since it was read; a PATCH
    returns no ETag, so it is read again before the next change.
    """

    entity: str
    object_id: str
    fields: Mapping[str, Any]
    version: str | None = None
    stale: bool = False

    def text(self, name: str) -> str:
        """The field as text, empty if missing."""
        value = self.fields.get(name)
        return "" if value is None else str(value)


@dataclass
class Snapshot:
    """The answers so far. Each record is kept once, so that a write shows in every answer that includes the record."""

    records: dict[tuple[str, str], Record] = field(default_factory=dict)
    answers: dict[Lookup, tuple[str, ...]] = field(default_factory=dict)
    refused: dict[Lookup, str] = field(default_factory=dict)
    """Lookups that C4C refuses: entity, field and its words."""
    _indexed: dict[tuple[str, str], dict[str, list[str]]] = field(default_factory=dict, repr=False)

    def ask(self, lookup: Lookup) -> tuple[Record, ...] | None:
        """The records that answer, or None where the lookup was not read yet. Raises Unanswerable."""
        if lookup in self.refused:
            raise Unanswerable(self.refused[lookup])
        ids = self.answers.get(lookup)
        if ids is None:
            return None
        return tuple(self.records[lookup.entity, i] for i in ids if (lookup.entity, i) in self.records)

    def learn(self, lookup: Lookup, records: Iterable[Record]) -> None:
        found = {record.object_id: record for record in records}
        self.answers[lookup] = tuple(found)
        for entity in {record.entity for record in found.values()}:
            self._forget_index(entity)
        self.records |= {(record.entity, i): record for i, record in found.items()}

    def created(self, record: Record, answers: Iterable[Lookup]) -> None:
        """Adds a record that we created, as C4C answered its creation, to the lookups that it answers.

        A lookup that is to be read again stays open: this record alone would be half an answer. Only the lookup by its
        id is answered in full.
        """
        self._keep(record)
        self.answers[Lookup(Ask.BY_ID, record.entity, record.object_id)] = (record.object_id,)
        for lookup in answers:
            if lookup in self.answers:
                self.answers[lookup] = (*self.answers[lookup], record.object_id)

    def changed(self, record: Record, fields: Mapping[str, Any]) -> None:
        """Notes what a change did to a record: its values are known, its new version is not."""
        now = replace(record, fields={**record.fields, **fields}, version=None, stale=True)
        self._keep(now)

    def removed(self, entity: str, object_id: str) -> None:
        self._forget_index(entity)
        self.records.pop((entity, object_id), None)

    def _keep(self, record: Record) -> None:
        self._forget_index(record.entity)
        self.records[record.entity, record.object_id] = record

    def stale(self) -> dict[Lookup, Record]:
        """The records that we changed since they were read, by the lookup that reads them again."""
        return {Lookup(Ask.BY_ID, r.entity, r.object_id): r for r in self.records.values() if r.stale}

    def find(self, entity: str, name: str, value: str) -> list[Record]:
        """Known records whose field has this value, ignoring case."""
        key = (entity, name)
        if key not in self._indexed:
            self._indexed[key] = self._index(entity, name)
        return [self.records[entity, i] for i in self._indexed[key].get(value.casefold(), ())]

    def _forget_index(self, entity: str) -> None:
        for key in [key for key in self._indexed if key[0] == entity]:
            del self._indexed[key]

    def _index(self, entity: str, name: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for (known, object_id), record in self.records.items():
            if known == entity:
                found.setdefault(record.text(name).casefold(), []).append(object_id)
        return found

    def forget(self, entity: str, object_id: str | None, lookups: Iterable[Lookup]) -> None:
        """Drops a record, and every answer that it may belong to, because what a write did to it is unknown."""
        for lookup in lookups:
            self.answers.pop(lookup, None)
        if object_id is None:
            return
        self.removed(entity, object_id)
        for lookup in [q for q, ids in self.answers.items() if q.entity == entity and object_id in ids]:
            del self.answers[lookup]
