"""From one row to its neighbours: which field of the one holds which field of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.c4c.model import Nav

if TYPE_CHECKING:
    from sandbox.c4c.store import C4CStore

Row = dict[str, Any]
_UP = {  # (entity, navigation) -> field here, field there
    ("CorporateAccount", "OwnerEmployeeBasicData"): ("OwnerUUID", "EmployeeUUID"),
    ("CorporateAccount", "ParentAccount"): ("ParentAccountID", "AccountID"),
    ("CorporateAccountTeam", "EmployeeBasicData"): ("EmployeeUUID", "EmployeeUUID"),
    ("CorporateAccountHasContactPerson", "Contact"): ("ContactID", "ContactID"),
    ("Contact", "CorporateAccount"): ("AccountID", "AccountID"),
    ("Contact", "ContactOwnerEmployeeBasicData"): ("ContactOwnerUUID", "EmployeeUUID"),
    ("ContactIsContactPersonFor", "CorporateAccount"): ("AccountID", "AccountID"),
    ("EmployeeBasicData", "ManagerEmployeeBasicData"): ("ManagerUUID", "EmployeeUUID"),
}
_HEADERS = frozenset(
    {"CorporateAccount", "Contact", "Lead", "MarketingPermission", "BusinessAttributeAssignment", "Opportunity"}
)


def neighbours(store: C4CStore, entity: str, row: Row, nav: Nav) -> list[Row]:
    if (entity, nav.name) in _UP:
        here, there = _UP[entity, nav.name]
        return store.find(nav.to, there, row.get(here))[:1]
    if nav.to in _HEADERS and row.get("ParentObjectID"):
        return store.find(nav.to, "ObjectID", row["ParentObjectID"])[:1]
    return store.find(nav.to, "ParentObjectID", row["ObjectID"])
