"""What C4C fills in by itself: numbers, UUIDs, the other name of each party, formatted texts, relations, dates."""

from __future__ import annotations

import re
from typing import Any

from sandbox.c4c import leads, parties, relations, rewriting
from sandbox.c4c.errors import bad_request
from sandbox.c4c.model import ENTITIES
from sandbox.c4c.tables import Tables

Row = dict[str, Any]
# child -> its header, and the field that shows the header's number on the child
HEADERS: dict[str, tuple[str, str, str]] = {
    "CorporateAccountAddress": ("CorporateAccount", "AccountID", "AccountID"),
    "CorporateAccountTeam": ("CorporateAccount", "AccountID", "AccountID"),
    "CorporateAccountTaxNumber": ("CorporateAccount", "AccountID", "AccountID"),
    "CorporateAccountIdentification": ("CorporateAccount", "AccountID", "AccountID"),
    "CorporateAccountTextCollection": ("CorporateAccount", "AccountID", "AccountID"),
    "ContactIsContactPersonFor": ("Contact", "ContactID", "ContactID"),
    "ContactPersonalAddress": ("Contact", "ContactID", "ContactID"),
    "ContactTextCollection": ("Contact", "ContactID", "ContactID"),
    "LeadContact": ("Lead", "LeadID", "ID"),
    "LeadParty": ("Lead", "LeadID", "ID"),
    "LeadTextCollection": ("Lead", "LeadID", "ID"),
    "LeadBusinessTransactionDocumentReference": ("Lead", "LeadID", "ID"),
    "LeadHistoricalVersion": ("Lead", "", ""),
    "ChannelPermission": ("MarketingPermission", "", ""),
    "CommunicationTypePermission": ("MarketingPermission", "", ""),
    "BusinessAttributeAssignmentItem": ("BusinessAttributeAssignment", "BusinessPartnerID", "BusinessPartnerID"),
    "OpportunityBusinessTransactionDocumentReference": ("Opportunity", "OpportunityID", "ID"),
}
_UUIDS = {"CorporateAccount": "UUID", "Contact": "ContactUUID", "Employee": "UUID", "Opportunity": "UUID",
          "LeadParty": "UUID", "LeadContact": "UUID", "CorporateAccountAddress": "UUID"}  # fmt: skip
_NUMBERS = {
    "CorporateAccount": ("AccountID", "business_partner"),
    "Contact": ("ContactID", "business_partner"),
    "Opportunity": ("ID", "opportunity"),
}
_CREATED = ("CreationOn", "CreatedOn", "CreationDateTime", "CreationDate")
_CHANGED = ("ChangedOn", "UpdatedOn", "LastChangeDateTime", "LastChangeDate", "EntityLastChangedOn", "UserChangedOn")
_CHANGED_BY = ("ChangedBy", "LastChangedBy", "LastUpdatedBy")
_UNDEFINED_CONSENT = "3"


def before_create(store: Tables, entity: str, row: Row, by: str) -> None:
    _attach(store, entity, row)
    for name, default in _DEFAULTS.get(entity, {}).items():
        row[name] = row.get(name) or default
    if entity in _UUIDS:
        row[_UUIDS[entity]] = row.get(_UUIDS[entity]) or store.new_uuid()
    if entity in _NUMBERS:
        name, range_name = _NUMBERS[entity]
        row[name] = row.get(name) or store.number(range_name)
    parties.fill(store, entity, row, dict(row))
    if entity == "MarketingPermission" and not row.get("BusinessPartnerUUID"):
        raise bad_request("A business partner is required")
    if entity == "Lead":
        leads.on_create(store, row)
    if entity == "ContactIsContactPersonFor":
        relations.check(store, row)
    if store.settings.rewrites_values:
        rewriting.rewrite(entity, row)
    _format(entity, row)
    stamp_create(store, entity, row, by)


def after_create(store: Tables, entity: str, row: Row, by: str) -> None:
    if entity == "Lead":
        leads.keep_history(store, None, row)
    elif entity == "Contact":
        relations.follow_contact(store, None, row, by)
        if store.settings.creates_permission_set:
            store.create("MarketingPermission", {"BusinessPartnerUUID": row["ContactUUID"]}, by=by)
    elif entity == "ContactIsContactPersonFor":
        relations.after_create(store, row)
    elif entity == "ObjectIdentifierMapping":
        _show_mapping(store, row)
    if entity != "LeadHistoricalVersion":
        _touch_header(store, entity, row, by)


def before_change(store: Tables, entity: str, old: Row, row: Row, values: Row, by: str) -> None:
    row.update(values)
    if entity == "ChannelPermission":
        row["Consent"] = row.get("Consent") or _UNDEFINED_CONSENT  # a blank consent resets an opt-in (SOAP docs)
    parties.fill(store, entity, row, values)
    if entity == "Lead":
        leads.on_change(store, old, row)
    header = store.get("Lead", row.get("ParentObjectID", "")) if HEADERS.get(entity, ("",))[0] == "Lead" else None
    if header and header.get("LifeCycleStatusCode") == leads.LIFE_CYCLE[leads.CONVERTED]:
        raise bad_request(f"Lead {header['ID']} is converted and can not be changed")
    if store.settings.rewrites_values:
        rewriting.rewrite(entity, row)
    _format(entity, row)


