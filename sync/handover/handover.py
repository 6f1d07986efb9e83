"""Carries one batch of contacts over: ask, plan, write, plan again, until every contact of the batch is settled.

The planner decides; this shell reads what it asks, writes what it plans, and keeps what happened. Before each round
of writes the intent is committed, after it the links are; at the end one commit records decision, handover and
progress of the whole batch.
"""

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sync.context import Context
from sync.domain.codes import Code
from sync.domain.entities import Entity
from sync.domain.numbers import in_order
from sync.errors import Refused, RemoteError, Unavailable
from sync.faults import Faults
from sync.handover import contact_views, linking, permission, recording, uniqueness
from sync.handover.batch import Batch, decided, stopped
from sync.handover.outcomes import UNKNOWN_ROUNDS, Kind, answered, failure, request_at_fault
from sync.lifecycle import Done, Failed, Outcome, Postponed
from sync.mappers.identity import account_ids
from sync.planner.plan import Tenant, Write, plan
from sync.planner.qualify import qualify
from sync.planner.snapshot import Ask, Lookup
from sync.planner.target import Aborted, Locked, LookupReader, RefusedRequest, Results, Unknown, Written
from sync.state import streams, work
from sync.state.second_writer import Made

MOST_ROUNDS = 100
"""Rounds of one batch; an ordinary one takes about six."""

MOST_TIMES = 2
"""Times that the very same write may take effect in one batch: once more after sales undid it, and then it is a war."""


Owners = Mapping[tuple[str, str], Sequence[str]]
"""Contacts by entity and key of the record that they share."""


