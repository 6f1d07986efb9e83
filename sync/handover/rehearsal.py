"""The next push, played through without a write: what C4C holds is read, what would be written is pretended."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sync.context import Context
from sync.domain.entities import Entity
from sync.domain.views import Link
from sync.faults import Faults
from sync.handover.batch import Batch
from sync.handover.handover import Handover, owned, owners_of
from sync.mappers.identity import account_ids
from sync.planner.imagine import Imagined, Predicted, creates_permission_sets
from sync.planner.plan import Tenant, Write
from sync.planner.snapshot import Lookup, Snapshot
from sync.planner.target import LookupReader
from sync.state import work


class Rehearsal(Handover):
    """Carries batches over in imagination; later batches know what earlier ones made."""

    def __init__(self, context: Context, tenant: Tenant, faults: Faults) -> None:
        super().__init__(context, tenant, faults)
        with context.store.reading() as session:
            origins = work.permission_set_origins(session)
        self.imagined = Imagined(context.config.rules, creates_permission_sets=creates_permission_sets(origins))
        self.reader = _Reader(self.reader, self.imagined)
        self._accounts: dict[tuple[str, str], Link] = {}
        self._records_of: dict[str, set[tuple[str, str]]] = defaultdict(set)

    def play(self, contact_ids: Sequence[str], known: Snapshot | None = None) -> Batch:
        """Plays one batch through; nothing is kept but what was imagined. Raises RemoteError.

        `known` is what somebody read of C4C just now: it is not read again.
        """
        batch = self.load(contact_ids)
        if known is not None:
            batch.snapshot = self._copied(known)
        self.rounds(batch)
        return batch

    def _copied(self, known: Snapshot) -> Snapshot:
        """The same answers, with what earlier batches have made in imagination."""
        copy = Snapshot(dict(known.records), dict(known.answers), dict(known.refused))
        for lookup in known.answers:
            copy.learn(lookup, self.imagined.completed(lookup, copy.ask(lookup) or ()))
        return copy

    def writes_of(self, contact: str) -> list[Predicted]:
        """The contact's share of what would be written; several contacts may share a record."""
        return [self.imagined.written[record] for record in sorted(self._records_of[contact])]

    def load(self, contact_ids: Sequence[str]) -> Batch:
        batch = super().load(contact_ids)
        companies = {i for view in batch.views.values() for i in account_ids(view)}
        batch.links |= {pair: link for pair, link in self._accounts.items() if link.key in companies}
        return batch

    def _write(self, batch: Batch, writes: Sequence[Write]) -> None:
        owners = owners_of(batch, writes)
        for write in writes:
            concerned = owned(batch, owners, write)
            with self.faults.concerning(concerned):
                self._imagine(batch, write)
            for contact in concerned:
                self._records_of[contact].add((write.entity, write.key))
        self._set_aside(batch)

    def _imagine(self, batch: Batch, write: Write) -> None:
        known = batch.links.get((write.entity, write.key))
        self.imagined.write(write, batch.links, batch.snapshot)
        if write.entity == Entity.ACCOUNT and write.linked:
            link = self._accounts[Entity.ACCOUNT, write.key] = batch.links[Entity.ACCOUNT, write.key]
            if known is None or known.object_id != link.object_id:
                batch.new_accounts.add(write.key)


class _Reader:
    """Reads from C4C what exists, and adds what is only imagined."""

    def __init__(self, real: LookupReader, imagined: Imagined) -> None:
        self._real, self._imagined = real, imagined

    def find(self, lookups: Iterable[Lookup], snapshot: Snapshot) -> None:
        asked = set(lookups)
        made_up = {lookup for lookup in asked if self._imagined.makes_up(lookup)}
        self._real.find(asked - made_up, snapshot)
        for lookup in made_up:
            snapshot.learn(lookup, self._imagined.answer(lookup))
        for lookup in asked - made_up - snapshot.refused.keys():
            snapshot.learn(lookup, self._imagined.completed(lookup, snapshot.ask(lookup) or ()))
