"""Carries one slice of contacts over: ask, plan, write, plan again, until every contact of the slice is settled.

The planner decides; this shell reads what it asks, writes what it plans, and keeps what happened. Before each round
of writes the intent is committed, after it the links are; at the end one commit records decision, handover and
progress of the whole slice.
"""

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sync.c4c_client import Aborted, Locked, RefusedRequest, Unknown, WriteResult, Written
from sync.context import Context
from sync.domain.codes import Code
from sync.domain.numbers import in_order
from sync.errors import Refused, RemoteError, Unavailable
from sync.faults import Faults
from sync.handover import contact_views, linking, permission, recording, uniqueness
from sync.handover.answers import Answers, Reader
from sync.handover.operations import grouped, operation
from sync.handover.outcomes import UNKNOWN_ROUNDS, Kind, answered, failure, request_at_fault
from sync.handover.slice import Slice, decided, stopped
from sync.lifecycle import Done, Failed, Outcome, Postponed
from sync.mappers.identity import account_ids
from sync.planner.plan import Tenant, Write, plan
from sync.planner.resolve import ACCOUNT, CONTACT, LEAD
from sync.planner.target import Ask, Question
from sync.state import streams, work
from sync.state.second_writer import Made

MOST_ROUNDS = 100
"""Rounds of one slice; an ordinary one takes about six."""

MOST_TIMES = 2
"""Times that the very same write may take effect in one slice: once more after sales undid it, and then it is a war."""


Owners = Mapping[tuple[str, str], Sequence[str]]
"""Contacts by entity and key of the record that they share."""


