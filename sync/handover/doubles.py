"""Persons whom HubSpot held twice go on when it no longer does, although nothing of their own changed."""

from functools import partial

from sqlmodel import Session

from sync.context import Context
from sync.domain.codes import Code
from sync.domain.rules import Rules
from sync.faults import Faults
from sync.handover import contact_views
from sync.state import work
from sync.state.pending import mark_pending, portions

PORTION = 500
"""Contacts looked at together."""


def release(context: Context) -> None:
    """Marks those pending whose double is gone. That is a change of the double's own: while nobody is due, none is."""
    now = context.now()
    with context.store.reading() as session:
        free = alone(session, context.config.rules) if work.due_count(session, now) else []
    if free:
        with context.store.session() as session:
            mark_pending(session, free, now)


def alone(session: Session, rules: Rules) -> list[str]:
    """Contacts that are parked as `CONTACT_DUPLICATE` and have no double left.

    The other one was deleted, works elsewhere, has another address or no longer qualifies.
    """
    found: list[str] = []
    # Where an exception occurs on one of them, it stays parked: it is not its turn.
    faults, load = Faults(), partial(contact_views.views, rules=rules)
    for ids in portions(work.parked_ids(session, Code.CONTACT_DUPLICATE), PORTION):
        found += [i for i, view in faults.views(session, ids, load).items() if not view.duplicates]
    return found
