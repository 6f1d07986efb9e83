"""The dry run: the next push without a write.

C4C is read, and writes are simulated in memory. The loop is that of the real run; only target and journal differ: this
target sends no writes, and this journal remembers simulated ones until the dry run ends.
"""

from collections import defaultdict
from collections.abc import Sequence

from sync.context import Context
from sync.domain.entities import Entity
from sync.domain.views import Link
from sync.faults import Faults
from sync.handover.batch import Batch
from sync.handover.handover import Handover, knowing_ourselves
from sync.handover.journal import Journal, StateJournal
from sync.handover.rounds import Pair, Round
from sync.mappers.identity import account_ids
from sync.planner import effects
from sync.planner.plan import Tenant, Write
from sync.planner.predicting.dry_run_target import DryRunTarget, creates_permission_sets
from sync.planner.predicting.predicted import Predicted, Predictions
from sync.planner.target import Results, Written
from sync.state import work


class DryRunJournal:
    """Loads like the real journal, but stores nothing.

    Later batches know the accounts that earlier ones would create.
    """

    def __init__(self, real: Journal, tenant: Tenant, predicted: Predictions, faults: Faults) -> None:
        self._real, self._tenant, self._faults = real, tenant, faults
        self.predicted = predicted
        self.records_of: dict[str, set[Pair]] = defaultdict(set)
        self._accounts: dict[Pair, Link] = {}

    def load(self, contact_ids: Sequence[str]) -> Batch:
        batch = self._real.load(contact_ids)
        companies = {i for view in batch.views.values() for i in account_ids(view)}
        batch.links |= {pair: link for pair, link in self._accounts.items() if link.key in companies}
        return batch

    def intend(self, round_: Round) -> list[str]:
        """Announces the records as the real run would. Returns no contacts, since none changes meanwhile."""
        for write in round_.writes:
            for one in (write, *write.children) if write.action == "create" else ():
                effects.announce(one, round_.batch.links)
        return []

    def keep(self, round_: Round, results: Results) -> None:
        """Learns from simulated writes as the real journal does from real ones, and notes them."""
        for write, result in results:
            if isinstance(result, Written):
                contacts = round_.concerned(write)
                with self._faults.concerning(contacts):
                    self._learn(round_.batch, write, result)
                for contact in contacts:
                    self.records_of[contact].add((write.entity, write.key))
        round_.batch.leave_out(self._faults.found)

    def _learn(self, batch: Batch, write: Write, result: Written) -> None:
        pair = (write.entity, write.key)
        known = batch.links.get(pair)
        link = effects.learn(write, result, batch.links, batch.snapshot, self._tenant.schema)
        if link and write.entity == Entity.ACCOUNT:
            self._accounts[pair] = link
            if known is None or known.object_id != link.object_id:
                batch.new_accounts.add(write.key)
        self.predicted.note(write)

    def record(self, batch: Batch) -> None:
        """Stores nothing."""


class DryRun:
    """Runs batches for one tenant without writing; later batches know what earlier ones would create."""

    def __init__(self, context: Context, tenant: Tenant, faults: Faults) -> None:
        rules, known = context.config.rules, knowing_ourselves(context, tenant)
        self.tenant, self.faults = known, faults
        with context.store.reading() as session:
            origins = work.permission_set_origins(session)
        self._target = DryRunTarget(
            context.c4c.target(rules, known.schema),
            rules.mapping.key_fields(),
            creates_permission_sets=creates_permission_sets(origins),
        )
        predicted = Predictions(self._target.shown)
        self._journal = DryRunJournal(StateJournal(context, known, faults), known, predicted, faults)
        self._handover = Handover(context, known, self._target, self._journal, faults)
        self.really_read = Batch({}, {})
        """The last batch as it was loaded and read, without simulated writes. If it was the first one, the real run can
        go on from it.
        """

    def load(self, contact_ids: Sequence[str]) -> Batch:
        """Loads the next batch, for which C4C is read anew."""
        self._target.forget_read()
        return self._journal.load(contact_ids)

    def plan(self, batch: Batch) -> None:
        """Plans the batch up to its first write. Raises RemoteError."""
        self._handover.plan(batch)

    def play(self, contact_ids: Sequence[str]) -> Batch:
        """Plans one batch and simulates its writes until it is settled. Raises RemoteError."""
        batch = self.load(contact_ids)
        links = dict(batch.links)
        self._handover.rounds(batch)
        self.really_read = Batch(dict(batch.views), links, dict(batch.decisions), self._target.read())
        return batch

    @property
    def predicted(self) -> Predictions:
        """The writes of all batches so far."""
        return self._journal.predicted

    def predicted_of(self, contact: str) -> list[Predicted]:
        """The records that would be written for the contact; several contacts may share a record."""
        return [self.predicted[pair] for pair in sorted(self._journal.records_of[contact])]
