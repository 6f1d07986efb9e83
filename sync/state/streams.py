"""Remembers how far each stream was read, and when jobs ran with which result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from sync.state import tables
from sync.state.documents import LAST_ID


@dataclass(frozen=True, slots=True)
class Window:
    """A period of changes to read; `since` is where an interrupted reading goes on."""

    since: datetime
    until: datetime


def watermark(session: Session, stream: str) -> tables.Watermark:
    return session.get(tables.Watermark, stream) or tables.Watermark(stream=stream)


def watermarks(session: Session) -> dict[str, datetime | None]:
    return {row.stream: row.complete_until for row in session.exec(select(tables.Watermark))}


def remember_cursor(session: Session, stream: str, window: Window, cursor: datetime, last_id: str = "") -> None:
    """Notes that everything of the window before `cursor` is stored, so that an interrupted reading goes on there.

    With `last_id` instead everything up to this id, where the rows are read by id.
    """
    row = watermark(session, stream)
    row.cursor, row.until = cursor, window.until
    session.add(row)
    _note_last_id(session, stream, last_id)


def _note_last_id(session: Session, stream: str, last_id: str) -> None:
    if LAST_ID.read(session, stream) != last_id:
        LAST_ID.write(session, last_id, stream)


def complete_stream(session: Session, stream: str, until: datetime) -> None:
    """Notes that everything up to `until` is stored."""
    row = watermark(session, stream)
    row.complete_until, row.cursor, row.until = until, None, None
    session.add(row)
    _note_last_id(session, stream, "")


def read_anew(session: Session, stream: str) -> None:
    """Has the stream read again from its beginning."""
    row = session.get(tables.Watermark, stream)
    if row:
        session.delete(row)
    _note_last_id(session, stream, "")


def last_start(session: Session) -> datetime | None:
    """When any job was last started, as a sign of life of the worker."""
    return session.exec(select(func.max(tables.JobRun.started_at))).one()


def is_running(session: Session, job: str) -> bool:
    """Whether the latest run of the job has not ended. One that a killed process left open counts too."""
    last = _last_run(session, job)
    return last is not None and last.finished_at is None


def _last_run(session: Session, job: str) -> tables.JobRun | None:
    of = select(tables.JobRun).where(tables.JobRun.job == job).order_by(col(tables.JobRun.id).desc()).limit(1)
    return session.exec(of).first()


@dataclass(frozen=True, slots=True)
class Start:
    """The beginning of a run of a job."""

    run_id: str
    job: str
    at: datetime


def record_run(session: Session, start: Start, number: int | None, now: datetime, ended: "Ended") -> None:
    """Records how a run ended. `number`: its row; None if it has changed nothing, and has none yet.

    Runs of one hour that succeeded and changed nothing share a row, which counts them as `empty_runs`: one a minute
    would be half a million a year for each job, and say nothing.
    """
    if number is not None or not ended.ok:
        finish_job(session, number or start_job(session, start.run_id, start.job, start.at), now, ended)
        return
    row = _last_run(session, start.job)
    if row is None or not _is_of_this_hour(row, start.at):
        row = tables.JobRun(run_id=start.run_id, job=start.job, started_at=start.at, ok=True)
    row.counts = _added(row.counts, {**ended.counts, EMPTY_RUNS: 1})
    row.run_id, row.started_at, row.finished_at = start.run_id, start.at, now
    session.add(row)


EMPTY_RUNS = "empty_runs"


def _is_of_this_hour(row: tables.JobRun, now: datetime) -> bool:
    """Whether the row is of empty runs of this hour. After a jump of the clock back, it is not."""
    if EMPTY_RUNS not in row.counts or not row.started_at or not row.finished_at:
        return False
    return row.finished_at <= now and (row.started_at.date(), row.started_at.hour) == (now.date(), now.hour)


LATEST = frozenset({"pending", "paused"})
"""Counts that describe a state, so those of several runs are not added up."""


def _added(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers are added up; of anything else, and of what describes a state, the newer value stays."""
    numbers = (name for name in now if isinstance(now[name], int) and name in before and name not in LATEST)
    return {**before, **now, **{name: before[name] + now[name] for name in numbers}}


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


def counted(session: Session, job: str, name: str, since: datetime, limit: int) -> list[tuple[datetime, int]]:
    """(start, count of this name) of the job's latest runs since then that counted it, the oldest first."""
    run = tables.JobRun
    number = func.json_extract(col(run.counts), f"$.{name}")
    of = select(run.started_at, number).where(run.job == job, number.is_not(None))
    newest = of.where(col(run.started_at) >= since).order_by(col(run.id).desc()).limit(limit)
    return [(at, found) for at, found in reversed(session.exec(newest).all()) if at]


def last_starts(session: Session) -> dict[str, datetime]:
    """By job, when it was last started."""
    run = tables.JobRun
    newest = select(func.max(run.id)).group_by(run.job)
    found = session.exec(select(run.job, run.started_at).where(col(run.id).in_(newest)))
    return {job: at for job, at in found if at}


def last_kinds(session: Session) -> dict[str, str | None]:
    """By job: the type of the failure with which its last completed run ended, None after a success."""
    ended = col(tables.JobRun.ok).is_not(None)
    newest = select(func.max(tables.JobRun.id)).where(ended).group_by(tables.JobRun.job)
    rows = session.exec(select(tables.JobRun).where(col(tables.JobRun.id).in_(newest))).all()
    return {row.job: row.kind for row in rows}
