"""HubSpot objects reduced to what the mirror may hold: the properties that rules name, and nothing else."""

from collections.abc import Iterable

from sync.hubspot_client import HubSpotObject, ObjectType
from sync.jobs.context import Context
from sync.state.mirror import Snapshot


def wanted(context: Context, object_type: ObjectType) -> tuple[str, ...]:
    """The properties that the rules name."""
    rules = context.config.rules
    return rules.contact_properties() if object_type == "contacts" else rules.company_properties()


def snapshots(context: Context, object_type: ObjectType, objects: Iterable[HubSpotObject]) -> list[Snapshot]:
    """One snapshot per object; an empty text counts as missing."""
    names = wanted(context, object_type)
    return [Snapshot(o.id, {n: o.properties.get(n) or None for n in names}, o.modified_at, o.archived) for o in objects]
