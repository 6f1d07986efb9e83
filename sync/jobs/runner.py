"""Runs jobs by name, records each run, and turns failures into values."""

import sqlite3
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from sync import metrics
from sync.context import Context, Counts
from sync.contracts import belongs, portal
from sync.errors import (
    AnotherWorld,
    BudgetClosed,
    BudgetExhausted,
    Defect,
    Denied,
    Interrupted,
    Refused,
    RemoteError,
    StateError,
    SyncError,
    System,
    Unavailable,
)
from sync.jobs import housekeeping, poll, push, rules_change, scores, sweep
from sync.log import Event, bound, emit, emit_error
from sync.mirror import name_index
from sync.privacy import erasing
from sync.reading import budget, company_keys, left_out
from sync.state import streams, trouble, work
from sync.state.run_store import RunStore

JOBS: dict[str, Callable[[Context], Counts]] = {
    "poll": poll.run,
    "scores": scores.run,
    "sweep": sweep.run,
    "push": push.run,
    "housekeeping": housekeeping.run,
}

ONCE = ("poll", "scores", "sweep", "push")
"""The jobs that `once` runs if none is named, in this order."""

SYSTEM: dict[str, System] = {"poll": "hubspot", "scores": "hubspot", "sweep": "hubspot", "push": "c4c"}
"""The system that a job mainly talks to. A job that is not listed needs neither."""


@dataclass
class JobResults:
    """The results of a sequence of jobs; several runs of one job are added up."""

    jobs: dict[str, Counts] = field(default_factory=dict)
    failures: list[SyncError] = field(default_factory=list)

    def add(self, job: str, counts: Counts) -> None:
        self.jobs[job] = _sum(self.jobs.get(job, {}), counts)

    @property
    def exit_code(self) -> int:
        """The exit code of the gravest failure; 4 if everything succeeded but records are parked."""
        codes = [failure.exit_code for failure in self.failures]
        if codes:
            return max(codes)
        return 4 if self.jobs.get("push", {}).get("parked") else 0


def _sum(before: Counts, now: Counts) -> Counts:
    added = dict(before)
    for name, value in now.items():
        if isinstance(value, dict):
            added[name] = _sum(added.get(name, {}), value)
        else:
            added[name] = value if name in streams.LATEST else added.get(name, 0) + value
    return added


_MAX_ROUNDS = 100


def run_until_idle(context: Context, names: Sequence[str]) -> JobResults:
    """Runs the jobs, and repeats them while contacts are due and their number still changes."""
    results = JobResults()
    before = None
    for _ in range(_MAX_ROUNDS):
        run_jobs(context, names, results)
        with context.store.reading() as session:
            due = work.due(session, context.now(), limit=1_000_000)
        if not due or due == before or results.failures or context.stopping():
            break
        before = due
    return results


def run_jobs(context: Context, names: Sequence[str], results: JobResults | None = None) -> JobResults:
    """Runs the named jobs in order.

    After a system failed, its other jobs are skipped, but not those of the other system. Refused credentials, or
    another portal, end the sequence, since a person must look first.
    """
    results = results if results is not None else JobResults()
    with bound(run_id=context.run_id, job="rules"):
        belongs.meet_tenant(context)
        erasing.take_in(context)
        rules_change.follow_rules(context)
        company_keys.follow(context)
        name_index.keep_current(context.store)
    away: set[System] = set()
    for name in names:
        if context.stopping() or SYSTEM.get(name) in away:
            continue
        failure = run_job(context, name, results)
        if name == "poll":
            name_index.keep_current(context.store)
        if isinstance(failure, Denied | AnotherWorld):
            break
        if isinstance(failure, RemoteError) and not isinstance(failure, BudgetClosed):
            away.add(failure.system)
    return results


def run_job(context: Context, name: str, results: JobResults) -> SyncError | None:
    """Runs one job, records, logs and counts it. A failure is returned, so that the next job can run."""
    with bound(run_id=context.run_id, job=name):
        emit(Event.JOB_STARTED)
        start = streams.Start(context.run_id, name, context.now())
        store = RunStore(context.store, lambda session: streams.start_job(session, start.run_id, name, start.at))
        sent = _requests(name)
        counts, failure = _attempt(replace(context, store=store), name)
        counts |= left_out.note(context) | {"requests": _requests(name) - sent}
        seconds = (context.now() - start.at).total_seconds()
        interrupted = isinstance(failure, Interrupted)
        ended = streams.Ended(counts, _kind(failure), str(failure) if failure else None, ok=_ok(failure))
        store.finish(lambda session: streams.record_run(session, start, store.number, context.now(), ended))
        results.add(name, {"seconds": round(seconds, 3), **counts})
        metrics.job_ended(name, seconds, _ok(failure), context.now())
        _report(failure, counts, seconds)
    if failure and not interrupted:
        results.failures.append(failure)
    return failure


