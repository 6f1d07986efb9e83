"""Contact and account: the relation rows, which of them is the main one, and the account shown on the contact."""

from __future__ import annotations

from typing import Any

from sandbox.c4c import views
from sandbox.c4c.errors import bad_request
from sandbox.c4c.tables import Tables

Row = dict[str, Any]
RELATION = views.RELATION
# With `work_place = "relationship"` the contact's flat fields are those of its main relation, so another main relation
# shows its own, often blank ones; with "person" they stay with the person, and a relation holds what was sent to it.
WORK_PLACE = ("JobTitle", "FunctionCode", "DepartmentCode", "Department", "Email", "Phone", "Mobile", "Fax")


def check(store: Tables, row: Row) -> None:
    """Twice the same relation is no error: C4C takes it."""
    account = store.first("CorporateAccount", "AccountID", row.get("AccountID"))
    if account is None:
        raise bad_request(f"Account {row.get('AccountID') or '(none)'} does not exist")
    row["AccountFormattedName"] = account.get("BusinessPartnerFormattedName")


def after_create(store: Tables, row: Row) -> None:
    if len(store.find(RELATION, "AccountID", row["AccountID"])) == 1:
        views.make_main(store, row["ObjectID"])
    if row.get("ReverseMainIndicator") or not _main(store, row["ParentObjectID"], row["ObjectID"]):
        _move_main(store, row["ParentObjectID"], row)


def after_change(store: Tables, old: Row, row: Row) -> None:
    if row.get("ReverseMainIndicator") and not old.get("ReverseMainIndicator"):
        _move_main(store, row["ParentObjectID"], row)
    elif row.get("ReverseMainIndicator"):
        _show(store, row["ParentObjectID"], row)


def before_delete(store: Tables, row: Row) -> None:
    if row.get("ReverseMainIndicator"):
        store.update("Contact", row["ParentObjectID"], AccountID=None, AccountUUID=None, AccountFormattedName=None)


def follow_contact(store: Tables, old: Row | None, contact: Row, by: str) -> None:
    """Another AccountID adds a relation and makes it the main one; the old relation stays."""
    changed = {name: contact.get(name) for name in WORK_PLACE if (old or {}).get(name) != contact.get(name)}
    account_id = contact.get("AccountID")
    if not account_id:
        return
    mine = store.find(RELATION, "ParentObjectID", contact["ObjectID"])
    relation = next((row for row in mine if row.get("AccountID") == account_id), None)
    if relation is None:
        parent = {"ParentObjectID": contact["ObjectID"], "AccountID": account_id, "ReverseMainIndicator": True}
        store.create(RELATION, parent | {name: contact.get(name) for name in WORK_PLACE}, by=by)
        return
    if changed:
        store.save(RELATION, (store.get(RELATION, relation["ObjectID"]) or relation) | changed, by)
    if not relation.get("ReverseMainIndicator"):
        _move_main(store, contact["ObjectID"], relation | changed)


def _main(store: Tables, contact_object_id: str, other_than: str) -> Row | None:
    mine = store.find(RELATION, "ParentObjectID", contact_object_id)
    return next((row for row in mine if row.get("ReverseMainIndicator") and row["ObjectID"] != other_than), None)


def _move_main(store: Tables, contact_object_id: str, main: Row) -> None:
    for row in store.find(RELATION, "ParentObjectID", contact_object_id):
        store.update(RELATION, row["ObjectID"], ReverseMainIndicator=row["ObjectID"] == main["ObjectID"])
    account = store.first("CorporateAccount", "AccountID", main.get("AccountID"))
    if account:
        shown = {"AccountFormattedName": account.get("BusinessPartnerFormattedName")}
        store.update("Contact", contact_object_id, AccountID=account["AccountID"], AccountUUID=account["UUID"], **shown)
    _show(store, contact_object_id, main)


def _show(store: Tables, contact_object_id: str, main: Row) -> None:
    """Where the work place lives on the relation, the contact shows that of its main one."""
    if store.settings.work_place == "relationship":
        store.update("Contact", contact_object_id, **{name: main.get(name) for name in WORK_PLACE})
