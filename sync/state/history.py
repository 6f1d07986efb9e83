"""Removes old decisions and job runs, except those that are still needed."""

from datetime import datetime

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from sync.state import tables

PORTION = 5000
"""Rows removed in one transaction."""


def remove_decisions(session: Session, before: datetime, limit: int) -> int:
    """Removes decisions made before then, except the newest on each contact, which explains its present state."""
    newest = select(func.max(tables.Decision.id)).group_by(tables.Decision.contact_id)
    old = col(tables.Decision.decided_at) < before, col(tables.Decision.id).not_in(newest)
    ids = session.exec(select(tables.Decision.id).where(*old).limit(limit)).all()
    session.exec(delete(tables.Decision).where(col(tables.Decision.id).in_(ids)))
    return len(ids)


def remove_job_runs(session: Session, before: datetime, limit: int) -> int:
    """Removes job runs started before then, except the last success and the last failure of each job."""
    last = select(func.max(tables.JobRun.id)).group_by(tables.JobRun.job, col(tables.JobRun.ok))
    old = col(tables.JobRun.started_at) < before, col(tables.JobRun.id).not_in(last)
    ids = session.exec(select(tables.JobRun.id).where(*old).limit(limit)).all()
    session.exec(delete(tables.JobRun).where(col(tables.JobRun.id).in_(ids)))
    return len(ids)
