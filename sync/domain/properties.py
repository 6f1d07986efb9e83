"""Types of keys that name a HubSpot property or one of its values.

Where only one object can be meant, its name may stand before the dot and is no part of the property's own name.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator

from sync.domain.conditions import Source


def _of(own: str) -> Callable[[str], str]:
    """The property's own name, with or without `own` before a dot. Raises ValueError for another object's."""

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
