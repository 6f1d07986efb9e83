"""Checks that properties can hold what the rules read from them, and that fields can hold what scores give."""

from collections.abc import Iterator, Mapping

from sync.domain.entities import Entity
from sync.domain.rules import FieldMap, Measure, Rules, Score
from sync.domain.schema import Schema
from sync.hubspot_client import Property
from sync.mappers.draft import draft

_NUMBERS = frozenset({"number"})
_TEXTS = frozenset({"enumeration", "string"})


def score_mismatches(score: Measure, properties: Mapping[str, Property]) -> Iterator[str]:
    """Scores whose property has an unsuitable type: a threshold needs a number, tiers need texts."""
    known = properties.get(score.property)
    if known is None:
        return
    allowed = _TEXTS if score.tiers else _NUMBERS
    if known.type and known.type not in allowed:
        reading = "`tiers`" if score.tiers else "`threshold`"
        yield f"{score.property} is of type {known.type}; {reading} needs {' or '.join(sorted(allowed))}"


TRUE = "true"
"""The value of HubSpot's yes/no properties for yes, and the only text that counts as an opt-out."""


def optout(known: Property | None) -> tuple[str, str | None]:
    """(severity, problem) of the opt-out's property, which must be able to hold `true`; the problem
    is None if it can.
    """
    if known is None or known.type in ("bool", ""):
        return "", None
    carry = "name a yes/no property, or carry the refusal over with `[[consent.channels]]`"
    if known.type == "string":
        return "warning", f"{known.name} is free text; only the word `{TRUE}` counts as an opt-out: {carry}"
    if known.type == "enumeration" and TRUE in known.options:
        return "", None
    why = f"its options do not hold `{TRUE}`" if known.type == "enumeration" else f"it is of type {known.type}"
    return "error", f"{known.name} can never say `{TRUE}` ({why}), so no opt-out would go over: {carry}"


def unfit(rules: Rules, schema: Schema) -> Iterator[tuple[int, str]]:
    """(place of the entry in `lead.fields`, problem) of entries whose field can never hold the value of a score."""
    for n, mapped in enumerate(rules.mapping.lead.fields):
        for score in rules.qualification.scores if "score.value" in mapped.source else ():
            refused = [value for value in _values(score) if _left_out(mapped, value, schema)]
            if refused:
                kind = "tiers" if score.tiers else "points"
                yield (
                    n,
                    f"cannot hold the {kind} of score {score.name} ({', '.join(refused)}): {_remedy(score, mapped)}",
                )


def _values(score: Score) -> list[str]:
    """The values that a lead of this score can get."""
    return sorted(score.tiers) or [f"{score.threshold:g}"]


def _left_out(mapped: FieldMap, value: str, schema: Schema) -> bool:
    found = draft(Entity.LEAD, "", "contact", [mapped], lambda name: value if name == "score.value" else None, schema)
    return bool(found.warnings or found.refused)


def _remedy(score: Score, mapped: FieldMap) -> str:
    if not score.tiers:
        return "take a number field"
    text = ' with `transform = "text"`' if mapped.transform == "number" else ""
    return f"every lead would miss it with VALUE_INVALID. Map it to a text field{text}, or give a `table` of numbers"
