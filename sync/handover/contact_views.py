"""The views of contacts with all that may stand for the same account or person."""

from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session

from sync.domain.entities import Entity
from sync.domain.rules import Rules
from sync.domain.views import ContactView, Link
from sync.faults import Faults
from sync.mappers import identity
from sync.mappers.transforms import emails
from sync.mirror import loading, peers
from sync.planner.qualify import qualify
from sync.state import work


def loaded_views(session: Session, contact_ids: Sequence[str], rules: Rules) -> dict[str, ContactView]:
    """The views of contacts with all that may stand for the same account or person."""
    found = peers.with_peers(session, loading.views(session, contact_ids))
    email = rules.mapping.contact.email_source
    wanted = {i: (_employers(view, rules), _address(view.known(email) or "")) for i, view in found.items()}
    others = peers.same_address(session, wanted, email, _address)
    counted = _handed_over(session, {i for ids in others.values() for i in ids}, rules)
    doubles = {i: tuple(sorted(ids & counted)) for i, ids in others.items()}
    return {i: replace(view, duplicates=doubles[i]) if doubles.get(i) else view for i, view in found.items()}


def _employers(view: ContactView, rules: Rules) -> set[str]:
    """The companies of a contact, and those that share an account with one of them."""
    if rules.mapping.duplicates.company == "share":
        return identity.account_ids(view)
    return {association.company.id for association in view.associations}


def _address(text: str) -> str:
    """The first e-mail address of a text in lower case; empty without one, as in `n/a`."""
    return next(iter(emails(text)), "").casefold()


def _handed_over(session: Session, contact_ids: set[str], rules: Rules) -> set[str]:
    """Those of the contacts that have a contact person in C4C, or qualify for one.

    One that causes an exception counts as not qualified here; it is reported when it is handled itself.
    """
    faults, qualified = Faults(), set()
    for contact, view in faults.views(session, sorted(contact_ids)).items():
        with faults.concerning({contact: view.change_seq}):
            if any(decision.qualified and decision.company for decision in qualify(view, rules)):
                qualified.add(contact)
    return qualified | {
        link.key for link in work.links_of(session, sorted(contact_ids), ()).values() if _is_person(link)
    }


def _is_person(link: Link) -> bool:
    return link.entity == Entity.CONTACT and bool(link.object_id)
