"""The rules of `config/` as values: what qualifies, what is written where, and which side wins.

Pydantic checks shape and types; `sync.config` reads the files and checks what spans several entries.
"""

import re
from enum import StrEnum
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, StrictBool, StringConstraints, field_validator, model_validator

from sync.domain.conditions import (
    CompanyProperty,
    Condition,
    ContactProperty,
    EitherProperty,
    Finite,
    Option,
    Rule,
    Source,
    Transform,
    with_country_codes,
)
from sync.domain.entities import KEYED, TYPES
from sync.domain.marketing import AttributeRule, ChannelRule

NAME = r"^[A-Za-z0-9_-]+$"
COUNTRY = r"^[A-Z]{2}$"
POSTAL = r"^[A-Za-z0-9 ]+(-[A-Za-z0-9 ]+)?$"
ADDRESS = r"^[^@\s]+@[^@\s]+$"

Name = Annotated[str, StringConstraints(pattern=NAME, max_length=30)]
"""A name that becomes part of an external key, so only characters that need no quoting."""

_Title = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""A name for people: of a filter, a route, an owner rule or a segment."""


class Measure(Rule):
    """A score property and when it is met: from a threshold on, or with one of several tier labels."""

    property: ContactProperty
    threshold: Finite | None = None
    tiers: frozenset[Option] = frozenset()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.threshold is None) == (not self.tiers):
            raise ValueError("give either `threshold` (a number) or `tiers` (a list of labels)")
        return self


class RouteChoice(Rule):
    """A route for contacts that meet a condition."""

    when: Condition
    route: _Title


class Score(Measure):
    """One score. Each qualified score is a lead of its own, so one contact may yield several.

    Below `rearm_below` (or on one of `rearm_tiers`) the score is armed again: after the lead was closed, the next
    crossing starts a new cycle. `and` names further scores that must be met too; `conditions` and `filters` must hold
    as well. The first of `routes` whose condition holds is taken, else `route`.
    """

    name: Name
    rearm_below: Finite | None = None
    rearm_tiers: frozenset[Option] = frozenset()
    combined: tuple[Measure, ...] = Field(default=(), alias="and")
    conditions: tuple[Condition, ...] = ()
    filters: tuple[str, ...] = ()
    route: _Title = "default"
    routes: tuple[RouteChoice, ...] = ()

    @model_validator(mode="after")
    def _rearm_fits(self) -> Self:
        if self.threshold is not None and self.rearm_below is not None and self.rearm_below > self.threshold:
            raise ValueError(f"`rearm_below` {self.rearm_below:g} lies above `threshold` {self.threshold:g}")
        if self.tiers and self.rearm_below is not None:
            raise ValueError("`rearm_below` goes with `threshold`; for `tiers` name `rearm_tiers`")
        if self.rearm_tiers and (not self.tiers or self.rearm_tiers & self.tiers):
            raise ValueError("`rearm_tiers` go with `tiers` and must differ from them")
        return self


class Consent(Rule):
    """Which legal basis allows the handover, whether it needs a double opt-in, and how opt-outs and consent are carried
    over. With `allowed_basis` only these count, otherwise every basis except `no_basis`. A basis in `confirmation_for`
    counts only while `confirmation_property` holds one of `confirmed`. `stop_updates_when_withdrawn`: after a contact
    that was handed over opts out, the refusal is carried over and nothing else is written for it.
    """

    legal_basis_property: ContactProperty = "hs_legal_basis"
    no_basis: frozenset[Option] = frozenset({"Not applicable"})
    allowed_basis: frozenset[Option] = frozenset()
    confirmation_property: ContactProperty = "hs_emailconfirmationstatus"
    confirmed: frozenset[Option] = frozenset(
        {
            "Confirmed",
            "User clicked confirmation",
            "HubSpot Rep. marked confirmed",
            "Customer marked confirmed",
            "Confirmed from previous behavior",
            "Confirmed due to form",
        }
    )
    confirmation_for: frozenset[Option] = frozenset()
    optout_property: ContactProperty = "hs_email_optout"
    email_channel: str = Field(default="INT", min_length=1)
    refused: str = Field(default="2", min_length=1)
    granted: str = Field(default="1", min_length=1)
    channels: tuple[ChannelRule, ...] = ()
    stop_updates_when_withdrawn: StrictBool = False

    def properties(self) -> tuple[str, ...]:
        """The properties from which consent is read."""
        confirmation = (self.confirmation_property,) if self.confirmation_for else ()
        by_channel = (rule.property for rule in self.channels)
        return tuple(dict.fromkeys((self.legal_basis_property, *confirmation, self.optout_property, *by_channel)))


class Route(Rule):
    """The constants of a score's lead, which the tenant's code lists must contain, and its owner rule."""

    lead_name: str = "{company.name}: {contact.firstname} {contact.lastname} ({score.name})"
    origin: str | None = None
    qualification_level: str | None = None
    priority: str | None = None
    group: str | None = None
    status: str | None = None
    campaign: str | None = Field(default=None, max_length=35)
    language: Literal["en", "de"] = "en"
    sales_organisation: str | None = None
    sales_unit: str | None = None
    distribution_channel: str | None = None
    division: str | None = None
    owner: _Title | None = None


class LabelRule(Rule):
    """The effect of an association label. Earlier rules take precedence.

    `fields` are filled in on the relationship between contact and account; with `account` a company of this label
    becomes the lead's account before the primary one; `blocks` keeps a contact from being handed over (`account`: if
    the lead's company carries the label, `any`: if any does); `route` applies to leads of a company with the label.
    Without `relationship` the contact is not made contact person of a company with the label, and the lead does not go
    to its account either.
    """

    label: _Title
    fields: dict[str, str] = Field(default_factory=dict)
    account: StrictBool = False
    blocks: Literal["account", "any"] | None = None
    route: _Title | None = None
    relationship: StrictBool = True

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.relationship and not (self.fields or self.account or self.blocks or self.route):
            raise ValueError("say what the label does: fields, account, blocks, route or relationship")
        if not self.relationship and (self.fields or self.account or self.route):
            raise ValueError("`relationship = false` leaves no use for fields, account and route; leave them out")
        return self

    @property
    def keeps_back(self) -> bool:
        """Whether a record would be created wrongly if the label were not recognised."""
        return self.blocks is not None or not self.relationship


class Limits(Rule):
    """Revenue (in the currency of the HubSpot property) and head count."""

    revenue: Finite
    people: Finite


class Segments(Rule):
    """The customer segment of a company (source `derived.segment`), from revenue and head count.

    The lowest segment is below both limits of `middle_from`; the highest above either of `top_above`; the middle one
    between. One of the two numbers is enough if it decides; without both the segment is unknown.
    """

    revenue_property: CompanyProperty = "annualrevenue"
    people_property: CompanyProperty = "numberofemployees"
    names: tuple[_Title, _Title, _Title] = ("small business", "midmarket", "large enterprise")
    middle_from: Limits = Limits(revenue=50_000_000, people=100)
    top_above: Limits = Limits(revenue=500_000_000, people=2_000)


class Territory(Rule):
    """One row of a territory table: who owns the companies of a country, its postal codes, a segment. All must fit.

    `postal` holds prefixes (`"20"`) or ranges of prefixes (`"20-25"`).
    """

    country: Annotated[str, StringConstraints(pattern=COUNTRY)] | None = None
    postal: tuple[Annotated[str, StringConstraints(pattern=POSTAL)], ...] = ()
    segment: _Title | None = None
    owner: Annotated[str, StringConstraints(pattern=ADDRESS)]


_OwnerStep = Literal["contact_owner", "company_owner", "account_owner", "territory", "round_robin"]


class OwnerRule(Rule):
    """The owner of a lead or an account: the first step of `order` that gives a valid employee.

    Owners are e-mail addresses.

    `round_robin` distributes evenly by the HubSpot id alone. It therefore gives the same owner after a restart, and
    when an employee leaves, only that person's share moves. `account_owner` is the owner of the account in SAP Sales
    Cloud.
    """

    order: tuple[_OwnerStep, ...] = Field(min_length=1)
    round_robin: tuple[Annotated[str, StringConstraints(pattern=ADDRESS)], ...] = ()
    territories: tuple[Territory, ...] = ()
    country_property: EitherProperty = "country"
    postal_property: EitherProperty = "zip"

    @model_validator(mode="after")
    def _tables_are_given(self) -> Self:
        for step, table in (("round_robin", self.round_robin), ("territory", self.territories)):
            if (step in self.order) != bool(table):
                raise ValueError(f"`order` must name {step} if, and only if, its list is given")
        return self


class Qualification(Rule):
    """`qualification.toml`."""

    scores: tuple[Score, ...] = Field(min_length=1, max_length=25)
    filters: dict[_Title, Condition] = Field(default_factory=dict)
    consent: Consent = Consent()
    segments: Segments = Segments()
    routes: dict[_Title, Route] = Field(default_factory=lambda: {"default": Route()})
    owners: dict[_Title, OwnerRule] = Field(default_factory=dict)
    labels: tuple[LabelRule, ...] = ()

    def conditions(self) -> tuple[Condition, ...]:
        """Every condition of the file, filters included."""
        own = (c for score in self.scores for c in (*score.conditions, *(choice.when for choice in score.routes)))
        return (*self.filters.values(), *own)


class FieldRule(StrEnum):
    """Which side may change a field after it was first written."""

    HUBSPOT_WINS = "hubspot_wins"
    C4C_WINS = "c4c_wins"
    FILL_BLANK = "fill_blank"
    CREATE_ONLY = "create_only"


class FieldMap(Rule):
    """One field of one entity: target, where its value comes from, and its rule.

    `target` may name several fields: a long text is spread over them at word boundaries. The first of several sources
    that is filled counts; with `join` all that are filled, joined by this text. `table` translates the transformed
    value (a value that it lacks does not fit, unless `otherwise` is given); `default` replaces a missing value.
    `country` is the ISO code by which phone numbers and states are read; `country_source` takes precedence where it is
    filled. `misfit` says what happens to a value that does not fit: `warn` leaves it out, `reject` parks the contact
    until a person has corrected it. `when` limits a field to leads with or without an account. `time_zone` decides the
    day of a moment if the field holds a date without a time of day.
    """

    target: tuple[str, ...] = Field(min_length=1)
    source: tuple[Source, ...] = ()
    value: str | None = None
    template: str | None = None
    join: Annotated[str, StringConstraints(strip_whitespace=False)] | None = None
    transform: Transform = "text"
    country: Annotated[str, StringConstraints(pattern=COUNTRY)] | None = None
    country_source: Source | None = None
    table: dict[str, str] = Field(default_factory=dict)
    otherwise: str | None = None
    default: str | None = None
    misfit: Literal["warn", "reject"] = "warn"
    rule: FieldRule
    when: Literal["always", "account", "no_account"] = "always"
    may_blank: StrictBool = False
    time_zone: str = "UTC"

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"found {name!r}, allowed: a name such as `Europe/Berlin` or `UTC`")
        return name

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
        if self.otherwise is not None and not self.table:
            raise ValueError("`otherwise` goes with a `table`")
        if self.join is not None and len(self.source) < 2:
            raise ValueError("`join` goes with several sources")
        if blank := [key for key in ("value", "template", "default") if getattr(self, key) == ""]:
            raise ValueError(f"`{blank[0]}` is empty and would write nothing; give it a text or leave it out")
        return self

    def constants(self) -> tuple[str, ...]:
        """Constant values in the rules themselves, which the tenant's code lists must contain."""
        fixed = (self.value, self.otherwise, self.default if not self.table else None)
        # An empty one writes nothing, so it need not be a code.
        return tuple(value for value in (*fixed, *self.table.values()) if value)


