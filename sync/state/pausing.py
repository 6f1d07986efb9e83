"""Whether a person paused the writes to SAP Sales Cloud, since when and why."""

from datetime import datetime

from sqlmodel import Session

from sync.state.documents import PAUSE, Pause


def paused(session: Session) -> Pause | None:
    """The present pause; None while writes are allowed."""
    return PAUSE.read(session)


def pause(session: Session, reason: str, now: datetime) -> Pause:
    """Pauses writes. A pause that lasts already keeps its beginning."""
    before = paused(session)
    made = Pause(before.since if before else now.isoformat(), reason or (before.reason if before else ""))
    PAUSE.write(session, made)
    return made


def resume(session: Session) -> Pause | None:
    """Ends the pause; returns the one that ended."""
    before = paused(session)
    if before:
        PAUSE.write(session, None)
    return before
