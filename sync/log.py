"""Structured logs with a closed vocabulary. People appear by id only; secrets and personal data never.

`Event` is the whole list of event names; `docs/oncall.md` documents each and a test compares them.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from sync import metrics

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger


class Event(StrEnum):
    """Names of log events. Events of one name have the same fields."""

    WORKER_STARTED = "worker_started"
    WORKER_STOPPING = "worker_stopping"
    JOB_STARTED = "job_started"
    JOB_FINISHED = "job_finished"
    JOB_FAILED = "job_failed"
    LOAD_FORECAST = "load_forecast"
    POLL_PAGE = "poll_page"
    ROWS_LEFT_OUT = "rows_left_out"
    ROW_UNREADABLE = "row_unreadable"
    CONTACT_CHANGED = "contact_changed"
    CONTACT_PLANNED = "contact_planned"
    CONTACT_SYNCED = "contact_synced"
    CONTACT_NOT_QUALIFIED = "contact_not_qualified"
    CONTACT_PARKED = "contact_parked"
    CONTACT_RETRY = "contact_retry"
    LEAD_HANDED_OVER = "lead_handed_over"
    LEAD_ADOPTED = "lead_adopted"
    LEAD_CLOSED = "lead_closed"
    GUARD_TRIPPED = "guard_tripped"
    SECOND_WRITER = "second_writer"
    DUPLICATE_FOUND = "duplicate_found"
    RATE_LIMITED = "rate_limited"
    REQUEST_RETRIED = "request_retried"
    BUDGET_LOW = "budget_low"
    CONTRACT_MISMATCH = "contract_mismatch"
    RULES_CHANGED = "rules_changed"
    JOB_INTERRUPTED = "job_interrupted"
    JOB_LATE = "job_late"
    WORKER_STANDBY = "worker_standby"
    CREDENTIALS_READ = "credentials_read"
    LEASE_ACQUIRED = "lease_acquired"
    LEASE_LOST = "lease_lost"
    STOP_FORCED = "stop_forced"
    CLOCK_JUMPED = "clock_jumped"
    CLOCK_WRONG = "clock_wrong"
    WRITES_PAUSED = "writes_paused"
    WRITES_RESUMED = "writes_resumed"
    STATE_BUSY = "state_busy"
    STATE_MIGRATED = "state_migrated"
    PROBE_FAILED = "probe_failed"
    PAGE_FAILED = "page_failed"
    PAGE_REFUSED = "page_refused"
    ALERT_FIRING = "alert_firing"
    ALERT_RESOLVED = "alert_resolved"
    ALERT_UNDELIVERED = "alert_undelivered"
    RESYNC_MARKED = "resync_marked"
    WEBHOOK_FAILED = "webhook_failed"
    LIBRARY_WARNING = "library_warning"
    MEMORY_UNREADABLE = "memory_unreadable"
    CONSENT_SOURCE_UNREAD = "consent_source_unread"
    ERASED = "erased"
    ERASURE_WAITS = "erasure_waits"
    ERASURE_REPLAYED = "erasure_replayed"
    ERASURE_LIFTED = "erasure_lifted"
    ERASED_CAME_BACK = "erased_came_back"


RETIRED_EVENTS = frozenset({Event("contact_planned"), Event("lead_closed")})
"""Events that nothing emits; their names stay reserved."""


_ALLOWED = frozenset(
    {
        "account",
        "action",
        "alert",
        "associations",
        "attempt",
        "attempts",
        "cause",
        "changed",
        "code",
        "codes",
        "config",
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
        "field",
        "found",
        "holder",
        "host",
        "job",
        "jobs",
        "key",
        "left",
        "kind",
        "level",
        "limit",
        "logger",
        "object_id",
        "page",
        "plan",
        "rows",
        "rules",
        "run_id",
        "score",
        "seconds",
        "signal",
        "since",
        "state_version",
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
    _WAITING[:] = [partial(_set_up, form, level, stream or sys.stderr)]
    # Libraries log URLs whose query strings hold e-mail addresses, so only the library's name is logged, not its text.
    logging.basicConfig(handlers=[_Named()], level=logging.WARNING, force=True)
    logging.getLogger("urllib3").setLevel(logging.ERROR)


_WAITING: list[Callable[[], None]] = []
"""The set-up that the first line does: structlog takes as long to load as a short command takes for its work."""


def _structlog() -> Any:
    import structlog

    for set_up in tuple(_WAITING):
        set_up()
        _WAITING.clear()
    return structlog


def _set_up(form: str, level: str, stream: TextIO) -> None:
    import structlog

    renderer: Any = structlog.processors.JSONRenderer()
    if form == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_known_fields,
            _redacted,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )


def _only_known_fields(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {name: value for name, value in event.items() if name in _ALLOWED}


class _Named(logging.Handler):
    """Turns a library's warning into an event that names the library and nothing else."""

    def emit(self, record: logging.LogRecord) -> None:
        emit(Event.LIBRARY_WARNING, logger=record.name)


