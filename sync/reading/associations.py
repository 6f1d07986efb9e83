"""Reads associations with their labels for given contacts, and companies that the mirror does not have yet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from sync.context import Context, Counts
from sync.contracts import portal
from sync.hubspot_client import ASSOCIATION_BATCH, Associations
from sync.log import Event, emit
from sync.mappers.identity import merged_ids
from sync.mirror import association_rows, mirrored
from sync.mirror import labels as label_bindings
from sync.reading import storing, tombstone_check
from sync.reading.erased import still_known
from sync.reading.fetched import fetched_rows, wanted
from sync.state.pending import portions

_Report = Callable[[int, Mapping[str, str]], None]
"""Logs what a portion brought: the number of contacts read, and by changed contact what changed."""


def each(_: int, changed: Mapping[str, str]) -> None:
    """Logs every contact that changed."""
    for contact, cause in changed.items():
        emit(Event.CONTACT_CHANGED, contact=contact, cause=cause)


def as_page(read: int, changed: Mapping[str, str]) -> None:
    """Logs one line, for contacts that are all new."""
    emit(Event.POLL_PAGE, kind="associations", page=1, rows=read, changed=len(changed))


def refresh(context: Context, contact_ids: Sequence[str], report: _Report = each) -> Counts:
    """Re-reads the associations of these contacts; those whose labels differ become pending."""
    counts = {"contacts": 0, "changed": 0, "companies": 0}
    for ids in portions(contact_ids, ASSOCIATION_BATCH):
        found = context.hubspot.associations(ids)
        tombstone_check.bring_up_to_date(context, sorted(found.failed))
        _look_for_vanished(context, found)
        # Before the associations are stored: a push at the same time, or after a failure here, would otherwise take a
        # company that was never read for one without a name.
        read, unread = _read_companies(context, found)
        counts["companies"] += read
        changed = _keep(context, _without(found, unread))
        report(len(ids), changed)
        counts["contacts"] += len(ids)
        counts["changed"] += len(changed)
    return counts


def _keep(context: Context, found: Associations) -> dict[str, str]:
    """Stores the associations; those that cause an exception count as unreadable. Returns what changed, by contact."""
    changed: dict[str, str] = {}

    def store(ids: Sequence[str]) -> None:
        with context.store.session() as session:
            kept = still_known(context, session, ids)
            news = association_rows.save_associations(session, {i: found.found[i] for i in kept}, context.now())
        changed.update(news)

    unreadable = {*found.unreadable, *storing.unstorable("contact", list(found.found), store)}
    if unreadable:
        with context.store.session() as session:
            marked = association_rows.unreadable_associations(session, sorted(unreadable), context.now())
        changed |= dict.fromkeys(marked, "associations unreadable")
    return changed


def _look_for_vanished(context: Context, found: Associations) -> None:
    """When a label that keeps contacts back is missing from a pair, finds out whether a person removed it there, or the
    portal no longer has the label.
    """
    blocking = {rule.label for rule in context.config.rules.qualification.labels if rule.keeps_back}
    if not blocking:
        return
    with context.store.reading() as session:
        bindings = {binding for text, binding in label_bindings.bindings(session).items() if text in blocking}
        suspicious = association_rows.gone_labels(session, found.found) & (
            bindings - label_bindings.lost(session).keys()
        )
    if suspicious:
        portal.labels(context)


def _read_companies(context: Context, associations: Associations) -> tuple[int, frozenset[str]]:
    """Reads companies that associations name and no poll has read yet; returns how many were read, and the ids about
    which HubSpot's answer says nothing. A deleted company stays without a name.
    """
    named = {company for pairs in associations.found.values() for company, _ in pairs}
    with context.store.reading() as session:
        unknown = mirrored.unknown_companies(session, named)
    if not unknown:
        return 0, frozenset()
    found = context.hubspot.read("companies", unknown, wanted(context, "companies"))
    gone = [mirrored.Fetched(i, {}, None) for i in found.missing]
    rows = [*fetched_rows(context, "companies", found.objects), *gone]
    storing.store_rows(context, "company", rows, partial(storing.store_companies, context))
    answered = {i for company in found.objects for i in (company.id, *merged_ids(company.properties))}
    return len(found.objects), frozenset(unknown) - answered - found.missing


def _without(found: Associations, companies: frozenset[str]) -> Associations:
    """Leaves out contacts of these companies, which stay as they are and are read again with the next poll."""
    if not companies:
        return found
    kept = {i: pairs for i, pairs in found.found.items() if companies.isdisjoint(company for company, _ in pairs)}
    return replace(found, found=kept)
