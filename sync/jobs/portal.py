"""What the rules expect of the portal, compared at start-up and daily: properties with types and options, and labels.

Nothing is stopped by a mismatch: what still fits goes on. Each is logged as `contract_mismatch`, naming it.
"""

from datetime import datetime, timedelta

from sync.domain.labels import resolve
from sync.jobs import check, contract, freshness
from sync.jobs.context import Context
from sync.state import labels as label_pins
from sync.state import mirror, streams

CHECKED = "contract checked"


def at_start(context: Context) -> None:
    """Compares properties and labels under new rules, after a start of the worker, and once a day."""
    if not _is_due(context):
        return
    found = check.hubspot(context.hubspot, context.config.rules)
    mismatches = [{"kind": finding["where"], "cause": finding["text"]} for finding in found]
    with context.store.reading() as session:
        stopped = freshness.frozen(session, context.config, context.now())
    mismatches += [{"kind": "frozen score", "key": s["score"], "cause": freshness.sentence(s)} for s in stopped]
    contract.report(context, "hubspot", mismatches)
    labels(context)
    with context.store.session() as session:
        streams.remember(session, CHECKED, f"{context.config.rules.digest} {context.now().isoformat()}")


def forget(context: Context) -> None:
    """The next job compares again: the process has just started."""
    with context.store.session() as session:
        streams.remember(session, CHECKED, "")


def _is_due(context: Context) -> bool:
    with context.store.reading() as session:
        digest, _, at = (streams.remembered(session, CHECKED) or "").partition(" ")
    interval: timedelta = context.config.worker.schedule.full_sweep
    return digest != context.config.rules.digest or context.now() - datetime.fromisoformat(at) >= interval


def labels(context: Context) -> None:
    """Pins the labels of the rules by id, and names every one that is not there, was renamed or has vanished."""
    wanted = [rule.label for rule in context.config.rules.qualification.labels]
    if not wanted:
        return
    known = context.hubspot.labels()
    with context.store.session() as session:
        found = resolve(wanted, known, label_pins.pins(session))
        label_pins.save_pins(session, found.pins)
        for label in found.new.values():
            # The rule means something now that it did not mean before.
            mirror.mark_pending(session, label_pins.bearers(session, label), context.now())
    problems = [{"kind": "association label", "key": text, "cause": f"{text!r} {p}"} for text, p in found.problems]
    contract.report(context, "hubspot", problems, topic="labels")
