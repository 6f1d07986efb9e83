"""What is blanked in a record of C4C when a person is erased. Pure.

C4C's API deletes no contact and no converted lead, so their fields are emptied, or filled with a word where C4C demands
a value. Texts that sales wrote elsewhere (activities, attachments) and C4C's change history are beyond the API: C4C has
its own tools for them (work centre Data Protection and Privacy).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sync.domain.entities import Entity
from sync.domain.rules import Rules, field_sources, qualified
from sync.domain.schema import Field, Schema
from sync.planner.compare import Change
from sync.planner.keyed_fields import KEYED_FIELDS
from sync.planner.snapshot import Record

ERASED_NAME = "Erased"
"""Replaces a name where C4C demands one."""

_DEMANDED: Mapping[str, frozenset[str]] = {
    Entity.CONTACT: frozenset({"LastName"}),
    Entity.LEAD: frozenset({"Name"}),
}

_PERSONAL: Mapping[str, tuple[str, ...]] = {
    Entity.CONTACT: (
        "LastName",
        "FirstName",
        "MiddleName",
        "AdditionalFamilyName",
        "NickName",
        "BirthName",
        "DeviatingFullName",
        "Initials",
        "TitleCode",
        "AcademicTitleCode",
        "AdditionalAcademicTitleCode",
        "NamePrefixCode",
        "GenderCode",
        "MaritalStatusCode",
        "BirthDate",
        "ProfessionCode",
        "Email",
        "Phone",
        "Mobile",
        "Fax",
        "JobTitle",
        "Department",
        "Building",
        "Floor",
        "Room",
    ),
    Entity.LEAD: (
        "Name",
        "Note",
        "ContactNote",
        "ContactFirstName",
        "ContactMiddleName",
        "ContactLastName",
        "ContactNickName",
        "ContactEMail",
        "ContactPhone",
        "ContactMobile",
        "ContactFacsimileFormattedNumberDescription",
        "ContactFunctionalTitleName",
        "ContactDepartmentName",
        "ContactFormOfAddressCode",
        "ContactAcademicTitleCode",
        "ContactGenderCode",
        "ContactBuildingID",
        "ContactFloorID",
        "ContactRoomID",
        "IndividualCustomerGivenName",
        "IndividualCustomerMiddleName",
        "IndividualCustomerFamilyName",
        "IndividualCustomerEMail",
        "IndividualCustomerPhone",
        "IndividualCustomerMobile",
        "IndividualCustomerFax",
    ),
    Entity.RELATION: ("Email", "Phone", "Mobile", "Fax", "JobTitle", "Department", "Building", "Floor", "Room"),
}
"""Fields that describe a person, as the reference of C4C's OData API has them."""


_DERIVED: Mapping[str, str] = {Entity.CONTACT: "Name", Entity.LEAD: "ContactName"}
"""Fields that C4C fills with the person's name by itself."""


def fields(entity: str, rules: Rules, schema: Schema) -> tuple[Field, ...]:
    """The fields of one kind of record that are blanked, as far as the tenant has them and lets them be changed."""
    names = dict.fromkeys([*_PERSONAL.get(entity, ()), *_mapped(entity, rules)])
    known = (schema.field(entity, name) for name in names)
    return tuple(one for one in known if one and one.updatable)


def _mapped(entity: str, rules: Rules) -> Iterable[str]:
    """What the rules fill from the contact's own properties, and our key."""
    section = rules.mapping.by_entity().get(entity)
    if section is None:
        return
    for field in section.fields:
        if any(qualified("contact", source).startswith("contact.") for source in field_sources(field)):
            yield from field.target
    yield section.external_key


def read_besides(rules: Rules, schema: Schema) -> dict[str, tuple[str, ...]]:
    """By kind of record, the fields to read so that `changes` knows what is left of the person."""
    return {
        entity: (*(field.name for field in fields(entity, rules, schema)), *_DERIVED.get(entity, "").split())
        for entity in _PERSONAL
    }


def changes(record: Record, rules: Rules, schema: Schema) -> tuple[Change, ...]:
    """The changes that take the person out of the record; none if nothing of the person is left in it."""
    wanted = {field.name: _blank(record.entity, field) for field in fields(record.entity, rules, schema)}
    return (*_differing(record, wanted), *_renewed(record, schema))


def _renewed(record: Record, schema: Schema) -> Iterable[Change]:
    """Names the person of a lead once more, since C4C copies the name into the lead at that moment."""
    if record.entity == Entity.LEAD and shows_name(record) and record.text("ContactUUID"):
        field = schema.field(Entity.LEAD, "ContactUUID")
        if field and field.updatable:
            yield Change("ContactUUID", None, record.fields["ContactUUID"], "erasure")


def shows_name(record: Record) -> str | None:
    """The field in which C4C itself still shows a name of the person, if any."""
    name = _DERIVED.get(record.entity, "")
    return name if record.text(name) not in ("", ERASED_NAME) else None


def retirement(record: Record, rules: Rules) -> tuple[Change, ...]:
    """The change that retires a person's record; none if it is retired."""
    return _differing(record, {KEYED_FIELDS[Entity.CONTACT].status: rules.mapping.contact.obsolete_status})


def _differing(record: Record, wanted: Mapping[str, Any]) -> tuple[Change, ...]:
    return tuple(
        Change(name, None, value, "erasure") for name, value in wanted.items() if not _holds(record, name, value)
    )


def _blank(entity: str, field: Field) -> Any:
    if field.name in _DEMANDED.get(entity, frozenset()):
        return ERASED_NAME
    return "" if field.type == "String" else None


def _holds(record: Record, name: str, value: Any) -> bool:
    """Whether the record shows the value already. What it does not show is unknown, and written."""
    return name in record.fields and record.text(name) == ("" if value is None else str(value))
