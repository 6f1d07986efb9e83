"""Reads contacts by id when a query no longer shows them: changed, merged, archived — or, if confirmed twice, gone."""

from collections.abc import Iterable, Sequence

from sync.errors import Malformed
from sync.hubspot_client import HubSpotObject
from sync.jobs.context import Context
from sync.jobs.snapshots import snapshots, wanted
from sync.log import Event, emit
from sync.state import mirror

GONE_AT_ONCE = (10, 0.02)
"""More contacts than this (a number, or a share of the mirror) do not vanish at one time."""


def reread(context: Context, contact_ids: Sequence[str]) -> int:
    """Brings the mirror up to date for these ids; returns how many changed. Raises Malformed if too many are gone."""
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
    """Neither live nor archived: believed at the second time, and never for many at once."""
    with context.store.session() as session:
        known = mirror.count(session)
        if len(ids) > max(GONE_AT_ONCE[0], GONE_AT_ONCE[1] * known):
            raise Malformed("hubspot", f"{len(ids)} of {known} contacts are said to be gone at once; not believed")
        return len(mirror.mark_missing(session, ids, context.now()))


def store(context: Context, objects: Iterable[HubSpotObject], cause: str, **named: str) -> int:
    """Keeps what was read; returns how many contacts really changed."""
    rows = snapshots(context, "contacts", objects)
    scores = context.config.rules.qualification.scores
    with context.store.session() as session:
        changed = mirror.save_contacts(session, rows, scores, context.now())
    for contact in changed:
        emit(Event.CONTACT_CHANGED, contact=contact, cause=cause, **named)
    return len(changed)