class Handover:
    """Carries slices over for one context and tenant. `faults`: what went wrong with single contacts, to settle."""

    def __init__(self, context: Context, tenant: Tenant, faults: Faults) -> None:
        self.context = context
        with context.store.reading() as session:
            self.tenant = replace(tenant, ourselves=streams.remembered(session, linking.OURSELVES) or "")
        self.reader: Answers = Reader(context.c4c, context.config.rules, tenant.schema)
        self._outages = 0
        self._answered: set[Kind] = set()
        self.faults = faults
        self.current = Slice({}, {})
        self._reached = False
        self._prepared: tuple[tuple[str, ...], Slice] = ((), Slice({}, {}))

    # ---- planning

    def load(self, contact_ids: Sequence[str]) -> Slice:
        """Views and links of these contacts."""
        with self.context.store.reading() as session:
            rules = self.context.config.rules
            views = self.faults.views(session, contact_ids, partial(contact_views.views, rules=rules))
            loaded = Slice(views, {})
            companies: set[str] = set()
            for contact, view in views.items():
                with self.faults.concerning(loaded.concerned([contact])):
                    companies |= account_ids(view)
            loaded.links = work.links_of(session, contact_ids, companies)
        loaded.leave_out(self.faults.found)
        return loaded

    def plan(self, work_: Slice) -> None:
        """Plans every open contact as far as it goes without a write, reading what the planner asks."""
        links, most = work_.links_by_contact(), self.context.config.worker.guard.max_relationships
        waiting = work_.open()
        while waiting:
            for contact in waiting:
                view = work_.views[contact]
                with self.faults.concerning({contact: view.change_seq}):
                    planned = plan(view, links[contact], work_.target, self.context.config.rules, self.tenant, most)
                    work_.plans[contact] = planned
            self._set_aside(work_)
            waiting = [contact for contact in waiting if contact in work_.views and work_.plans[contact].questions]
            if waiting:
                self._ask(work_, waiting)
            waiting = [contact for contact in waiting if contact in work_.views]

    def _ask(self, work_: Slice, waiting: Sequence[str]) -> None:
        """Reads what these contacts need to know. An answer that cannot be used concerns those that asked for it."""

        def ask(contacts: Sequence[str]) -> None:
            questions = {question for contact in contacts for question in work_.plans[contact].questions}
            self.reader.answer(questions, work_.target)

        self.faults.each(waiting, ask, lambda contact: work_.concerned([contact]))
        self._set_aside(work_)

    def _set_aside(self, work_: Slice) -> None:
        """Takes the contacts out on which an exception occurred: `faults.settle` decides on them."""
        work_.leave_out(self.faults.found)

    def prepare(self, contact_ids: Sequence[str]) -> Slice:
        """A planned slice to look at; if the same contacts are carried over next, nothing is read twice."""
        self._settle_in_flight(contact_ids)
        prepared = self.load(contact_ids)
        self.plan(prepared)
        self._prepared = (tuple(contact_ids), prepared)
        return prepared

    # ---- writing

    def carry_over(self, contact_ids: Sequence[str]) -> Slice:
        """Settles every contact of the slice and records it.

        Raises RemoteError if C4C failed as a whole; what was settled until then is recorded, the rest stays pending.
        """
        self.current = work_ = self._fresh(contact_ids)
        try:
            self.rounds(work_)
        except RemoteError as error:
            self._give_back(work_, error)
            recording.record(self.context, work_, self.faults)
            raise
        recording.record(self.context, work_, self.faults)
        return work_

    def _fresh(self, contact_ids: Sequence[str]) -> Slice:
        (prepared_ids, prepared), self._prepared = self._prepared, ((), Slice({}, {}))
        if prepared_ids == tuple(contact_ids):
            return prepared
        self._settle_in_flight(contact_ids)
        return self.load(contact_ids)

    def key_field(self, entity: str) -> str:
        """The custom field that holds our key."""
        mapping = self.context.config.rules.mapping
        return {ACCOUNT: mapping.account, CONTACT: mapping.contact, LEAD: mapping.lead}[entity].external_key

    def _settle_in_flight(self, contact_ids: Sequence[str]) -> None:
        with self.context.store.reading() as session:
            since = work.in_flight_since(session, contact_ids)
        self.let_settle(since)

    def let_settle(self, since: datetime | None) -> None:
        """A write begun at `since` may still be under way: it gets time before anybody looks for its record."""
        if since:
            until = since + timedelta(seconds=self.context.config.worker.c4c.settle_seconds)
            self.context.sleep(max(0.0, (until - self.context.now()).total_seconds()))

    def rounds(self, work_: Slice) -> None:
        """Plans and writes until every contact of the slice is settled, or the process is asked to stop."""
        for _ in range(MOST_ROUNDS):
            if not work_.open():
                return
            self.plan(work_)
            self._settle(work_, settled)
            writes = self._sendable(work_, _wave(work_))
            if self.context.stopping() or not permission.granted(self.context):
                # Nothing new is begun. What was written is linked; what is in flight is looked up the next time.
                return
            if writes and not _reread(work_, writes):
                self._write(work_, writes)
                _reopen(work_, writes)
                self._read_back(work_)
        # Those that start anew were not planned again: they stay pending.
        self._settle(work_, lambda left, contact: unsettled(left, contact) if contact in left.plans else None)

    def _read_back(self, work_: Slice) -> None:
        """Reads what was changed: C4C rewrites values on saving, and what it made of ours is no edit by sales.

        It is read at once, because what a later look finds may be sales' own.
        """
        if not work_.open():
            return
        changed = {Question(Ask.BY_ID, r.entity, r.object_id): r for r in work_.target.records.values() if r.stale}
        if changed:
            self.reader.answer(changed, work_.target)
        for question, record in changed.items():
            if question not in work_.target.refused and not work_.target.answers[question]:
                work_.target.forget(record.entity, record.object_id, ())

    def _settle(self, work_: Slice, outcome_of: Callable[[Slice, str], Outcome | None]) -> None:
        """Settles the open contacts that have an outcome."""
        for contact in work_.open():
            with self.faults.concerning(work_.concerned([contact])):
                outcome = outcome_of(work_, contact)
                if outcome:
                    work_.outcomes[contact] = outcome
        self._set_aside(work_)

    def _sendable(self, work_: Slice, writes: Sequence[Write]) -> list[Write]:
        """The writes that can be put into a request; a record that cannot concerns its own contacts only."""
        owners = owners_of(work_, writes)
        for write in writes:
            with self.faults.concerning(work_.concerned(owners[write.entity, write.key])):
                json.dumps(operation(write).body)
        self._set_aside(work_)
        return _of_those_left(work_, writes, owners)

    def _write(self, work_: Slice, writes: Sequence[Write]) -> None:
        """One round of writes; afterwards target and links know what happened."""
        owners = owners_of(work_, writes)
        changed = self._intend(work_, writes, owners)
        if changed:
            self._start_anew(work_, changed)
            return
        for groups in _apart(work_, grouped(_of_those_left(work_, writes, owners))):
            answers = self.context.c4c.write([[operation(write) for write in group] for group in groups])
            results = [
                (w, r) for group, found in zip(groups, answers, strict=True) for w, r in zip(group, found, strict=True)
            ]
            linking.keep(self.context, self.tenant, work_, results, self.faults, lambda w: owned(work_, owners, w))
            uniqueness.look(self.context, self.tenant.schema, _made(results))
            self._answered |= answered(results)
            refused = request_at_fault(results, self._answered)
            records = [(w, r) for w, r in results if not (refused and isinstance(r, RefusedRequest))]
            self._settle_failed(work_, records, owners)
            _raise_what_ended(results)
            if refused:
                raise refused
            self._stop_if_out_of_reach(results)
            self._give_way(work_, results)

    def _intend(self, work_: Slice, writes: Sequence[Write], owners: Owners) -> list[str]:
        """Commits the intent; or announces nothing and returns the contacts that changed since they were loaded.

        A batch takes minutes. Consent that was withdrawn meanwhile must not become a lead by it.
        """
        changed: set[str] = set()
        self.faults.each(
            writes,
            lambda part: changed.update(self._announce(work_, part, owners)),
            lambda write: owned(work_, owners, write),
        )
        self._set_aside(work_)
        return sorted(changed & work_.views.keys(), key=in_order)

    def _announce(self, work_: Slice, writes: Sequence[Write], owners: Owners) -> list[str]:
        contacts = {contact for write in writes for contact in owned(work_, owners, write)}
        now = self.context.now()
        with self.context.store.session() as session:
            self.context.fence(session)
            changed = work.changed_since(session, work_.concerned(work_.open()))
            if changed:
                return changed
            work.mark_in_flight(session, sorted(contacts), now)
            links = linking.intend(session, work_, writes, self.context.config.rules, now)
        work_.links = links
        work_.touched |= contacts
        return []

    def _start_anew(self, work_: Slice, contacts: Sequence[str]) -> None:
        """These contacts are decided and planned again, on what the mirror holds now."""
        fresh = self.load(contacts)
        for contact in contacts:
            del work_.views[contact]
            work_.plans.pop(contact, None)
        work_.views |= fresh.views
        work_.links |= fresh.links

    def _settle_failed(self, work_: Slice, results: Sequence[tuple[Write, WriteResult]], owners: Owners) -> None:
        """Settles the contacts of writes that did not succeed, or has the truth read again."""
        for write, result in results:
            if isinstance(result, Written):
                work_.repeated[_content(write)] += 1
                for contact in owned(work_, owners, write):
                    work_.writes_of.setdefault(contact, Counter())[f"{write.action} {write.entity}"] += 1
                continue
            work_.failures[write.entity, write.key] += 1
            outcome = failure(
                write, result, work_.failures[write.entity, write.key], self._reached and len(results) == 1
            )
            if outcome is None:
                work_.target.forget(write.entity, write.object_id, write.answers)
                continue
            for contact in owned(work_, owners, write):
                work_.outcomes.setdefault(contact, outcome)

    def _give_way(self, work_: Slice, results: Sequence[tuple[Write, WriteResult]]) -> None:
        """Somebody has a record open: a pause, longer each time, before it is tried again."""
        waited = [work_.failures[w.entity, w.key] for w, result in results if isinstance(result, Locked)]
        if waited and work_.open():
            self.context.sleep(self.context.config.worker.retry.request_wait.total_seconds() * 2 ** (max(waited) - 1))

    def _stop_if_out_of_reach(self, results: Sequence[tuple[Write, WriteResult]]) -> None:
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

    def _give_back(self, work_: Slice, error: RemoteError) -> None:
        """C4C as a whole failed: open contacts keep their place, and no attempt is spent."""
        code = _code_of(error)
        for contact in work_.open():
            in_flight = contact in work_.touched
            work_.outcomes[contact] = Postponed(code, str(error), outage=True, unknown=in_flight)


