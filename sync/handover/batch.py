"""A batch of contacts that are handed over together: what is known of them, what was planned, and how each ended."""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from sync.domain.codes import Code
from sync.domain.decision import Decision, Reason
from sync.domain.entities import Entity
from sync.domain.numbers import in_order
from sync.domain.views import ContactView, Link
from sync.lifecycle import Done, Failed, Outcome
from sync.mappers.identity import account_ids
from sync.planner.plan import Links, Plan
from sync.planner.qualify import NEEDS_A_PERSON, leading
from sync.planner.snapshot import Snapshot

BATCH_SIZE = 1000
"""Contacts that are handed over together. A large batch fills its requests; after a crash nothing is lost, only looked
up again.
"""


@dataclass
class Batch:
    """The state of one batch while it is carried over.

    `decisions`: by contact, the decisions on exactly the view in `views`. A contact that is loaded anew is decided
    anew.
    `touched`: contacts for which a write was announced. `new_accounts`: companies whose account was made or found in
    this batch. `failures`: writes that went wrong, by record. `written`: records by action and entity. `writes_of`: by
    contact, writes by action and entity.
    """

    views: dict[str, ContactView]
    links: dict[tuple[str, str], Link]
    decisions: dict[str, tuple[Decision, ...]] = field(default_factory=dict)
    snapshot: Snapshot = field(default_factory=Snapshot)
    plans: dict[str, Plan] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    new_accounts: set[str] = field(default_factory=set)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    written: Counter[tuple[str, str]] = field(default_factory=Counter)
    repeated: Counter[Hashable] = field(default_factory=Counter)
    """How often each write succeeded, by its content."""
    writes_of: dict[str, Counter[str]] = field(default_factory=dict)
    warnings: dict[str, list[Reason]] = field(default_factory=dict)

    def open(self) -> list[str]:
        """Contacts that are not settled yet, in the order of their ids."""
        return sorted((i for i in self.views if i not in self.outcomes), key=in_order)

    def concerned(self, contacts: Iterable[str]) -> dict[str, int]:
        """Those of the contacts that are in the batch, with the `change_seq` that each was loaded with."""
        return {contact: self.views[contact].change_seq for contact in contacts if contact in self.views}

    def leave_out(self, contacts: Iterable[str]) -> None:
        """Forgets these contacts: nothing more is planned, written or recorded for them."""
        for contact in set(contacts) & self.views.keys():
            del self.views[contact]
            self.decisions.pop(contact, None)
            self.plans.pop(contact, None)
            self.outcomes.pop(contact, None)

    def links_by_contact(self) -> dict[str, Links]:
        """For each open contact its own pairs and those of its companies."""
        links = LinksOf(self.links)
        return {contact: links.of(self.views[contact]) for contact in self.open()}


class LinksOf:
    """Links of many contacts, handed out contact by contact.

    HubSpot numbers contacts and companies separately, so an id alone does not identify the owner of a link."""

    def __init__(self, links: Links) -> None:
        self._by_owner: dict[tuple[bool, str], list[Link]] = {}
        for link in links.values():
            self._by_owner.setdefault((link.entity == Entity.ACCOUNT, link.owner), []).append(link)

    def of(self, view: ContactView) -> Links:
        """The contact's own links, and the accounts of its companies and of their duplicates."""
        owners = [(False, view.id), *((True, company) for company in account_ids(view))]
        return {(link.entity, link.key): link for owner in owners for link in self._by_owner.get(owner, ())}


def stopped(reason: Reason) -> Outcome:
    """The outcome of a contact whose plan met a problem: parked, or waiting for a property that cannot be read."""
    if reason.code is Code.PROPERTY_UNREADABLE:
        return Done(reason.code)
    return Failed(reason.code, reason.text)


def decided(decisions: tuple[Decision, ...]) -> Outcome:
    """The outcome of a contact for which nothing more is to be written, by its decisions."""
    decision = leading(decisions)
    if decision.code in NEEDS_A_PERSON:
        text = next(reason.text for reason in decision.reasons if reason.code is decision.code)
        return Failed(decision.code, text)
    return Done(decision.code)