def _requests(job: str) -> int:
    """Requests sent so far to the system that the job talks to. Jobs of one system never run at the same time."""
    system = SYSTEM.get(job)
    return metrics.requests_sent(system) if system else 0


def _attempt(context: Context, name: str) -> tuple[Counts, SyncError | None]:
    """Runs a job once.

    A used-up daily limit is remembered: until its reset no job sends a request, and no contact loses an attempt.
    """
    try:
        budget.spare(context, name)
        if SYSTEM.get(name) == "hubspot":
            belongs.same_portal(context)
        if name == "poll":
            portal.at_start(context)
        counts = _run(context, name)
    except SyncError as failure:
        if isinstance(failure, BudgetExhausted) and not isinstance(failure, BudgetClosed):
            budget.exhausted(context, failure.wait)
        return dict(failure.counts), _cut(context, failure)
    except Exception as error:
        return {}, unexpected(error, context.store.path)
    budget.note_budget(context)
    return counts, None


def _cut(context: Context, failure: SyncError) -> SyncError:
    """The failure; or Interrupted, if a signal ended the pause between two tries of a request."""
    if isinstance(failure, Unavailable) and not isinstance(failure, BudgetExhausted) and context.stopping():
        return Interrupted("stopped by a signal while no answer came; it goes on from here the next time")
    return failure


def _run(context: Context, name: str) -> Counts:
    """One run; repeated once without a property or field that a system refused because it no longer has it."""
    try:
        return JOBS[name](context)
    except Refused as refused:
        if not (portal.explains_refusal(context, refused) or push.cause_is_known(context, refused)):
            raise
        before = dict(refused.counts)
    return _sum(before, JOBS[name](context))


def unexpected(error: Exception, state: Path | None) -> SyncError:
    """Turns an unexpected exception into a failure: of the state file, whose damage may show anywhere, or a bug of this
    program.
    """
    if isinstance(error, SyncError):
        return error
    if isinstance(error, SQLAlchemyError | sqlite3.Error) and state:
        return StateError(trouble.sentence(error, state))
    if state and state.exists() and trouble.damaged(state):
        return StateError(f"{state}: {trouble.DAMAGED}")
    # An exception's text may hold personal data, so only its place is shown.
    return Defect(f"a bug: {type(error).__name__} at {place_of(error)}; please report it")


def place_of(bug: Exception) -> str:
    """The place of an exception, from the outermost call to the innermost.

    Its message may hold values and is left out.
    """
    frames = [f for f in traceback.extract_tb(bug.__traceback__) if "sync" in Path(f.filename).parts]
    return " > ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames[-3:])


def _kind(failure: SyncError | None) -> str | None:
    return type(failure).__name__ if failure else None


def _ok(failure: SyncError | None) -> bool | None:
    """Whether a run succeeded; None if it was asked to stop, which is neither a success nor a failure."""
    return None if isinstance(failure, Interrupted) else failure is None


def _report(failure: SyncError | None, counts: Counts, seconds: float) -> None:
    if isinstance(failure, Interrupted):
        emit(Event.JOB_INTERRUPTED, seconds=round(seconds, 3))
    elif failure is None:
        emit(Event.JOB_FINISHED, seconds=round(seconds, 3), counts=counts)
    else:
        _emit_failed(failure, seconds=round(seconds, 3))


def _emit_failed(failure: SyncError, **fields: object) -> None:
    write = emit_error if failure.needs_person else emit
    write(Event.JOB_FAILED, kind=_kind(failure), cause=str(failure), **fields)


def failed_outside(context: Context, name: str, error: Exception) -> SyncError:
    """Counts, logs and, if the state store permits, records a run that failed before or after its own record.

    Alerts and metrics look at recorded runs only, so without it the failure would show only in the log.
    """
    failure, now = unexpected(error, context.store.path), context.now()
    with bound(run_id=context.run_id, job=name):
        metrics.job_unrecorded(name, now)
        _emit_failed(failure)
    try:
        with context.store.session() as session:
            ended = streams.Ended({}, _kind(failure), str(failure), ok=False)
            streams.record_run(session, streams.Start(context.run_id, name, now), None, now, ended)
    except (SQLAlchemyError, OSError):
        pass
    return failure
