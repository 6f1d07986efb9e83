"""Which portal a state was read from and which tenant it writes to. One file must never mix two of either."""

import hashlib
from dataclasses import replace

from sqlmodel import Session

from sync.state.documents import BELONGS, RENAMED, Belonging, Renamed


def known(session: Session) -> Belonging:
    """The portal and tenant of this state, as far as known."""
    return BELONGS.read(session)


def meet(session: Session, *, portal: str | None = None, tenant: str | None = None) -> Belonging:
    """Remembers portal or tenant if not known yet; a known value stays. Returns the portal and tenant of the state."""
    before = known(session)
    found = Belonging(before.portal or portal, before.tenant or tenant)
    if found != before:
        BELONGS.write(session, found)
    return found


def doubt_name(session: Session, tenant: str) -> Renamed:
    """Keeps the other name of the tenant, so that a person can confirm that it is the same tenant."""
    found = Renamed(hashlib.sha256(tenant.encode()).hexdigest()[:12], tenant)
    RENAMED.write(session, found)
    return found


def doubted_name(session: Session) -> Renamed | None:
    """The other name that waits for a person, if any."""
    return RENAMED.read(session)


def approve_name(session: Session, digest: str) -> Renamed | None:
    """Changes the tenant's name to the one with this digest; None if no such name waits."""
    found = doubted_name(session)
    if found is None or found.digest != digest:
        return None
    BELONGS.write(session, replace(known(session), tenant=found.tenant))
    forget_doubt(session)
    return found


def forget_doubt(session: Session) -> None:
    """Forgets the other name, since the settings name the known tenant again, or a person confirmed it."""
    if doubted_name(session):
        RENAMED.write(session, None)
