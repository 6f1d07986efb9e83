"""Values of the rules that keep a contact from being handed over, or that mean a refusal. Pure."""

from collections.abc import Iterator

from sync.domain.conditions import Condition
from sync.domain.rules import Qualification, qualified

ExcludedValue = tuple[str, str, str]
"""(`contact` or `company`, property, value)."""


def values(found: Qualification) -> Iterator[ExcludedValue]:
    """The values. If the portal loses one of these options, the contacts that it kept back would qualify."""
    for condition in found.conditions():
        yield from _excluded(condition, negated=False)
    consent = found.consent
    for value in consent.no_basis | consent.confirmation_for:
        yield "contact", consent.legal_basis_property, value
    for rule in consent.channels:
        yield from (("contact", rule.property, value) for value in rule.refused)


def _excluded(condition: Condition, *, negated: bool) -> Iterator[ExcludedValue]:
    if condition.property is not None and not condition.transform:
        space, _, name = qualified("contact", condition.property).partition(".")
        yield from ((space, name, value) for value in (condition.one_of if negated else condition.none_of))
    for part in (*condition.all, *condition.any):
        yield from _excluded(part, negated=negated)
    if condition.negated:
        yield from _excluded(condition.negated, negated=not negated)
