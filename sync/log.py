"""Structured logs with a closed vocabulary. People appear by id only; secrets and personal data never.

`Event` is the whole list of event names; `docs/oncall.md` documents each and a test compares them.
"""

import logging
import sys
from enum import StrEnum
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger


class Event(StrEnum):
    """Names of log events; same name, same fields."""

    WORKER_STARTED = "worker_started"
    WORKER_STOPPING = "worker_stopping"
    JOB_STARTED = "job_started"
    JOB_FINISHED = "job_finished"
    JOB_FAILED = "job_failed"
    LOAD_FORECAST = "load_forecast"
    POLL_PAGE = "poll_page"
    CONTACT_CHANGED = "contact_changed"
    CONTACT_PLANNED = "contact_planned"
    CONTACT_SYNCED = "contact_synced"
    CONTACT_NOT_QUALIFIED = "contact_not_qualified"
    CONTACT_PARKED = "contact_parked"
    CONTACT_RETRY = "contact_retry"
    LEAD_HANDED_OVER = "lead_handed_over"
    LEAD_CLOSED = "lead_closed"
    GUARD_TRIPPED = "guard_tripped"
    RATE_LIMITED = "rate_limited"
    REQUEST_RETRIED = "request_retried"
    BUDGET_LOW = "budget_low"
    CONTRACT_MISMATCH = "contract_mismatch"
    RULES_CHANGED = "rules_changed"


_ALLOWED = frozenset(
    {
        "account",
        "action",
        "associations",
        "attempt",
        "attempts",
        "cause",
        "changed",
        "code",
        "codes",
        "companies",
        "company",
        "contact",
        "contacts",
        "counts",
        "cycle",
        "due",
        "endpoint",
        "entity",
        "event",
        "exit_code",
        "field",
        "found",
        "job",
        "jobs",
        "key",
        "kind",
        "level",
        "limit",
        "object_id",
        "page",
        "rows",
        "run_id",
        "score",
        "seconds",
        "signal",
        "since",
        "status",
        "system",
        "timestamp",
        "until",
        "version",
        "wait",
        "window",
    }
)
"""Field names that may be logged. A name that is not here is dropped: the last line of defence."""


def configure(form: str = "json", level: str = "INFO", stream: TextIO | None = None) -> None:
    """Sends log lines as JSON or, for a person, as text to `stream` (standard error by default).

    `form` is `json` or `console`; `level` a name of `logging`.
    """
    renderer: Any = structlog.processors.JSONRenderer()
    if form == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_known_fields,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries log URLs with query strings, and those hold e-mail addresses.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def _only_known_fields(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {name: value for name, value in event.items() if name in _ALLOWED}


def emit(event: Event, **fields: Any) -> None:
    """Writes one line at level info (warning for what a person should see)."""
    logger = structlog.get_logger()
    (logger.warning if event in _WARNINGS else logger.info)(str(event), **fields)


_WARNINGS = frozenset(
    {
        Event.JOB_FAILED,
        Event.CONTACT_PARKED,
        Event.GUARD_TRIPPED,
        Event.RATE_LIMITED,
        Event.BUDGET_LOW,
        Event.CONTRACT_MISMATCH,
    }
)


def bound(**fields: Any) -> Any:
    """A context manager: every line inside carries these fields (`run_id`, `job`)."""
    return structlog.contextvars.bound_contextvars(**fields)