class Handover:
    """Carries batches over for one context and tenant. `faults`: what went wrong with single contacts, to settle."""

    def __init__(self, context: Context, tenant: Tenant, faults: Faults) -> None:
        self.context = context
        with context.store.reading() as session:
            self.tenant = replace(tenant, ourselves=streams.remembered(session, linking.OURSELVES) or "")
        self.target = context.c4c.target(context.config.rules, tenant.schema)
        self.reader: LookupReader = self.target
        self._outages = 0
        self._answered: set[Kind] = set()
        self.faults = faults
        self.current = Batch({}, {})
        self._reached = False
        self._prepared: tuple[tuple[str, ...], Batch] = ((), Batch({}, {}))

    # ---- planning

    def load(self, contact_ids: Sequence[str]) -> Batch:
        """Views and links of these contacts, and the decisions on exactly these views."""
        with self.context.store.reading() as session:
            rules = self.context.config.rules
            views = self.faults.views(session, contact_ids, partial(contact_views.views, rules=rules))
            loaded = Batch(views, {})
            companies: set[str] = set()
            for contact, view in views.items():
                with self.faults.concerning(loaded.concerned([contact])):
                    loaded.decisions[contact] = qualify(view, rules)
                    companies |= account_ids(view)
            loaded.links = work.links_of(session, contact_ids, companies)
        loaded.leave_out(self.faults.found)
        return loaded

    def plan(self, batch: Batch) -> None:
        """Plans every open contact as far as it goes without a write, reading what the planner asks."""
        links, most = batch.links_by_contact(), self.context.config.worker.guard.max_relationships
        waiting = batch.open()
        while waiting:
            for contact in waiting:
                view = batch.views[contact]
                with self.faults.concerning({contact: view.change_seq}):
                    batch.plans[contact] = plan(
                        view,
                        batch.decisions[contact],
                        links[contact],
                        batch.snapshot,
                        self.context.config.rules,
                        self.tenant,
                        most,
                    )
            self._set_aside(batch)
            waiting = [contact for contact in waiting if contact in batch.views and batch.plans[contact].lookups]
            if waiting:
                self._ask(batch, waiting)
            waiting = [contact for contact in waiting if contact in batch.views]

    def _ask(self, batch: Batch, waiting: Sequence[str]) -> None:
        """Reads what these contacts need to know. An answer that cannot be used concerns those that asked for it."""

        def ask(contacts: Sequence[str]) -> None:
            lookups = {lookup for contact in contacts for lookup in batch.plans[contact].lookups}
            self.reader.find(lookups, batch.snapshot)

        self.faults.each(waiting, ask, lambda contact: batch.concerned([contact]))
        self._set_aside(batch)

    def _set_aside(self, batch: Batch) -> None:
        """Takes the contacts out on which an exception occurred: `faults.settle` decides on them."""
        batch.leave_out(self.faults.found)

    def prepare(self, contact_ids: Sequence[str]) -> Batch:
        """A planned batch to look at; if the same contacts are carried over next, nothing is read twice."""
        self._settle_in_flight(contact_ids)
        prepared = self.load(contact_ids)
        self.plan(prepared)
        self._prepared = (tuple(contact_ids), prepared)
        return prepared

    # ---- writing

    def carry_over(self, contact_ids: Sequence[str]) -> Batch:
        """Settles every contact of the batch and records it.

        Raises RemoteError if C4C failed as a whole; what was settled until then is recorded, the rest stays pending.
        """
        self.current = batch = self._fresh(contact_ids)
        try:
            self.rounds(batch)
        except RemoteError as error:
            self._give_back(batch, error)
            recording.record(self.context, batch, self.faults)
            raise
        recording.record(self.context, batch, self.faults)
        return batch

    def _fresh(self, contact_ids: Sequence[str]) -> Batch:
        (prepared_ids, prepared), self._prepared = self._prepared, ((), Batch({}, {}))
        if prepared_ids == tuple(contact_ids):
            return prepared
        self._settle_in_flight(contact_ids)
        return self.load(contact_ids)

    def key_field(self, entity: str) -> str:
        """The custom field that holds our key."""
        return self.context.config.rules.mapping.key_fields()[entity]

    def _settle_in_flight(self, contact_ids: Sequence[str]) -> None:
        with self.context.store.reading() as session:
            since = work.in_flight_since(session, contact_ids)
        self.let_settle(since)

    def let_settle(self, since: datetime | None) -> None:
        """A write begun at `since` may still be under way: it gets time before anybody looks for its record."""
        if since:
            until = since + timedelta(seconds=self.context.config.worker.c4c.settle_seconds)
            self.context.sleep(max(0.0, (until - self.context.now()).total_seconds()))

    def rounds(self, batch: Batch) -> None:
        """Plans and writes until every contact of the batch is settled, or the process is asked to stop."""
        for _ in range(MOST_ROUNDS):
            if not batch.open():
                return
            self.plan(batch)
            self._settle(batch, settled)
            writes = self._sendable(batch, _next_round(batch))
            if self.context.stopping() or not permission.granted(self.context):
                # Nothing new is begun. What was written is linked; what is in flight is looked up the next time.
                return
            if writes and not _reread(batch, writes):
                self._write(batch, writes)
                _reopen(batch, writes)
                self._read_back(batch)
        # Those that start anew were not planned again: they stay pending.
        self._settle(batch, lambda left, contact: unsettled(left, contact) if contact in left.plans else None)

    def _read_back(self, batch: Batch) -> None:
        """Reads what was changed: C4C rewrites values on saving, and what it made of ours is no edit by sales.

        It is read at once, because what a later look finds may be sales' own.
        """
        if not batch.open():
            return
        changed = {Lookup(Ask.BY_ID, r.entity, r.object_id): r for r in batch.snapshot.records.values() if r.stale}
        if changed:
            self.reader.find(changed, batch.snapshot)
        for lookup, record in changed.items():
            if lookup not in batch.snapshot.refused and not batch.snapshot.answers[lookup]:
                batch.snapshot.forget(record.entity, record.object_id, ())

    def _settle(self, batch: Batch, outcome_of: Callable[[Batch, str], Outcome | None]) -> None:
        """Settles the open contacts that have an outcome."""
        for contact in batch.open():
            with self.faults.concerning(batch.concerned([contact])):
                outcome = outcome_of(batch, contact)
                if outcome:
                    batch.outcomes[contact] = outcome
        self._set_aside(batch)

    def _sendable(self, batch: Batch, writes: Sequence[Write]) -> list[Write]:
        """The writes that can be put into a request; a record that cannot concerns its own contacts only."""
        owners = owners_of(batch, writes)
        for write in writes:
            with self.faults.concerning(batch.concerned(owners[write.entity, write.key])):
                json.dumps(write.body())
        self._set_aside(batch)
        return _of_those_left(batch, writes, owners)

    def _write(self, batch: Batch, writes: Sequence[Write]) -> None:
        """One round of writes; afterwards target and links know what happened."""
        owners = owners_of(batch, writes)
        changed = self._intend(batch, writes, owners)
        if changed:
            self._start_anew(batch, changed)
            return
        for results in self.target.apply(_of_those_left(batch, writes, owners), _lost_in_company(batch, writes)):
            linking.keep(self.context, self.tenant, batch, results, self.faults, lambda w: owned(batch, owners, w))
            uniqueness.look(self.context, self.tenant.schema, _made(results))
            self._answered |= answered(results)
            refused = request_at_fault(results, self._answered)
            records = [(w, r) for w, r in results if not (refused and isinstance(r, RefusedRequest))]
            self._settle_failed(batch, records, owners)
            _raise_what_ended(results)
            if refused:
                raise refused
            self._stop_if_out_of_reach(results)
            self._give_way(batch, results)

    def _intend(self, batch: Batch, writes: Sequence[Write], owners: Owners) -> list[str]:
        """Commits the intent; or announces nothing and returns the contacts that changed since they were loaded.

        A batch takes minutes. Consent that was withdrawn meanwhile must not become a lead by it.
        """
        changed: set[str] = set()
        self.faults.each(
            writes,
            lambda part: changed.update(self._announce(batch, part, owners)),
            lambda write: owned(batch, owners, write),
        )
        self._set_aside(batch)
        return sorted(changed & batch.views.keys(), key=in_order)

    def _announce(self, batch: Batch, writes: Sequence[Write], owners: Owners) -> list[str]:
        contacts = {contact for write in writes for contact in owned(batch, owners, write)}
        now = self.context.now()
        with self.context.store.session() as session:
            self.context.fence(session)
            changed = work.changed_since(session, batch.concerned(batch.open()))
            if changed:
                return changed
            work.mark_in_flight(session, sorted(contacts), now)
            links = linking.intend(session, batch, writes, self.context.config.rules, now)
        batch.links = links
        batch.touched |= contacts
        return []

    def _start_anew(self, batch: Batch, contacts: Sequence[str]) -> None:
        """These contacts are decided and planned again, on what the mirror holds now."""
        fresh = self.load(contacts)
        for contact in contacts:
            del batch.views[contact]
            batch.plans.pop(contact, None)
        batch.views |= fresh.views
        batch.decisions |= fresh.decisions
        batch.links |= fresh.links

    def _settle_failed(self, batch: Batch, results: Results, owners: Owners) -> None:
        """Settles the contacts of writes that did not succeed, or has the truth read again."""
        for write, result in results:
            if isinstance(result, Written):
                batch.repeated[_content(write)] += 1
                for contact in owned(batch, owners, write):
                    batch.writes_of.setdefault(contact, Counter())[f"{write.action} {write.entity}"] += 1
                continue
            batch.failures[write.entity, write.key] += 1
            outcome = failure(
                write, result, batch.failures[write.entity, write.key], self._reached and len(results) == 1
            )
            if outcome is None:
                batch.snapshot.forget(write.entity, write.object_id, write.answers)
                continue
            for contact in owned(batch, owners, write):
                batch.outcomes.setdefault(contact, outcome)

    def _give_way(self, batch: Batch, results: Results) -> None:
        """Somebody has a record open: a pause, longer each time, before it is tried again."""
        waited = [batch.failures[w.entity, w.key] for w, result in results if isinstance(result, Locked)]
        if waited and batch.open():
            self.context.sleep(self.context.config.worker.retry.request_wait.total_seconds() * 2 ** (max(waited) - 1))

    def _stop_if_out_of_reach(self, results: Results) -> None:
        lost = [result for _, result in results if isinstance(result, Unknown) and result.outage]
        # Where anything came through, C4C is in reach, however bad the line.
        self._reached = self._reached or len(lost) < len(results)
        self._outages = self._outages + 1 if len(lost) == len(results) else 0
        if not lost:
            return
        worker = self.context.config.worker
        if self._outages > worker.retry.request_attempts:
            raise Unavailable("c4c", lost[0].cause)
        self.context.sleep(max(worker.c4c.settle_seconds, worker.retry.request_wait.total_seconds()))

    def _give_back(self, batch: Batch, error: RemoteError) -> None:
        """C4C as a whole failed: open contacts keep their place, and no attempt is spent."""
        code = _code_of(error)
        for contact in batch.open():
            in_flight = contact in batch.touched
            batch.outcomes[contact] = Postponed(code, str(error), outage=True, unknown=in_flight)


