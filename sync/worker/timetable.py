"""How often each job runs, and in which lane."""

from dataclasses import dataclass
from datetime import timedelta

from sync.config import Schedule
from sync.jobs.runner import JOBS, SYSTEM


@dataclass(frozen=True, slots=True)
class Slot:
    """A lane is a thread: jobs of one lane run one after another, and a handover never waits for a job of HubSpot."""

    job: str
    every: timedelta
    lane: str


def timetable(schedule: Schedule) -> list[Slot]:
    """Every job that has an interval, in the order in which they start."""
    return [
        Slot(job, every, SYSTEM.get(job, "hubspot"))
        for job in JOBS
        if (every := getattr(schedule, job, None)) is not None
    ]
