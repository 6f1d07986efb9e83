"""C4C's names for the kinds of records, and the fields that identify them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from sync.domain.entities import Entity
from sync.planner.matching import NUMBERS
from sync.planner.provenance import STAMPS


def collection(entity: str) -> str:
    """The name of the entity set."""
    return f"{entity}Collection"


def entity_of(collection: str) -> str:
    """The kind of the records in an entity set."""
    return collection.removesuffix("Collection")


@dataclass(frozen=True, slots=True)
class KeyedEntity:
    """Fields of a kind of record that carries our key: its number, who created it, and whether it was retired.

    `status`: empty if such a record cannot be retired. A lead is closed instead, and then stays unchanged."""

    number: str
    creator: str
    status: str = ""


def _row(entity: str, status: str = "") -> KeyedEntity:
    return KeyedEntity(NUMBERS[entity], STAMPS[entity][2], status)


KEYED_ENTITIES: Mapping[str, KeyedEntity] = {
    Entity.ACCOUNT: _row(Entity.ACCOUNT, "LifeCycleStatusCode"),
    Entity.CONTACT: _row(Entity.CONTACT, "StatusCode"),
    Entity.LEAD: _row(Entity.LEAD),
}
