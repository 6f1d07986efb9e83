"""No value in any field of any record that SAP Sales Cloud shows stops a contact that the record does not belong to."""

from __future__ import annotations

from typing import Any

import pytest
from c4c_world import World
from crowd import contact_id, crowd
from sqlmodel import delete

from sandbox.c4c.codes import LISTS
from sync.mirror import mirrored
from sync.state import tables
from sync.state.pending import mark_pending

pytestmark = pytest.mark.long

NUMBERS = ["raw:1e400", f"raw:{10**30}"]
ODD: list[Any] = [
    None,
    "",
    [],
    {},
    True,
    "²",
    "x" * 65536,
    'raw:"\\ud83d"',
    *NUMBERS,
    "/Date(99999999999999999999)/",
]
"""What stands in a field instead of its value; after `raw:` as it goes over the wire."""

OTHERS = 3
"""Contacts of companies of their own that come when the odd records are there."""

ENTITIES = (
    "CorporateAccount",
    "Contact",
    "Lead",
    "ContactIsContactPersonFor",
    "MarketingPermission",
    "ChannelPermission",
)
KEYS = ("ObjectID", "HubSpotID_KUT")
"""Without them a record is not known for what it is; they have tests of their own."""

Owned = dict[str, dict[str, Any]]


def long(*case: Any) -> Any:
    """A case of a test that takes longer than the ordinary run may."""
    return pytest.param(*case, marks=pytest.mark.long)


def people(world: World, number: int) -> None:
    """Contacts in the mirror, each with a company of its own; all refused, so that they have all kinds of records."""
    refused = {contact_id(n): {"hs_email_optout": "true"} for n in range(number)}
    with world.application() as built:
        crowd(built, number, number, refused)


def push(world: World) -> None:
    results = world.once("push")
    assert not results.failures, results.failures


def owned(world: World, entity: str) -> Owned:
    """The records of an entity by contact."""
    truth = world.control.tables(*ENTITIES)
    persons = {row["ObjectID"]: row["HubSpotID_KUT"] for row in truth["Contact"]}
    by_uuid = {row["ContactUUID"]: row["HubSpotID_KUT"] for row in truth["Contact"]}
    sets = {row["ObjectID"]: by_uuid.get(row["BusinessPartnerUUID"]) for row in truth["MarketingPermission"]}
    of = {
        "CorporateAccount": lambda row: contact_id(int(row["HubSpotID_KUT"]) - 501),
        "Contact": lambda row: row["HubSpotID_KUT"],
        "Lead": lambda row: row["HubSpotID_KUT"].partition(":")[0],
        "ContactIsContactPersonFor": lambda row: persons.get(row["ParentObjectID"]),
        "MarketingPermission": lambda row: sets.get(row["ObjectID"]),
        "ChannelPermission": lambda row: sets.get(row["ParentObjectID"]),
    }[entity]
    return {str(of(row)): row for row in truth[entity]}


