"""The rules of `config/` as values: what qualifies, and what is written where by whose right.

Pydantic checks shape and types; `sync.config` reads the files and checks what spans several entries.
"""

import re
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from sync.domain.marketing import AttributeRule, ChannelRule

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=30)]
"""A name that becomes part of an external key, so nothing that needs quoting."""


class Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Score(Rule):
    """One score: a number with a threshold, or tier labels as a set. Each qualified score is a lead of its own."""

    name: Name
    property: str
    threshold: float | None = None
    tiers: frozenset[str] = frozenset()
    rearm_below: float | None = None
    route: str = "default"
    filters: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.threshold is None) == (not self.tiers):
            raise ValueError("give either `threshold` (a number) or `tiers` (a list of labels)")
        if self.threshold is not None and self.rearm_below is not None and self.rearm_below > self.threshold:
            raise ValueError(f"`rearm_below` {self.rearm_below:g} lies above `threshold` {self.threshold:g}")
        return self


class Condition(Rule):
    """One test on a contact or company property (`company.` in front for the chosen company)."""

    property: str
    known: bool | None = None
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    matches: str | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        tests = (self.known, self.at_least, self.at_most, self.matches)
        if all(test is None for test in tests) and not self.any_of and not self.none_of:
            raise ValueError("name a test: known, any_of, none_of, at_least, at_most or matches")
        if self.matches is not None:
            try:
                re.compile(self.matches)
            except re.error as error:
                raise ValueError(f"`matches` is no regular expression: {error}") from None
        return self


class ScoringFilter(Rule):
    """Criteria that let a contact count at all; all conditions must hold."""

    all: tuple[Condition, ...] = Field(min_length=1)


class Consent(Rule):
    """Which legal basis allows the handover, and how opt-outs and consent by channel are carried over."""

    legal_basis_property: str = "hs_legal_basis"
    no_basis: frozenset[str] = frozenset({"Not applicable"})
    optout_property: str = "hs_email_optout"
    email_channel: str = "INT"
    refused: str = "2"
    granted: str = "1"
    channels: tuple[ChannelRule, ...] = ()

    def properties(self) -> tuple[str, ...]:
        """Everything that consent is read from."""
        named = (self.legal_basis_property, self.optout_property, *(rule.property for rule in self.channels))
        return tuple(dict.fromkeys(named))


class Route(Rule):
    """How the lead of a score looks: constants that the tenant's code lists must know."""

    lead_name: str = "{company.name}: {contact.firstname} {contact.lastname} ({score.name})"
    origin: str | None = None
    qualification_level: str | None = None
    priority: str | None = None
    group: str | None = None
    status: str | None = None
    campaign: str | None = Field(default=None, max_length=35)
    language: Literal["en", "de"] = "en"


class LabelRule(Rule):
    """What an association label fills in on the relationship between contact and account."""

    label: str
    fields: dict[str, str] = Field(min_length=1)


class Qualification(Rule):
    """`qualification.toml`."""

    scores: tuple[Score, ...] = Field(min_length=1, max_length=25)
    filters: dict[str, ScoringFilter] = Field(default_factory=dict)
    consent: Consent = Consent()
    routes: dict[str, Route] = Field(default_factory=lambda: {"default": Route()})
    labels: tuple[LabelRule, ...] = ()


class FieldRule(StrEnum):
    """Who may change a field after it was first written."""

    HUBSPOT_WINS = "hubspot_wins"
    C4C_WINS = "c4c_wins"
    FILL_BLANK = "fill_blank"
    CREATE_ONLY = "create_only"


Transform = Literal["text", "email", "phone", "web_site", "country", "number", "boolean"]


