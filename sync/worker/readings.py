"""Reads the values of the metrics from the state store. While the file cannot be read, the last reading is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from sync.domain.codes import Code
from sync.jobs.runner import JOBS
from sync.mirror import mass_deletion
from sync.state import alert_lists, guarding, pausing, second_writer, streams, work
from sync.state.documents import ALERTS, BUDGET, DUPLICATES, LAST_BACKUP, DailyBudget


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the state store. Mappings hold every possible name, so that each series exists from the start."""

    pending: int
    due: int
    oldest_pending: datetime | None
    parked: Mapping[str, int]
    decided: Mapping[str, int]
    handed_over: int
    adopted: int
    last_handover: datetime | None
    links: int
    duplicates: int
    last_backup: datetime | None
    watermarks: Mapping[str, datetime | None]
    budget: DailyBudget
    held_back: bool
    second_writer: bool
    paused: bool
    successes: Mapping[str, datetime]
    """By job, when it last succeeded, in any process."""
    failures: Mapping[str, datetime]
    holding: Mapping[str, str]
    """Alerts that hold, and since when, as the working process stored them."""
    delivered: Mapping[str, str]


def read(session: Session, now: datetime) -> Reading:
    """Everything, read in one transaction."""
    parked, decided, runs = work.parked_counts(session), work.done_counts(session), streams.last_runs(session)
    return Reading(
        pending=work.pending_count(session),
        due=work.due_count(session, now),
        oldest_pending=work.oldest_pending(session),
        parked={code: parked.get(str(code), 0) for code in Code},
        decided={code: decided.get(str(code), 0) for code in Code},
        handed_over=work.created_lead_count(session),
        adopted=work.adopted_lead_count(session),
        last_handover=work.last_created_lead(session),
        links=work.link_count(session),
        duplicates=DUPLICATES.read(session),
        last_backup=LAST_BACKUP.read(session),
        watermarks=streams.watermarks(session),
        budget=BUDGET.read(session),
        held_back=guarding.tripped(session) is not None or bool(mass_deletion.sets_in_the_way(session)),
        second_writer=second_writer.finding_in_force(session) is not None,
        paused=pausing.paused(session) is not None,
        successes={job: good.finished_at for job, (good, _) in runs.items() if good and good.finished_at},
        failures={job: bad.finished_at for job, (_, bad) in runs.items() if bad and bad.finished_at},
        holding=alert_lists.holding(session),
        delivered=ALERTS.read(session),
    )


def empty() -> Reading:
    """The values before the state store was first read."""
    none: dict[str, int] = dict.fromkeys(Code, 0)
    return Reading(
        0, 0, None, none, none, 0, 0, None, 0, 0, None, {}, DailyBudget(), False, False, False, {}, {}, {}, {}
    )


def newest(stored: Mapping[str, datetime], here: Mapping[str, datetime]) -> dict[str, datetime | None]:
    """By job the later of what the state store and what this process knows, since recording a
    failure may have failed.
    """
    return {
        job: max((moment for moment in (stored.get(job), here.get(job)) if moment), default=None)
        for job in sorted({*JOBS, *stored, *here})
    }