class NaturalKey(Rule):
    """A way to recognise an account that was in C4C before."""

    kind: Literal["tax_number", "web_domain", "name_country_postal"]
    source: tuple[CompanyProperty, ...] = Field(min_length=1)


class EntityMap(Rule):
    external_key: str = "HubSpotID_KUT"
    fields: tuple[FieldMap, ...] = Field(min_length=1)


class AccountMap(EntityMap):
    """`[account]`: CorporateAccount.

    `shared_domains` adds web domains that many companies share, so that none is recognised by them."""

    natural_keys: tuple[NaturalKey, ...] = ()
    shared_domains: frozenset[str] = frozenset()
    obsolete_status: str = "4"


class ContactMap(EntityMap):
    """`[contact]`: Contact; recognised by e-mail within its account."""

    email_source: ContactProperty = "email"
    obsolete_status: str = "4"


class LeadMap(EntityMap):
    """`[lead]`: Lead. The internal life cycle codes differ by tenant; `check` prints the tenant's list.

    `score_below_threshold`: an open lead keeps showing the present score after it fell below the threshold."""

    closed_status: frozenset[str] = Field(min_length=1)
    accepted_status: frozenset[str]
    score_below_threshold: StrictBool = True


class Duplicates(Rule):
    """`[duplicates]`: what happens if HubSpot holds one company, or one person of a company, twice.

    `share`: the companies share one account. `park`: contacts wait for a person. `create`: each gets a record.
    """

    company: Literal["share", "park", "create"] = "share"
    contact: Literal["park", "create"] = "park"


