"""Compares every property and option that the rules name with what the portal has."""

from collections.abc import Iterator, Mapping

from sync.domain.conditions import Condition
from sync.domain.rules import MERGED_PROPERTY, OWNER_PROPERTY, Consent, Qualification, Rules, qualified
from sync.domain.spelling import entry, nearest, shown
from sync.hubspot_client import Property
from sync.rule_files import uses

_Finding = dict[str, str]
_Known = Mapping[str, Property]


def unknown_properties(rules: Rules, contacts: _Known, companies: _Known) -> Iterator[_Finding]:
    """Uses of properties that the portal does not have. An error if decisions or refusals of consent would be lost."""
    portal = {"contact": contacts, "company": companies}
    plural = {"contact": "contacts", "company": "companies"}
    for use in dict.fromkeys(uses.uses(rules)):
        known = portal[use.space]
        if use.property in known or use.property in (OWNER_PROPERTY, MERGED_PROPERTY):
            continue
        text = f"`{use.property}` is not a property of {plural[use.space]}{_close(use.property, known)}"
        yield {"severity": "error" if use.vital else "warning", "where": f"{use.file}: {use.key}", "text": text}


def _close(name: str, known: _Known) -> str:
    """Suggests a property only if it is a near match: a portal has hundreds of them."""
    hint = nearest(name, known)
    return hint if hint.startswith("; did you mean") else ""


def unknown_options(rules: Rules, contacts: _Known, companies: _Known) -> Iterator[_Finding]:
    """Values in conditions, scores and consent rules that a property with fixed options does not offer."""
    for where, condition in _conditions(rules.qualification):
        for part in condition.parts():
            yield from _tested(where, part, {"contact": contacts, "company": companies})
    lets_through = _letting_through(rules.qualification.consent)
    for where, name, values in _counted(rules):
        known = contacts.get(name)
        for value in sorted(values) if known and known.options else ():
            if value not in known.options:  # type: ignore[union-attr]
                severity = "error" if where.endswith(lets_through) else "warning"
                yield _no_option(where, value, known, severity)  # type: ignore[arg-type]


def _letting_through(consent: Consent) -> tuple[str, ...]:
    """Keys whose values keep a contact back or carry a refusal over. A misspelt value would let those contacts pass."""
    said = [f"consent.{key}" for key in ("no_basis", "confirmation_for") if key in consent.model_fields_set]
    return (*said, ").refused")


def _conditions(found: Qualification) -> Iterator[tuple[str, Condition]]:
    yield from ((f"filters.{name}", condition) for name, condition in found.filters.items())
    for number, score in enumerate(found.scores):
        where = entry("scores", number, score.name)
        yield from ((f"{where}.conditions.{n}", condition) for n, condition in enumerate(score.conditions))
        yield from ((f"{where}.routes.{n}.when", choice.when) for n, choice in enumerate(score.routes))


def _counted(rules: Rules) -> Iterator[tuple[str, str, frozenset[str]]]:
    """(where, contact property, values) of values that are compared exactly."""
    for number, score in enumerate(rules.qualification.scores):
        where = entry("scores", number, score.name)
        yield f"{where}.tiers", score.property, score.tiers
        yield f"{where}.rearm_tiers", score.property, score.rearm_tiers
        yield from ((f"{where}.and.{n}.tiers", m.property, m.tiers) for n, m in enumerate(score.combined))
    consent = rules.qualification.consent
    for key in ("allowed_basis", "no_basis", "confirmation_for"):
        yield f"consent.{key}", consent.legal_basis_property, getattr(consent, key)
    # By default these are HubSpot's own six values, some of which a portal may lack.
    if consent.confirmation_for and "confirmed" in consent.model_fields_set:
        yield "consent.confirmed", consent.confirmation_property, consent.confirmed
    for n, rule in enumerate(consent.channels):
        where = entry("consent.channels", n, rule.channel)
        yield f"{where}.granted", rule.property, rule.granted
        yield f"{where}.refused", rule.property, rule.refused


def _tested(where: str, part: Condition, portal: Mapping[str, _Known]) -> Iterator[_Finding]:
    """The values a condition tests, in lower case: conditions ignore case."""
    if part.property is None or part.transform:
        return
    space, _, name = qualified("contact", part.property).partition(".")
    known = portal.get(space, {}).get(name)
    options = {option.casefold() for option in known.options} if known else set()
    for value in (*part.one_of, *part.none_of) if known and options else ():
        if value.casefold() not in options:
            yield _no_option(where, value, known)  # type: ignore[arg-type]


def _no_option(where: str, value: str, known: Property, severity: str = "warning") -> _Finding:
    text = f"{shown(value)} is not an option of {known.name}{nearest(value, known.options)}"
    return {"severity": severity, "where": f"qualification.toml: {where}", "text": text}
