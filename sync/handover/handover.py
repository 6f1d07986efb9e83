"""Hands one batch of contacts over: looks up, plans, writes and plans again, until every contact of the batch is
settled.

The planner decides. This shell reads what the planner needs, writes what it plans, and lets the journal store what
happened: the intent before each round of writes, the links after it, and at the end decision, handover and progress of
the whole batch. A dry run is the same loop with another target and journal (`sync.handover.dry_run`).
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sync.context import Context
from sync.domain.codes import Code
from sync.errors import Refused, RemoteError, Unavailable
from sync.faults import Faults
from sync.handover import permission
from sync.handover.batch import Batch
from sync.handover.journal import Journal, StateJournal
from sync.handover.outcomes import Reach, failure, request_at_fault
from sync.handover.rounds import Round, content, open_again, read_stale_again, settled, unsettled
from sync.lifecycle import Outcome, Postponed
from sync.planner.plan import Links, Tenant, Write, plan
from sync.planner.target import Aborted, Locked, RefusedRequest, Results, Target, Written
from sync.state.documents import CREATOR

_MOST_ROUNDS = 100
"""The most rounds of one batch; an ordinary one takes about six."""


@dataclass
class Handover:
    """Hands batches over for one tenant.

    `faults` collects exceptions on single contacts, which are settled afterwards.
    """

    context: Context
    tenant: Tenant
    target: Target
    journal: Journal
    faults: Faults
    reach: Reach = field(default_factory=Reach)

    # ---- planning

    def plan(self, batch: Batch) -> None:
        """Plans every open contact as far as possible without a write, reading what the planner needs."""
        links = batch.links_by_contact()
        waiting = batch.open()
        while waiting:
            for contact in waiting:
                with self.faults.concerning(batch.concerned([contact])):
                    self._plan_one(batch, contact, links[contact])
            batch.leave_out(self.faults.found)
            waiting = [contact for contact in waiting if contact in batch.views and batch.plans[contact].lookups]
            if waiting:
                self._ask(batch, waiting)
            waiting = [contact for contact in waiting if contact in batch.views]

    def _plan_one(self, batch: Batch, contact: str, links: Links) -> None:
        config = self.context.config
        batch.plans[contact] = plan(
            batch.views[contact],
            batch.decisions[contact],
            links,
            batch.snapshot,
            config.rules,
            self.tenant,
            config.worker.guard.max_relationships,
        )

    def _ask(self, batch: Batch, waiting: Sequence[str]) -> None:
        """Reads the lookups of these contacts. An unusable answer concerns only the contacts that need it."""

        def ask(contacts: Sequence[str]) -> None:
            lookups = {lookup for contact in contacts for lookup in batch.plans[contact].lookups}
            self.target.find(lookups, batch.snapshot)

        self.faults.each(waiting, ask, lambda contact: batch.concerned([contact]))
        batch.leave_out(self.faults.found)

    # ---- writing

    def carry_over(self, batch: Batch) -> None:
        """Settles every contact of the batch and records it.

        Raises RemoteError if C4C failed as a whole; what was settled until then is recorded, the rest stays pending.
        """
        try:
            self.rounds(batch)
        except RemoteError as error:
            _give_back(batch, error)
            self.journal.record(batch)
            raise
        self.journal.record(batch)

    def rounds(self, batch: Batch) -> None:
        """Plans and writes until every contact of the batch is settled, or the process is asked to stop."""
        for _ in range(_MOST_ROUNDS):
            if not batch.open():
                return
            self.plan(batch)
            self._settle(batch, settled)
            if self.context.stopping() or not permission.may_write(self.context):
                # Nothing new is started. What was written is linked; what is in flight is looked up the next time.
                return
            writes = self._sendable(batch)
            if writes and not read_stale_again(batch, writes):
                self._write(Round.of(batch, writes))
                open_again(batch, writes)
                self._read_back(batch)
        # Contacts that started anew have not been planned again and stay pending.
        self._settle(batch, lambda left, contact: unsettled(left, contact) if contact in left.plans else None)

    def _settle(self, batch: Batch, outcome_of: Callable[[Batch, str], Outcome | None]) -> None:
        """Settles the open contacts that have an outcome."""
        for contact in batch.open():
            with self.faults.concerning(batch.concerned([contact])):
                outcome = outcome_of(batch, contact)
                if outcome:
                    batch.outcomes[contact] = outcome
        batch.leave_out(self.faults.found)

    def _sendable(self, batch: Batch) -> list[Write]:
        """The writes of the next round that can be put into a request.

        One that cannot concerns only its own contacts.
        """
        round_ = Round.next(batch)
        for write in round_.writes:
            with self.faults.concerning(round_.concerned(write)):
                json.dumps(write.body())
        batch.leave_out(self.faults.found)
        return round_.left()

    def _write(self, round_: Round) -> None:
        """Sends one round of writes, unless one of its contacts changed since it was loaded."""
        # Committed before the first octet is sent: a create whose answer is lost is looked up, and not sent again.
        changed = self.journal.intend(round_)
        if changed:
            self._start_anew(round_.batch, changed)
            return
        for results in self.target.apply(round_.left(), round_.lost_in_company()):
            # Kept before it is judged: what was created must have its pair even if a failure ends the push.
            self.journal.keep(round_, results)
            self._judge(round_, results)

    def _start_anew(self, batch: Batch, contacts: Sequence[str]) -> None:
        """These contacts are decided and planned again, on what the mirror holds now."""
        fresh = self.journal.load(contacts)
        for contact in contacts:
            del batch.views[contact]
            batch.plans.pop(contact, None)
        batch.views |= fresh.views
        batch.decisions |= fresh.decisions
        batch.links |= fresh.links

    def _read_back(self, batch: Batch) -> None:
        """Reads records after we changed them.

        C4C rewrites values on saving, and its form of our value must not count as an edit by sales. This happens at
        once, since a later reading may find real edits.
        """
        changed = batch.snapshot.stale() if batch.open() else {}
        if changed:
            self.target.find(changed, batch.snapshot)
        for lookup, record in changed.items():
            if lookup not in batch.snapshot.refused and not batch.snapshot.answers[lookup]:
                batch.snapshot.forget(record.entity, record.object_id, ())

    # ---- after a write

    def _judge(self, round_: Round, results: Results) -> None:
        """Settles failed writes. Raises RemoteError if no record is at fault, after the links have been stored."""
        self.reach.note(results)
        refused = request_at_fault(results, self.reach.answered)
        self._count(round_, [(w, r) for w, r in results if not (refused and isinstance(r, RefusedRequest))])
        for _, result in results:
            if isinstance(result, Aborted):
                raise result.error
        if refused:
            raise refused
        self._stop_if_out_of_reach(results)
        self._give_way(round_.batch, results)

    def _count(self, round_: Round, results: Results) -> None:
        """Counts successful writes. Settles the contacts of failed ones, or has their records read again."""
        batch = round_.batch
        for write, result in results:
            if isinstance(result, Written):
                # Counted, since a workflow of the tenant may take every write back; the same one would then succeed for
                # ever.
                batch.repeated[content(write)] += 1
                for contact in round_.concerned(write):
                    batch.writes_of.setdefault(contact, Counter())[f"{write.action} {write.entity}"] += 1
                continue
            batch.failures[write.entity, write.key] += 1
            alone = self.reach.reached and len(results) == 1
            outcome = failure(write, result, batch.failures[write.entity, write.key], alone)
            if outcome is None:
                batch.snapshot.forget(write.entity, write.object_id, write.answers)
                continue
            for contact in round_.concerned(write):
                # The first failure says the cause; those after it follow from it.
                batch.outcomes.setdefault(contact, outcome)

    def _stop_if_out_of_reach(self, results: Results) -> None:
        lost = self.reach.note_lost(results)
        if not lost:
            return
        worker = self.context.config.worker
        # One lost answer is a cut line; several in a row mean that C4C is away, and the other contacts need not find
        # out.
        if self.reach.silent > worker.retry.request_attempts:
            raise Unavailable("c4c", lost[0].cause)
        self.context.sleep(max(worker.c4c.settle_seconds, worker.retry.request_wait.total_seconds()))

    def _give_way(self, batch: Batch, results: Results) -> None:
        """Waits, longer each time, if a record is open elsewhere, before the next try."""
        waited = [batch.failures[w.entity, w.key] for w, result in results if isinstance(result, Locked)]
        if waited and batch.open():
            self.context.sleep(self.context.config.worker.retry.request_wait.total_seconds() * 2 ** (max(waited) - 1))


def real(context: Context, tenant: Tenant, faults: Faults) -> Handover:
    """A handover that writes to C4C and to the state store."""
    known = knowing_ourselves(context, tenant)
    target = context.c4c.target(context.config.rules, known.schema)
    return Handover(context, known, target, StateJournal(context, known, faults), faults)


def knowing_ourselves(context: Context, tenant: Tenant) -> Tenant:
    """The tenant, with the user name that C4C notes as creator of our records, as remembered in the state."""
    with context.store.reading() as session:
        return replace(tenant, ourselves=CREATOR.read(session))


def _give_back(batch: Batch, error: RemoteError) -> None:
    """Postpones the open contacts after C4C as a whole failed. They stay due, and lose no attempt."""
    code = _code_of(error)
    for contact in batch.open():
        in_flight = contact in batch.touched
        batch.outcomes[contact] = Postponed(code, str(error), outage=True, unknown=in_flight)


def _code_of(error: RemoteError) -> Code:
    """The code of contacts that wait because C4C as a whole refused or did not answer.

    A missing authorisation may also appear as status 403 of one part of a `$batch`.
    """
    if isinstance(error, Unavailable):
        return Code.C4C_UNAVAILABLE
    lacking = not isinstance(error, Refused) or error.status in (401, 403)
    return Code.C4C_DENIED if lacking else Code.C4C_REJECTED