def odd(entity: str, row: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    return {"entity": entity, "where": {"ObjectID": row["ObjectID"]}, "field": field, "value": value}


def look_again(world: World, *, without_links: bool) -> None:
    """Everybody is looked at again: by the records that are linked, or by their keys, as after the state was lost."""
    with world.application() as built, built.context.store.session() as session:
        mark_pending(session, mirrored.all_ids(session), built.context.now())
        if without_links:
            session.exec(delete(tables.Link))


def check_others(world: World, number: int) -> None:
    """Everybody else ends with a lead, and no exception occurred."""
    progress = {row.contact_id: row for row in world.table(tables.Progress)}
    others = [contact_id(number + n) for n in range(OTHERS)]
    assert {progress[other].status for other in others} == {"done"}
    leads = [row["HubSpotID_KUT"] for row in world.control.rows("Lead")]
    assert all(leads.count(f"{other}:mql:1") == 1 for other in others)
    failed = {row.contact_id: row.detail for row in progress.values() if row.code == "INTERNAL_ERROR"}
    assert not failed


def storm(world: World, entity: str, found: list[tuple[tuple[str, ...], Any]]) -> None:
    """One contact for each case, with that value in these fields of its record, and others of whom nothing is odd."""
    people(world, len(found))
    push(world)
    rows = owned(world, entity)
    assert len(rows) == len(found)
    settings = [
        odd(entity, rows[contact_id(n)], field, value) for n, (names, value) in enumerate(found) for field in names
    ]
    world.control.settings(odd_rows=settings)
    people(world, len(found) + OTHERS)
    for without_links in (False, True):
        look_again(world, without_links=without_links)
        push(world)
        check_others(world, len(found))


def fields(world: World, entity: str) -> list[str]:
    people(world, 1)
    push(world)
    [row] = owned(world, entity).values()
    return sorted(set(row) - set(KEYS))


@pytest.mark.parametrize("entity", [kind if kind == "Contact" else long(kind) for kind in ENTITIES])
def test_odd_values_in_all_fields_stop_nobody_else(world: World, entity: str) -> None:
    names = tuple(fields(world, entity))
    storm(world, entity, [(names, value) for value in ODD])


@pytest.mark.long
@pytest.mark.parametrize("entity", ENTITIES)
def test_an_odd_value_in_each_single_field_stops_nobody_else(world: World, entity: str) -> None:
    storm(world, entity, [((name,), ODD[n % len(ODD)]) for n, name in enumerate(fields(world, entity))])


@pytest.mark.parametrize(
    ("value", "without_links"), [(None, False), ("²", True), long(None, True), long("²", False)], ids=repr
)
def test_records_without_a_usable_id_concern_only_who_asked_for_them(
    world: World, value: Any, without_links: bool
) -> None:
    """They are malformed, and never absent: nothing is made again."""
    people(world, 6)
    push(world)
    kinds = ("CorporateAccount", "Contact", "Lead")
    before = {entity: len(world.control.rows(entity)) for entity in kinds}
    world.control.settings(
        odd_rows=[odd(kind, owned(world, kind)[contact_id(n)], "ObjectID", value) for n, kind in enumerate(kinds)]
    )
    look_again(world, without_links=without_links)
    people(world, 6 + OTHERS)
    push(world)
    check_others(world, 6)
    for n, kind in enumerate(kinds):
        progress = world.progress(contact_id(n))
        assert (progress.status, progress.code) == ("parked", "C4C_REJECTED")
        assert f"{kind}Collection" in str(progress.detail)
    assert {world.progress(contact_id(n)).status for n in range(len(kinds), 6)} == {"done"}
    assert {entity: len(world.control.rows(entity)) for entity in kinds} == {
        entity: number + OTHERS for entity, number in before.items()
    }


def test_an_etag_that_cannot_be_sent_back_concerns_only_who_asked_for_it(world: World) -> None:
    people(world, 3)
    push(world)
    row = owned(world, "Contact")[contact_id(0)]
    world.control.settings(odd_rows=[odd("Contact", row, "__metadata", {"etag": "a\r\nb"})])
    look_again(world, without_links=False)
    people(world, 3 + OTHERS)
    push(world)
    check_others(world, 3)
    assert (world.progress(contact_id(0)).status, world.progress(contact_id(0)).code) == ("parked", "C4C_REJECTED")


def test_where_no_record_can_be_used_nobody_is_parked(world: World) -> None:
    """Ten of them are no record's own fault."""
    people(world, 12)
    push(world)
    world.control.settings(odd_rows=[{"entity": "Lead", "where": {}, "field": "ObjectID", "value": None}])
    look_again(world, without_links=False)
    [failure] = world.once("push", until_idle=False).failures
    assert type(failure).__name__ == "Malformed"
    assert "LeadCollection" in str(failure)
    assert {row.status for row in world.table(tables.Progress)} <= {"pending", "in_flight"}


EMPLOYEE = ("ObjectID", "UUID", "Email", "UserLockedIndicator", "EmployeeValidityStartDate", "EmployeeValidityEndDate")


def test_odd_employees_stop_nobody(world: World) -> None:
    made = [(field, value) for field in EMPLOYEE for value in ODD]
    for n, _ in enumerate(made):
        world.control.sales_create(
            "Employee", EmployeeID=f"F{n}", BusinessPartnerID=f"81{n:08}", Email=f"e{n}@sales.example"
        )
    rows = {row["EmployeeID"]: row for row in world.control.rows("Employee")}
    settings = [
        {"entity": kind, "where": {"ObjectID": rows[f"F{n}"]["ObjectID"]}, "field": field, "value": value}
        for n, (field, value) in enumerate(made)
        for kind in ("Employee", "EmployeeBasicData")
    ]
    world.control.settings(odd_rows=settings)
    people(world, OTHERS)
    push(world)
    check_others(world, 0)


NOT_CODES = [value for value in ODD if not isinstance(value, str) or value in ("", *NUMBERS)]
"""What cannot be a code. A text can: where a list holds nothing else, the codes of the rules are unknown."""


def odd_codes(world: World, cases: list[list[dict[str, Any]]]) -> None:
    """One more contact comes with each of these settings, and all are done in the end."""
    for n, settings in enumerate(cases):
        world.control.settings(odd_rows=settings)
        people(world, n + 1)
        push(world)
    assert {row.status for row in world.table(tables.Progress)} == {"done"}


def in_all_codes(field: str, value: Any) -> list[dict[str, Any]]:
    lists = {name.removesuffix("Collection") for name in LISTS}
    return [{"entity": name, "where": {}, "field": field, "value": value} for name in lists]


def test_a_code_list_without_a_code_closes_nothing(world: World) -> None:
    odd_codes(world, [in_all_codes("Code", None)])


@pytest.mark.long
@pytest.mark.parametrize(("field", "values"), [("Code", NOT_CODES), ("Description", ODD)], ids=["Code", "Description"])
def test_odd_codes_stop_nobody(world: World, field: str, values: list[Any]) -> None:
    odd_codes(world, [in_all_codes(field, value) for value in values])
