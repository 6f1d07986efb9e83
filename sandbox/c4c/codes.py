"""The code lists: one collection per coded property, with values a fresh tenant would show.

Role, status and consent codes are those of SAP's demo rows and of public integrations; where nothing is public the
codes are plausible ones. Customers add Z-codes, so every long list has one.
"""

from __future__ import annotations

from functools import cache

import pycountry

from sandbox.c4c.model import ENTITIES, Field

Code = tuple[str, str]


def _numbered(width: int, *texts: str) -> list[Code]:
    return [(str(number).zfill(width), text) for number, text in enumerate(texts, 1)]


_LANGUAGES = [
    ("EN", "English"),
    ("DE", "German"),
    ("DA", "Danish"),
    ("NL", "Dutch"),
    ("FR", "French"),
    ("ES", "Spanish"),
]
_LIFE_CYCLE = _numbered(1, "In Preparation", "Active", "Blocked", "Obsolete")
_BLOCKS = _numbered(2, "Credit check", "Legal", "Other")
_ABC = [("A", "A-Account"), ("B", "B-Account"), ("C", "C-Account")]
_TITLES = _numbered(4, "Ms.", "Mr.")
_ACADEMIC = _numbered(4, "Dr.", "Prof.", "Prof. Dr.")
_GENDERS = [("0", "Not Known"), ("1", "Male"), ("2", "Female"), ("9", "Not Specified")]
_PERMISSION = [("1", "Yes"), ("2", "No"), ("3", "Undefined")]
_CHANNELS = [
    ("INT", "E-Mail"),
    ("TEL", "Telephone"),
    ("FAX", "Fax"),
    ("LET", "Letter"),
    ("SMS", "SMS"),
    ("Z01", "WhatsApp"),
]
_FUNCTIONS = [
    *_numbered(4, "Executive Board", "Head of Purchasing", "Head of Sales", "Head of HR", "Head of IT", "Assistant"),
    ("Z001", "Decision maker"),
    ("Z002", "Consultant"),
]
_DEPARTMENTS = [
    *_numbered(4, "Management", "Purchasing", "Sales", "Marketing", "Finance", "IT", "Production"),
    ("Z001", "Billing"),
]
_LEAD_STATUS = [*_numbered(2, "Open", "Qualified", "Accepted", "Declined", "Converted"), ("Z1", "Nurturing")]
_LEAD_LIFE_CYCLE = [("1", "Open"), ("2", "Qualified"), ("3", "Accepted"), ("4", "Declined"), ("6", "Converted")]
_ORIGINS = _numbered(
    3, "Trade fair", "Web site", "Phone call", "Campaign", "Roadshow", "E-mail", "Referral", "Partner", "Web form",
    "Marketing automation",
)  # fmt: skip
_INDUSTRIES = _numbered(2, "Manufacturing", "Trade", "Construction", "IT", "Energy", "Transport", "Health", "Finance")
_STATES = {"US": ["CA", "NY", "TX", "WA"], "CA": ["ON", "QC"], "AU": ["NSW", "VIC"]}

