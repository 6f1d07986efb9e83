"""Conditions of the rules as values: a test on one property, or several conditions combined; and names of properties.

`sync.planner.conditions` runs them. Where a key can only mean one object, its name may stand before the dot and is no
part of the property's own name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Literal, Self

import re2
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from sync.domain.spelling import shortened


class Rule(BaseModel):
    """Base of everything in the rule files: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]
"""A number; `true` and a number in quotes are refused."""

Source = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""Where a value comes from: a HubSpot property, or `space.name`."""

Transform = Literal[
    "text", "plain_text", "email", "phone", "phone_e164", "web_site", "country", "state", "number", "boolean", "street",
    "house_number", "salutation", "language", "upper", "lower",
]  # fmt: skip
"""Names of the transforms; `sync.mappers.transforms` has one function for each."""


class Condition(Rule):
    """A test on one property, a filter by name, or `all`, `any`, `not` of further conditions.

    A value that holds several options (`a;b`, HubSpot's checkboxes) is `in` a list if one of them is. Case is ignored.
    All tests of one entry must hold.
    """

    property: Source | None = None
    transform: Transform | None = Field(default=None, alias="as")
    known: StrictBool | None = None
    one_of: tuple[str, ...] = Field(default=(), alias="in")
    none_of: tuple[str, ...] = Field(default=(), alias="not_in")
    at_least: Finite | None = None
    at_most: Finite | None = None
    between: tuple[Finite, Finite] | None = None
    matches: str | None = None
    filter: str | None = None
    all: tuple["Condition", ...] = ()
    any: tuple["Condition", ...] = ()
    negated: "Condition | None" = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = (self.property, self.filter, self.all or None, self.any or None, self.negated)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("give exactly one of `property` (with its tests), `filter`, `all`, `any` and `not`")
        if self.property is not None and not self._tests():
            raise ValueError("name a test: known, in, not_in, at_least, at_most, between or matches")
        if self.property is None and (self._tests() or self.transform):
            raise ValueError("tests and `as` need a `property`")
        if self.between and self.between[0] > self.between[1]:
            raise ValueError(
                f"`between` {self.between[0]:g} and {self.between[1]:g} is empty: the lower one comes first"
            )
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"`at_least` {self.at_least:g} lies above `at_most` {self.at_most:g}; no number is both")
        if self.matches is not None:
            pattern(self.matches)
        return self

    def _tests(self) -> bool:
        single = (self.known, self.at_least, self.at_most, self.between, self.matches)
        return bool(self.one_of or self.none_of) or _any_given(*single)

    def parts(self) -> Iterator["Condition"]:
        """The condition itself and everything inside it."""
        yield self
        for part in (*self.all, *self.any, *([self.negated] if self.negated else [])):
            yield from part.parts()

    def properties(self) -> set[str]:
        """The properties that it tests, without those of the filters that it names."""
        return {part.property for part in self.parts() if part.property}

    def filters(self) -> set[str]:
        """The named filters that it refers to."""
        return {part.filter for part in self.parts() if part.filter}


def _any_given(*values: object) -> bool:
    return not all(value is None for value in values)


def pattern(text: str) -> re2._Regexp:
    """The compiled pattern. Raises ValueError.

    RE2's time grows linearly with the text, so an innocent-looking pattern cannot stop every handover."""
    try:
        return re2.compile(text, _quietly())
    except re2.error as error:
        problem = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(
            "`matches` is not a regular expression of RE2, which has no look-around and no back references: "
            + shortened(problem)
        ) from None


def _quietly() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


def _of(own: str) -> Callable[[str], str]:
    """The property's own name, without the object's name before a dot. Raises ValueError if another object is named."""

    def plain(name: str) -> str:
        space, dot, rest = name.partition(".")
        if dot and (space != own or not rest or "." in rest):
            raise ValueError(f"must name a property of the {own}, alone or as `{own}.<property>`")
        return rest if dot else name

    return plain


def _undivided(name: str) -> str:
    if "." in name:
        raise ValueError(
            "must name a property without an object before it: it is read from the company, or from the contact where "
            "there is no company"
        )
    return name


ContactProperty = Annotated[Source, AfterValidator(_of("contact"))]
CompanyProperty = Annotated[Source, AfterValidator(_of("company"))]
EitherProperty = Annotated[Source, AfterValidator(_undivided)]


COUNTRY_CODES: Mapping[str, tuple[str, ...]] = {"country": ("hs_country_region_code", "hs_country_code")}
"""Properties in which HubSpot keeps the ISO code of a country property, on contacts and on companies; not every portal
has them."""


def with_country_codes(names: Iterable[str]) -> tuple[str, ...]:
    """The properties, each after those that hold its country's code."""
    return tuple(n for name in names for n in (*COUNTRY_CODES.get(name, ()), name))


def _said(value: str) -> str:
    if not value:
        raise ValueError(
            "an empty property never counts as a value: one that was emptied looks like one that was never filled. "
            "Give the property an option that says it (`no`, for example) and name that"
        )
    return value


Option = Annotated[str, AfterValidator(_said)]
"""A value that a property has, as HubSpot spells it."""
