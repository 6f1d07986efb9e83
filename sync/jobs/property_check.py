"""Compares every property and option that the rules name with what the portal has."""

from collections.abc import Iterator, Mapping

from sync import rule_uses
from sync.domain.conditions import Condition
from sync.domain.rules import MERGED_PROPERTY, OWNER_PROPERTY, Rules, qualified
from sync.domain.spelling import nearest
from sync.hubspot_client import Property

Finding = dict[str, str]
Known = Mapping[str, Property]


def unknown_properties(rules: Rules, contacts: Known, companies: Known) -> Iterator[Finding]:
    """Uses of properties that the portal does not have; an error where nothing can be decided without."""
    portal = {"contact": contacts, "company": companies}
    plural = {"contact": "contacts", "company": "companies"}
    for use in dict.fromkeys(rule_uses.uses(rules)):
        known = portal[use.space]
        if use.property in known or use.property in (OWNER_PROPERTY, MERGED_PROPERTY):
            continue
        text = f"`{use.property}` is not a property of {plural[use.space]}{_close(use.property, known)}"
        yield {"severity": "error" if use.vital else "warning", "where": f"{use.file}: {use.key}", "text": text}


def _close(name: str, known: Known) -> str:
    """Only a near match: a portal has hundreds of properties."""
    hint = nearest(name, known)
    return hint if hint.startswith("; did you mean") else ""


def unknown_options(rules: Rules, contacts: Known, companies: Known) -> Iterator[Finding]:
    """Values in conditions that a property with fixed options does not offer."""
    found = rules.qualification
    named = [(f"filters.{name}", condition) for name, condition in found.filters.items()]
    named += [(f"scores.{score.name}.conditions", c) for score in found.scores for c in score.conditions]
    named += [(f"scores.{score.name}.routes", choice.when) for score in found.scores for choice in score.routes]
    for where, condition in named:
        for part in condition.parts():
            yield from _options(where, part, {"contact": contacts, "company": companies})


def _options(where: str, part: Condition, portal: Mapping[str, Known]) -> Iterator[Finding]:
    if part.property is None or part.transform:
        return
    space, _, name = qualified("contact", part.property).partition(".")
    known = portal.get(space, {}).get(name)
    options = {option.casefold(): option for option in known.options} if known else {}
    for value in (*part.one_of, *part.none_of) if options else ():
        if value.casefold() not in options:
            text = f"{value!r} is no option of {name}{nearest(value, options.values())}"
            yield {"severity": "warning", "where": f"qualification.toml: {where}", "text": text}