_SECRETS: set[str] = set()
_ADDRESS = re.compile(r"[^\s@'\"<>(),;:]+@[^\s@'\"<>(),;:]+\.\w+")
_CREDENTIAL = re.compile(r"(?i)\b(bearer|basic)\s+\S+")
_PHONE = re.compile(r"\+\d[\d ()/.-]{5,}\d")


def conceal(*secrets: str | None) -> None:
    """Has these values left out of everything that is printed, whatever its origin."""
    _SECRETS.update(secret for secret in secrets if secret and len(secret) > 3)


def redact(text: str) -> str:
    """The text without known secrets, credentials, e-mail addresses and international phone numbers."""
    for secret in sorted(_SECRETS, key=len, reverse=True):
        text = text.replace(secret, "…")
    if text.isidentifier() or text.isdigit():
        # An id or a code: without blanks and signs there is nothing to find, and most fields are one of them.
        return text
    for pattern in (_CREDENTIAL, _ADDRESS, _PHONE):
        text = pattern.sub("…", text)
    return text


_UNTOUCHED = frozenset({"event", "timestamp", "level"})
"""Fields that are ours and cannot hold a foreign value. A time zone in them would look like a phone number."""


def _redacted(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Redacts every field as the last line of defence: callers already leave such values out."""
    return {name: value if name in _UNTOUCHED else _safe(value) for name, value in event.items()}


def _safe(value: Any) -> Any:
    """The value with every text in it redacted; one that is not JSON becomes a text."""
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {redact(str(name)): _safe(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_safe(inner) for inner in value]
        case _:
            return redact(str(value))


def emit(event: Event, **fields: Any) -> None:
    """Writes one line: as error if a person must always act, as warning if one should look, else as info."""
    level = "error" if event in _ERRORS else "warning" if event in _WARNINGS else "info"
    _write(level, event, fields)


def emit_debug(event: Event, **fields: Any) -> None:
    """Writes one line for those who look closely: it says again what a line has said before."""
    _write("debug", event, fields)


def emit_error(event: Event, **fields: Any) -> None:
    """Writes one line as an error, for a failure that lasts until a person acts."""
    _write("error", event, fields)


def _write(level: str, event: Event, fields: dict[str, Any]) -> None:
    metrics.EVENTS.labels(str(event)).inc()
    getattr(_structlog().get_logger(), level)(str(event), **fields)


_ERRORS = frozenset({Event.CONTACT_PARKED, Event.GUARD_TRIPPED, Event.SECOND_WRITER})

_WARNINGS = frozenset(
    {
        Event.JOB_FAILED,
        Event.DUPLICATE_FOUND,
        Event.RATE_LIMITED,
        Event.BUDGET_LOW,
        Event.CONTRACT_MISMATCH,
        Event.ROWS_LEFT_OUT,
        Event.JOB_LATE,
        Event.LEASE_LOST,
        Event.STOP_FORCED,
        Event.CLOCK_JUMPED,
        Event.CLOCK_WRONG,
        Event.WRITES_PAUSED,
        Event.STATE_BUSY,
        Event.PROBE_FAILED,
        Event.ALERT_FIRING,
        Event.ALERT_UNDELIVERED,
        Event.WEBHOOK_FAILED,
        Event.LIBRARY_WARNING,
    }
)


def bound(**fields: Any) -> Any:
    """A context manager: every line inside carries these fields (`run_id`, `job`)."""
    return _structlog().contextvars.bound_contextvars(**fields)
