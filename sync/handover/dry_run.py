"""The next push without a write: what C4C holds is read, and what would be written is pretended.

The loop is that of the real run. Only the target and the journal are others: one keeps writes to itself, the other
remembers what was pretended until the dry run ends.
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
from sync.planner.dry_run_target import DryRunTarget, creates_permission_sets
from sync.planner.plan import Tenant, Write
from sync.planner.predicted import Predicted, Predictions
from sync.planner.target import Results, Written
from sync.state import work


class DryRunJournal:
    """Loads like the real journal and keeps nothing: later batches know the accounts that earlier ones would make."""

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
        """Announces the records as the real run would; nobody changes anything meanwhile."""
        for write in round_.writes:
            for one in (write, *write.children) if write.action == "create" else ():
                effects.announce(one, round_.batch.links)
        return []

    def keep(self, round_: Round, results: Results) -> None:
        """Learns from pretended writes just as the real journal does from real ones, and notes them."""
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
        """Nothing happened."""


class DryRun:
    """Plays batches through for one tenant; later batches know what earlier ones would make."""

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
        """The batch that was played last as it was loaded and read, without anything pretended: the real run goes on
        from it, if it was the first one."""

    def load(self, contact_ids: Sequence[str]) -> Batch:
        """The next batch; everything is read anew for it."""
        self._target.forget_read()
        return self._journal.load(contact_ids)

    def plan(self, batch: Batch) -> None:
        """Plans the batch as it is, before its first write. Raises RemoteError."""
        self._handover.plan(batch)

    def play(self, contact_ids: Sequence[str]) -> Batch:
        """Plans one batch and pretends to write until it is settled. Raises RemoteError."""
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
        """The contact's share of what would be written; several contacts may share a record."""
        return [self.predicted[pair] for pair in sorted(self._journal.records_of[contact])]
