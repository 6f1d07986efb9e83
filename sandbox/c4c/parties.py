"""The two names of every party: an id for people and a UUID; whichever is given, C4C fills in the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.c4c.errors import bad_request
from sandbox.c4c.tables import Tables

Row = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """Where a party is looked up: entity, its id field, its UUID field and its name field."""

    entity: str
    id: str
    uuid: str
    name: str


ACCOUNT = Target("CorporateAccount", "AccountID", "UUID", "BusinessPartnerFormattedName")
CONTACT = Target("Contact", "ContactID", "ContactUUID", "Name")
# An account names its owner by EmployeeID, a lead by the employee's BusinessPartnerID (SAP demo tenant's rows).
EMPLOYEE = Target("Employee", "EmployeeID", "UUID", "BusinessPartnerFormattedName")
EMPLOYEE_AS_PARTY = Target("Employee", "BusinessPartnerID", "UUID", "BusinessPartnerFormattedName")


@dataclass(frozen=True)
class Party:
    """A pair of fields on an entity that name one party, and the field that shows its name."""

    id: str
    uuid: str
    targets: tuple[Target, ...]
    name: str = ""


PARTIES: dict[str, tuple[Party, ...]] = {
    "CorporateAccount": (Party("OwnerID", "OwnerUUID", (EMPLOYEE,)),),
    "CorporateAccountTeam": (Party("EmployeeID", "EmployeeUUID", (EMPLOYEE,)),),
    "Contact": (
        Party("AccountID", "AccountUUID", (ACCOUNT,), "AccountFormattedName"),
        Party("ContactOwnerID", "ContactOwnerUUID", (EMPLOYEE,)),
    ),
    "Lead": (
        Party("AccountPartyID", "AccountPartyUUID", (ACCOUNT,), "AccountPartyName"),
        Party("ContactID", "ContactUUID", (CONTACT,), "ContactName"),
        Party("OwnerPartyID", "OwnerPartyUUID", (EMPLOYEE_AS_PARTY,), "OwnerPartyName"),
        Party("OwnerPartyIDSales", "OwnerUUIDSales", (EMPLOYEE_AS_PARTY,), "OwnerSalesName"),
    ),
    "LeadContact": (Party("PartyID", "PartyUUID", (CONTACT,), "PartyName"),),
    "LeadParty": (Party("PartyID", "PartyUUID", (ACCOUNT, CONTACT, EMPLOYEE_AS_PARTY), "PartyName"),),
    "MarketingPermission": (Party("BusinessPartner_ID", "BusinessPartnerUUID", (CONTACT, ACCOUNT)),),
}


def fill(store: Tables, entity: str, row: Row, given: Row) -> None:
    """Complete every party of the row that this write names; `given` are the fields the write brought."""
    for party in PARTIES.get(entity, ()):
        if party.id in given or party.uuid in given:
            _fill(store, row, party, given)


def _fill(store: Tables, row: Row, party: Party, given: Row) -> None:
    party_id, uuid = given.get(party.id), given.get(party.uuid)
    if not party_id and not uuid:
        row.update({party.id: None, party.uuid: None} | ({party.name: None} if party.name else {}))
        return
    for target in party.targets:
        found = store.first(target.entity, *((target.uuid, uuid) if uuid else (target.id, party_id)))
        if found is None:
            continue
        if party_id and found.get(target.id) != party_id:
            raise bad_request(f"{party.id} {party_id} and {party.uuid} {uuid} name different parties")
        row[party.id], row[party.uuid] = found.get(target.id), found.get(target.uuid)
        if party.name:
            row[party.name] = found.get(target.name)
        return
    raise bad_request(f"Party {party_id or uuid} in {party.id if party_id else party.uuid} does not exist")
