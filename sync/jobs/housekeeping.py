"""Removes what is older than `[retention]` says. Links, handovers, consent and the newest decisions stay."""

from datetime import datetime
from pathlib import Path

from sync.config import Retention
from sync.context import Context, Counts
from sync.state.erasure import scrub
from sync.state.retention import EXPIRIES
from sync.state.store import Store

_PORTION = 5000
"""Rows removed in one transaction."""


def run(context: Context) -> Counts:
    """Deletes in small portions, so that no other transaction waits long for the file."""
    counts: Counts = {}
    for name, before in limits(context.config.worker.retention, context.now()).items():
        counts[name] = 0
        while True:
            with context.store.session() as session:
                removed = EXPIRIES[name].take(session, before, _PORTION)
            counts[name] += removed
            context.progress("housekeeping", counts[name], None)
            if removed < _PORTION:
                break
            context.checkpoint()
    old = old_copies(context.store.path, context.config.worker.retention, context.now())
    for copy in old:
        copy.unlink(missing_ok=True)
    return counts | {"copies": len(old)}


def limits(retention: Retention, now: datetime) -> dict[str, datetime]:
    """By kind of row, the moment before which it goes."""
    kept = {
        "decisions": retention.decisions,
        "job_runs": retention.job_runs,
        "contacts": retention.contacts,
        "gone": retention.gone,
    }
    return {name: now - long for name, long in kept.items()}


def old_copies(state: Path, retention: Retention, now: datetime) -> list[Path]:
    """The copies beside the state file that were made before an upgrade, or cut off, and whose time has passed."""
    found = [state.with_name(name) for name in scrub.older_copies(state)]
    return [path for path in found if path.stat().st_mtime < (now - retention.copies).timestamp()]


def will_go(store: Store, retention: Retention, now: datetime) -> Counts:
    """What the job would remove now, by kind."""
    with store.reading() as session:
        counts = {name: EXPIRIES[name].count(session, before) for name, before in limits(retention, now).items()}
    return counts | {"copies": len(old_copies(store.path, retention, now))}
