"""Asks for all contacts at or above a threshold, whatever their timestamps: a score may change without moving one.

Comparing the set with the mirror shows which contacts entered and left. Between two full readings (one sweep interval),
the total and the first page are enough to notice a change.
"""

from collections.abc import Iterator
from datetime import timedelta

from sync.context import Context, Counts
from sync.domain.numbers import in_order
from sync.domain.rules import Score
from sync.hubspot_client import Filter, Page
from sync.jobs.poll import refresh_stale
from sync.mirror import crossings, freshness
from sync.reading import budget, tombstone_check
from sync.reading.fetched import wanted
from sync.reading.prefetch import prefetch
from sync.reading.windows import read_set


def run(context: Context) -> Counts:
    """Reads every configured score that the portal has once."""
    counts: Counts = {"polled": 0, "changed": 0}
    there = wanted(context, "contacts")
    for score in context.config.rules.qualification.scores:
        if score.property not in there:
            continue
        polled, changed = _follow(context, score)
        counts["polled"] += polled
        counts["changed"] += changed
    counts["associations"] = refresh_stale(context)
    return counts


def _follow(context: Context, score: Score) -> tuple[int, int]:
    """Contacts read and contacts changed."""
    started = context.now()
    with context.store.reading() as session:
        stood = set(crossings.crossed(session, score.name))
    pages = read_set(context.hubspot, "contacts", wanted(context, "contacts"), condition(score))
    first = next(pages)
    found, changed = _ids(first), _store(context, score, first)
    # As many as we know, and those of the first page among them: nobody crossed, so the other pages are saved. Two that
    # changed places at once are found by the next complete reading.
    if first.after and first.total - first.left_out == len(stood) and found <= stood and _read_lately(context, score):
        return len(found), changed
    for page in _rest(pages, first):
        changed += _store(context, score, page)
        found |= _ids(page)
        context.progress(f"score {score.name}", len(found), first.total)
        context.checkpoint()
        budget.still_spare(context, "scores")
    # A query shows who is above the threshold, never who has left; those are read by id.
    changed += _left(context, stood - found)
    now = context.now()
    context.store.at_end(lambda session: freshness.note_read(session, score.name, started, now))
    return len(found), changed


def _rest(pages: Iterator[Page], first: Page) -> Iterator[Page]:
    return prefetch(pages) if first.after else iter(())


def _store(context: Context, score: Score, page: Page) -> int:
    return tombstone_check.store(context, page.objects, "score query", score=score.name)


def _ids(page: Page) -> set[str]:
    return {found.id for found in page.objects}


def _read_lately(context: Context, score: Score) -> bool:
    with context.store.reading() as session:
        last = freshness.last_read(session, score.name)
    # A time in the future was noted while our clock ran ahead.
    age = context.now() - last if last else None
    return age is not None and timedelta(0) <= age < context.config.worker.schedule.sweep


def condition(score: Score) -> Filter:
    """The search condition of a score: at or above the threshold, or one of the tier labels."""
    if score.tiers:
        return Filter(score.property, "IN", values=tuple(sorted(score.tiers)))
    return Filter(score.property, "GTE", f"{score.threshold:g}")


def _left(context: Context, missing: set[str]) -> int:
    """Reads by id the contacts that were above the threshold and are missing from the result: fallen, merged or
    deleted.
    """
    return tombstone_check.bring_up_to_date(context, sorted(missing, key=in_order))
