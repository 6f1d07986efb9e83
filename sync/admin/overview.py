"""What a person looks at first: what is fresh, what needs a person, how it goes. From the state alone.

Every list is short, however large the state is; what it leaves out is counted.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from sync.admin import people, report, status
from sync.admin.people import Asking, Person
from sync.admin.report import Funnel, Parked, Promise
from sync.config import Configuration
from sync.domain.codes import EXPLANATIONS, Code, Explanation
from sync.jobs.runner import JOBS
from sync.mirror import listing
from sync.state import streams
from sync.state.documents import IN_SERVICE
from sync.state.store import Store
from sync.state.tables import JobRun

SHOWN = 12
"""Contacts that the overview names of those that need a person."""

_WEEK = timedelta(days=7)
_HOURS, _DAYS = 24, 14
_RUNS = 3000
"""Runs of one job that are looked at for the backlog: a day of runs every 30 seconds."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job with its last runs. `due_at`: when it is expected to start next; None where no worker is at work."""

    name: str
    last_success: str | None
    last_failure: str | None
    error: str | None
    """Why it failed, if its last run failed."""
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A parked contact: who it is, what it means, and the command to type."""

    person: Person
    explanation: Explanation
    command: str


@dataclass(frozen=True, slots=True)
class Pace:
    """Handovers of one day; seconds from the threshold to the lead."""

    day: datetime
    leads: int
    p50: int
    p95: int


@dataclass(frozen=True, slots=True)
class Overview:
    """`status` is the document of `status --json` without its counts; `fresh`: up to when HubSpot is known."""

    now: datetime
    zone: tzinfo
    status: dict[str, Any]
    fresh: datetime | None
    leads_today: int
    jobs: tuple[Job, ...]
    parked: dict[Code, Parked]
    waiting: tuple[Waiting, ...]
    backlog: tuple[tuple[datetime, int], ...]
    """By hour, how many contacts waited at most after a push."""
    pace: tuple[Pace, ...]
    promise: Promise
    week: Funnel
    """Of the last seven days, from the threshold on: how many were decided on says little of a short time."""
    standing: Funnel
    """Of all contacts as they are now."""
    reasons: tuple[tuple[Code, int], ...]
    """Contacts that are not handed over, by the reason that holds now, the most first."""
    requests: dict[str, int]
    """By system, sent in the last 24 hours."""
    runs: tuple[JobRun, ...]

    @property
    def people_needed(self) -> int:
        return sum(parked.count for parked in self.parked.values())


def overview(
    asking: Asking, store: Store, now: datetime, configuration: Configuration, certificate: Path | None = None
) -> Overview:
    """Everything on the first view; the transaction of `asking` is one of this store. `certificate`: that for SAP Sales
    Cloud, if there is one.
    """
    session, zone = asking.session, report.portal_zone(asking.session)
    known = status.standing(session, store, now, configuration)
    known["certificate"] = status.client_certificate(certificate, now)
    marks = [datetime.fromisoformat(mark["until"]) for mark in known["watermarks"].values() if mark["until"]]
    slo, stock = configuration.worker.slo, listing.stock(session)
    return Overview(
        now=now,
        zone=zone,
        status=known,
        fresh=min(marks, default=None),
        leads_today=listing.handed_over_since(session, _midnight(now, zone)),
        jobs=tuple(_jobs(known, streams.last_starts(session), configuration)),
        parked=report.parked(session),
        waiting=waiting(asking, SHOWN),
        backlog=tuple(_by_hour(streams.counted(session, "push", "pending", now - timedelta(hours=_HOURS), _RUNS), now)),
        pace=tuple(_pace(asking, now, zone)),
        promise=Promise(slo.handover, slo.target),
        week=report.funnel(asking, now - _WEEK, now),
        standing=report.funnel_now(asking, stock),
        reasons=tuple(_reasons(stock)),
        requests=report.requests_of(session, now - timedelta(hours=_HOURS), now),
        runs=runs(asking, 10),
    )


def _midnight(now: datetime, zone: tzinfo) -> datetime:
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def _jobs(known: dict[str, Any], starts: dict[str, datetime], configuration: Configuration) -> Iterator[Job]:
    """Every job that has an interval or ever ran."""
    lease, schedule = known["lease"], configuration.worker.schedule
    at_work = bool(lease and lease["alive"] and lease["kind"] == "worker")
    nothing = {"last_success": None, "last_failure": None, "last_error": None}
    for name in dict.fromkeys([*JOBS, *known["jobs"]]):
        every, ran = getattr(schedule, name, None), known["jobs"].get(name, nothing)
        if every is None and ran is nothing:
            continue
        start = starts.get(name)
        due = start + every if at_work and start and every else None
        good, bad = ran["last_success"], ran["last_failure"]
        failing = bool(bad and (not good or bad > good))
        yield Job(name, good, bad, ran["last_error"] if failing else None, due)


# ---- what needs a person


def waiting(asking: Asking, limit: int, code: str | None = None) -> tuple[Waiting, ...]:
    """Those of the parked contacts that wait longest."""
    ids = listing.longest_parked(asking.session, limit, code)
    return tuple(
        Waiting(person, EXPLANATIONS[person.code], command(person))
        for person in people.people(asking, ids, asking.score())
    )


_COMMAND = re.compile(r"`(hubspot-c4c-sync [^`]+)`")


def command(person: Person) -> str:
    """The command that the remedy of the contact's code names, for this contact; else the one that explains it."""
    named: Iterable[str] = _COMMAND.findall(EXPLANATIONS[person.code].remedy)
    for found in named:
        if "parked list" not in found:
            company = person.companies[0].id if person.companies else "COMPANY_ID"
            return found.replace("CONTACT_ID", person.contact).replace("COMPANY_ID", company)
    return f"hubspot-c4c-sync explain {person.contact}"


