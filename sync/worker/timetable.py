"""Which job runs how often, in which lane, and before which others."""

from dataclasses import dataclass
from datetime import timedelta

from sync.config import Schedule
from sync.jobs.runner import JOBS, SYSTEM

URGENCY = {"push": 0, "poll": 1, "scores": 2, "sweep": 5, "housekeeping": 9}
"""Lower goes first where several jobs wait for one lane: handovers before sweeps."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A lane is a thread: jobs of one lane never overlap, and a handover never waits for HubSpot."""

    job: str
    every: timedelta
    lane: str
    urgency: int


def timetable(schedule: Schedule) -> list[Slot]:
    """Every job that has an interval."""
    return [
        Slot(job, every, SYSTEM.get(job, "hubspot"), URGENCY.get(job, 4))
        for job in JOBS
        if (every := getattr(schedule, job, None)) is not None
    ]
