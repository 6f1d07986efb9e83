"""Which portal a state was read from and which tenant it writes to: two of either must never be mixed in one file."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace

from sqlmodel import Session

from sync.state import streams

NAME, RENAMED = "belongs to", "tenant by another name"


@dataclass(frozen=True, slots=True)
class Belonging:
    """HubSpot's portal id and the host name of the tenant; None as long as the state has met neither."""

    portal: str | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Renamed:
    """Another host name that the settings gave for the tenant; `digest` names it for a person's approval."""

    digest: str
    tenant: str


def known(session: Session) -> Belonging:
    """What the state belongs to, as far as it is known."""
    text = streams.remembered(session, NAME)
    return Belonging(**json.loads(text)) if text else Belonging()


def meet(session: Session, *, portal: str | None = None, tenant: str | None = None) -> Belonging:
    """Learns what is not known yet; what is known already stays. Returns what the state belongs to."""
    before = known(session)
    found = Belonging(before.portal or portal, before.tenant or tenant)
    if found != before:
        _keep(session, found)
    return found


def doubt(session: Session, tenant: str) -> Renamed:
    """Keeps the other name of the tenant, so that a person can say that it is the same one."""
    found = Renamed(hashlib.sha256(tenant.encode()).hexdigest()[:12], tenant)
    streams.remember(session, RENAMED, json.dumps(asdict(found)))
    return found


def doubted(session: Session) -> Renamed | None:
    """The other name that waits for a person."""
    text = streams.remembered(session, RENAMED)
    return Renamed(**json.loads(text)) if text else None


def approve(session: Session, digest: str) -> Renamed | None:
    """From now on the tenant has that name; None if no such name waits."""
    found = doubted(session)
    if found is None or found.digest != digest:
        return None
    _keep(session, replace(known(session), tenant=found.tenant))
    forget_doubt(session)
    return found


def forget_doubt(session: Session) -> None:
    """The settings name the tenant that is known, or a person said that it is the same."""
    if doubted(session):
        streams.remember(session, RENAMED, "")


def _keep(session: Session, found: Belonging) -> None:
    streams.remember(session, NAME, json.dumps(asdict(found)))