def _code_of(error: RemoteError) -> Code:
    """The code of contacts that wait because C4C as a whole refused or did not answer.

    A missing authorisation may also show as status 403 of one part of a `$batch`.
    """
    if isinstance(error, Unavailable):
        return Code.C4C_UNAVAILABLE
    lacking = not isinstance(error, Refused) or error.status in (401, 403)
    return Code.C4C_DENIED if lacking else Code.C4C_REJECTED


def _raise_what_ended(results: Results) -> None:
    """Raises what ended one of the requests, now that the links of what the others created are kept."""
    for _, result in results:
        if isinstance(result, Aborted):
            raise result.error


def _made(results: Results) -> list[Made]:
    """The records that these writes created."""
    return [
        Made(write.entity, write.key, result.record.object_id)
        for write, result in results
        if write.action == "create" and isinstance(result, Written) and result.record
    ]


def settled(batch: Batch, contact: str) -> Outcome | None:
    """How a contact ends whose plan has nothing left to write, or nothing that is worth it; None for any other."""
    planned = batch.plans[contact]
    writes = list(planned.ready())
    if not writes:
        return stopped(planned.problem) if planned.problem else decided(planned.decisions)
    # Something is to be written that was written before, and undone: it would be for ever.
    return unsettled(batch, contact) if any(batch.repeated[_content(w)] >= MOST_TIMES for w in writes) else None


