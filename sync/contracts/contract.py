"""Logs mismatches between the rules and what a system offers, and remembers them until a later
comparison finds none.
"""

from collections.abc import Sequence

from sqlmodel import Session

from sync.context import Context
from sync.errors import System
from sync.log import Event, emit
from sync.state.documents import MISMATCHES, TENANT_CHECKED


def report(context: Context, system: System, found: Sequence[dict[str, str]], topic: str = "") -> None:
    """Reports all mismatches of one comparison of `topic`; each holds `entity` or `kind`, `field` or `key`, and perhaps
    `cause`.
    """
    for mismatch in found:
        emit(Event.CONTRACT_MISMATCH, system=system, **mismatch)
    with context.store.session() as session:
        remember_mismatches(session, f"{system} {topic}".strip(), [_text(mismatch) for mismatch in found])


def remember_mismatches(session: Session, topic: str, texts: Sequence[str]) -> None:
    """What is wrong there now, instead of what was before."""
    MISMATCHES.write(session, {**MISMATCHES.read(session), topic: list(texts)})


def known_mismatches(context: Context, system: System) -> frozenset[str]:
    """The mismatches that the last comparison found."""
    with context.store.reading() as session:
        return frozenset(MISMATCHES.read(session).get(system, ()))


def tenant_was_read(context: Context) -> None:
    """Notes that the tenant has just been compared with the rules."""
    with context.store.session() as session:
        TENANT_CHECKED.write(session, context.now())


def tenant_is_due(context: Context) -> bool:
    """Whether to compare the tenant although no contact is handed over: each sweep interval while there is a mismatch.
    One that was corrected then ends without waiting for the next handover.
    """
    with context.store.reading() as session:
        at, wrong = TENANT_CHECKED.read(session), MISMATCHES.read(session).get("c4c")
    schedule = context.config.worker.schedule
    return at is not None and context.now() - at >= (schedule.sweep if wrong else schedule.full_sweep)


def _text(mismatch: dict[str, str]) -> str:
    cause = mismatch.get("cause")
    if cause and mismatch.get("key", "\0") in cause:
        return cause
    place = ".".join(mismatch[name] for name in ("entity", "kind", "field", "key") if name in mismatch)
    return f"{place}: {cause}" if cause else f"{place} is not known"
