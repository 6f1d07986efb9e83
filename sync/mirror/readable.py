"""Remembers properties and options that the rules name and that the portal no longer has."""

from dataclasses import replace

from sqlmodel import Session

from sync.state.documents import PORTAL, Names


def unreadable(session: Session, stream: str) -> Names:
    """Properties whose values in the mirror may be outdated and must not be used."""
    known = PORTAL.read(session, stream)
    return known.lost | known.returning


def returned(session: Session, stream: str, names: Names) -> bool:
    """Notes that everything was read since these properties are back. Returns whether any had waited for that."""
    known = PORTAL.read(session, stream)
    if not known.returning & names:
        return False
    PORTAL.write(session, replace(known, returning=known.returning - names), stream)
    return True