def _code_of(error: RemoteError) -> Code:
    """The code of contacts that wait because C4C as a whole refused or did not answer.

    A missing authorisation may also show as status 403 of one part of a `$batch`.
    """
    if isinstance(error, Unavailable):
        return Code.C4C_UNAVAILABLE
    lacking = not isinstance(error, Refused) or error.status in (401, 403)
    return Code.C4C_DENIED if lacking else Code.C4C_REJECTED


def _raise_what_ended(results: Iterable[tuple[Write, WriteResult]]) -> None:
    """Raises what ended one of the requests, now that the links of what the others created are kept."""
    for _, result in results:
        if isinstance(result, Aborted):
            raise result.error


def _made(results: Iterable[tuple[Write, WriteResult]]) -> list[Made]:
    """The records that these writes created."""
    return [
        Made(write.entity, write.key, str(result.row["ObjectID"]))
        for write, result in results
        if write.action == "create" and isinstance(result, Written) and result.row
    ]


def settled(work_: Slice, contact: str) -> Outcome | None:
    """How a contact ends whose plan has nothing left to write, or nothing that is worth it; None for any other."""
    planned = work_.plans[contact]
    writes = list(planned.ready())
    if not writes:
        return stopped(planned.problem) if planned.problem else decided(planned.decisions)
    # Something is to be written that was written before, and undone: it would be for ever.
    return unsettled(work_, contact) if any(work_.repeated[_content(w)] >= MOST_TIMES for w in writes) else None