def runs(asking: Asking, limit: int) -> tuple[JobRun, ...]:
    """The latest runs of jobs, the newest first."""
    return tuple(streams.recent_runs(asking.session, limit))


# ---- over time


def _by_hour(counted: Sequence[tuple[datetime, int]], now: datetime) -> Iterator[tuple[datetime, int]]:
    """The largest number of each of the last hours, the oldest first; an hour without a run keeps the one before."""
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=_HOURS - 1)
    most: dict[datetime, int] = {}
    for at, number in counted:
        hour = at.replace(minute=0, second=0, microsecond=0)
        most[hour] = max(number, most.get(hour, 0))
    last = 0
    for hour in (start + timedelta(hours=n) for n in range(_HOURS)):
        last = most.get(hour, last)
        yield hour, last


def _pace(asking: Asking, now: datetime, zone: tzinfo) -> Iterator[Pace]:
    """Each of the last days with its handovers; those whose crossing is unknown are left out."""
    today = now.astimezone(zone).date()
    in_service = IN_SERVICE.read(asking.session)
    by_day: dict[Any, list[float]] = {today - timedelta(days=n): [] for n in range(_DAYS - 1, -1, -1)}
    for _, crossed, handed_over in listing.timed_handovers(asking.session, now - timedelta(days=_DAYS)):
        day = handed_over.astimezone(zone).date()
        if day in by_day and in_service and crossed >= in_service:
            by_day[day].append(max(0.0, (handed_over - crossed).total_seconds()))
    for day, seconds in by_day.items():
        at = _quantile(sorted(seconds))
        yield Pace(datetime(day.year, day.month, day.day, tzinfo=zone), len(seconds), at(0.5), at(0.95))


def _quantile(ordered: Sequence[float]) -> Callable[[float], int]:
    return lambda share: round(ordered[min(len(ordered) - 1, int(len(ordered) * share))]) if ordered else 0


def _reasons(stock: Mapping[str | None, int]) -> list[tuple[Code, int]]:
    """Of the decided contacts, those that are not handed over."""
    counted = [(Code(code), number) for code, number in stock.items() if code in report.UNQUALIFIED]
    return sorted(counted, key=lambda item: (-item[1], item[0]))
