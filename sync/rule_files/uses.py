"""Lists every use of a HubSpot property in the rules, with file and key. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sync.domain import rules
from sync.domain.conditions import Condition
from sync.domain.entities import TYPES
from sync.domain.spelling import entry

QUALIFICATION, MAPPING = "qualification.toml", "mapping.toml"


@dataclass(frozen=True, slots=True)
class Use:
    """One use. `space` is `contact` or `company`; `vital`: without the property, decisions or refusals are lost."""

    file: str
    key: str
    space: str
    property: str
    vital: bool = False


def uses(found: rules.Rules) -> Iterator[Use]:
    """Every use, in the order of the files."""
    yield from _scores(found.qualification)
    yield from _consent(found.qualification.consent)
    for name, condition in found.qualification.filters.items():
        yield from _condition(f"filters.{name}", condition)
    for name, route in found.qualification.routes.items():
        names = rules.placeholders(route.lead_name)
        yield from _sources(QUALIFICATION, f"routes.{name}.lead_name", "contact", names)
    for name, owner in found.qualification.owners.items():
        yield from _owner(f"owners.{name}", owner)
    if f"company.{found.qualification.segments.revenue_property}" in found.sources():
        for key in ("revenue_property", "people_property"):
            yield Use(QUALIFICATION, f"segments.{key}", "company", getattr(found.qualification.segments, key))
    yield from _mapping(found.mapping)


def _scores(found: rules.Qualification) -> Iterator[Use]:
    for number, score in enumerate(found.scores):
        where = entry("scores", number, score.name)
        yield Use(QUALIFICATION, f"{where}.property", "contact", score.property, vital=True)
        for n, measure in enumerate(score.combined):
            yield Use(QUALIFICATION, f"{where}.and.{n}.property", "contact", measure.property, vital=True)
        for n, condition in enumerate(score.conditions):
            yield from _condition(f"{where}.conditions.{n}", condition)
        for n, choice in enumerate(score.routes):
            yield from _condition(f"{where}.routes.{n}.when", choice.when)


def _consent(consent: rules.Consent) -> Iterator[Use]:
    basis, optout = consent.legal_basis_property, consent.optout_property
    yield Use(QUALIFICATION, "consent.legal_basis_property", "contact", basis, vital=True)
    yield Use(QUALIFICATION, "consent.optout_property", "contact", optout, vital=True)
    if consent.confirmation_for:
        confirmation = consent.confirmation_property
        yield Use(QUALIFICATION, "consent.confirmation_property", "contact", confirmation, vital=True)
    for n, rule in enumerate(consent.channels):
        where = entry("consent.channels", n, rule.channel)
        yield Use(QUALIFICATION, f"{where}.property", "contact", rule.property, vital=True)


def _condition(where: str, condition: Condition) -> Iterator[Use]:
    yield from _sources(QUALIFICATION, where, "contact", sorted(condition.properties()))


def _owner(where: str, owner: rules.OwnerRule) -> Iterator[Use]:
    for key in ("country_property", "postal_property") if owner.territories else ():
        for space in ("company", "contact"):
            yield Use(QUALIFICATION, f"{where}.{key}", space, getattr(owner, key))


def _mapping(found: rules.Mapping) -> Iterator[Use]:
    for entity, section in found.by_entity().items():
        for n, mapped in enumerate(section.fields):
            where = entry(f"{TYPES[entity].section}.fields", n, ", ".join(mapped.target))
            yield from _sources(MAPPING, where, TYPES[entity].owner, rules.field_sources(mapped))
    for n, key in enumerate(found.account.natural_keys):
        where = entry("account.natural_keys", n, key.kind)
        yield from _sources(MAPPING, f"{where}.source", "company", key.source)
    yield Use(MAPPING, "contact.email_source", "contact", found.contact.email_source)
    for n, rule in enumerate(found.attributes):
        where = entry("attributes", n, rule.attribute)
        yield Use(MAPPING, f"{where}.source", "contact", rule.source)


def _sources(file: str, where: str, own: str, names: Iterable[str]) -> Iterator[Use]:
    for name in names:
        space, _, rest = rules.qualified(own, name).partition(".")
        if space in ("contact", "company"):
            yield Use(file, where, space, rest)
