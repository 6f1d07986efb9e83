"""Remembers signs that another program writes to SAP Sales Cloud under our keys. Ids only.

The lease protects one state file. Two workers with separate state files show up only in SAP Sales Cloud, where two
records then carry the same key.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session, select

from sync.state import tables
from sync.state.documents import (
    ACCEPTED_TWINS,
    LOST_CREATES,
    SECOND_LOOK,
    SECOND_WRITER,
    Duplication,
    Twin,
)
from sync.state.pending import among

_LOST_KEPT = timedelta(days=1)
"""How long a create whose answer was lost may still turn out to have succeeded."""

_MOST_AGAIN = 200
"""The most records that are checked a second time. An active second writer would collide at most of them."""


@dataclass(frozen=True, slots=True)
class Made:
    """A record that we created."""

    entity: str
    key: str
    object_id: str


def last_finding(session: Session) -> Duplication | None:
    """The last finding, approved or not."""
    return SECOND_WRITER.read(session)


def finding_in_force(session: Session) -> Duplication | None:
    """The finding that stops writes; None if there is none, or a person approved it."""
    found = last_finding(session)
    return found if found and found.approved_at is None else None


def stop_writes(session: Session, twins: Iterable[Twin], now: datetime) -> Duplication:
    """Adds the twins to those that already stop writes. Nothing is written from now on, also after a restart."""
    before = finding_in_force(session)
    known = dict.fromkeys([*(before.twins if before else ()), *twins])
    all_of_them = tuple(sorted(known, key=lambda twin: (twin.entity, twin.key, twin.theirs)))
    digest = hashlib.sha256(json.dumps([asdict(twin) for twin in all_of_them]).encode()).hexdigest()[:12]
    found = Duplication(digest, _sentence(all_of_them), before.at if before else now.isoformat(), all_of_them)
    SECOND_WRITER.write(session, found)
    return found


def _sentence(twins: Sequence[Twin]) -> str:
    one = twins[0]
    return (
        f"another program writes under our keys: {len(twins)} of the records that we created exist a second time, "
        f"created by our technical user and unknown to this state (first {one.entity} {one.key}: ours {one.ours}, "
        f"the other {one.theirs})"
    )


def approve_twins(session: Session, digest: str, now: datetime) -> Duplication | None:
    """Accepts exactly these twins, so that writes go on; None if no finding has this digest."""
    found = finding_in_force(session)
    if found is None or found.digest != digest:
        return None
    approved = replace(found, approved_at=now.isoformat())
    SECOND_WRITER.write(session, approved)
    ACCEPTED_TWINS.write(session, ACCEPTED_TWINS.read(session) | {twin.theirs for twin in found.twins})
    return approved


# ---- what the state knows


def unexplained(session: Session, twins: Collection[Twin], now: datetime) -> list[Twin]:
    """Those of the twins that this state cannot explain.

    It can explain a record that a link names or a person accepted, and a key for which the answer to our own create was
    lost.
    """
    lost = _lost(session, now)
    objects = [twin.theirs for twin in twins]
    linked = set(session.exec(select(tables.Link.object_id).where(among(tables.Link.object_id, objects))))
    known = linked | ACCEPTED_TWINS.read(session)
    return [twin for twin in twins if twin.theirs not in known and _name(twin.entity, twin.key) not in lost]


def note_lost(session: Session, pairs: Iterable[tuple[str, str]], now: datetime) -> None:
    """Notes creates (entity, key) whose answers were lost: each may have made a record that no link names."""
    added = {_name(entity, key): now for entity, key in pairs}
    if added:
        LOST_CREATES.write(session, _lost(session, now) | added)


def _lost(session: Session, now: datetime) -> dict[str, datetime]:
    return {name: at for name, at in LOST_CREATES.read(session).items() if now - at < _LOST_KEPT}


def _name(entity: str, key: str) -> str:
    return f"{entity} {key}"


# ---- what is checked again


def note_second_look(session: Session, made: Sequence[Made], now: datetime) -> None:
    """Notes records to check a second time, since another program's create may have been on its way the first time."""
    rows = [(one.entity, one.key, one.object_id, now) for one in made]
    if rows:
        SECOND_LOOK.write(session, [*SECOND_LOOK.read(session), *rows][-_MOST_AGAIN:])


def due_again(session: Session, until: datetime) -> list[Made]:
    """Records to check again that were created before then."""
    return [Made(entity, key, id_) for entity, key, id_, created in SECOND_LOOK.read(session) if created <= until]


def looked_again(session: Session, until: datetime) -> None:
    """Forgets records that have been checked again."""
    SECOND_LOOK.write(session, [row for row in SECOND_LOOK.read(session) if row[3] > until])
