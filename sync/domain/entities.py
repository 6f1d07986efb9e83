"""The kinds of record that the sync keeps in the target, one row for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Entity(StrEnum):
    """A kind of record, under the name by which links, CSV files and commands have it.

    The names are those of C4C's entity types. They are stored, so they stay the same whatever the target is.
    """

    ACCOUNT = "CorporateAccount"
    CONTACT = "Contact"
    RELATION = "ContactIsContactPersonFor"
    LEAD = "Lead"
    PERMISSION = "MarketingPermission"
    CHANNEL = "ChannelPermission"
    ATTRIBUTES = "BusinessAttributeAssignment"
    ATTRIBUTE = "BusinessAttributeAssignmentItem"


@dataclass(frozen=True, slots=True)
class EntityType:
    """What holds for every record of one kind.

    `people`: what a message calls several of them. `order`: writes of one group go in this order, deletions last.
    `section`: table of mapping.toml that maps its fields. `keyed`: it carries our external key itself, so that a create
    whose answer was lost is found by the key. `owner`: the HubSpot object whose id its key begins with.
    `hangs_on`: the record that it belongs to, so that its pair never goes to another one, as after a merge in HubSpot.
    `parent`: the header in whose deep insert it may go along. `parts`: what
    follows the HubSpot id in its key (`sync.domain.keys`), and `optional` what may follow then.
    """

    people: str
    order: int
    section: str | None = None
    keyed: bool = False
    owner: str = "contact"
    hangs_on: Entity | None = None
    parent: Entity | None = None
    parts: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


def _complete(types: Mapping[str, EntityType]) -> Mapping[str, EntityType]:
    """The rows, read-only. Raises ValueError where a kind has no row, or two kinds have one place in the order."""
    missing = [entity.name for entity in Entity if entity not in types]
    if missing:
        raise ValueError(f"sync/domain/entities.py: add a row to TYPES for {', '.join(missing)}")
    if len({kind.order for kind in types.values()}) < len(types):
        raise ValueError("sync/domain/entities.py: give each row of TYPES an `order` of its own")
    return MappingProxyType(types)


TYPES = _complete(
    {
        Entity.ACCOUNT: EntityType("accounts", 0, section="account", keyed=True, owner="company"),
        Entity.CONTACT: EntityType("contacts", 1, section="contact", keyed=True),
        Entity.RELATION: EntityType("relationships", 2, hangs_on=Entity.CONTACT, parts=("company",)),
        Entity.LEAD: EntityType("leads", 3, section="lead", keyed=True, parts=("score", "cycle")),
        Entity.PERMISSION: EntityType("permission sets", 4, hangs_on=Entity.CONTACT),
        Entity.CHANNEL: EntityType(
            "channel permissions", 5, hangs_on=Entity.CONTACT, parent=Entity.PERMISSION, parts=("channel",)
        ),
        Entity.ATTRIBUTES: EntityType("attribute lists", 6, hangs_on=Entity.CONTACT),
        Entity.ATTRIBUTE: EntityType(
            "attributes",
            7,
            hangs_on=Entity.CONTACT,
            parent=Entity.ATTRIBUTES,
            parts=("set", "name"),
            optional=("value",),
        ),
    }
)
"""One row for each kind of record; complete, or nothing starts."""

KEYED = tuple(entity for entity in Entity if TYPES[entity].keyed)
"""The kinds that carry our key."""
