"""Remembers the plan that the guard stopped, and whether a person approved it. Fingerprints only, without values."""

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from sync.state.documents import GUARD, Stopped


def tripped(session: Session) -> Stopped | None:
    """The plan that is stopped; None if there is none, or a person approved it."""
    found = last_stopped(session)
    return found if found and found.approved_at is None else None


def last_stopped(session: Session) -> Stopped | None:
    """The last stopped plan, approved or not, until it was carried out."""
    return GUARD.read(session)


def stop(session: Session, stopped: Stopped) -> None:
    GUARD.write(session, stopped)


def approve(session: Session, digest: str, now: datetime) -> Stopped | None:
    """Approves exactly this plan; None if no held plan has this digest."""
    found = last_stopped(session)
    if found is None or found.digest != digest:
        return None
    approved = replace(found, approved_at=now.isoformat())
    stop(session, approved)
    return approved


def forget_stopped(session: Session) -> None:
    """Forgets the stopped plan."""
    if last_stopped(session):
        GUARD.write(session, None)
