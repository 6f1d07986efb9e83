"""Remembers the plan that the guard stopped, and whether a person approved it. Fingerprints only, without values."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from sqlmodel import Session

from sync.state import streams

NAME = "guard"


@dataclass(frozen=True, slots=True)
class Stopped:
    """`digest` identifies the plan; `contacts` holds the fingerprint of each contact's part in it, `cycle` that of its
    input.
    """

    digest: str
    cycle: str
    text: str
    at: str
    creates: Mapping[str, int] = field(default_factory=dict)
    changes: int = 0
    withdrawn: int = 0
    contacts: Mapping[str, str] = field(default_factory=dict)
    approved_at: str | None = None
    relationship_changes: int = 0


def tripped(session: Session) -> Stopped | None:
    """The plan that is stopped; None if there is none, or a person approved it."""
    found = last(session)
    return found if found and found.approved_at is None else None


def last(session: Session) -> Stopped | None:
    """The last stopped plan, approved or not, until it was carried out."""
    text = streams.remembered(session, NAME)
    return Stopped(**json.loads(text)) if text else None


def stop(session: Session, stopped: Stopped) -> None:
    streams.remember(session, NAME, json.dumps(asdict(stopped)))


def approve(session: Session, digest: str, now: datetime) -> Stopped | None:
    """Approves exactly this plan; None if no held plan has this digest."""
    found = last(session)
    if found is None or found.digest != digest:
        return None
    approved = replace(found, approved_at=now.isoformat())
    stop(session, approved)
    return approved


def settle(session: Session) -> None:
    """Forgets the stopped plan."""
    if streams.remembered(session, NAME):
        streams.remember(session, NAME, "")
