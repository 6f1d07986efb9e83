"""Remembers how far each stream was read, and when jobs ran with which result."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from sync.state import tables


@dataclass(frozen=True, slots=True)
class Window:
    """A period of changes to read; `since` is where an interrupted reading goes on."""

    since: datetime
    until: datetime


def watermark(session: Session, stream: str) -> tables.Watermark:
    return session.get(tables.Watermark, stream) or tables.Watermark(stream=stream)


def watermarks(session: Session) -> dict[str, datetime | None]:
    return {row.stream: row.complete_until for row in session.exec(select(tables.Watermark))}


def remember_cursor(session: Session, stream: str, window: Window, cursor: datetime) -> None:
    """Notes that everything of the window before `cursor` is stored, so that an interrupted reading goes on there."""
    row = watermark(session, stream)
    row.cursor, row.until = cursor, window.until
    session.add(row)


def complete(session: Session, stream: str, until: datetime) -> None:
    """Notes that everything up to `until` is stored."""
    row = watermark(session, stream)
    row.complete_until, row.cursor, row.until = until, None, None
    session.add(row)


def reopen(session: Session, stream: str) -> None:
    """Has the stream read again from its beginning."""
    row = session.get(tables.Watermark, stream)
    if row:
        session.delete(row)


def remembered(session: Session, name: str) -> str | None:
    row = session.get(tables.Remembered, name)
    return row.value if row else None


def remember(session: Session, name: str, value: str) -> None:
    session.merge(tables.Remembered(name=name, value=value))


def last_start(session: Session) -> datetime | None:
    """When any job was last started, as a sign of life of the worker."""
    return session.exec(select(func.max(tables.JobRun.started_at))).one()


def is_running(session: Session, job: str) -> bool:
    """Whether the latest run of the job has not ended. One that a killed process left open counts too."""
    of = select(tables.JobRun).where(tables.JobRun.job == job).order_by(col(tables.JobRun.id).desc()).limit(1)
    last = session.exec(of).first()
    return last is not None and last.finished_at is None


HOLDING, DELIVERED = "alerts holding", "alerts"


def holding(session: Session) -> dict[str, str]:
    """Alerts whose condition holds, and since when. In a state of an older version without this list, those that were
    delivered.
    """
    text = remembered(session, HOLDING)
    found: dict[str, str] = json.loads(text) if text else delivered(session)
    return found


def hold(session: Session, alert: str, since: str | None) -> None:
    """Notes that the condition of the alert holds since then, or (None) no longer."""
    _list(session, HOLDING, holding(session), alert, since)


def delivered(session: Session) -> dict[str, str]:
    """Alerts whose beginning was delivered and whose end was not, and since when they hold."""
    found: dict[str, str] = json.loads(remembered(session, DELIVERED) or "{}")
    return found


def deliver(session: Session, alert: str, since: str | None) -> None:
    """Notes that people were notified that the alert holds since then, or (None) that it has ended."""
    _list(session, DELIVERED, delivered(session), alert, since)


def _list(session: Session, name: str, known: Mapping[str, str], alert: str, since: str | None) -> None:
    others = {other: at for other, at in known.items() if other != alert}
    remember(session, name, json.dumps(others | ({alert: since} if since else {})))


def mismatches(session: Session) -> dict[str, list[str]]:
    """By system, the mismatches with the rules that its last comparison found."""
    found: dict[str, list[str]] = json.loads(remembered(session, "mismatches") or "{}")
    return found


def remember_mismatches(session: Session, system: str, texts: Sequence[str]) -> None:
    remember(session, "mismatches", json.dumps({**mismatches(session), system: list(texts)}))


SERVICE = "in service since"


def in_service_since(session: Session) -> datetime | None:
    """When a score was first read completely. When contacts crossed its threshold before that is unknown, so they do
    not count in the latency.
    """
    text = remembered(session, SERVICE)
    return datetime.fromisoformat(text) if text else None


def enter_service(session: Session, now: datetime) -> None:
    if remembered(session, SERVICE) is None:
        remember(session, SERVICE, now.isoformat())


BACKUP, DUPLICATES = "last backup", "duplicates found"


def backed_up(session: Session, now: datetime) -> None:
    """Notes that a complete copy of the state file was made."""
    remember(session, BACKUP, now.isoformat())


def last_backup(session: Session) -> datetime | None:
    """When the last complete copy was made. A restored state knows only copies made before it."""
    text = remembered(session, BACKUP)
    return datetime.fromisoformat(text) if text else None


def remember_duplicates(session: Session, number: int) -> None:
    """Notes how many of our keys `verify` found on several records."""
    remember(session, DUPLICATES, str(number))


def duplicates(session: Session) -> int:
    """How many of our keys the last `verify` found on several records; 0 before its first run."""
    return int(remembered(session, DUPLICATES) or 0)


def start_job(session: Session, run_id: str, job: str, now: datetime) -> int:
    row = tables.JobRun(run_id=run_id, job=job, started_at=now)
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended. `kind` is the failure's type; `ok` is None if it was asked to stop."""

    counts: Mapping[str, Any]
    kind: str | None = None
    error: str | None = None
    ok: bool | None = True


