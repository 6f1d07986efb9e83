"""The kinds of record that the sync writes to the target, one row for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Entity(StrEnum):
    """A kind of record, with the name that links, CSV files and commands use.

    These are the names of C4C's entity types. They are stored, so they stay the same for any target.
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
    """What holds for every record of one kind."""

    people: str
    """What messages and tables call several of them."""
    order: int
    """Writes of one group go in this order, deletions last."""
    section: str | None = None
    """The table of mapping.toml that says what goes into them; where it is empty, the service is not needed."""
    keyed: bool = False
    """They carry our key themselves, so a create whose answer was lost is found by the key."""
    owner: str = "contact"
    """The HubSpot object whose id their keys begin with."""
    hangs_on: Entity | None = None
    """The kind of record that they belong to. A merge in HubSpot moves their pairs together with its pair only."""
    parent: Entity | None = None
    """The header in whose deep insert they may go along."""
    parts: tuple[str, ...] = ()
    """What follows the HubSpot id in their keys (`sync.domain.keys`)."""
    optional: tuple[str, ...] = ()
    """What may follow then."""


def _complete(types: Mapping[str, EntityType]) -> Mapping[str, EntityType]:
    """The rows, read-only. Raises ValueError if a kind has no row, or two kinds have the same place in the order."""
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
        Entity.ATTRIBUTES: EntityType("attribute lists", 6, section="attributes", hangs_on=Entity.CONTACT),
        Entity.ATTRIBUTE: EntityType(
            "attributes",
            7,
            section="attributes",
            hangs_on=Entity.CONTACT,
            parent=Entity.ATTRIBUTES,
            parts=("set", "name"),
            optional=("value",),
        ),
    }
)
"""One row for each kind of record. The program does not start if one is missing."""

KEYED = tuple(entity for entity in Entity if TYPES[entity].keyed)
"""The kinds that carry our key."""
