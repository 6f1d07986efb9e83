"""Records of SAP Sales Cloud that carry our key: which entities have one, and what counts as retired."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.c4c.odata import Row
from sync.domain.entities import Entity

STATUS: Mapping[str, str] = {
    Entity.ACCOUNT: "LifeCycleStatusCode",
    Entity.CONTACT: "StatusCode",
    Entity.LEAD: "LifeCycleStatusCode",
}
"""The field that says whether a record was retired."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """A C4C record that carries an external key."""

    entity: str
    object_id: str
    key: str
    obsolete: bool = False


def keyed(entity: str, row: Row, entity_map: Any) -> Keyed:
    """The record in a row that was read with ObjectID, key field and status."""
    obsolete = getattr(entity_map, "obsolete_status", None)
    status = str(row.get(STATUS[entity]) or "")
    return Keyed(entity, str(row["ObjectID"]), str(row[entity_map.external_key]), status == obsolete)
