"""HubSpot objects reduced to what the mirror may hold: the properties that rules name, and nothing else."""

from collections.abc import Sequence

from sqlmodel import Session

from sync.context import Context
from sync.contracts import portal
from sync.hubspot_client import HubSpotObject, ObjectType
from sync.mirror import mirrored, vanished
from sync.mirror.mirrored import Fetched
from sync.state.documents import PORTAL, Names, PortalNames


def named_properties(context: Context, object_type: ObjectType) -> tuple[str, ...]:
    """The properties that the rules name."""
    rules = context.config.rules
    return rules.contact_properties() if object_type == "contacts" else rules.company_properties()


def wanted(context: Context, object_type: ObjectType) -> tuple[str, ...]:
    """The properties to ask for: those that the rules name, less those that the portal is known not to have.

    A request that names an unknown property may be refused as a whole.
    """
    with context.store.reading() as session:
        known = PORTAL.read(session, object_type)
    return tuple(name for name in named_properties(context, object_type) if name not in known.lost | known.absent)


def fetched_rows(context: Context, object_type: ObjectType, objects: Sequence[HubSpotObject]) -> list[Fetched]:
    """One row for each object.

    An empty text counts as missing; a value that was not sent or not readable counts as unread. If values have
    disappeared, the portal's properties are compared first, so that a removed property is not taken for emptied values.
    """
    names = frozenset(named_properties(context, object_type))
    with context.store.reading() as session:
        known = PORTAL.read(session, object_type)
        odd = _is_odd(objects, names, known) or _went(session, object_type, objects, known)
    if odd and portal.at_once(context):
        with context.store.reading() as session:
            known = PORTAL.read(session, object_type)
    return [_fetched(found, names, known) for found in objects]


def _went(session: Session, object_type: ObjectType, objects: Sequence[HubSpotObject], known: PortalNames) -> bool:
    """Whether a value has disappeared: it may have been emptied, or the portal no longer has the property or its
    option.
    """
    before = mirrored.properties_of(session, object_type, [found.id for found in objects])
    return any(vanished.went(before.get(o.id, {}), o.properties, known.options) for o in objects)


def _is_odd(objects: Sequence[HubSpotObject], names: Names, known: PortalNames) -> bool:
    expected = names - known.lost - known.absent
    return any(expected - found.properties.keys() - found.unreadable for found in objects)


def _fetched(found: HubSpotObject, names: Names, known: PortalNames) -> Fetched:
    values = {name: found.properties.get(name) or None for name in names}
    shown = found.properties.keys() - known.lost
    unread = (found.unreadable & names) | (names - shown - known.absent)
    return Fetched(found.id, values, found.modified_at, found.archived, unread, known.lost_options)
