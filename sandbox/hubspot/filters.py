"""The filters of a search request: checks, and a test per filter."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.hubspot import moments
from sandbox.hubspot.errors import HubSpotError, bad_request
from sandbox.hubspot.index import Properties, SearchIndex, Value

OPERATORS = (
    "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN",
)  # fmt: skip
Test = Callable[[Properties], bool]

_TOKENS = re.compile(r"\w+")


@dataclass
class Filter:
    """One condition on one property, as the client sent it."""

    name: str
    operator: str
    value: str | None
    high: str | None
    values: list[str]


def read_filter(raw: Any) -> Filter:
    if not isinstance(raw, dict) or not isinstance(raw.get("propertyName"), str):
        raise bad_request("Invalid input JSON: a filter needs a propertyName")
    operator = raw.get("operator")
    if operator not in OPERATORS:
        raise bad_request(f"Invalid input JSON: operator must be one of {', '.join(OPERATORS)}")
    one = Filter(raw["propertyName"], operator, _text(raw.get("value")), _text(raw.get("highValue")),
                 [str(value) for value in raw.get("values") or []])  # fmt: skip
    _check(one)
    return one


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _check(one: Filter) -> None:
    if one.operator in ("IN", "NOT_IN") and not one.values:
        raise bad_request(f"operator {one.operator} needs values")
    if one.operator == "BETWEEN" and (one.value is None or one.high is None):
        raise bad_request("operator BETWEEN needs value and highValue")
    bare = ("IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY")
    if one.operator not in bare and one.value is None:
        raise bad_request(f"operator {one.operator} needs a value")


def operand(index: SearchIndex, name: str, text: str) -> Value:
    """The client's text as a value to compare with; it must fit the property's type."""
    definition = index.definitions[name]
    try:
        if name == "hs_object_id":
            return int(text) if index.id_sort == "numeric" else text
        if definition.type == "number":
            return float(text)
        if definition.type in ("datetime", "date"):
            return moments.parse(text)
    except ValueError:
        raise bad_request(f"{text} was not a valid {definition.type} for {name}") from None
    return text if definition.type == "enumeration" else text.lower()


def bounds(index: SearchIndex, one: Filter) -> tuple[Value | None, Value | None] | None:
    """Lowest and highest value that can match, or None if the filter is no range."""
    if one.operator not in ("EQ", "LT", "LTE", "GT", "GTE", "BETWEEN") or one.value is None:
        return None
    value = operand(index, one.name, one.value)
    if one.operator == "BETWEEN" and one.high is not None:
        return value, operand(index, one.name, one.high)
    low = value if one.operator in ("EQ", "GT", "GTE") else None
    high = value if one.operator in ("EQ", "LT", "LTE") else None
    return low, high


def refuse_epoch(index: SearchIndex, one: Filter) -> None:
    """A lower bound of epoch 0 is answered with an internal error (comments in Estuary's connector)."""
    if index.definitions[one.name].type != "datetime" or one.operator not in ("GT", "GTE", "BETWEEN"):
        return
    low = operand(index, one.name, one.value or "")
    if isinstance(low, int) and low < 1_000:
        raise HubSpotError(500, "internal error", "INTERNAL_ERROR")


def test_for(index: SearchIndex, one: Filter) -> Test:
    """The filter as a test on an indexed document; rows without a value match NOT_HAS_PROPERTY and nothing else."""
    name = one.name
    accepts = _accepts(index, one)

    def test(document: Properties) -> bool:
        value = index.comparable(name, document.get(name))
        return value is not None and accepts(value)

    if one.operator == "NOT_HAS_PROPERTY":
        return lambda document: index.comparable(name, document.get(name)) is None
    return test


def _accepts(index: SearchIndex, one: Filter) -> Callable[[Any], bool]:
    several = index.definitions[one.name].field_type == "checkbox"
    match one.operator:
        case "HAS_PROPERTY" | "NOT_HAS_PROPERTY":
            return lambda value: True
        case "IN" | "NOT_IN":
            wanted = _in_values(index, one)
            return _negated(one, lambda value: not wanted.isdisjoint(_parts(value, several)))
        case "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN":
            pattern = _token_pattern(one.value or "")
            return _negated(one, lambda value: any(pattern.fullmatch(t) for t in _TOKENS.findall(str(value).lower())))
        case "EQ" | "NEQ":
            single = operand(index, one.name, one.value or "")
            return _negated(one, lambda value: value == single or single in _parts(value, several))
        case _:
            return _range_test(index, one)


def _in_values(index: SearchIndex, one: Filter) -> set[Value]:
    if index.definitions[one.name].type == "string":
        # Text values of IN must be sent in lower case, others match nothing (HubSpot search guide).
        return set(one.values)
    return {operand(index, one.name, value) for value in one.values}


def _parts(value: Any, several: bool) -> list[Any]:
    return str(value).split(";") if several else [value]


def _token_pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.lower().split("*")))


def _negated(one: Filter, accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    if one.operator.startswith("N"):
        return lambda value: not accepts(value)
    return accepts


def _range_test(index: SearchIndex, one: Filter) -> Callable[[Any], bool]:
    value: Any = operand(index, one.name, one.value or "")
    match one.operator:
        case "LT":
            return lambda found: found < value
        case "LTE":
            return lambda found: found <= value
        case "GT":
            return lambda found: found > value
        case "GTE":
            return lambda found: found >= value
        case _:
            high: Any = operand(index, one.name, one.high or "")
            return lambda found: value <= found <= high
