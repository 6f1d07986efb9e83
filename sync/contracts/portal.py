"""Compares what the rules expect with the portal: at start-up, every sweep interval, and whenever an answer is odd. A
mismatch stops nothing that does not depend on it. Each one is logged as `contract_mismatch`. A property that the portal
no longer has counts as unread; once it is back, everything is read again before it counts as read.
"""

from datetime import datetime, timedelta

from sync.context import Context
from sync.contracts import check, contract, freshness, schema_watch
from sync.domain.labels import resolve_labels
from sync.errors import Refused
from sync.hubspot_client import ObjectType
from sync.log import Event, emit
from sync.mirror import labels as label_bindings
from sync.state import streams
from sync.state.documents import PORTAL, PORTAL_CHECKED, PORTAL_LOOKED_AT, Document
from sync.state.pending import mark_pending

_STREAMS: tuple[ObjectType, ...] = ("contacts", "companies")

_PAUSE = timedelta(minutes=1)
"""Time between comparisons caused by odd answers: a portal whose answers stay odd must not cost one request for each
page.
"""


def at_start(context: Context) -> None:
    """Compares properties and labels under new rules, after a start of the worker, and every sweep interval."""
    if not _is_due(context):
        return
    _look(context, settles=True)
    labels(context)


def at_once(context: Context) -> bool:
    """Compares the properties because an answer was odd; returns False if that was done a moment ago."""
    _, at = _when(context, PORTAL_LOOKED_AT)
    if at is not None and timedelta(0) <= context.now() - at < _PAUSE:
        return False
    _look(context, settles=False)
    return True


def explains_refusal(context: Context, refused: Refused) -> bool:
    """Compares the properties, and returns whether a removed one explains why HubSpot refused a request."""
    if refused.system != "hubspot" or refused.status != 400:
        return False
    before = _missing(context)
    return at_once(context) and bool(_missing(context) - before)


def _missing(context: Context) -> set[tuple[str, str]]:
    with context.store.reading() as session:
        return {(stream, name) for stream in _STREAMS for name in PORTAL.read(session, stream).lost}


def _look(context: Context, *, settles: bool) -> None:
    """Compares the portal's properties with the rules.

    `settles`: no reading is under way, so streams with properties that are back are read from the start."""
    rules = context.config.rules
    offered = {stream: context.hubspot.properties(stream) for stream in _STREAMS}
    lost: list[dict[str, str]] = []
    with context.store.session() as session:
        for stream in _STREAMS:
            before = PORTAL.read(session, stream)
            known = schema_watch.compared(before, rules, stream, offered[stream], settles=settles)
            PORTAL.write(session, known, stream)
            lost += schema_watch.mismatches(known, rules, stream)
            if known.returning - before.returning:
                streams.read_anew(session, stream)
    found = check.portal_mismatches(rules, offered["contacts"], offered["companies"])
    other = [{"kind": finding["where"], "cause": finding["text"]} for finding in found]
    contract.report(context, "hubspot", lost + other)
    _report_frozen(context)
    with context.store.session() as session:
        for look_kept in (PORTAL_LOOKED_AT, PORTAL_CHECKED) if settles else (PORTAL_LOOKED_AT,):
            look_kept.write(session, f"{rules.fingerprint} {context.now().isoformat()}")


def _report_frozen(context: Context) -> None:
    """Logs scores whose values have stopped changing; the alert `score_frozen` reports them to people
    (`sync.admin.alerts`).
    """
    with context.store.reading() as session:
        stopped = freshness.frozen(session, context.config, context.now())
    for score in stopped:
        cause = freshness.frozen_sentence(score)
        emit(Event.CONTRACT_MISMATCH, system="hubspot", kind="frozen score", key=score["score"], cause=cause)


def check_again(context: Context) -> None:
    """Makes the next job compare again, because the process has just started."""
    with context.store.session() as session:
        PORTAL_CHECKED.write(session, "")


def _is_due(context: Context) -> bool:
    fingerprint, at = _when(context, PORTAL_CHECKED)
    schedule = context.config.worker.schedule
    interval = min(schedule.sweep, schedule.full_sweep)
    return (
        at is None
        or fingerprint != context.config.rules.fingerprint
        or not timedelta(0) <= context.now() - at < interval
    )


def _when(context: Context, kept: Document[str]) -> tuple[str, datetime | None]:
    """(fingerprint of the rules, time) of that comparison; no time if there was none."""
    with context.store.reading() as session:
        fingerprint, _, at = kept.read(session).partition(" ")
    return fingerprint, datetime.fromisoformat(at) if at else None


def labels(context: Context) -> None:
    """Binds the labels of the rules to their ids, and reports those that are missing, renamed or removed.

    A contact that a removed label kept back stays kept back: associations remember the label by its old id.
    """
    rules = context.config.rules.qualification.labels
    wanted = [rule.label for rule in rules]
    if not wanted:
        return
    known = context.hubspot.labels()
    blocking = {rule.label for rule in rules if rule.keeps_back}
    with context.store.session() as session:
        before = label_bindings.bindings(session)
        found = resolve_labels(wanted, known, before)
        label_bindings.save_bindings(session, found.bindings)
        there = {(label.category, label.type_id) for label in known}
        kept = label_bindings.lost(session) | {binding: text for text, binding in before.items()}
        lost = {binding: text for binding, text in kept.items() if binding not in there and text in blocking}
        label_bindings.save_lost(session, lost)
        for label in found.new.values():
            # The rule now has a meaning that it did not have before.
            mark_pending(session, label_bindings.bearers(session, label), context.now())
    problems = [
        {"kind": "association label", "key": text, "cause": f"{text!r} {p}{_kept(text, {*lost.values()})}"}
        for text, p in found.problems
    ]
    contract.report(context, "hubspot", problems, topic="labels")


def _kept(text: str, lost: set[str]) -> str:
    return "; contacts that carried it are still kept back" if text in lost else ""
