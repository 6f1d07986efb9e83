"""Record locks: a write holds its record and the account it belongs to while it is under way (KBA 3577788)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sandbox.c4c.model import BY_SET, ENTITIES

if TYPE_CHECKING:
    from sandbox.c4c.service import Operation
    from sandbox.c4c.store import C4CStore

Row = dict[str, Any]
_ENTRY = re.compile(r"(\w+)\((?:ObjectID=)?'([^']*)'\)")
_ACCOUNT_NAMES = {
    "AccountID": "AccountID",
    "AccountPartyID": "AccountID",
    "AccountUUID": "UUID",
    "AccountPartyUUID": "UUID",
}


def keys(store: C4CStore, operation: Operation) -> set[str]:
    """ObjectIDs of the record named, of its header, and of the accounts that record or body name."""
    found: set[str] = set()
    if match := _ENTRY.match(operation.path):
        found.add(match[2])
        entity = BY_SET.get(match[1])
        row = store.get(entity.name, match[2]) if entity else None
        if row:
            found |= _named(store, entity.name if entity else "", row)
    try:
        body = json.loads(operation.body or b"{}")
    except ValueError:
        return found
    set_name = operation.path.split("/")[0].split("(")[0]
    entity = BY_SET.get(set_name)
    return found | (_named(store, entity.name, body) if entity and isinstance(body, dict) else set())


def _named(store: C4CStore, entity: str, row: Row) -> set[str]:
    found = {str(row["ParentObjectID"])} if row.get("ParentObjectID") else set()
    for name, there in _ACCOUNT_NAMES.items():
        if name in ENTITIES[entity].fields and isinstance(row.get(name), str) and entity != "CorporateAccount":
            found |= {account["ObjectID"] for account in store.find("CorporateAccount", there, row[name])}
    if entity.endswith(("PersonFor", "HasContactPerson")) and isinstance(row.get("ContactID"), str):
        found |= {contact["ObjectID"] for contact in store.find("Contact", "ContactID", row["ContactID"])}
    return found


@contextmanager
def held(store: C4CStore, operations: list[Operation]) -> Iterator[list[str | None]]:
    """For each operation the record that another write holds now, or None; meanwhile this request holds its own."""
    if not store.settings.parallel_lock:
        yield [None] * len(operations)
        return
    wanted = [keys(store, operation) if operation.is_write else set() for operation in operations]
    refused = [next((key for key in sorted(mine) if key in store.locks), None) for mine in wanted]
    mine = set[str]().union(*(own for own, other in zip(wanted, refused, strict=True) if other is None))
    for key in mine:
        store.locks[key] = store.locks.get(key, 0) + 1
    try:
        yield refused
    finally:
        for key in mine:
            store.locks[key] -= 1
            if not store.locks[key]:
                del store.locks[key]
