"""How far each stream was read, and what jobs did when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from sync.state import tables


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time to read; `since` is where an interrupted read goes on."""

    since: datetime
    until: datetime


def watermark(session: Session, stream: str) -> tables.Watermark:
    return session.get(tables.Watermark, stream) or tables.Watermark(stream=stream)


def watermarks(session: Session) -> dict[str, datetime | None]:
    return {row.stream: row.complete_until for row in session.exec(select(tables.Watermark))}


def remember_cursor(session: Session, stream: str, window: Window, cursor: datetime) -> None:
    """Everything of the window before `cursor` is stored: an interrupted read goes on there."""
    row = watermark(session, stream)
    row.cursor, row.until = cursor, window.until
    session.add(row)


def complete(session: Session, stream: str, until: datetime) -> None:
    """Everything up to `until` is stored."""
    row = watermark(session, stream)
    row.complete_until, row.cursor, row.until = until, None, None
    session.add(row)


def reopen(session: Session, stream: str) -> None:
    """The stream is read again from its beginning."""
    row = session.get(tables.Watermark, stream)
    if row:
        session.delete(row)


def remembered(session: Session, name: str) -> str | None:
    row = session.get(tables.Remembered, name)
    return row.value if row else None


def remember(session: Session, name: str, value: str) -> None:
    session.merge(tables.Remembered(name=name, value=value))


def last_start(session: Session) -> datetime | None:
    """When any job was started last: the worker's pulse."""
    return session.exec(select(func.max(tables.JobRun.started_at))).one()


def running_since(session: Session) -> datetime | None:
    """When the job was started that has not ended yet; None if the youngest run has ended."""
    last = session.exec(select(tables.JobRun).order_by(col(tables.JobRun.id).desc()).limit(1)).first()
    return last.started_at if last and last.finished_at is None else None


def start_job(session: Session, run_id: str, job: str, now: datetime) -> int:
    row = tables.JobRun(run_id=run_id, job=job, started_at=now)
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def finish_job(session: Session, job_id: int, now: datetime, counts: Mapping[str, Any], error: str | None) -> None:
    row = session.get(tables.JobRun, job_id)
    if row:
        row.finished_at, row.ok, row.error, row.counts = now, error is None, error, dict(counts)
        session.add(row)


def last_runs(session: Session) -> dict[str, tuple[tables.JobRun | None, tables.JobRun | None]]:
    """By job: (last success, last failure)."""
    names = session.exec(select(tables.JobRun.job).distinct()).all()
    return {name: (_last(session, name, ok=True), _last(session, name, ok=False)) for name in names}


def _last(session: Session, job: str, *, ok: bool) -> tables.JobRun | None:
    of = select(func.max(tables.JobRun.id)).where(tables.JobRun.job == job, col(tables.JobRun.ok) == ok)
    found = session.exec(of).one()
    return session.get(tables.JobRun, found) if found else None


def recent_runs(session: Session, limit: int) -> Sequence[tables.JobRun]:
    return session.exec(select(tables.JobRun).order_by(col(tables.JobRun.id).desc()).limit(limit)).all()