class Mapping(Rule):
    """`mapping.toml`."""

    account: AccountMap
    contact: ContactMap
    lead: LeadMap
    duplicates: Duplicates = Duplicates()
    attributes: tuple[AttributeRule, ...] = ()

    def by_entity(self) -> dict[str, EntityMap]:
        """The sections of the kinds of record that carry our key."""
        found = {entity: getattr(self, TYPES[entity].section or "") for entity in KEYED}
        return {entity: section for entity, section in found.items() if section is not None}

    def key_fields(self) -> dict[str, str]:
        """The fields that hold our key, by entity."""
        return {entity: section.external_key for entity, section in self.by_entity().items()}


class Rules(Rule):
    """All rules together. `fingerprint` identifies exactly this set."""

    qualification: Qualification
    mapping: Mapping
    fingerprint: str

    def score(self, name: str) -> Score:
        return next(score for score in self.qualification.scores if score.name == name)

    def contact_properties(self) -> tuple[str, ...]:
        """The contact properties that the rules name, sorted. Only these are requested from HubSpot and mirrored."""
        named = _own("contact", self.sources()) | self._fixed_contact_properties()
        return _sorted(set(with_country_codes(named)))

    def company_properties(self) -> tuple[str, ...]:
        """The company properties that the rules name, sorted."""
        keys = {source for key in self.mapping.account.natural_keys for source in key.source}
        named = _own("company", self.sources()) | keys | {"name", "domain", OWNER_PROPERTY, MERGED_PROPERTY}
        return _sorted(set(with_country_codes(named)))

    def _fixed_contact_properties(self) -> set[str]:
        consent = self.qualification.consent
        scores = {m.property for score in self.qualification.scores for m in (score, *score.combined)}
        named = {*consent.properties(), self.mapping.contact.email_source}
        attributes = {rule.source for rule in self.mapping.attributes}
        return scores | named | attributes | {"lastname", "company", OWNER_PROPERTY, MERGED_PROPERTY, ADDITIONAL_EMAILS}

    def sources(self) -> set[str]:
        """The sources that fields, conditions, routes and owner rules use, each with its space in front."""
        sections = [(TYPES[entity].owner, section) for entity, section in self.mapping.by_entity().items()]
        mapped = {
            qualified(own, name) for own, section in sections for f in section.fields for name in field_sources(f)
        }
        looked_at = {
            qualified("contact", name)
            for condition in self.qualification.conditions()
            for name in condition.properties()
        }
        routes = {name for route in self.qualification.routes.values() for name in placeholders(route.lead_name)}
        found = mapped | looked_at | routes
        return found | self._territory_sources() | self._segment_sources(found)

    def _territory_sources(self) -> set[str]:
        """The sources of a territory table: of the company, or of the contact for a lead without a company."""
        rules = [rule for rule in self.qualification.owners.values() if rule.territories]
        names = {name for rule in rules for name in (rule.country_property, rule.postal_property)}
        return {f"{space}.{name}" for space in ("contact", "company") for name in names}

    def _segment_sources(self, found: set[str]) -> set[str]:
        """Revenue and head count, if any rule uses the segment."""
        by_segment = any(t.segment for rule in self.qualification.owners.values() for t in rule.territories)
        if "derived.segment" not in found and not by_segment:
            return set()
        segments = self.qualification.segments
        return {f"company.{segments.revenue_property}", f"company.{segments.people_property}"}


