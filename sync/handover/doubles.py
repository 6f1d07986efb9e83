"""Releases persons whom HubSpot held twice as soon as it no longer does, although they themselves have not changed."""

from functools import partial

from sqlmodel import Session

from sync.context import Context
from sync.domain.codes import Code
from sync.domain.rules import Rules
from sync.faults import Faults
from sync.handover import contact_views
from sync.state import work
from sync.state.pending import mark_pending, portions

_PORTION = 500
"""Contacts that are checked together."""


def release_waiting(context: Context) -> None:
    """Marks contacts pending whose duplicate is gone.

    That is a change of the duplicate, so while no contact is due there is nothing to do.
    """
    now = context.now()
    with context.store.reading() as session:
        free = alone(session, context.config.rules) if work.due_count(session, now) else []
    if free:
        with context.store.session() as session:
            mark_pending(session, free, now)


def alone(session: Session, rules: Rules) -> list[str]:
    """Contacts that are parked as `CONTACT_DUPLICATE` and have no duplicate left: the other one was deleted, works
    elsewhere, has another address or no longer qualifies.
    """
    found: list[str] = []
    # A contact that causes an exception stays parked; the exception is reported when that contact is handled itself.
    faults, load = Faults(), partial(contact_views.loaded_views, rules=rules)
    for ids in portions(work.parked_ids(session, Code.CONTACT_DUPLICATE), _PORTION):
        found += [i for i, view in faults.views(session, ids, load).items() if not view.duplicates]
    return found