class FieldMap(Rule):
    """One field of one entity: target, where its value comes from, and its rule.

    `target` may name several fields: a long text is spread over them at word boundaries.
    `when` limits a field to leads with or without an account.
    """

    target: tuple[str, ...] = Field(min_length=1)
    source: tuple[str, ...] = ()
    value: str | None = None
    template: str | None = None
    transform: Transform = "text"
    rule: FieldRule
    when: Literal["always", "account", "no_account"] = "always"
    may_blank: bool = False

    @model_validator(mode="before")
    @classmethod
    def _singles_are_lists(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        lists = {k: (v,) for k, v in data.items() if k in ("target", "source") and isinstance(v, str)}
        return {**data, **lists}

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum((bool(self.source), self.value is not None, self.template is not None)) != 1:
            raise ValueError("give exactly one of `source`, `value` and `template`")
        return self


class NaturalKey(Rule):
    """A way to recognise an account that was in C4C before us."""

    kind: Literal["tax_number", "web_domain", "name_country_postal"]
    source: tuple[str, ...]


class EntityMap(Rule):
    external_key: str = "HubSpotID_KUT"
    fields: tuple[FieldMap, ...] = Field(min_length=1)


class AccountMap(EntityMap):
    """`[account]`: CorporateAccount."""

    natural_keys: tuple[NaturalKey, ...] = ()
    obsolete_status: str = "4"


class ContactMap(EntityMap):
    """`[contact]`: Contact; recognised by e-mail within its account."""

    email_source: str = "email"
    obsolete_status: str = "4"


class LeadMap(EntityMap):
    """`[lead]`: Lead. The internal life cycle codes differ by tenant; `check` prints the tenant's list."""

    closed_status: frozenset[str]
    accepted_status: frozenset[str]


class Mapping(Rule):
    """`mapping.toml`."""

    account: AccountMap
    contact: ContactMap
    lead: LeadMap
    attributes: tuple[AttributeRule, ...] = ()


class Rules(Rule):
    """Everything that decides; `digest` names this very set of rules."""

    qualification: Qualification
    mapping: Mapping
    digest: str

    def score(self, name: str) -> Score:
        return next(score for score in self.qualification.scores if score.name == name)

    def contact_properties(self) -> tuple[str, ...]:
        """The contact properties that the rules name, sorted: asked of HubSpot, mirrored, nothing else."""
        return _sorted(_own("contact", self._sources()) | self._fixed_contact_properties())

    def company_properties(self) -> tuple[str, ...]:
        """The company properties that the rules name, sorted."""
        keys = {source for key in self.mapping.account.natural_keys for source in key.source}
        return _sorted(_own("company", self._sources()) | keys | {"name", "domain", OWNER_PROPERTY, MERGED_PROPERTY})

    def _fixed_contact_properties(self) -> set[str]:
        consent = self.qualification.consent
        scores = {score.property for score in self.qualification.scores}
        named = {*consent.properties(), self.mapping.contact.email_source}
        attributes = {rule.source for rule in self.mapping.attributes}
        return scores | named | attributes | {"lastname", "company", OWNER_PROPERTY, MERGED_PROPERTY}

    def _sources(self) -> set[str]:
        entities = (
            ("company", self.mapping.account),
            ("contact", self.mapping.contact),
            ("contact", self.mapping.lead),
        )
        mapped = {qualified(own, name) for own, entity in entities for f in entity.fields for name in field_sources(f)}
        conditions = {
            qualified("contact", condition.property)
            for scoring_filter in self.qualification.filters.values()
            for condition in scoring_filter.all
        }
        routes = {name for route in self.qualification.routes.values() for name in placeholders(route.lead_name)}
        return mapped | conditions | routes


OWNER_PROPERTY = "hubspot_owner_id"
MERGED_PROPERTY = "hs_merged_object_ids"

SPACES = frozenset({"contact", "company", "score", "route", "c4c"})
"""What may stand before the dot of a source; without a dot the entity's own HubSpot object is meant."""


def qualified(own: str, name: str) -> str:
    """`name` with its space in front: `city` of a contact field becomes `contact.city`."""
    return name if "." in name else f"{own}.{name}"


def placeholders(template: str) -> tuple[str, ...]:
    """The sources that a template names in braces."""
    return tuple(re.findall(r"{([^{}]*)}", template))


def field_sources(mapped: FieldMap) -> tuple[str, ...]:
    return mapped.source or placeholders(mapped.template or "")


def _own(space: str, sources: set[str]) -> set[str]:
    return {name.split(".", 1)[1] for name in sources if name.startswith(f"{space}.")}


def _sorted(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
