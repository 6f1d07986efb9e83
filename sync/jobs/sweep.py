"""Re-reads what moves no timestamp: association labels, and owners."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain

from sync.domain.views import Label
from sync.hubspot_client import ASSOCIATION_BATCH
from sync.jobs import associations, contract
from sync.jobs.context import Context, Counts
from sync.state import mirror, streams

FULL = "full_sweep"


def run(context: Context) -> Counts:
    """Owners and labels of the portal, then the associations of contacts that matter; of all when the day has come."""
    _check_labels(context)
    counts: Counts = {"owners": _owners(context), "contacts": 0, "changed": 0}
    started = context.now()
    full = _full_is_due(context)
    portions = chain(_everybody(context), _those_that_matter(context)) if full else _those_that_matter(context)
    for ids in portions:
        found = associations.refresh(context, ids)
        counts["contacts"] += found["contacts"]
        counts["changed"] += found["changed"]
        context.progress("sweep", counts["contacts"], None)
        context.checkpoint()
    if full:
        with context.store.session() as session:
            streams.complete(session, FULL, started)
    return counts


def _owners(context: Context) -> int:
    owners = context.hubspot.owners()
    with context.store.session() as session:
        mirror.save_owners(session, owners, context.now())
    return len(owners)


def _check_labels(context: Context) -> list[Label]:
    """Names every label of the rules that the portal does not have (any more)."""
    labels = context.hubspot.labels()
    texts = {label.text for label in labels}
    missing = [rule.label for rule in context.config.rules.qualification.labels if rule.label not in texts]
    contract.report(context, "hubspot", [{"kind": "association label", "key": label} for label in missing])
    return labels


def _full_is_due(context: Context) -> bool:
    with context.store.reading() as session:
        last = streams.watermark(session, FULL).complete_until
    interval: timedelta = context.config.worker.schedule.full_sweep
    return last is None or context.now() - last >= interval


def _those_that_matter(context: Context) -> Iterator[list[str]]:
    with context.store.reading() as session:
        ids = mirror.handed_over_or_crossed(session)
    return mirror.portions(ids, ASSOCIATION_BATCH)


def _everybody(context: Context) -> Iterator[list[str]]:
    """Everybody whose associations were not read since the last full sweep."""
    after = ""
    since = context.now() - context.config.worker.schedule.full_sweep
    while True:
        with context.store.reading() as session:
            ids = mirror.unread_since(session, since, after, ASSOCIATION_BATCH)
        if not ids:
            return
        yield ids
        after = ids[-1]
