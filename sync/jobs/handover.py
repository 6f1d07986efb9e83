"""Carries one slice of contacts over: ask, plan, write, plan again, until every contact of the slice is settled.

The planner decides; this shell reads what it asks, writes what it plans, and keeps what happened. Before the first
write of a contact its intent is committed; after each round of writes the links are; at the end one commit records
decision, handover and progress of the whole slice.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

from sync.c4c_client import Conflict, Locked, Rejected, Unknown, WriteResult, Written
from sync.domain.codes import Code
from sync.domain.views import Link
from sync.errors import RemoteError, Unavailable
from sync.jobs import recording
from sync.jobs.answers import Reader
from sync.jobs.context import Context
from sync.jobs.slice import Slice, decided
from sync.lifecycle import Failed, Outcome, Postponed
from sync.odata import Operation, key_path
from sync.planner.lookups import record
from sync.planner.plan import Tenant, Write, plan
from sync.planner.resolve import ACCOUNT
from sync.planner.seen import merged, seen
from sync.planner.target import Target
from sync.schema import collection
from sync.state import mirror, work

CONFLICT_ROUNDS = 3
UNKNOWN_ROUNDS = 2
ORDER = ("CorporateAccount", "Contact", "ContactIsContactPersonFor", "Lead", "MarketingPermission", "ChannelPermission")


class Handover:
    """Carries slices over for one context and tenant."""

    def __init__(self, context: Context, tenant: Tenant) -> None:
        self.context = context
        self.tenant = tenant
        self.reader = Reader(context.c4c, context.config.rules, tenant.schema)
        self._outages = 0

    # ---- planning

    def load(self, contact_ids: Sequence[str]) -> Slice:
        """Views and links of these contacts."""
        with self.context.store.reading() as session:
            views = mirror.views(session, contact_ids)
            companies = {a.company.id for view in views.values() for a in view.associations}
            links = work.links_of(session, contact_ids, companies)
        return Slice(views, links)

    def plan(self, work_: Slice) -> None:
        """Plans every open contact as far as it goes without a write, reading what the planner asks."""
        while True:
            for contact in work_.open():
                planned = plan(work_.views[contact], work_.links, work_.target, self.context.config.rules, self.tenant)
                work_.plans[contact] = planned
            questions = {q for contact in work_.open() for q in work_.plans[contact].questions}
            if not questions:
                return
            self.reader.answer(questions, work_.target)

    # ---- writing

    def carry_over(self, contact_ids: Sequence[str]) -> Slice:
        """Settles every contact of the slice and records it.

        Raises RemoteError if C4C failed as a whole; what was settled until then is recorded, the rest stays pending.
        """
        work_ = self.load(contact_ids)
        self._let_settle(contact_ids)
        try:
            self._rounds(work_)
        except RemoteError as error:
            self._give_back(work_, error)
            recording.record(self.context, work_)
            raise
        recording.record(self.context, work_)
        return work_

    def _let_settle(self, contact_ids: Sequence[str]) -> None:
        """A write whose end nobody saw may still be under way: it is given time before its record is looked up."""
        with self.context.store.reading() as session:
            since = work.in_flight_since(session, contact_ids)
        if since:
            until = since + timedelta(seconds=self.context.config.worker.c4c.settle_seconds)
            self.context.sleep(max(0.0, (until - self.context.now()).total_seconds()))

    def _rounds(self, work_: Slice) -> None:
        while work_.open():
            self.plan(work_)
            self._settle_problems(work_)
            writes = _wave(work_)
            if not writes:
                self._settle_complete(work_)
                return
            self._write(work_, writes)

    def _settle_problems(self, work_: Slice) -> None:
        for contact in work_.open():
            problem = work_.plans[contact].problem
            if problem:
                work_.outcomes[contact] = Failed(problem.code, problem.text)

    def _settle_complete(self, work_: Slice) -> None:
        for contact in work_.open():
            work_.outcomes[contact] = decided(work_.plans[contact].decisions)

    def _write(self, work_: Slice, writes: Sequence[Write]) -> None:
        """One round of writes; afterwards target and links know what happened."""
        owners = _owners(work_, writes)
        self._intend({contact for contacts in owners.values() for contact in contacts}, work_)
        groups = [list(group) for _, group in groupby(sorted(writes, key=_lock_order), key=lambda w: w.lock)]
        answers = self.context.c4c.write([[_operation(write) for write in group] for group in groups])
        results = [
            (w, r) for group, found in zip(groups, answers, strict=True) for w, r in zip(group, found, strict=True)
        ]
        self._keep_links(work_, results)
        self._react(work_, results, owners)

    def _intend(self, contacts: set[str], work_: Slice) -> None:
        with self.context.store.session() as session:
            work.mark_in_flight(session, sorted(contacts), self.context.now())
        work_.touched |= contacts

    def _keep_links(self, work_: Slice, results: Iterable[tuple[Write, WriteResult]]) -> None:
        written = [(write, result) for write, result in results if isinstance(result, Written)]
        now = self.context.now()
        with self.context.store.session() as session:
            for write, result in written:
                known = work_.links.get((write.entity, write.key))
                link = _link(write, result, known, self.tenant)
                is_new = work.save_link(session, link, now, written=True)
                sent = {**known.sent, **link.sent} if known and known.object_id == link.object_id else link.sent
                work_.links[write.entity, write.key] = replace(link, sent=sent)
                if is_new and write.entity == ACCOUNT:
                    work_.new_accounts.add(write.key)
            if work_.new_accounts:
                work.wake_contacts_of(session, sorted(work_.new_accounts), work_.views, now)
        for write, result in written:
            _teach(work_.target, write, result)
            work_.written[write.action, write.entity] += 1

    def _react(
        self, work_: Slice, results: Sequence[tuple[Write, WriteResult]], owners: Mapping[tuple[str, str], list[str]]
    ) -> None:
        """Settles the contacts of writes that did not succeed, or has the truth read again."""
        for write, result in results:
            if isinstance(result, Written):
                for contact in owners[write.entity, write.key]:
                    work_.writes_of.setdefault(contact, Counter())[f"{write.action} {write.entity}"] += 1
                continue
            work_.failures[write.entity, write.key] += 1
            outcome = _failure(write, result, work_.failures[write.entity, write.key])
            if outcome is None:
                work_.target.forget()
                continue
            for contact in owners[write.entity, write.key]:
                work_.outcomes.setdefault(contact, outcome)
        self._stop_if_out_of_reach(results)

    def _stop_if_out_of_reach(self, results: Sequence[tuple[Write, WriteResult]]) -> None:
        lost = [result for _, result in results if isinstance(result, Unknown) and result.outage]
        if not lost:
            return
        worker = self.context.config.worker
        self._outages += 1
        if self._outages > worker.retry.request_attempts:
            raise Unavailable("c4c", lost[0].cause)
        self.context.sleep(max(worker.c4c.settle_seconds, worker.retry.request_wait.total_seconds()))

    def _give_back(self, work_: Slice, error: RemoteError) -> None:
        """C4C as a whole failed: open contacts keep their place, and no attempt is spent."""
        code = Code.C4C_UNAVAILABLE if isinstance(error, Unavailable) else Code.C4C_DENIED
        for contact in work_.open():
            in_flight = contact in work_.touched
            work_.outcomes[contact] = Postponed(code, str(error), outage=True, unknown=in_flight)


# ---- from plans to operations


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


def _lock_order(write: Write) -> tuple[str, int, str]:
    return write.lock, ORDER.index(write.entity), write.key


def _owners(work_: Slice, writes: Iterable[Write]) -> dict[tuple[str, str], list[str]]:
    """Which contacts a write belongs to: several share an account."""
    wanted = {(write.entity, write.key) for write in writes}
    owners: dict[tuple[str, str], list[str]] = {key: [] for key in wanted}
    for contact in work_.open():
        for write in work_.plans[contact].records:
            if (write.entity, write.key) in wanted:
                owners[write.entity, write.key].append(contact)
    return owners


def _operation(write: Write) -> Operation:
    if write.action == "create":
        return Operation("POST", collection(write.entity), write.body())
    assert write.object_id is not None
    return Operation("PATCH", key_path(collection(write.entity), write.object_id), write.body(), write.etag)


def _link(write: Write, result: Written, known: Link | None, tenant: Tenant) -> Link:
    object_id = write.object_id or str((result.row or {})["ObjectID"])
    told = seen(record(write.entity, result.row), write.body(), tenant.schema) if result.row else write.seen
    before = known.seen if known and known.object_id == object_id else {}
    return Link(write.entity, write.key, object_id, write.body(), merged(before, told, write.body()))


def _teach(target: Target, write: Write, result: Written) -> None:
    if result.row is not None:
        target.created(record(write.entity, result.row), write.answers)
    elif write.object_id is not None:
        target.changed(target.records[write.entity, write.object_id], write.body())


def _failure(write: Write, result: WriteResult, times: int) -> Outcome | None:
    """What a failed write means for its contacts; None to read again and plan anew."""
    what = f"{write.entity} {write.key}"
    match result:
        case Rejected(message):
            return Failed(Code.C4C_REJECTED, f"{what}: {message}")
        case Locked():
            return Postponed(Code.C4C_LOCKED, f"{what} is open elsewhere")
        case Conflict() if times > CONFLICT_ROUNDS:
            return Postponed(Code.C4C_CONFLICT, f"{what} keeps changing", blames_record=True)
        case Unknown(cause, outage) if not outage and times > UNKNOWN_ROUNDS:
            return Postponed(Code.C4C_UNAVAILABLE, f"{what}: {cause}", blames_record=True, unknown=True)
        case _:
            return None
