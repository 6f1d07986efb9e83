"""Whether a person paused the writes to SAP Sales Cloud, since when and why."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from sync.state import streams

NAME = "paused"


@dataclass(frozen=True, slots=True)
class Pause:
    """`reason` is a text by a person, without personal data; empty if none was given."""

    since: str
    reason: str = ""


def paused(session: Session) -> Pause | None:
    """The present pause; None while writes are allowed."""
    text = streams.remembered(session, NAME)
    return Pause(**json.loads(text)) if text else None


def pause(session: Session, reason: str, now: datetime) -> Pause:
    """Pauses writes. A pause that lasts already keeps its beginning."""
    before = paused(session)
    made = Pause(before.since if before else now.isoformat(), reason or (before.reason if before else ""))
    streams.remember(session, NAME, json.dumps(asdict(made)))
    return made


def resume(session: Session) -> Pause | None:
    """Ends the pause; returns the one that ended."""
    before = paused(session)
    if before:
        streams.remember(session, NAME, "")
    return before
