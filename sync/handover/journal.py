"""What a handover remembers: the port, and the journal on the state store that the real run writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sync.context import Context
from sync.domain.numbers import in_order
from sync.faults import Faults
from sync.handover import contact_views, linking, recording, uniqueness
from sync.handover.batch import Batch
from sync.handover.rounds import Round
from sync.mappers.identity import account_ids
from sync.planner.plan import Tenant, Write
from sync.planner.qualify import qualify
from sync.planner.target import Results
from sync.state import work


class Journal(Protocol):
    """Where a handover reads from and what it keeps. A dry run wraps this and the target, and nothing else.

    A contact on which an exception occurs leaves the batch; whoever made the journal finds it among the faults.
    """

    def load(self, contact_ids: Sequence[str]) -> Batch:
        """Views and links of these contacts, and the decisions on exactly these views."""

    def intend(self, round_: Round) -> list[str]:
        """Announces the writes of a round, or announces nothing and returns the contacts that changed since loading."""

    def keep(self, round_: Round, results: Results) -> None:
        """Learns what these writes of the round came to: pairs and what C4C holds."""

    def record(self, batch: Batch) -> None:
        """Keeps how every settled contact of the batch ended."""


@dataclass(frozen=True)
class StateJournal:
    """The journal on the state store, for one tenant."""

    context: Context
    tenant: Tenant
    faults: Faults

    def load(self, contact_ids: Sequence[str]) -> Batch:
        """Views and links of these contacts, and the decisions on exactly these views."""
        rules = self.context.config.rules
        with self.context.store.reading() as session:
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

    def intend(self, round_: Round) -> list[str]:
        """Commits the intent, or nothing, and then returns the contacts that changed since they were loaded.

        A batch takes minutes. Consent that was withdrawn meanwhile must not become a lead by it.
        """
        batch, changed = round_.batch, set[str]()
        self.faults.each(round_.writes, lambda part: changed.update(self._announce(round_, part)), round_.concerned)
        batch.leave_out(self.faults.found)
        return sorted(changed & batch.views.keys(), key=in_order)

    def _announce(self, round_: Round, writes: Sequence[Write]) -> list[str]:
        batch = round_.batch
        contacts = {contact for write in writes for contact in round_.concerned(write)}
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

    def keep(self, round_: Round, results: Results) -> None:
        """Commits the pairs of what was written, and looks whether what was created is the only one of its key."""
        linking.keep(self.context, self.tenant, round_, results, self.faults)
        uniqueness.look(self.context, self.tenant.schema, linking.made(results))

    def record(self, batch: Batch) -> None:
        """Keeps decisions, handovers, values of the merge base and progress in one commit."""
        recording.record(self.context, batch, self.faults)
