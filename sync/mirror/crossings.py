"""When a score crossed its threshold, and when it fell below the re-arm level."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from sync.domain.rules import Score
from sync.domain.scores import Level, level
from sync.domain.views import Properties
from sync.mirror import freshness, objects
from sync.state import tables
from sync.state.pending import among, mark_pending, portions
from sync.state.rows import insert_rows


@dataclass(frozen=True, slots=True)
class ScoreReading:
    """A contact as just read.

    `below`: modification time of the former version in the mirror, whose score was below the threshold.
    """

    id: str
    properties: Properties
    modified_at: datetime | None
    below: datetime | None


def follow_scores(session: Session, readings: Sequence[ScoreReading], scores: Sequence[Score], now: datetime) -> None:
    """Notes when a score crossed its threshold, and when it fell below the re-arm level after a handover."""
    levels = [(r, score, level(score, r.properties)) for r in readings for score in scores]
    met = {(r.id, score.name): r for r, score, found in levels if found is Level.MET}
    looks = {score.name: freshness.last_read(session, score.name) for score in scores}
    known = _known(session, [r.id for r in readings])
    crossed = [(key, _crossed_at(r, r.below or looks[key[1]], now)) for key, r in met.items() if key not in known]
    insert_rows(session, _TABLE, ("contact_id", "score", "crossed_at"), [(*key, at) for key, at in crossed])
    for contact, score_name in known - met.keys():
        of = (col(tables.Crossing.contact_id) == contact, col(tables.Crossing.score) == score_name)
        session.exec(delete(tables.Crossing).where(*of))
    for score in scores:
        fallen = [r.id for r, of, found in levels if of is score and found is Level.BELOW]
        _rearm(session, fallen, score.name)


_TABLE = tables.Base.metadata.tables["crossing"]


def _known(session: Session, contact_ids: Sequence[str]) -> set[tuple[str, str]]:
    """(contact, score) of these contacts that are noted as at or above a threshold."""
    of = select(tables.Crossing.contact_id, tables.Crossing.score)
    return {
        pair for ids in portions(contact_ids) for pair in session.exec(of.where(among(tables.Crossing.contact_id, ids)))
    }


def _crossed_at(reading: ScoreReading, below: datetime | None, now: datetime) -> datetime:
    """HubSpot's last modification if it is later than the version `below` the threshold, otherwise now.

    A score can rise without changing the contact's timestamp, which may then be years old and does not show when the
    threshold was crossed.
    """
    modified = reading.modified_at
    return min(modified, now) if modified and below and modified > below else now


def review(session: Session, scores: Sequence[Score], now: datetime) -> int:
    """Looks at every contact again because the rules changed; returns how many there are."""
    ids = list(session.exec(select(tables.Contact.id).order_by(tables.Contact.id)))
    for part in portions(ids):
        rows = objects.rows(session, objects.CONTACTS, part).values()
        follow_scores(
            session, [ScoreReading(r.id, r.properties, r.modified_at, r.modified_at) for r in rows], scores, now
        )
    mark_pending(session, ids, now)
    return len(ids)


def _rearm(session: Session, contact_ids: Sequence[str], score: str) -> None:
    """Notes that the score is below the re-arm level: after its lead is closed, the next crossing
    starts a new cycle.
    """
    for ids in portions(contact_ids):
        of = (col(tables.Handover.score) == score, ~col(tables.Handover.rearmed))
        session.exec(update(tables.Handover).where(among(tables.Handover.contact_id, ids), *of).values(rearmed=True))


def crossed(session: Session, score: str) -> list[str]:
    """Live contacts at or above the threshold of `score` in the mirror."""
    of = select(tables.Crossing.contact_id).where(tables.Crossing.score == score)
    return list(session.exec(select(tables.Contact.id).where(col(tables.Contact.id).in_(of), ~objects.gone())))
