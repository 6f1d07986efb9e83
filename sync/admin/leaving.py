"""Leaves contacts alone for good because sales retired or deleted their records on purpose, and takes that back."""

from collections.abc import Sequence
from datetime import datetime

from sync.domain.text import clean, holds_contact_data
from sync.errors import ConfigurationError
from sync.log import Event, emit
from sync.mirror import left_alone, selection
from sync.state.pending import mark_pending
from sync.state.store import Store

_LONGEST = 200
"""Characters of a reason."""


def leave(store: Store, contact_ids: Sequence[str], reason: str, now: datetime) -> list[str]:
    """Leaves these contacts alone; a merged-away id stands for its survivor. Returns their ids.

    Raises ConfigurationError for an unknown id, and for a reason that is empty, too long or holds personal data."""
    said = _checked(reason)
    with store.session() as session:
        living = list(selection.survivors(session, contact_ids).values())
        known = selection.known_contacts(session, living)
        if strangers := [i for i in living if i not in known]:
            raise ConfigurationError(
                [f"{', '.join(strangers)}: not in the mirror; take the id from HubSpot's record URL"]
            )
        left_alone.leave_alone(session, known, said, now)
        mark_pending(session, known, now)
    emit(Event.RESYNC_MARKED, kind="left alone", contacts=len(known))
    return known


def _checked(reason: str) -> str:
    """The reason in one line. Raises ConfigurationError where it cannot be kept."""
    said = " ".join(clean(reason).split())
    if not said or len(said) > _LONGEST:
        raise ConfigurationError([f"--reason: found {len(said)} characters, allowed: 1 to {_LONGEST}"])
    if holds_contact_data(said):
        raise ConfigurationError(
            [
                "--reason holds an e-mail address or a phone number. The reason is kept and shown, so leave "
                "personal data out: say what sales did, such as 'retired by sales, ticket 4711'"
            ]
        )
    return said
