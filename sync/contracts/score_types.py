"""Checks that properties can hold what the rules read from them, and that fields can hold what scores give."""

from collections.abc import Iterator, Mapping

from sync.domain.alike import truth
from sync.domain.entities import Entity
from sync.domain.rules import FieldMap, Measure, Rules, Score
from sync.domain.schema import Schema
from sync.hubspot_client import Property
from sync.mappers.draft import draft
from sync.planner.consent import opted_out

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


def optout(known: Property | None) -> tuple[str, str | None]:
    """(severity, problem) of the opt-out's property. Every value but a word for no counts as an opt-out.

    An error if no option does, a warning if one does that is no word for yes; else there is no problem (None).
    """
    if known is None or known.type in ("bool", ""):
        return "", None
    carry = "name a yes/no property, or carry the refusal over with `[[consent.channels]]`"
    if known.type != "enumeration":
        return "warning", f"{known.name} is of type {known.type}: all but a word for no counts as an opt-out: {carry}"
    if not any(map(opted_out, known.options)):
        return "error", f"{known.name} has no option that means an opt-out, so none would go over: {carry}"
    odd = [option for option in known.options if truth(option) is None]
    text = f"{known.name}: {', '.join(odd)} is neither yes nor no, and counts as an opt-out: {carry}"
    return ("warning", text) if odd else ("", None)


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
