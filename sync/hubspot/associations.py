"""Collects the associations of some contacts while their pages are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.domain.views import Label
from sync.errors import Malformed
from sync.hubspot import answers
from sync.hubspot.answers import Associations
from sync.transport import Pages


def contact_row(row: Any) -> tuple[str, Mapping[str, Any]] | None:
    contact = answers.contact_of(row)
    return (contact, row) if contact else None


@dataclass
class AssociationReading:
    """The associations of a portion of contacts, as far as read."""

    found: dict[str, set[tuple[str, Label]]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    pages: dict[str, Pages] = field(default_factory=dict)

    def take(self, contact: str, row: Mapping[str, Any]) -> str | None:
        """Keeps one page of a contact; returns the cursor of its next page. Raises Malformed if the cursor repeats."""
        what = "a row of an association read"
        companies = answers.companies_of(row)
        try:
            after = answers.cursor(row, what)
        except Malformed:
            companies = after = None
        if companies is None:
            self.unreadable.add(contact)
            return None
        self.found.setdefault(contact, set()).update(companies)
        return self.pages.setdefault(contact, Pages("hubspot", what)).next(after)

    def end(self, named: set[str], alone: set[str], asked: set[str]) -> None:
        """Ends a round: contacts in `alone` have no company, and those without an answer have failed."""
        for contact in alone:
            self.found.setdefault(contact, set())
        self.failed |= asked - named - alone

    def result(self) -> Associations:
        odd = self.failed | self.unreadable
        found = {contact: frozenset(pairs) for contact, pairs in self.found.items() if contact not in odd}
        return Associations(found, frozenset(self.failed), frozenset(self.unreadable - self.failed))


def without_associations(data: Mapping[str, Any], what: str) -> set[str]:
    """Contacts that have no association, according to HubSpot.

    The sub-category tells; other errors share the category.
    """
    none_found = "crm.associations.NO_ASSOCIATIONS_FOUND"
    unassociated = (e for e in answers.errors(data, what) if e.get("subCategory") == none_found)
    return {i for error in unassociated for i in answers.ids(error, "fromObjectId")}
