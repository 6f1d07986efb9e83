"""Whether our clock is credible, and up to when HubSpot was certainly read."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from sync.state import tables
from sync.state.documents import CLOCK

FAR = timedelta(days=3650)
"""Longer than our clock can be behind HubSpot's times. A later time is not credible."""

TOLERANCE = timedelta(minutes=5)
"""Clocks of healthy machines differ by less than this."""


def note_clock(session: Session, text: str) -> None:
    """Notes what is wrong with the clock; an empty text if nothing is."""
    if CLOCK.read(session) != text:
        CLOCK.write(session, text)


def noted(session: Session) -> str | None:
    return CLOCK.read(session) or None


def believed(session: Session, now: datetime) -> datetime:
    """Our clock's time; if HubSpot has shown a clearly later modification, our clock is behind, and that later time is
    returned.
    """
    latest = _latest(session, now + FAR)
    return latest if latest and latest > now + TOLERANCE else now


def _latest(session: Session, end: datetime) -> datetime | None:
    """The latest modification up to `end`. A later one is the mistake of a single record."""
    times = (tables.Contact.modified_at, tables.Company.modified_at)
    found = [session.exec(select(func.max(of)).where(col(of) <= end)).one() for of in times]
    return max((moment for moment in found if moment), default=None)


def doubted(session: Session, now: datetime) -> bool:
    """Whether a recorded run, or a modification that HubSpot showed, is later than now."""
    later = col(tables.JobRun.started_at) > now + TOLERANCE
    run = session.exec(select(tables.JobRun.id).where(later).limit(1)).first()
    return run is not None or believed(session, now) != now


def disagreement(session: Session, now: datetime) -> str | None:
    """A sentence on what is wrong with the clock, or None."""
    there = believed(session, now)
    if there != now:
        return (
            f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, and HubSpot showed changes of {there:%Y-%m-%d %H:%M}:"
            " the clock is behind; everything is read up to HubSpot's time"
        )
    marks = [row.complete_until for row in session.exec(select(tables.Watermark)) if row.complete_until]
    latest = max(marks, default=now)
    if latest <= now + TOLERANCE:
        return None
    certain = last_certain(session, now)
    since = f"{certain:%Y-%m-%d %H:%M} UTC, the last certain time" if certain else "the beginning"
    return (
        f"HubSpot was read up to {latest:%Y-%m-%d %H:%M} UTC, which has not come yet: the clock ran ahead, or is "
        f"behind now; everything is read again from {since}"
    )


def is_fast(now: datetime, there: datetime | None) -> str | None:
    """A sentence on our clock if it is clearly ahead of HubSpot's, whose answer has just named the time `there`."""
    if there is None or now <= there + TOLERANCE:
        return None
    return (
        f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, and HubSpot's says {there:%Y-%m-%d %H:%M}: the clock "
        "runs ahead; everything is read up to HubSpot's time"
    )


def read_until(session: Session, until: datetime, there: datetime | None, lag: timedelta) -> datetime:
    """Up to when HubSpot was certainly read by a poll up to `until`. Our clock may run ahead of HubSpot's.

    `there`: the time that HubSpot's last answer named. One before a modification that it has shown is not believed.
    """
    if there is None or until <= there + TOLERANCE:
        return until
    latest = _latest(session, until)
    return until if latest and latest > there + TOLERANCE else there - lag


def last_certain(session: Session, now: datetime) -> datetime | None:
    """When the last successful poll with a credible time began; None if there was none.

    Runs are numbered in their real order. The clock ran ahead at the first run that is dated after `now`, so this run
    and all later ones do not count.
    """
    dated_later = select(func.min(tables.JobRun.id)).where(col(tables.JobRun.started_at) > now + TOLERANCE)
    first = session.exec(dated_later).one()
    of = select(func.max(tables.JobRun.started_at)).where(tables.JobRun.job == "poll", col(tables.JobRun.ok).is_(True))
    return session.exec(of if first is None else of.where(col(tables.JobRun.id) < first)).one()