OWNER_PROPERTY = "hubspot_owner_id"
MERGED_PROPERTY = "hs_merged_object_ids"
ADDITIONAL_EMAILS = "hs_additional_emails"
"""Further addresses of a contact, separated by semicolons."""

SPACES = frozenset({"contact", "company", "score", "route", "c4c", "derived", "owner"})
"""The spaces that may precede the dot of a source; without a dot it is the entity's own HubSpot object."""

FIXED: dict[str, frozenset[str]] = {
    "score": frozenset({"name", "value", "note"}),
    "route": frozenset(Route.model_fields) - {"owner", "lead_name"} | {"name"},
    "c4c": frozenset({"owner_uuid", "account_uuid", "contact_uuid"}),
    "derived": frozenset({"segment"}),
}
"""The names that may follow the dot, for spaces other than HubSpot's. A pattern (`lead_name`) is not a value."""


def qualified(own: str, name: str) -> str:
    """`name` with its space in front: `city` of a contact field becomes `contact.city`."""
    return name if "." in name else f"{own}.{name}"


PLACEHOLDER = r"{([^{}]*)}"


def placeholders(template: str) -> tuple[str, ...]:
    """The sources that a template names in braces."""
    return tuple(re.findall(PLACEHOLDER, template))


def field_sources(mapped: FieldMap) -> tuple[str, ...]:
    country = (mapped.country_source,) if mapped.country_source else ()
    return (*(mapped.source or placeholders(mapped.template or "")), *country)


def _own(space: str, sources: set[str]) -> set[str]:
    return {name.split(".", 1)[1] for name in sources if name.startswith(f"{space}.")}


def _sorted(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
