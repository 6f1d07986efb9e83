"""HubSpot objects reduced to what the mirror may hold: the properties that rules name, and nothing else."""

from collections.abc import Iterable, Sequence

from sync.hubspot_client import HubSpotObject, ObjectType
from sync.jobs.context import Context
from sync.state.mirror import Snapshot


def wanted(context: Context, object_type: ObjectType) -> tuple[str, ...]:
    """The properties that the rules name."""
    rules = context.config.rules
    return rules.contact_properties() if object_type == "contacts" else rules.company_properties()


def snapshots(context: Context, object_type: ObjectType, objects: Iterable[HubSpotObject]) -> list[Snapshot]:
    """One snapshot per object; an empty text counts as missing, what could not be read counts as `unreadable`."""
    names = wanted(context, object_type)
    return [_snapshot(found, names) for found in objects]


def _snapshot(found: HubSpotObject, names: Sequence[str]) -> Snapshot:
    values = {name: found.properties.get(name) or None for name in names}
    return Snapshot(found.id, values, found.modified_at, found.archived, found.unreadable & set(names))