def finish_job(session: Session, job_id: int, now: datetime, ended: Ended) -> None:
    row = session.get(tables.JobRun, job_id)
    if row:
        row.finished_at, row.ok, row.counts = now, ended.ok, dict(ended.counts)
        row.error, row.kind = ended.error, ended.kind
        session.add(row)


def last_runs(session: Session) -> dict[str, tuple[tables.JobRun | None, tables.JobRun | None]]:
    """By job: (last success, last failure)."""
    jobs = session.exec(select(tables.JobRun.job).distinct()).all()
    newest = select(func.max(tables.JobRun.id)).where(col(tables.JobRun.ok).is_not(None))
    of = col(tables.JobRun.id).in_(newest.group_by(tables.JobRun.job, col(tables.JobRun.ok)))
    found = {(row.job, row.ok): row for row in session.exec(select(tables.JobRun).where(of))}
    return {job: (found.get((job, True)), found.get((job, False))) for job in jobs}


@dataclass(frozen=True, slots=True)
class Streak:
    """Failures of a job in a row: their number since its last success, since when, and the last one's message."""

    count: int
    since: datetime
    kind: str
    message: str = ""


def streaks(session: Session) -> dict[str, Streak]:
    """Jobs whose last completed run failed; runs that were asked to stop count neither way."""
    found = {job: _streak(session, job, good, bad) for job, (good, bad) in last_runs(session).items() if bad}
    return {job: streak for job, streak in found.items() if streak}


def _streak(session: Session, job: str, good: tables.JobRun | None, bad: tables.JobRun) -> Streak | None:
    after = (good.id if good else 0) or 0
    if (bad.id or 0) < after:
        return None
    runs = (tables.JobRun.job == job, col(tables.JobRun.ok).is_(False), col(tables.JobRun.id) > after)
    count, since = session.exec(select(func.count(), func.min(tables.JobRun.started_at)).where(*runs)).one()
    assert since is not None
    return Streak(count, since, bad.kind or "", bad.error or "")


def recent_runs(session: Session, limit: int, job: str | None = None) -> Sequence[tables.JobRun]:
    """The latest runs, the newest first."""
    of = select(tables.JobRun).order_by(col(tables.JobRun.id).desc()).limit(limit)
    return session.exec(of.where(tables.JobRun.job == job) if job else of).all()


def last_kinds(session: Session) -> dict[str, str | None]:
    """By job: the type of the failure with which its last completed run ended, None after a success."""
    ended = col(tables.JobRun.ok).is_not(None)
    newest = select(func.max(tables.JobRun.id)).where(ended).group_by(tables.JobRun.job)
    rows = session.exec(select(tables.JobRun).where(col(tables.JobRun.id).in_(newest))).all()
    return {row.job: row.kind for row in rows}
