"""Asks for everybody at or above a threshold, whatever the timestamps say: scores may change without moving one.

The set found is compared with the mirror, so that both entering and leaving are seen.
"""

from sync.domain.rules import Score
from sync.hubspot_client import Filter
from sync.jobs import existence
from sync.jobs.context import Context, Counts
from sync.jobs.poll import refresh_stale
from sync.jobs.snapshots import wanted
from sync.jobs.windows import read_set
from sync.state import mirror


def run(context: Context) -> Counts:
    """One pass over every configured score."""
    counts: Counts = {"polled": 0, "changed": 0}
    for score in context.config.rules.qualification.scores:
        seen, changed = _above(context, score)
        changed += _left(context, score, seen)
        counts["polled"] += len(seen)
        counts["changed"] += changed
    counts["associations"] = refresh_stale(context)
    return counts


def _above(context: Context, score: Score) -> tuple[set[str], int]:
    seen: set[str] = set()
    changed = 0
    for page in read_set(context.hubspot, "contacts", wanted(context, "contacts"), condition(score)):
        changed += existence.store(context, page.objects, "score query")
        seen |= {o.id for o in page.objects}
        context.progress(f"score {score.name}", len(seen), None)
        context.checkpoint()
    return seen, changed


def condition(score: Score) -> Filter:
    """The search condition of a score: at or above the threshold, or one of the tier labels."""
    if score.tiers:
        return Filter(score.property, "IN", values=tuple(sorted(score.tiers)))
    return Filter(score.property, "GTE", f"{score.threshold:g}")


def _left(context: Context, score: Score, seen: set[str]) -> int:
    """Those who stood above the threshold and were not found any more are read by id: fallen, merged or deleted."""
    with context.store.reading() as session:
        stood = mirror.crossed(session, score.name)
    return existence.reread(context, [i for i in stood if i not in seen])