def unsettled(work_: Slice, contact: str) -> Outcome:
    """How a contact ends whose plan did not come to rest: the same rules would give the same once more.

    Only where writes went wrong on the way is it tried again.
    """
    restless = list(work_.plans[contact].ready())
    names = "; ".join(f"{w.action} {w.entity} {w.key} ({', '.join(sorted(w.values()))})" for w in restless)
    text = f"written again and again without coming to rest: {names}"
    if any(work_.failures[write.entity, write.key] for write in restless):
        unknown = contact in work_.touched
        return Postponed(Code.C4C_CONFLICT, text, blames_record=True, unknown=unknown)
    return Failed(Code.C4C_CONFLICT, text)


def _content(write: Write) -> Hashable:
    """What a write is and says, without where the record stood before."""
    return write.entity, write.key, write.action, repr(sorted(write.body().items()))


def _apart(work_: Slice, groups: list[list[Write]]) -> list[list[list[Write]]]:
    """What was lost twice in company goes alone: one record that breaks every connection must stop no other."""
    lost = [any(work_.failures[w.entity, w.key] > UNKNOWN_ROUNDS for w in group) for group in groups]
    together = [group for group, is_lost in zip(groups, lost, strict=True) if not is_lost]
    alone = [[[write]] for group, is_lost in zip(groups, lost, strict=True) if is_lost for write in group]
    return [together, *alone] if together else alone


def _wave(work_: Slice) -> list[Write]:
    """What can be written now, each record once. Accounts go before what may depend on them."""
    wave: dict[tuple[str, str], Write] = {}
    taken: set[str] = set()
    for contact in work_.open():
        for write in work_.plans[contact].ready():
            if (write.entity, write.key) in wave or write.object_id in taken:
                continue
            wave[write.entity, write.key] = write
            taken |= {write.object_id} if write.object_id else set()
    return list(wave.values())


def _reopen(work_: Slice, writes: Sequence[Write]) -> None:
    """Contacts that seemed complete may want a relationship to an account that was only made now."""
    made = {write.key for write in writes if write.entity == ACCOUNT} & work_.new_accounts
    settled = [contact for contact, outcome in work_.outcomes.items() if isinstance(outcome, Done)]
    for contact in settled if made else ():
        if any(association.company.id in made for association in work_.views[contact].associations):
            del work_.outcomes[contact]


def _reread(work_: Slice, writes: Sequence[Write]) -> bool:
    """Has records read again that we changed ourselves: a PATCH returns no ETag, and none is ever made up."""
    stale = [write for write in writes if write.stale]
    for write in stale:
        work_.target.forget(write.entity, write.object_id, ())
    return bool(stale)


def owned(work_: Slice, owners: Owners, write: Write) -> dict[str, int]:
    """The contacts that a write belongs to, as far as they are still in the slice."""
    return work_.concerned(owners[write.entity, write.key])


def _of_those_left(work_: Slice, writes: Sequence[Write], owners: Owners) -> list[Write]:
    """The writes that belong to a contact that is still in the slice."""
    return [write for write in writes if owned(work_, owners, write)]


def owners_of(work_: Slice, writes: Iterable[Write]) -> dict[tuple[str, str], list[str]]:
    """Which contacts a write belongs to: several share an account."""
    wanted = {(write.entity, write.key) for write in writes}
    owners: dict[tuple[str, str], list[str]] = {key: [] for key in wanted}
    for contact in work_.open():
        for write in work_.plans[contact].records:
            if (write.entity, write.key) in wanted:
                owners[write.entity, write.key].append(contact)
    return owners
