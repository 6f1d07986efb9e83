"""How the rules decide on everybody in the mirror while no push has recorded it yet; no network, no writes."""

from collections import Counter

from sync.domain.rules import Rules
from sync.jobs.context import Progress, silent
from sync.planner.qualify import leading, qualify
from sync.state import mirror, work
from sync.state.store import Store

PORTION = 2000
"""Contacts decided on at a time, so that memory does not grow with the portal."""


def foreseen(store: Store, rules: Rules, progress: Progress = silent) -> dict[str, int]:
    """Contacts by deciding code before the first push; empty once a push has decided on anybody."""
    found: Counter[str] = Counter()
    with store.reading() as session:
        if work.done_counts(session) or work.parked_counts(session):
            return {}
        total, after = mirror.count(session), ""
        while ids := work.decidable(session, after, PORTION):
            found.update(str(leading(qualify(view, rules)).code) for view in mirror.views(session, ids).values())
            after = ids[-1]
            progress("status", found.total(), total)
            session.expunge_all()
    return dict(found)
