"""Finds companies of HubSpot that may stand for one account: the traits that they are compared by, duplicates, and
rivals. Pure.

Two companies are duplicates if domain and name are equal, or name, country and postal code. Companies with only the
domain in common are rivals: sister companies share a domain, but each has an account of its own.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from sync.domain.alike import postal_code, same_name, spellings
from sync.domain.numbers import identifier, in_order
from sync.domain.rules import MERGED_PROPERTY, AccountMap, NaturalKey
from sync.domain.views import ALIKE, Company, ContactView, Peer, Peers, Properties, Unreadable
from sync.mappers.company import web_domain
from sync.mappers.places import country_of


@dataclass(frozen=True, slots=True)
class Traits:
    """The traits that identify a company or an account; empty if unknown."""

    domain: str = ""
    name: str = ""
    country: str = ""
    postal: str = ""


def traits(company: Company, rules: AccountMap) -> Traits:
    """The company's traits by the sources of the rules' natural keys; a property that cannot be read leaves its trait
    empty.
    """
    sources = {key.kind: key.source for key in rules.natural_keys}
    name, country_code, postal = sources.get("name_country_postal", ("name", "country", "zip"))
    found_country = _readable(lambda: country_of(company.get, country_code))
    return Traits(
        _readable(lambda: web_domain(company, sources.get("web_domain", ()), rules.shared_domains)),
        _readable(lambda: company.get(name)),
        found_country,
        postal_code(_readable(lambda: company.get(postal)), found_country or None),
    )


def _readable(value: Callable[[], str | None]) -> str:
    with suppress(Unreadable):
        return value() or ""
    return ""


def merged_ids(properties: Properties) -> tuple[str, ...]:
    """HubSpot ids that were merged into this object, the lowest first."""
    texts = (properties.get(MERGED_PROPERTY) or "").split(";")
    return tuple(sorted(filter(None, (identifier(text.strip()) for text in texts)), key=in_order))


def keys(company: Company, rules: AccountMap) -> frozenset[str]:
    """Index keys by which peers are found: duplicates and rivals have at least one in common.

    A common key that begins with `ALIKE` means duplicates.
    """
    return frozenset(_keys(traits(company, rules), rules.natural_keys))


def _keys(found: Traits, natural_keys: tuple[NaturalKey, ...]) -> Iterator[str]:
    kinds = {key.kind for key in natural_keys}
    if found.domain and "web_domain" in kinds:
        yield f"domain {found.domain}"
        yield from (f"{ALIKE}{found.domain} {name}" for name in spellings(found.name))
    if found.country and found.postal and "name_country_postal" in kinds:
        yield from (f"{ALIKE}{found.country} {found.postal} {name}" for name in spellings(found.name))


def account_ids(view: ContactView) -> set[str]:
    """Ids of the companies whose accounts concern the contact: its own, and their duplicates."""
    companies = [association.company for association in view.associations]
    alike = (peer.company.id for company in companies for peer in duplicates(company))
    return {*(company.id for company in companies), *alike}


def duplicates(company: Company) -> tuple[Peer, ...]:
    """Other companies of HubSpot that are the same company entered again, in the order of their ids."""
    return _others(company, [group for group in company.peers if group.alike])


def peers(company: Company) -> tuple[Peer, ...]:
    """All other companies that may stand for the same account, in the order of their ids."""
    return _others(company, company.peers)


def _others(company: Company, groups: Iterable[Peers]) -> tuple[Peer, ...]:
    found = {peer.company.id: peer for group in groups for peer in group.members if peer.company.id != company.id}
    return tuple(found[i] for i in sorted(found, key=in_order))


def fit(company: Traits, account: Traits) -> tuple[bool, bool, bool]:
    """How well an account matches a company apart from its domain; more is better.

    The name counts more than the place.
    """
    postal = bool(company.postal) and company.postal == account.postal
    country_code = bool(company.country) and company.country == account.country
    return same_name(company.name, account.name), postal, country_code
