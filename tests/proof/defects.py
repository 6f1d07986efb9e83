"""Defects that somebody might build into the product one day, as switches: the checker has to find each of them.

Each replaces one function of the product by a version with a plausible mistake. `make prove-defects` plays lives under
each until a promise breaks. A defect that no life shows within the bound fails the run.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.rules import FieldRule
from sync.domain.scores import Level
from sync.errors import Malformed
from sync.lifecycle import Failed
from sync.log import Event, emit
from sync.planner.snapshot import Ask
from sync.planner.target import Written

Broken = Callable[..., Any]
Breaks = Callable[[Broken], Broken]
"""From the function as it is to the function with a mistake."""

DEFECTS: dict[str, tuple[str, Breaks]] = {}
"""By name the place of a function, as `module:name`, and how it is broken."""


def defect(place: str) -> Callable[[Breaks], Breaks]:
    def register(breaks: Breaks) -> Breaks:
        DEFECTS[breaks.__name__] = place, breaks
        return breaks

    return register


@contextmanager
def built_in(name: str) -> Iterator[None]:
    """The product with this defect."""
    place, breaks = DEFECTS[name]
    module, _, path = place.partition(":")
    holder: Any = importlib.import_module(module)
    *outer, last = path.split(".")
    for part in outer:
        holder = getattr(holder, part)
    right = getattr(holder, last)
    setattr(holder, last, breaks(right))
    try:
        yield
    finally:
        setattr(holder, last, right)


# ---- reading


@defect("sync.reading.tombstone_check:fetched_rows")
def a_row_of_the_score_query_is_dropped(right: Broken) -> Broken:
    return lambda *given: right(*given)[1:]


@defect("sync.jobs.poll:fetched_rows")
def a_row_of_each_page_is_dropped(right: Broken) -> Broken:
    return lambda *given: right(*given)[:-1]


@defect("sync.jobs.poll:_window")
def the_watermark_moves_before_the_rows_are_stored(right: Broken) -> Broken:
    streams = importlib.import_module("sync.state.streams")

    def early(context: Any, stream: str) -> Any:
        found = right(context, stream)
        with context.store.session() as session:
            streams.complete_stream(session, stream, found.until)
        return found

    return early


@defect("sync.jobs.poll:_window")
def the_overlap_is_forgotten(right: Broken) -> Broken:
    def window(context: Any, stream: str) -> Any:
        found = right(context, stream)
        overlap = timedelta(minutes=context.config.worker.hubspot.overlap_minutes)
        return replace(found, since=min(found.since + overlap, found.until), until=context.now())

    return window


@defect("sync.hubspot.calls:_json_object")
def nonsense_is_an_empty_answer(right: Broken) -> Broken:
    def lenient(body: bytes, endpoint: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = right(body, endpoint)
        except Malformed:
            found = {"total": 0, "results": []}
        return found

    return lenient


@defect("sync.mirror.mirrored:_differs")
def a_changed_contact_is_not_noticed(right: Broken) -> Broken:
    return lambda row, fetched: row is None


@defect("sync.mirror.merges:_adopt_alias")
def merged_ids_are_forgotten(right: Broken) -> Broken:
    return lambda session, old, new, entity: False


@defect("sync.jobs.sweep:_everybody")
def a_full_sweep_reads_nobody(right: Broken) -> Broken:
    return lambda context, since: iter(())


@defect("sync.jobs.sweep:_those_that_matter")
def labels_are_not_swept(right: Broken) -> Broken:
    return lambda context: iter(())


@defect("sync.jobs.scores:_left")
def whoever_leaves_the_score_query_is_forgotten(right: Broken) -> Broken:
    return lambda context, missing: 0


@defect("sync.mirror.mirrored:contacts_of")
def contacts_of_a_changed_company_are_not_woken(right: Broken) -> Broken:
    return lambda *given: []


@defect("sync.mirror.mirrored:mark_missing")
def absence_is_never_believed(right: Broken) -> Broken:
    return lambda *given: []


# ---- who qualifies


@defect("sync.planner.qualify:_legal_basis")
def the_legal_basis_is_not_asked_for(right: Broken) -> Broken:
    return lambda *given: Reason(Code.QUALIFIED, "")


@defect("sync.planner.qualify:legal_bases")
def not_applicable_is_a_basis(right: Broken) -> Broken:
    return lambda value, consent: [value] if value else []


@defect("sync.planner.qualify:level")
def the_threshold_itself_does_not_count(right: Broken) -> Broken:
    def strict(measure: Any, properties: Any) -> Level:
        at = properties.get(measure.property) == f"{measure.threshold:g}"
        return Level.BETWEEN if at else right(measure, properties)

    return strict


@defect("sync.planner.qualify:level")
def a_missing_score_is_enough(right: Broken) -> Broken:
    def lenient(measure: Any, properties: Any) -> Level:
        found: Level = right(measure, properties)
        return Level.MET if found is Level.MISSING else found

    return lenient


@defect("sync.jobs.rules_change:follow_rules")
def new_rules_are_not_noticed(right: Broken) -> Broken:
    return lambda context: None


@defect("sync.planner.qualify:_alive")
def archived_contacts_are_handed_over(right: Broken) -> Broken:
    return lambda view: Reason(Code.QUALIFIED, "")


# ---- lookups


@defect("sync.c4c.reader:answered")
def the_lookup_by_key_is_skipped(right: Broken) -> Broken:
    return lambda lookup, matches: [] if lookup.kind is Ask.BY_KEY else right(lookup, matches)


@defect("sync.c4c.reader:answered")
def leads_are_not_looked_up(right: Broken) -> Broken:
    return lambda lookup, matches: [] if lookup.kind is Ask.LEADS_OF else right(lookup, matches)


@defect("sync.planner.records.relations:_rows")
def relationships_are_not_looked_up(right: Broken) -> Broken:
    return lambda *given: ()


@defect("sync.planner.records.permissions:_permission_set")
def permission_sets_are_not_looked_up(right: Broken) -> Broken:
    return lambda *given: (None, ())


@defect("sync.planner.resolve:Keyed.lives")
def obsolete_records_are_adopted(right: Broken) -> Broken:
    return lambda self, record: True


@defect("sync.handover.in_flight:resolve_intents")
def open_intents_are_dropped(right: Broken) -> Broken:
    in_flight = importlib.import_module("sync.handover.in_flight")

    def dropped(context: Any, handover: Any) -> Any:
        work = importlib.import_module("sync.state.work")
        with context.store.session() as session:
            for link, _ in work.open_intents(session, ("CorporateAccount", "Contact", "Lead")):
                work.drop_link(session, link.entity, link.key)
        return in_flight._Unresolved()

    return dropped


# ---- writing


@defect("sync.handover.journal:StateJournal._announce")
def the_intent_is_skipped_and_the_fence_with_it(right: Broken) -> Broken:
    return lambda self, round_, writes: []


@defect("sync.c4c.client:C4CClient._write_batch")
def every_write_is_sent_twice(right: Broken) -> Broken:
    def twice(self: Any, operations: Any, met: Any) -> Any:
        right(self, operations, met)
        return right(self, operations, met)

    return twice


@defect("sync.c4c.client:C4CClient._write_batch")
def a_write_without_an_answer_is_repeated(right: Broken) -> Broken:
    def again(self: Any, operations: Any, met: Any) -> Any:
        results = right(self, operations, met)
        lost = all(type(result).__name__ == "Unknown" for result in results)
        return right(self, operations, met) if lost else results

    return again


@defect("sync.c4c.results:words.trouble")
def the_status_is_trusted_and_sap_message_ignored(right: Broken) -> Broken:
    return lambda headers: []


@defect("sync.handover.handover:failure")
def a_locked_record_counts_as_rejected(right: Broken) -> Broken:
    def rejected(write: Any, result: Any, *more: Any) -> Any:
        locked = type(result).__name__ == "Locked"
        return Failed(Code.C4C_REJECTED, "locked") if locked else right(write, result, *more)

    return rejected


@defect("sync.state.lease:Lease.fence")
def the_fence_is_ignored(right: Broken) -> Broken:
    return lambda self, session: None


@defect("sync.lifecycle:_postponed")
def an_outage_parks_the_contact(right: Broken) -> Broken:
    lifecycle = importlib.import_module("sync.lifecycle")
    return lambda progress, outcome, *_: lifecycle.Progress(
        lifecycle.Status.PARKED, 1, None, outcome.code, outcome.detail
    )


@defect("sync.state.work:_due")
def contacts_in_flight_are_forgotten(right: Broken) -> Broken:
    tables = importlib.import_module("sync.state.tables")
    return lambda selection, now: right(selection, now).where(tables.Progress.status != "in_flight")


# ---- which values


@defect("sync.planner.compare:_allowed")
def sales_never_wins(right: Broken) -> Broken:
    return lambda group, record, base: bool(group) and group[0].rule is not FieldRule.CREATE_ONLY


@defect("sync.planner.compare:_allowed")
def what_is_filled_once_is_filled_again(right: Broken) -> Broken:
    def again(group: Any, record: Any, base: Any) -> bool:
        return right(group, record, base) or (bool(group) and group[0].rule is FieldRule.CREATE_ONLY)

    return again


@defect("sync.planner.compare:_ours")
def a_field_that_sales_changed_counts_as_ours(right: Broken) -> Broken:
    return lambda *given: True


@defect("sync.planner.compare:_differs")
def an_open_lead_keeps_its_first_score(right: Broken) -> Broken:
    return lambda field, record, base: field.name != "HubSpotScore_KUT" and right(field, record, base)


@defect("sync.planner.records.leads:merged_away.following")
def a_lead_stays_on_the_former_account(right: Broken) -> Broken:
    def stays(workspace: Any, made: Any, existing: Any) -> Any:
        parties = ("AccountPartyUUID", "ContactUUID")
        return replace(made, fields=tuple(field for field in made.fields if field.name not in parties))

    return stays


@defect("sync.planner.records.leads:_closed")
def closed_leads_are_updated(right: Broken) -> Broken:
    return lambda workspace, record: False


@defect("sync.planner.records.leads:_current_cycle")
def a_further_lead_does_not_wait_for_the_end_of_the_first(right: Broken) -> Broken:
    def eager(workspace: Any, decision: Any, found: Any) -> Any:
        cycle, existing = right(workspace, decision, found)
        return (cycle + 1, None) if existing is not None and cycle < 2 else (cycle, existing)

    return eager


# ---- consent


@defect("sync.planner.records.permissions:refusals")
def a_refusal_below_the_threshold_is_lost(right: Broken) -> Broken:
    return lambda *given: {}


@defect("sync.planner.consent:opted_out")
def the_opt_out_is_lost(right: Broken) -> Broken:
    return lambda value: False


# ---- nothing personal


@defect("sync.handover.recording:_report")
def the_log_names_the_person(right: Broken) -> Broken:
    def told(batch: Any, after: Any) -> Any:
        for contact in after:
            emit(Event.CONTACT_CHANGED, contact=contact, cause=str(batch.views[contact].get("lastname")))
        return right(batch, after)

    return told


@defect("sync.handover.outcomes:_refused")
def a_reason_repeats_the_address(right: Broken) -> Broken:
    return lambda what, result, times: Failed(Code.C4C_REJECTED, f"{what}: qz@firma.example")


# ---- results


@defect("sync.c4c.results:_failed")
def every_failure_is_a_success(right: Broken) -> Broken:
    return lambda *given: Written()
