"""Finds values that a transform can never give, and rows of territories that can never apply.

Each problem is a sentence with what was found and what is allowed.
"""

from collections.abc import Iterable, Iterator

from sync.domain.alike import DIGITS_ONLY
from sync.domain.conditions import Transform
from sync.domain.rules import Territory
from sync.domain.spelling import shown
from sync.mappers.places import country, country_like
from sync.mappers.transforms import transformed

_GIVES: dict[str, str] = {
    "country": "ISO 3166-1 codes, such as DE",
    "language": "ISO 639-1 codes, such as DE",
    "salutation": "mr, ms, mx, dr, prof",
    "boolean": "true, false",
    "number": "numbers, such as 12.5",
}
"""Idempotent transforms: if transforming a rule's value changes it, no contact can ever have that value after the
transform.
"""


def never(key: str, transform: Transform | None, values: Iterable[str]) -> Iterator[str]:
    """Those of the values that the transform at `key` can never give. Case is ignored."""
    if transform not in _GIVES:
        return
    for value in values:
        made = transformed(transform, value)
        if (made or "").casefold() != value.strip().casefold():
            meant = made or (country_like(value) if transform == "country" else None)
            yield f'found {shown(value)}, which `{key} = "{transform}"` never gives; {_hint(transform, meant)}'


def _hint(transform: str, meant: str | None) -> str:
    return f"did you mean `{meant}`?" if meant else f"allowed: {_GIVES[transform]}"


def no_country(code: str | None) -> Iterator[str]:
    """A country code that does not exist."""
    if code is not None and country(code) != code:
        meant = country(code) or country_like(code)
        yield f"found {shown(code)}; {_hint('country', meant)}"


def territories(rows: tuple[Territory, ...]) -> Iterator[str]:
    """Rows of a table that can never apply, and countries and postal codes that do not exist."""
    for n, row in enumerate(rows):
        yield from (f"territories.{n}.country: {problem}" for problem in no_country(row.country))
        for m, written in enumerate(row.postal):
            yield from (f"territories.{n}.postal.{m}: found {shown(written)}, {p}" for p in _postal(written, row))
        earlier = next((m for m, other in enumerate(rows[:n]) if _covers(other, row)), None)
        if earlier is not None:
            yield (
                f"territories.{n}: is never reached, since territories.{earlier} fits all that it fits; "
                "put the narrower row first, or remove one"
            )


def _ends(written: str) -> tuple[str, str]:
    """The first and the last prefix of a range; both are the same for a single prefix."""
    low, dash, high = written.replace(" ", "").upper().partition("-")
    return low, high if dash else low


def _postal(written: str, row: Territory) -> Iterator[str]:
    low, high = _ends(written)
    letters = len(low) - len(low.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if letters > (3 if row.country == "MT" else 0 if row.country in DIGITS_ONLY else 2):
        yield f"but no postal code{f' of {row.country}' if row.country else ''} begins so; allowed: such as 20 or 20-25"
    elif len(low) != len(high):
        yield "whose ends must have the same number of characters, such as 20-25"
    elif low > high:
        yield f"which is empty: the lower end comes first, so write {high}-{low}"


def _covers(earlier: Territory, later: Territory) -> bool:
    """Whether every company that the later row matches is already taken by the earlier one."""
    if earlier.country not in (None, later.country) or earlier.segment not in (None, later.segment):
        return False
    if not earlier.postal:
        return True
    return bool(later.postal) and all(any(_within(p, outer) for outer in earlier.postal) for p in later.postal)


def _within(written: str, outer: str) -> bool:
    (low, high), (lowest, highest) = _ends(written), _ends(outer)
    known = len(lowest)
    return min(len(low), len(high)) >= known and lowest <= low[:known] and high[:known] <= highest
