"""The fields that mean the same for every record with our key, and are called otherwise for each kind. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from sync.domain.entities import KEYED, Entity


@dataclass(frozen=True, slots=True)
class _KeyedFields:
    """Names of fields, as the reference of C4C's OData API has them; empty where a kind of record has no such field."""

    number: str
    """The number that people call the record by."""
    uuid: str = ""
    """What other records name it by."""
    status: str = ""
    """Says whether it was retired; a lead is closed instead, and stays as it is."""
    created_on: str = "CreationOn"
    changed_on: str = "ChangedOn"
    created_by: str = "CreatedBy"
    changed_by: str = "ChangedBy"

    @property
    def stamps(self) -> tuple[str, ...]:
        """When it was created and changed last, and by whom."""
        return self.created_on, self.changed_on, self.created_by, self.changed_by


_ROWS = {
    Entity.ACCOUNT: _KeyedFields("AccountID", "UUID", "LifeCycleStatusCode"),
    Entity.CONTACT: _KeyedFields("ContactID", "ContactUUID", "StatusCode"),
    Entity.LEAD: _KeyedFields(
        "ID", created_on="CreationDateTime", changed_on="LastChangeDateTime", changed_by="LastChangedBy"
    ),
}

KEYED_FIELDS: Mapping[str, _KeyedFields] = {entity: _ROWS[entity] for entity in KEYED}
"""One row for each kind that carries our key. The program does not start if one is missing."""

NUMBERS = {entity: fields.number for entity, fields in KEYED_FIELDS.items()}
UUIDS = {entity: fields.uuid for entity, fields in KEYED_FIELDS.items() if fields.uuid}
