"""The next push, played through without a write: what C4C holds is read, what would be written is pretended."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sync.context import Context
from sync.domain.views import Link
from sync.faults import Faults
from sync.handover.answers import Answers
from sync.handover.handover import Handover, owned, owners_of
from sync.handover.slice import Slice
from sync.mappers.identity import account_ids
from sync.planner.imagine import Imagined, Predicted, creates_permission_sets
from sync.planner.plan import Tenant, Write
from sync.planner.resolve import ACCOUNT
from sync.planner.target import Question, Target
from sync.state import work


class Rehearsal(Handover):
    """Carries slices over in imagination; later slices know what earlier ones made."""

    def __init__(self, context: Context, tenant: Tenant, faults: Faults) -> None:
        super().__init__(context, tenant, faults)
        with context.store.reading() as session:
            origins = work.permission_set_origins(session)
        self.imagined = Imagined(context.config.rules, creates_permission_sets=creates_permission_sets(origins))
        self.reader = _Reader(self.reader, self.imagined)
        self._accounts: dict[tuple[str, str], Link] = {}
        self._records_of: dict[str, set[tuple[str, str]]] = defaultdict(set)

    def play(self, contact_ids: Sequence[str], known: Target | None = None) -> Slice:
        """Plays one slice through; nothing is kept but what was imagined. Raises RemoteError.

        `known` is what somebody read of C4C just now: it is not read again.
        """
        work_ = self.load(contact_ids)
        if known is not None:
            work_.target = self._copied(known)
        self.rounds(work_)
        return work_

    def _copied(self, known: Target) -> Target:
        """The same answers, with what earlier slices have made in imagination."""
        copy = Target(dict(known.records), dict(known.answers), dict(known.refused))
        for question in known.answers:
            copy.learn(question, self.imagined.completed(question, copy.ask(question) or ()))
        return copy

    def writes_of(self, contact: str) -> list[Predicted]:
        """The contact's share of what would be written; several contacts may share a record."""
        return [self.imagined.written[record] for record in sorted(self._records_of[contact])]

    def load(self, contact_ids: Sequence[str]) -> Slice:
        work_ = super().load(contact_ids)
        companies = {i for view in work_.views.values() for i in account_ids(view)}
        work_.links |= {pair: link for pair, link in self._accounts.items() if link.key in companies}
        return work_

    def _write(self, work_: Slice, writes: Sequence[Write]) -> None:
        owners = owners_of(work_, writes)
        for write in writes:
            concerned = owned(work_, owners, write)
            with self.faults.concerning(concerned):
                self._imagine(work_, write)
            for contact in concerned:
                self._records_of[contact].add((write.entity, write.key))
        self._set_aside(work_)

    def _imagine(self, work_: Slice, write: Write) -> None:
        known = work_.links.get((write.entity, write.key))
        self.imagined.write(write, work_.links, work_.target)
        if write.entity == ACCOUNT and write.linked:
            link = self._accounts[ACCOUNT, write.key] = work_.links[ACCOUNT, write.key]
            if known is None or known.object_id != link.object_id:
                work_.new_accounts.add(write.key)


class _Reader:
    """Reads from C4C what exists, and adds what is only imagined."""

    def __init__(self, real: Answers, imagined: Imagined) -> None:
        self._real, self._imagined = real, imagined

    def answer(self, questions: Iterable[Question], target: Target) -> None:
        asked = set(questions)
        made_up = {question for question in asked if self._imagined.makes_up(question)}
        self._real.answer(asked - made_up, target)
        for question in made_up:
            target.learn(question, self._imagined.answer(question))
        for question in asked - made_up - target.refused.keys():
            target.learn(question, self._imagined.completed(question, target.ask(question) or ()))
