"""Decides on all contacts of the mirror before the first push has recorded anything. No network, no writes."""

from collections import Counter

from sync.context import ShowProgress, silent
from sync.domain.codes import Code
from sync.domain.rules import Rules
from sync.faults import Faults
from sync.mirror import mirrored
from sync.planner.qualify import leading, qualify
from sync.state import work
from sync.state.store import Store

_PORTION = 2000
"""Contacts decided on at a time, so that memory does not grow with the portal."""


def foreseen(store: Store, rules: Rules, progress: ShowProgress = silent) -> dict[str, int]:
    """Contacts by deciding code before the first push; empty once a push has decided on anybody.

    A contact on which an exception occurs counts as INTERNAL_ERROR.
    """
    found: Counter[str] = Counter()
    faults = Faults()
    with store.reading() as session:
        if work.done_counts(session) or work.parked_counts(session):
            return {}
        total, after = mirrored.count(session), ""
        while ids := work.decidable(session, after, _PORTION):
            for contact, view in faults.views(session, ids).items():
                with faults.concerning({contact: view.change_seq}):
                    found[str(leading(qualify(view, rules)).code)] += 1
            after = ids[-1]
            progress("status", found.total() + len(faults.found), total)
            session.expunge_all()
    return dict(found + Counter({str(Code.INTERNAL_ERROR): len(faults.found)}))
