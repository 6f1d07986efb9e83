"""The life of a lead: what its status becomes by what is written, and what sales can do with it.

A qualification level makes any lead Qualified (KBA 2419551); accepting and declining need a qualified one; a
converted lead is final (KBA 2330129).
"""

from __future__ import annotations

import zlib
from typing import Any

from sandbox.c4c.errors import bad_request
from sandbox.c4c.tables import Tables

Row = dict[str, Any]
OPEN, QUALIFIED, ACCEPTED, DECLINED, CONVERTED = "01", "02", "03", "04", "05"
LIFE_CYCLE = {OPEN: "1", QUALIFIED: "2", ACCEPTED: "3", DECLINED: "4", CONVERTED: "6", "Z1": "1"}
CLOSED = ("4", "6")
OPPORTUNITY_TYPE, LEAD_TYPE = "72", "764"


def on_create(store: Tables, row: Row) -> None:
    row["ID"] = row.get("ID") or store.number("lead")
    row["ConsistencyStatusCode"] = row.get("ConsistencyStatusCode") or "3"
    account = _refuse_obsolete(store, row)
    if not row.get("OwnerPartyUUID"):
        _determine_owner(store, row, account)
    if row.get("LifeCycleStatusCode"):
        return
    wanted = row.get("UserStatusCode") or OPEN
    if row.get("QualificationLevelCode"):
        wanted = QUALIFIED  # even if another status was sent
    elif wanted not in (OPEN, QUALIFIED, "Z1"):
        raise bad_request(f"Status {wanted} is not allowed for a new lead")
    row["UserStatusCode"], row["LifeCycleStatusCode"] = wanted, LIFE_CYCLE[wanted]


def on_change(store: Tables, old: Row, row: Row) -> None:
    if old.get("LifeCycleStatusCode") == LIFE_CYCLE[CONVERTED]:
        raise bad_request(f"Lead {old.get('ID')} is converted and can not be changed")
    if row.get("AccountPartyID") != old.get("AccountPartyID"):
        _refuse_obsolete(store, row)
    wanted, current = row.get("UserStatusCode") or OPEN, old.get("UserStatusCode") or OPEN
    level = row.get("QualificationLevelCode")
    if level and level != old.get("QualificationLevelCode") and LIFE_CYCLE[current] == "1":
        wanted = QUALIFIED
    if wanted == current:
        return
    if wanted == CONVERTED or (wanted in (ACCEPTED, DECLINED) and LIFE_CYCLE[current] == "1"):
        raise bad_request(f"Status change from {current} to {wanted} is not allowed")
    row["UserStatusCode"], row["LifeCycleStatusCode"] = wanted, LIFE_CYCLE[wanted]


def keep_history(store: Tables, old: Row | None, row: Row) -> None:
    """One historical version a status, the last one without an end."""
    if old is not None and old.get("UserStatusCode") == row.get("UserStatusCode"):
        return
    for version in store.find("LeadHistoricalVersion", "ParentObjectID", row["ObjectID"]):
        if not version.get("EndDateTime"):
            store.update("LeadHistoricalVersion", version["ObjectID"], EndDateTime=store.now())
    status = {name: row.get(name) for name in ("UserStatusCode", "QualificationLevelCode", "PriorityCode")}
    store.create("LeadHistoricalVersion", {"ParentObjectID": row["ObjectID"], "StartDateTime": store.now(), **status})


def qualify(store: Tables, object_id: str) -> None:
    _set_status(store, object_id, QUALIFIED)


def accept(store: Tables, object_id: str) -> None:
    _set_status(store, object_id, ACCEPTED)


def decline(store: Tables, object_id: str) -> None:
    _set_status(store, object_id, DECLINED)


def convert(store: Tables, object_id: str) -> None:
    """Makes an opportunity; lead and opportunity then refer to each other."""
    lead = _set_status(store, object_id, CONVERTED)
    opportunity = store.create(
        "Opportunity",
        {
            "Name": lead.get("Name"),
            "ProspectPartyID": lead.get("AccountPartyID"),
            "PrimaryContactPartyID": lead.get("ContactID"),
            "LifeCycleStatusCode": "2",
        },
    )
    reference = {"ID": opportunity["ID"], "UUID": opportunity["UUID"], "TypeCode": OPPORTUNITY_TYPE}
    store.create("LeadBusinessTransactionDocumentReference", {"ParentObjectID": object_id, **reference})
    store.create(
        "OpportunityBusinessTransactionDocumentReference",
        {"ParentObjectID": opportunity["ObjectID"], "ID": lead.get("ID"), "TypeCode": LEAD_TYPE},
    )


ACTIONS = {"qualify": qualify, "accept": accept, "decline": decline, "convert": convert}


def _set_status(store: Tables, object_id: str, status: str) -> Row:
    old = store.get("Lead", object_id)
    if old is None:
        raise ValueError(f"no Lead {object_id}")
    row = old | {"UserStatusCode": status, "LifeCycleStatusCode": LIFE_CYCLE[status]}
    store.save("Lead", row, "SALES")
    keep_history(store, old, row)
    return row


def _refuse_obsolete(store: Tables, row: Row) -> Row | None:
    account = store.first("CorporateAccount", "AccountID", row.get("AccountPartyID"))
    if account and account.get("LifeCycleStatusCode") == "4":
        raise bad_request(f"Account {account['AccountID']} is obsolete")
    return account


def _determine_owner(store: Tables, row: Row, account: Row | None) -> None:
    """The tenant's party determination: the account's owner, else some employee who may log on."""
    owner = store.first("Employee", "UUID", account.get("OwnerUUID")) if account else None
    if owner is None:
        staff = [employee for employee in store.all("Employee") if not employee.get("UserLockedIndicator")]
        owner = staff[zlib.crc32(str(row["ID"]).encode()) % len(staff)] if staff else None
    if owner is not None:
        row["OwnerPartyID"], row["OwnerPartyUUID"] = owner.get("BusinessPartnerID"), owner.get("UUID")
        row["OwnerPartyName"] = owner.get("BusinessPartnerFormattedName")
