"""The portal's property definitions, with the option values of a real portal (en dashes included)."""

from dataclasses import dataclass, field
from typing import Any

KINDS = ("contacts", "companies")
SINGULAR = {"contacts": "contact", "companies": "company"}

# Contacts are stamped in `lastmodifieddate`, everything else in `hs_lastmodifieddate` (HubSpot search guide).
MODIFIED = {"contacts": "lastmodifieddate", "companies": "hs_lastmodifieddate"}

# Contacts own `hs_lastmodifieddate` too, but a search on it finds nothing and says nothing (airbyte#85019).
NOT_INDEXED = {"contacts": frozenset({"hs_lastmodifieddate"}), "companies": frozenset()}

# What comes back even if nobody asked (HubSpot batch read docs), and what comes back if nothing at all is asked for.
ALWAYS = {kind: ("createdate", "hs_object_id", MODIFIED[kind]) for kind in KINDS}
DEFAULT = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
}

LEGAL_BASIS = (
    "Legitimate interest – prospect/lead",
    "Legitimate interest – existing customer",
    "Legitimate interest - other",
    "Performance of a contract",
    "Freely given consent from contact",
    "Not applicable",
)
CONFIRMATION = (
    "Confirmed", "User clicked confirmation", "HubSpot Rep. marked confirmed", "Customer marked confirmed",
    "Confirmed from previous behavior", "Confirmed due to form", "Confirmation Pending", "Confirmation Email Sent",
)  # fmt: skip
# Default stages can be removed or relabelled and custom ones have numeric ids (HubSpot changelog 2022-09-30).
LIFECYCLE = (
    "subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist",
    "other", "2497212665",
)  # fmt: skip
LEAD_STATUS = (
    "NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING",
)  # fmt: skip
TIERS = ("A1", "A2", "A3", "B1", "B2", "B3", "C1", "C2", "C3")
INDUSTRIES = (
    "MACHINERY", "MECHANICAL_OR_INDUSTRIAL_ENGINEERING", "FOOD_PRODUCTION", "CHEMICALS", "PHARMACEUTICALS",
    "LOGISTICS_AND_SUPPLY_CHAIN", "INFORMATION_TECHNOLOGY_AND_SERVICES", "ELECTRICAL_ELECTRONIC_MANUFACTURING",
    "CONSTRUCTION", "MEDICAL_DEVICES", "RENEWABLES_ENVIRONMENT", "PACKAGING_AND_CONTAINERS",
)  # fmt: skip
LANGUAGES = ("de", "da", "en", "en-gb", "nl")


@dataclass
class Property:
    """One property definition; `score` marks what the scoring tool writes."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    options: tuple[str, ...] = ()
    score: bool = False
    read_only: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    def as_json(self, group: str) -> dict[str, Any]:
        options = [
            {"label": value, "value": value, "displayOrder": place, "hidden": False}
            for place, value in enumerate(self.options)
        ]
        return {
            "name": self.name, "label": self.label, "type": self.type, "fieldType": self.field_type,
            "groupName": group, "description": "", "options": options, "displayOrder": -1,
            "calculated": False,  # score properties are exported as not calculated, too (property export of a portal)
            "externalOptions": False, "hasUniqueValue": False, "hidden": False, "formField": not self.read_only,
            "archived": False, "hubspotDefined": not self.extra.get("custom", False),
            "modificationMetadata": {
                "archivable": True, "readOnlyDefinition": False, "readOnlyValue": self.read_only,
            },
        }  # fmt: skip


def _texts(*names: str) -> list[Property]:
    return [Property(name, name.replace("_", " ").capitalize()) for name in names]


def _numbers(*names: str) -> list[Property]:
    return [Property(name, name.replace("_", " ").capitalize(), "number", "number") for name in names]


def _choice(name: str, label: str, options: tuple[str, ...], field_type: str = "select") -> Property:
    return Property(name, label, "enumeration", field_type, options)


def _stamp(name: str, label: str) -> Property:
    return Property(name, label, "datetime", "date", read_only=True)


def _common() -> list[Property]:
    return [
        *_texts("phone", "address", "city", "state", "zip", "country"),
        _choice("lifecyclestage", "Lifecycle stage", LIFECYCLE, "radio"),
        Property("hubspot_owner_id", "Owner", "enumeration", "select"),
        Property("hs_merged_object_ids", "Merged object IDs", "enumeration", "checkbox", read_only=True),
        Property("hs_object_id", "Record ID", "number", "number", read_only=True),
        _stamp("createdate", "Create date"),
        _stamp("hs_lastmodifieddate", "Object last modified date/time"),
    ]


def _score(name: str, label: str) -> Property:
    return Property(name, label, "number", "calculation_score", score=True)


def _contacts() -> list[Property]:
    return [
        *_texts("firstname", "lastname", "email", "mobilephone", "jobtitle", "salutation", "company"),
        # Kept by HubSpot beside the name; companies have theirs under another name (properties of public portals).
        *_texts("hs_country_region_code", "hs_additional_emails"),
        _choice("hs_language", "Preferred language", LANGUAGES),
        _score("lead_score", "Lead score"),
        _score("fit_score", "Fit score"),
        _score("interest_score", "Interest score"),
        Property("engagement_tier", "Engagement tier", "enumeration", "select", TIERS, score=True),
        # Readable, but frozen since 2025-08-31 (knowledge.hubspot.com, build lead scores).
        Property("hubspotscore", "HubSpot Score", "number", "calculation_score", read_only=True),
        _choice("hs_legal_basis", "Legal basis for processing contact's data", LEGAL_BASIS, "checkbox"),
        Property("hs_email_optout", "Unsubscribed from all email", "bool", "booleancheckbox", ("true", "false")),
        _choice("hs_emailconfirmationstatus", "Marketing email confirmation status", CONFIRMATION),
        _choice("hs_lead_status", "Lead status", LEAD_STATUS, "radio"),
        *_numbers("associatedcompanyid"),
        _stamp("lastmodifieddate", "Last modified date"),
        *_common(),
    ]


def _companies() -> list[Property]:
    return [
        *_texts("name", "domain", "website", "address2", "description", "hs_country_code"),
        Property("tax_number", "Tax number", extra={"custom": True}),
        _choice("industry", "Industry", INDUSTRIES),
        *_numbers("numberofemployees", "annualrevenue"),
        *_common(),
    ]


def definitions() -> dict[str, dict[str, Property]]:
    """Fresh definitions of one portal, by object type and name."""
    return {
        "contacts": {definition.name: definition for definition in _contacts()},
        "companies": {definition.name: definition for definition in _companies()},
    }