_BY_PROPERTY: dict[str, list[Code]] = {
    "RoleCode": [("CRM000", "Customer"), ("BUP002", "Prospect")],
    "LifeCycleStatusCode": _LIFE_CYCLE,
    "StatusCode": _LIFE_CYCLE,
    "AccountLifeCycleStatusCode": _LIFE_CYCLE,
    "MainContactLifeCycleStatusCode": _LIFE_CYCLE,
    "LegalFormCode": _numbered(2, "AG", "GmbH", "KG", "OHG", "Ltd.", "A/S", "ApS", "B.V."),
    "CustomerABCClassificationCode": _ABC,
    "OrganisationAccountABCClassificationCode": _ABC,
    "IndividualCustomerABCClassificationCode": _ABC,
    "IndustrialSectorCode": _INDUSTRIES,
    "OrganisationAccountIndustrialSectorCode": _INDUSTRIES,
    "TitleCode": _TITLES,
    "ContactFormOfAddressCode": _TITLES,
    "IndividualCustomerFormOfAddressCode": _TITLES,
    "GenderCode": _GENDERS,
    "ContactGenderCode": _GENDERS,
    "IndividualCustomerGenderCode": _GENDERS,
    "Channel": _CHANNELS,
    "Consent": [("1", "Opt-In"), ("2", "Opt-Out"), ("3", "Undefined")],
    "CommunicationTypeCode": [("NWL", "Newsletter"), ("EVT", "Events"), ("Z01", "Product news")],
    "BestReachedByCode": [("INT", "E-Mail"), ("TEL", "Telephone"), ("FAX", "Fax"), ("LET", "Letter")],
    "FunctionCode": _FUNCTIONS,
    "BusinessPartnerRelationshipBusinessPartnerFunctionTypeCode": _FUNCTIONS,
    "DepartmentCode": _DEPARTMENTS,
    "BusinessPartnerRelationshipBusinessPartnerFunctionalAreaCode": _DEPARTMENTS,
    "VIPReasonCode": _numbered(1, "VIP", "Key opinion leader", "Reference"),
    "VIPContactCode": _numbered(1, "VIP", "Key opinion leader", "Reference"),
    "BusinessPartnerRelationshipContactVIPReasonCode": _numbered(1, "VIP", "Key opinion leader", "Reference"),
    "OriginTypeCode": _ORIGINS,
    "PriorityCode": [("1", "Immediate"), ("2", "Urgent"), ("3", "Normal"), ("7", "Low")],
    "QualificationLevelCode": _numbered(2, "Cold", "Warm", "Hot"),
    "GroupCode": _numbered(4, "Prospect for product", "Prospect for service", "Event"),
    "UserStatusCode": _LEAD_STATUS,
    "ResultReasonCode": _numbered(3, "No budget", "No interest", "Wrong contact", "Competitor"),
    "ConsistencyStatusCode": [("1", "Check pending"), ("2", "Inconsistent"), ("3", "Consistent")],
    "ApprovalStatusCode": _numbered(1, "Not started", "In approval", "Approved", "Rejected"),
    "PartyRoleCode": [("142", "Account team"), ("39", "Employee responsible"), ("46", "Sales employee")],
    "TaxTypeCode": _numbered(1, "VAT registration number", "Tax number", "Company number"),
    "IDTypeCode": [("BUP001", "External system identifier"), ("ZHUBSP", "HubSpot id")],
    "RemoteIdentifierDefiningSchemeCode": [("888", "Business partner"), ("3", "Employee"), ("927", "Party")],
    "TypeCode": [("72", "Opportunity"), ("764", "Lead"), ("10002", "Note")],
    "TimeZoneCode": [("CET", "Central Europe"), ("UTC", "UTC"), ("GMTUK", "United Kingdom")],
    "ExternalUserStatusCode": _numbered(2, "Open", "In process", "Stopped", "Won", "Lost"),
    "SalesCyclePhaseCode": _numbered(3, "Identify", "Qualify", "Propose", "Close"),
}
_BY_ENTITY: dict[tuple[str, str], list[Code]] = {
    ("Lead", "LifeCycleStatusCode"): _LEAD_LIFE_CYCLE,
    ("LeadParty", "RoleCode"): [("1001", "Account"), ("31", "Contact"), ("39", "Employee responsible")],
    ("Opportunity", "LifeCycleStatusCode"): _numbered(1, "Open", "In Process", "Stopped", "Won", "Lost"),
}
_BY_ENDING: list[tuple[str, list[Code]]] = [
    ("LanguageCode", _LANGUAGES),
    ("languageCode", _LANGUAGES),
    ("AcademicTitleCode", _ACADEMIC),
    ("BlockingReasonCode", _BLOCKS),
    ("PermissionCode", _PERMISSION),
    ("AllowedCode", _PERMISSION),
    ("CurrencyCode", [("EUR", "Euro"), ("DKK", "Danish Krone"), ("GBP", "Pound Sterling"), ("USD", "US Dollar")]),
]


@cache
def _countries() -> list[Code]:
    return sorted((country.alpha_2, country.name) for country in pycountry.countries)


@cache
def _states(country: str) -> list[Code]:
    """German and Danish regions have two-digit codes in SAP, unlike their ISO names."""
    if country == "DE":
        return _numbered(2, "Schleswig-Holstein", "Hamburg", "Niedersachsen", "Bremen", "Nordrhein-Westfalen", "Hessen",
                         "Rheinland-Pfalz", "Baden-Württemberg", "Bayern", "Saarland", "Berlin", "Brandenburg",
                         "Mecklenburg-Vorpommern", "Sachsen", "Sachsen-Anhalt", "Thüringen")  # fmt: skip
    return [(code, f"{country}-{code}") for code in _STATES.get(country, [])] or _numbered(2, "Region 1", "Region 2")


def is_state(field: Field) -> bool:
    return bool(field.context) and field.name.endswith(("StateCode", "RegionCode", "State"))


@cache
def codes(entity: str, name: str, country: str = "") -> dict[str, str]:
    """Code -> description for one coded property."""
    field = ENTITIES[entity].fields[name]
    if is_state(field):
        return dict(_states(country))
    if name.endswith(("CountryCode", "Country")):
        return dict(_countries())
    if (entity, name) in _BY_ENTITY:
        return dict(_BY_ENTITY[entity, name])
    if name in _BY_PROPERTY:
        return dict(_BY_PROPERTY[name])
    for ending, values in _BY_ENDING:
        if name.endswith(ending):
            return dict(values)
    width = min(field.size or 2, 4)
    return dict([*_numbered(width, "Standard", "Special", "Other")])


def described(entity: str, field: Field, row: dict[str, object]) -> str:
    """The text that the `…Text` twin shows for the code in this row."""
    code = str(row.get(field.name) or "")
    if not code:
        return ""
    return codes(entity, field.name, str(row.get(field.context) or "") if is_state(field) else "").get(code, "")


LISTS: dict[str, tuple[str, Field]] = {
    field.code_list: (entity.name, field)
    for entity in ENTITIES.values()
    for field in entity.fields.values()
    if field.code_list
}


def listing(set_name: str) -> list[dict[str, str]]:
    """The rows of a code-list collection; those of states and tax types carry the country as `Context`."""
    entity, field = LISTS[set_name]
    if not field.context:
        return [{"Code": code, "Description": text} for code, text in codes(entity, field.name).items()]
    countries = ["AU", "CA", "DE", "DK", "GB", "NL", "US"]
    return [
        {"Context": country, "Code": code, "Description": text}
        for country in countries
        for code, text in codes(entity, field.name, country).items()
    ]