def unsettled(batch: Batch, contact: str) -> Outcome:
    """How a contact ends whose plan did not come to rest: the same rules would give the same once more.

    Only where writes went wrong on the way is it tried again.
    """
    restless = list(batch.plans[contact].ready())
    names = "; ".join(f"{w.action} {w.entity} {w.key} ({', '.join(sorted(w.values()))})" for w in restless)
    text = f"written again and again without coming to rest: {names}"
    if any(batch.failures[write.entity, write.key] for write in restless):
        unknown = contact in batch.touched
        return Postponed(Code.C4C_CONFLICT, text, blames_record=True, unknown=unknown)
    return Failed(Code.C4C_CONFLICT, text)


def _content(write: Write) -> Hashable:
    """What a write is and says, without where the record stood before."""
    return write.entity, write.key, write.action, repr(sorted(write.body().items()))


def _lost_in_company(batch: Batch, writes: Iterable[Write]) -> set[tuple[str, str]]:
    """What was lost twice together with others goes alone from now on."""
    pairs = ((write.entity, write.key) for write in writes)
    return {pair for pair in pairs if batch.failures[pair] > UNKNOWN_ROUNDS}


def _next_round(batch: Batch) -> list[Write]:
    """What can be written now, each record once. Accounts go before what may depend on them."""
    writes: dict[tuple[str, str], Write] = {}
    taken: set[str] = set()
    for contact in batch.open():
        for write in batch.plans[contact].ready():
            if (write.entity, write.key) in writes or write.object_id in taken:
                continue
            writes[write.entity, write.key] = write
            taken |= {write.object_id} if write.object_id else set()
    return list(writes.values())


def _reopen(batch: Batch, writes: Sequence[Write]) -> None:
    """Contacts that seemed complete may want a relationship to an account that was only made now."""
    made = {write.key for write in writes if write.entity == Entity.ACCOUNT} & batch.new_accounts
    settled = [contact for contact, outcome in batch.outcomes.items() if isinstance(outcome, Done)]
    for contact in settled if made else ():
        if any(association.company.id in made for association in batch.views[contact].associations):
            del batch.outcomes[contact]


def _reread(batch: Batch, writes: Sequence[Write]) -> bool:
    """Has records read again that we changed ourselves: a PATCH returns no ETag, and none is ever made up."""
    stale = [write for write in writes if write.stale]
    for write in stale:
        batch.snapshot.forget(write.entity, write.object_id, ())
    return bool(stale)


def owned(batch: Batch, owners: Owners, write: Write) -> dict[str, int]:
    """The contacts that a write belongs to, as far as they are still in the batch."""
    return batch.concerned(owners[write.entity, write.key])


def _of_those_left(batch: Batch, writes: Sequence[Write], owners: Owners) -> list[Write]:
    """The writes that belong to a contact that is still in the batch."""
    return [write for write in writes if owned(batch, owners, write)]


def owners_of(batch: Batch, writes: Iterable[Write]) -> dict[tuple[str, str], list[str]]:
    """Which contacts a write belongs to: several share an account."""
    wanted = {(write.entity, write.key) for write in writes}
    owners: dict[tuple[str, str], list[str]] = {key: [] for key in wanted}
    for contact in batch.open():
        for write in batch.plans[contact].records:
            if (write.entity, write.key) in wanted:
                owners[write.entity, write.key].append(contact)
    return owners
