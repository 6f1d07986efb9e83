"""Rules of what marketing knows about a person beyond the lead: consent by channel, and marketing attributes."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, StrictBool, model_validator

from sync.domain.conditions import ContactProperty, Option, Rule


def _listed(value: object) -> object:
    return [value] if isinstance(value, str | bool) else value


def _text(value: object) -> object:
    """The text of a value: TOML's true and false become HubSpot's `"true"` and `"false"`."""
    return str(value).lower() if isinstance(value, bool) else value


_Values = Annotated[frozenset[Annotated[Option, BeforeValidator(_text)]], BeforeValidator(_listed)]
"""One value or several, as HubSpot spells them."""


class ChannelRule(Rule):
    """Which values of a contact property mean consent or refusal on one channel of SAP Sales Cloud."""

    channel: str = Field(min_length=1, max_length=3)
    property: ContactProperty
    granted: _Values = frozenset()
    refused: _Values = frozenset()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.granted and not self.refused:
            raise ValueError("name values that mean consent (`granted`) or refusal (`refused`)")
        if both := sorted(self.granted & self.refused):
            raise ValueError(f"{', '.join(both)} cannot mean consent and refusal at once")
        return self


class AttributeRule(Rule):
    """A marketing attribute of the contact: attribute set, attribute, and the HubSpot property its values come from.

    `values` translates HubSpot's values; others are carried over unchanged. With `may_blank` an emptied property
    removes our values again; otherwise a missing value changes nothing.
    """

    set: str = Field(min_length=1, max_length=18)
    attribute: str = Field(min_length=1, max_length=30)
    source: ContactProperty
    multiple: StrictBool = False
    values: dict[str, str] = Field(default_factory=dict)
    may_blank: StrictBool = False
