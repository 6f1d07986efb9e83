"""Tests the conditions of the rules.

The result is None if a condition holds, else a text on what did not hold. Texts name properties, filters and what the
rules ask for, but never the values found, since decisions store them.
"""

from collections.abc import Iterable
from functools import lru_cache

from sync.domain.alike import code
from sync.domain.conditions import Condition, pattern
from sync.domain.rules import qualified
from sync.domain.scores import score_number
from sync.domain.views import Unreadable
from sync.mappers.places import country_of
from sync.mappers.transforms import transformed
from sync.planner.facts import Facts


def shortfall(condition: Condition, facts: Facts) -> str | None:
    """What does not hold of the condition; None if all of it holds.

    Raises Unreadable only if the result depends on a property that cannot be read.
    """
    filters = facts.rules.qualification.filters
    if condition.property is not None:
        return _test(condition, facts)
    if condition.filter is not None:
        found = shortfall(filters[condition.filter], facts)
        return f"{condition.filter!r} ({found})" if found else None
    if condition.negated is not None:
        return None if shortfall(condition.negated, facts) else f"not {_named(condition.negated)} is asked for"
    if condition.any:
        return _any(condition.any, facts)
    return _all(condition.all, facts)


def _any(parts: Iterable[Condition], facts: Facts) -> str | None:
    found, unread = _each(parts, facts)
    if None in found:
        return None
    if unread:
        raise unread
    return "none of: " + "; ".join(map(str, found))


def _all(parts: Iterable[Condition], facts: Facts) -> str | None:
    found, unread = _each(parts, facts)
    decided = next(filter(None, found), None)
    if unread and decided is None:
        raise unread
    return decided


def _each(parts: Iterable[Condition], facts: Facts) -> tuple[list[str | None], Unreadable | None]:
    """The result of each part, and the first that could not be decided."""
    found: list[str | None] = []
    unread: Unreadable | None = None
    for part in parts:
        try:
            found.append(shortfall(part, facts))
        except Unreadable as error:
            unread = unread or error
    return found, unread


def holds(condition: Condition, facts: Facts) -> bool:
    return shortfall(condition, facts) is None


def _named(condition: Condition) -> str:
    """A short name of a condition."""
    if condition.filter is not None:
        return repr(condition.filter)
    return ", ".join(sorted(condition.properties() | condition.filters()))


def _test(condition: Condition, facts: Facts) -> str | None:
    """A test on one property after its transform. A value that the transform cannot read counts as unknown."""
    assert condition.property is not None
    value = _value(condition, facts)
    if condition.known is not None and condition.known != (value is not None):
        return f"{condition.property} is {'unknown' if condition.known else 'known'}"
    for fits, asked in ((_in_list, _list_asked), (_matches, _match_asked), (_in_range, _range_asked)):
        if not fits(condition, value):
            return f"{condition.property} {asked(condition) if value is not None else 'is unknown'}"
    return None


def _value(condition: Condition, facts: Facts) -> str | None:
    """The property after its transform. A country comes from HubSpot's own country code if the portal has it."""
    assert condition.property is not None
    value = facts.get(condition.property)
    if condition.transform == "country":
        space, _, name = qualified("contact", condition.property).partition(".")
        return country_of(lambda source: facts.get(f"{space}.{source}"), name)
    return value if value is None or not condition.transform else transformed(condition.transform, value) or None


def _list_asked(condition: Condition) -> str:
    if condition.one_of:
        return f"is not one of {_few(condition.one_of)}"
    return f"is one of {_few(condition.none_of)}"


def _match_asked(condition: Condition) -> str:
    return f"does not match {condition.matches!r}"


def _range_asked(condition: Condition) -> str:
    low, high = condition.between or (condition.at_least, condition.at_most)
    asked = [f"at least {low:g}" if low is not None else "", f"at most {high:g}" if high is not None else ""]
    return f"is not {' and '.join(filter(None, asked))}"


def _few(values: Iterable[str]) -> str:
    """The first values of a list, with e-mail addresses left out."""
    shown = sorted({"an address" if "@" in value else value for value in values})
    return ", ".join(shown[:6]) + (", …" if len(shown) > 6 else "")


def _in_list(condition: Condition, value: str | None) -> bool:
    options = {code(part) for part in ((value or ""), *(value or "").split(";"))}
    if condition.one_of and not options & set(map(code, condition.one_of)):
        return False
    return not options & set(map(code, condition.none_of))


def _matches(condition: Condition, value: str | None) -> bool:
    return condition.matches is None or (value is not None and _pattern(condition.matches).search(value) is not None)


_pattern = lru_cache(256)(pattern)


def _in_range(condition: Condition, value: str | None) -> bool:
    low, high = condition.between or (None, None)
    bounds = [(low, high), (condition.at_least, condition.at_most)]
    if all(bound == (None, None) for bound in bounds):
        return True
    found = score_number(value)
    return found is not None and all((lo is None or found >= lo) and (hi is None or found <= hi) for lo, hi in bounds)
