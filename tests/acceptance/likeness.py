"""C4C's data in a form in which two equal histories are equal: names instead of generated ids, and no times."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stage import KEY
from truth import World

Row = Mapping[str, Any]

_GENERATED = re.compile(r"ETag|UUID$|^ObjectID$|^ID$|(On|Date|DateTime)$")
"""Fields that hold a time or an id of C4C's own, if the value names no record."""


def likeness(truth: Mapping[str, Any]) -> dict[str, list[str]]:
    """Every row of every entity as JSON, sorted; records are named by our key or by what people call them."""
    world = World(truth)
    names = dict(_names(world))
    undetermined = _undetermined(world)
    return {
        entity: sorted(_text(entity, row, names, undetermined) for row in rows) for entity, rows in world.c4c.items()
    }


def _names(world: World) -> Iterator[tuple[str, str]]:
    """Each id that C4C generated -> what the record is."""
    for row in world.c4c["CorporateAccount"]:
        name = f"account {row[KEY] or row['Name']}"
        yield from ((row[field], name) for field in ("ObjectID", "UUID", "AccountID"))
    for row in world.c4c["Contact"]:
        name = f"contact {row[KEY] or row['Email']}"
        yield from ((row[field], name) for field in ("ObjectID", "ContactUUID", "ContactID"))
    for row in world.c4c["Lead"]:
        yield from ((row[field], f"lead {row[KEY]}") for field in ("ObjectID", "ID"))
    persons = {row["ContactUUID"]: row[KEY] for row in world.c4c["Contact"]}
    for row in world.c4c["MarketingPermission"]:
        yield row["ObjectID"], f"permissions of {persons.get(row['BusinessPartnerUUID'])}"


def _undetermined(world: World) -> set[str]:
    """Leads whose owner C4C drew by the lead's number: the contact has none that it knows, nor has the account."""
    owned = {row["AccountID"] for row in world.c4c["CorporateAccount"] if row["OwnerUUID"]}
    return {
        row[KEY]
        for row in world.c4c["Lead"]
        if row[KEY]
        and row["AccountPartyID"] not in owned
        and world.owner_of(world.persons[row[KEY].split(":")[0]]) is None
    }


def _text(entity: str, row: Row, names: Mapping[str, str], undetermined: set[str]) -> str:
    shown = {name: value if name.endswith("_KUT") else names.get(str(value), value) for name, value in row.items()}
    if entity == "Lead" and row[KEY] in undetermined:
        shown = {name: value for name, value in shown.items() if not name.startswith("OwnerParty")}
    kept = {
        name: value for name, value in shown.items() if value and (value != row[name] or not _GENERATED.search(name))
    }
    return json.dumps(kept, sort_keys=True, ensure_ascii=False)
