"""Entities that are only another sight of the same rows: employees in short, and relations seen from the account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sandbox.c4c.errors import bad_request
from sandbox.c4c.model import ENTITIES
from sandbox.c4c.tables import Tables

Row = dict[str, Any]
RELATION = "ContactIsContactPersonFor"
FROM_ACCOUNT = "CorporateAccountHasContactPerson"
_BASES = {"EmployeeBasicData": "Employee", FROM_ACCOUNT: RELATION}
_EMPLOYEE_NAMES = {
    "EmployeeUUID": "UUID",
    "FormattedName": "BusinessPartnerFormattedName",
    "Phone": "OfficePhoneNumber",
    "Mobile": "MobilePhoneNumber",
    "Fax": "FaxNumber",
    "FormattedAddress": "FormattedPostalAddressDescription",
}


def base(entity: str) -> str | None:
    return _BASES.get(entity)


def rows(store: Tables, entity: str) -> Iterator[Row]:
    return (show(store, entity, row) for row in store.all(_BASES[entity]))


def show(store: Tables, entity: str, row: Row) -> Row:
    return _SHOW[entity](store, row)


def find(store: Tables, entity: str, name: str, value: str) -> list[Row]:
    base_name = _EMPLOYEE_NAMES.get(name, name) if entity == "EmployeeBasicData" else name
    if entity == FROM_ACCOUNT and name == "ParentObjectID":
        account = store.get("CorporateAccount", value)
        base_name, value = "AccountID", (account or {}).get("AccountID", "")
    if base_name not in ENTITIES[_BASES[entity]].fields:
        shown = rows(store, entity)
        return [row for row in shown if str(row.get(name) or "").casefold() == value.casefold()]
    return [show(store, entity, row) for row in store.find(_BASES[entity], base_name, value)]


def _employee(store: Tables, row: Row) -> Row:
    names = ENTITIES["EmployeeBasicData"].fields
    shown = {name: row.get(_EMPLOYEE_NAMES.get(name, name)) for name in names}
    return shown | {"CurrentInternalEmployeeIndicator": True}


def _from_account(store: Tables, row: Row) -> Row:
    shown = {name: row.get(name) for name in ENTITIES[FROM_ACCOUNT].fields}
    account = store.first("CorporateAccount", "AccountID", row.get("AccountID"))
    contact = store.get("Contact", row["ParentObjectID"])
    return shown | {
        "ParentObjectID": account["ObjectID"] if account else "",
        "ContactFormattedName": (contact or {}).get("Name"),
        "MainIndicator": row.get("_MainIndicator", False),
    }


_SHOW: dict[str, Callable[[Tables, Row], Row]] = {"EmployeeBasicData": _employee, FROM_ACCOUNT: _from_account}


def create(store: Tables, entity: str, row: Row, by: str) -> Row:
    """A contact person added from the account's side is the same relation."""
    if entity != FROM_ACCOUNT:
        raise bad_request(f"{entity} is read only")
    values = {name: value for name, value in row.items() if name in ENTITIES[RELATION].fields}
    if parent := values.pop("ParentObjectID", None):
        account = store.get("CorporateAccount", parent)
        if account is None:
            raise bad_request(f"Account {parent} does not exist")
        values["AccountID"] = account["AccountID"]
    relation = store.create(RELATION, values, by=by)
    if row.get("MainIndicator"):
        make_main(store, relation["ObjectID"])
    shown = store.get(entity, relation["ObjectID"])
    return shown or {}


def change(store: Tables, entity: str, object_id: str, values: Row, by: str) -> bool:
    if entity != FROM_ACCOUNT:
        raise bad_request(f"{entity} is read only")
    main = values.pop("MainIndicator", None)
    changed = store.change(RELATION, object_id, values, by=by)
    row = store.get(RELATION, object_id) or {}
    if main and not row.get("_MainIndicator"):
        make_main(store, object_id)
        return True
    return changed


def make_main(store: Tables, object_id: str) -> None:
    """One main contact an account."""
    account_id = (store.get(RELATION, object_id) or {}).get("AccountID")
    for row in store.find(RELATION, "AccountID", account_id):
        if row.get("_MainIndicator") or row["ObjectID"] == object_id:
            store.update(RELATION, row["ObjectID"], _MainIndicator=row["ObjectID"] == object_id)
