"""The journal stores what a handover does: its port, and the implementation on the state store."""

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
    """Loads contacts for a handover, and stores its results.

    A dry run replaces only this and the target. A contact that causes an exception leaves the batch and is added to the
    faults.
    """

    def load(self, contact_ids: Sequence[str]) -> Batch:
        """Views and links of these contacts, and the decisions on exactly these views."""

    def intend(self, round_: Round) -> list[str]:
        """Announces the writes of a round, or announces nothing and returns the contacts that changed since loading."""

    def keep(self, round_: Round, results: Results) -> None:
        """Takes in the results of these writes: links, and what C4C now holds."""

    def record(self, batch: Batch) -> None:
        """Stores the outcome of every settled contact of the batch."""


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
            views = self.faults.views(session, contact_ids, partial(contact_views.loaded_views, rules=rules))
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
        """Commits the intent; or commits nothing and returns the contacts that changed since they were loaded.

        A batch takes minutes, and consent that is withdrawn meanwhile must not lead to a lead.
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
        """Commits the links of what was written, and checks that each created record is the only one with its key."""
        linking.keep(self.context, self.tenant, round_, results, self.faults)
        uniqueness.look(self.context, self.tenant.schema, linking.made(results))

    def record(self, batch: Batch) -> None:
        """Stores decisions, handovers, merge bases and progress in one commit."""
        recording.record(self.context, batch, self.faults)