def after_change(store: Tables, entity: str, old: Row, row: Row, by: str) -> None:
    if entity == "Lead":
        leads.keep_history(store, old, row)
    elif entity == "Contact":
        relations.follow_contact(store, old, row, by)
    elif entity == "ContactIsContactPersonFor":
        relations.after_change(store, old, row)
    _touch_header(store, entity, row, by)


def before_delete(store: Tables, entity: str, row: Row, by: str) -> None:
    for child, (header, _, _) in HEADERS.items():
        if header == entity:
            for part in store.find(child, "ParentObjectID", row["ObjectID"]):
                store.remove(child, part["ObjectID"])
    if entity == "ContactIsContactPersonFor":
        relations.before_delete(store, row)
    _touch_header(store, entity, row, by)


_DEFAULTS: dict[str, dict[str, str]] = {
    "CorporateAccount": {"LifeCycleStatusCode": "2"},
    "Contact": {"StatusCode": "2"},
    "ChannelPermission": {"Consent": _UNDEFINED_CONSENT},
}


def _attach(store: Tables, entity: str, row: Row) -> None:
    """A child names its header by ParentObjectID or by number; it then shows both."""
    if entity not in HEADERS:
        return
    header_entity, shown, number = HEADERS[entity]
    header = store.get(header_entity, row.get("ParentObjectID") or "")
    if header is None and shown and not row.get("ParentObjectID"):
        header = store.first(header_entity, number, row.get(shown))
    if header is None:
        raise bad_request(f"{entity}: {header_entity} does not exist")
    closed = header_entity == "Lead" and header.get("LifeCycleStatusCode") == leads.LIFE_CYCLE[leads.CONVERTED]
    if closed and entity not in ("LeadHistoricalVersion", "LeadBusinessTransactionDocumentReference"):
        raise bad_request(f"Lead {header['ID']} is converted and can not be changed")
    row["ParentObjectID"] = header["ObjectID"]
    if shown:
        row[shown] = header.get(number)


def _format(entity: str, row: Row) -> None:
    names = ENTITIES[entity].fields
    for name in names:
        if name.startswith("Normalised"):
            row[name] = normalised(row.get(name.removeprefix("Normalised")))
    if entity == "CorporateAccount":
        parts = ("Name", "AdditionalName", "AdditionalName2", "AdditionalName3")
        row["BusinessPartnerFormattedName"] = _joined(row, *parts)
        row["FormattedPostalAddressDescription"] = _address(row)
    elif entity == "Contact":
        row["Name"] = _joined(row, "FirstName", "MiddleName", "LastName")
    elif entity == "Employee":
        row["BusinessPartnerFormattedName"] = _joined(row, "FirstName", "LastName")


def normalised(phone: str | None) -> str:
    """`+1 (651) 733-2220` is found as `+16517332220` (SAP demo tenant's rows)."""
    return re.sub(r"[^\d+]", "", phone or "")


def _joined(row: Row, *names: str) -> str:
    return " ".join(str(row[name]) for name in names if row.get(name))


def _address(row: Row) -> str:
    lines = (_joined(row, "Street", "HouseNumber"), _joined(row, "StreetPostalCode", "City"), row.get("CountryCode"))
    return " / ".join(line for line in lines if line)


def stamp_create(store: Tables, entity: str, row: Row, by: str) -> None:
    fields = ENTITIES[entity].fields
    now = store.now()
    row.update({name: now for name in _CREATED if name in fields and not row.get(name)})
    if "CreatedBy" in fields:
        row["CreatedBy"] = by
    stamp_change(store, entity, row, by)


def stamp_change(store: Tables, entity: str, row: Row, by: str) -> None:
    fields = ENTITIES[entity].fields
    now = store.now()
    row.update({name: now for name in _CHANGED if name in fields})
    row.update({name: by for name in _CHANGED_BY if name in fields})


def _touch_header(store: Tables, entity: str, row: Row, by: str) -> None:
    """Change dates are per business object, not per node (KBA 2835828)."""
    if entity not in HEADERS:
        return
    header_entity = HEADERS[entity][0]
    header = store.get(header_entity, row["ParentObjectID"])
    if header is None:
        return
    touched = dict(header)
    stamp_change(store, header_entity, touched, by)
    if store.settings.children_move_etag:
        touched["ETag"] = store.stamp()
    store.update(header_entity, header["ObjectID"], **touched)


def _show_mapping(store: Tables, row: Row) -> None:
    """ExternalID and ExternalSystem are a sight of the id mapping (SAP's own mock of c4codata)."""
    shown = {"ExternalID": row.get("RemoteObjectID"), "ExternalSystem": row.get("RemoteBusinessSystemID")}
    for target in (parties.ACCOUNT, parties.CONTACT):
        found = store.first(target.entity, target.id, row.get("LocalObjectID"))
        found = found or store.first(target.entity, target.uuid, row.get("LocalObjectUUID"))
        if found:
            store.update(target.entity, found["ObjectID"], **shown)
            return
