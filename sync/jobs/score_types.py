"""Whether a score's property can hold what the rules read from it."""

from collections.abc import Iterator, Mapping

from sync.domain.rules import Measure
from sync.hubspot_client import Property

NUMBERS = frozenset({"number"})
TEXTS = frozenset({"enumeration", "string"})


def mismatches(score: Measure, properties: Mapping[str, Property]) -> Iterator[str]:
    """A threshold needs a number, tiers need texts."""
    known = properties.get(score.property)
    if known is None:
        return
    allowed = TEXTS if score.tiers else NUMBERS
    if known.type and known.type not in allowed:
        reading = "`tiers`" if score.tiers else "`threshold`"
        yield f"{score.property} is of type {known.type}; {reading} needs {' or '.join(sorted(allowed))}"
