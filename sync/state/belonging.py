"""Which portal a state was read from and which tenant it writes to. One file must never mix two of either."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace

from sqlmodel import Session

from sync.state import streams

NAME, RENAMED = "belongs to", "tenant by another name"


@dataclass(frozen=True, slots=True)
class Belonging:
    """HubSpot's portal id and the host name of the tenant; each is None until it is known."""

    portal: str | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Renamed:
    """Another host name that the settings name for the tenant; a person approves it by `digest`."""

    digest: str
    tenant: str


def known(session: Session) -> Belonging:
    """The portal and tenant of this state, as far as known."""
    text = streams.remembered(session, NAME)
    return Belonging(**json.loads(text)) if text else Belonging()


def meet(session: Session, *, portal: str | None = None, tenant: str | None = None) -> Belonging:
    """Remembers portal or tenant if not known yet; a known value stays. Returns the portal and tenant of the state."""
    before = known(session)
    found = Belonging(before.portal or portal, before.tenant or tenant)
    if found != before:
        _keep(session, found)
    return found


def doubt(session: Session, tenant: str) -> Renamed:
    """Keeps the other name of the tenant, so that a person can confirm that it is the same tenant."""
    found = Renamed(hashlib.sha256(tenant.encode()).hexdigest()[:12], tenant)
    streams.remember(session, RENAMED, json.dumps(asdict(found)))
    return found


def doubted(session: Session) -> Renamed | None:
    """The other name that waits for a person, if any."""
    text = streams.remembered(session, RENAMED)
    return Renamed(**json.loads(text)) if text else None


def approve(session: Session, digest: str) -> Renamed | None:
    """Changes the tenant's name to the one with this digest; None if no such name waits."""
    found = doubted(session)
    if found is None or found.digest != digest:
        return None
    _keep(session, replace(known(session), tenant=found.tenant))
    forget_doubt(session)
    return found


def forget_doubt(session: Session) -> None:
    """Forgets the other name, since the settings name the known tenant again, or a person confirmed it."""
    if doubted(session):
        streams.remember(session, RENAMED, "")


def _keep(session: Session, found: Belonging) -> None:
    streams.remember(session, NAME, json.dumps(asdict(found)))
