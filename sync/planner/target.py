"""What we know of C4C while planning: questions, and the records that answer them.

The planner asks; where an answer is missing the question is collected, the shell reads all collected questions in few
batches, and the planner is asked again. So the planner stays pure and the reads stay few.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Ask(StrEnum):
    """Kinds of questions; the value of a question means what is said here."""

    BY_ID = "by_id"
    """ObjectID of a record that we linked."""
    BY_KEY = "by_key"
    """External key of an account or contact."""
    LEADS_OF = "leads_of"
    """`<contact id>:<score>`: the leads of all cycles."""
    ACCOUNT_BY_TAX = "account_by_tax"
    """Tax number."""
    ACCOUNT_BY_DOMAIN = "account_by_domain"
    """Web domain, normalised."""
    ACCOUNT_BY_POSTAL = "account_by_postal"
    """Postal code."""
    CONTACTS_OF = "contacts_of"
    """AccountID: the contact persons of an account."""
    RELATIONS_OF = "relations_of"
    """ContactID: the accounts that a contact is contact person for."""
    PERMISSIONS_OF = "permissions_of"
    """ContactUUID: marketing permission sets of a contact."""
    CHANNELS_OF = "channels_of"
    """ObjectID of a permission set: its channels."""


@dataclass(frozen=True, slots=True)
class Question:
    kind: Ask
    entity: str
    value: str


@dataclass(frozen=True, slots=True)
class Record:
    """A C4C record as read or as answered to a write. `etag` is None after a write that returned none."""

    entity: str
    object_id: str
    fields: Mapping[str, Any]
    etag: str | None = None

    def text(self, name: str) -> str:
        """The field as text, empty where missing."""
        value = self.fields.get(name)
        return "" if value is None else str(value)


@dataclass
class Target:
    """Answers so far. Records are kept once, so that a write shows in every answer that names the record."""

    records: dict[tuple[str, str], Record] = field(default_factory=dict)
    answers: dict[Question, tuple[str, ...]] = field(default_factory=dict)

    def ask(self, question: Question) -> tuple[Record, ...] | None:
        """The records that answer, or None where the question was not read yet."""
        ids = self.answers.get(question)
        if ids is None:
            return None
        return tuple(self.records[question.entity, i] for i in ids if (question.entity, i) in self.records)

    def learn(self, question: Question, records: Iterable[Record]) -> None:
        found = {record.object_id: record for record in records}
        self.answers[question] = tuple(found)
        self.records |= {(record.entity, i): record for i, record in found.items()}

    def created(self, record: Record, answers: Iterable[Question]) -> None:
        """A record that we created, and the questions that it answers from now on."""
        self.records[record.entity, record.object_id] = record
        for question in answers:
            known = self.answers.get(question, ())
            self.answers[question] = (*known, record.object_id)

    def changed(self, record: Record, fields: Mapping[str, Any]) -> None:
        """What a PATCH did: the values are known, the new ETag is not."""
        self.records[record.entity, record.object_id] = replace(record, fields={**record.fields, **fields}, etag=None)

    def forget(self) -> None:
        """Drops every answer: what a write did is unknown, so everything is read again."""
        self.answers.clear()
        self.records.clear()
