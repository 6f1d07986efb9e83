"""Reads contacts by id when a query no longer shows them.

They may have changed, been merged or archived; they count as deleted only after a second look.
"""

from collections.abc import Sequence

from sqlmodel import Session

from sync.context import Context
from sync.errors import Vanished
from sync.hubspot_client import HubSpotObject
from sync.log import Event, emit
from sync.mirror import mass_deletion, mirrored
from sync.mirror.mirrored import Fetched
from sync.reading import storing
from sync.reading.fetched import fetched_rows, wanted

_GONE_AT_ONCE = (10, 0.02)
"""The most contacts (a number, or a share of the mirror) that count as deleted at one time without a person's
confirmation.
"""


def bring_up_to_date(context: Context, contact_ids: Sequence[str]) -> int:
    """Brings the mirror up to date for these ids; returns how many changed. Raises Vanished if too many are missing."""
    if not contact_ids:
        return 0
    names = wanted(context, "contacts")
    live = context.hubspot.read("contacts", contact_ids, names)
    changed = store(context, live.objects, "read by id")
    if not live.missing:
        return changed
    archived = context.hubspot.read("contacts", sorted(live.missing), names, archived=True)
    changed += store(context, archived.objects, "archived")
    return changed + _gone(context, sorted(archived.missing))


def _gone(context: Context, ids: Sequence[str]) -> int:
    """Handles contacts that are neither live nor archived.

    They count as deleted at the second look; too many at once only if a person confirmed exactly them.
    """
    with context.store.session() as session:
        doubtful = set(ids) - mass_deletion.confirmed(session)
        limit = int(max(_GONE_AT_ONCE[0], _GONE_AT_ONCE[1] * mirrored.count(session)))
        if len(doubtful) <= limit:
            return len(mirrored.mark_missing(session, ids, context.now()))
        text = f"HubSpot reports {len(doubtful)} contacts missing at once; the limit without confirmation is {limit}"
        found = mass_deletion.doubt(session, doubtful, text, context.now())
    emit(Event.GUARD_TRIPPED, kind="disappearance", found=len(doubtful), limit=limit, plan=found.digest)
    raise Vanished(
        f"{text}; nothing was concluded. Look there whether they were deleted, or whether the token sees less than "
        f"before; if they are gone, confirm exactly these with `hubspot-c4c-sync approve {found.digest}`"
    )


def store(context: Context, objects: Sequence[HubSpotObject], cause: str, **named: str) -> int:
    """Stores what was read; returns how many contacts really changed."""

    def save(session: Session, rows: Sequence[Fetched]) -> list[str]:
        mass_deletion.observed(session, [row.id for row in rows])
        return storing.store_contacts(context, session, rows)

    changed = storing.store_rows(context, "contact", fetched_rows(context, "contacts", objects), save)
    for contact in changed:
        emit(Event.CONTACT_CHANGED, contact=contact, cause=cause, **named)
    return len(changed)
