"""Remembers sets of contacts that HubSpot reported missing in too large a number at once, and whether a person
confirmed them. Ids only.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from sync.errors import Vanished
from sync.state import streams
from sync.state.documents import CONFIRMED_DELETIONS, DELETIONS, MassDeletion

_MOST = 4
"""Number of sets that are kept: jobs look at different contacts, so several sets may be in doubt at a time."""


def doubt(session: Session, contact_ids: Collection[str], text: str, now: datetime) -> MassDeletion:
    """Keeps the set, so that a person can look at it."""
    ids = tuple(sorted(contact_ids))
    digest = hashlib.sha256(",".join(ids).encode()).hexdigest()[:12]
    found = MassDeletion(digest, text, now.isoformat(), ids)
    _keep(session, found)
    return found


def doubtful_sets(session: Session) -> list[MassDeletion]:
    """The latest doubtful sets, confirmed or not, the newest first."""
    return DELETIONS.read(session)


def sets_in_the_way(session: Session) -> list[MassDeletion]:
    """The sets that hold a job up; none if the jobs have succeeded since."""
    if Vanished.__name__ not in streams.last_kinds(session).values():
        return []
    return [one for one in doubtful_sets(session) if one.approved_at is None]


def confirm(session: Session, digest: str, now: datetime) -> MassDeletion | None:
    """Confirms exactly this set; None if there is no such doubtful set."""
    for found in doubtful_sets(session):
        if found.digest == digest:
            approved = replace(found, approved_at=now.isoformat())
            _keep(session, approved)
            CONFIRMED_DELETIONS.write(session, frozenset(confirmed(session) | {*found.contacts}))
            return approved
    return None


def confirmed(session: Session) -> set[str]:
    """Contacts that a person confirmed as deleted and that have not been read since."""
    return {*CONFIRMED_DELETIONS.read(session)}


def observed(session: Session, contact_ids: Iterable[str]) -> None:
    """Notes that these contacts exist after all, which cancels a person's confirmation."""
    gone = confirmed(session)
    if not gone.isdisjoint(ids := set(contact_ids)):
        CONFIRMED_DELETIONS.write(session, frozenset(gone - ids))


def _keep(session: Session, found: MassDeletion) -> None:
    others = [one for one in doubtful_sets(session) if one.digest != found.digest]
    DELETIONS.write(session, [found, *others][:_MOST])
