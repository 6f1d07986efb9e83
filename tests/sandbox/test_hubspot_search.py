"""Traits of HubSpot's search that break naive clients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from conftest import Sandbox
from hubspot_api import COMPANIES, CONTACTS, HubSpotApi, where

Contact = Callable[..., str]


@pytest.fixture
def api(sandbox: Sandbox) -> HubSpotApi:
    sandbox.reset()
    sandbox.patch("/hubspot/settings", {"rate_limits": False})
    return HubSpotApi(sandbox.hubspot, sandbox.token)


@pytest.fixture
def contact(sandbox: Sandbox) -> Contact:
    def create(**properties: Any) -> str:
        return str(sandbox.post("/hubspot/contacts", {"properties": properties})["id"])

    return create


def now_ms(sandbox: Sandbox) -> int:
    return int(datetime.fromisoformat(sandbox.get("/clock")["now"]).timestamp() * 1000)


def test_limit_defaults_to_ten_and_after_is_an_offset(api: HubSpotApi, contact: Contact) -> None:
    made = [contact(lastname=f"No {n}") for n in range(12)]
    first = api.search().json()
    assert (first["total"], len(first["results"]), first["paging"]) == (12, 10, {"next": {"after": "10"}})
    second = api.search(after="10").json()
    assert "paging" not in second
    assert {row["id"] for row in first["results"] + second["results"]} == set(made)


def test_no_sort_is_order_of_creation(api: HubSpotApi, contact: Contact, sandbox: Sandbox) -> None:
    made = []
    for _ in range(4):
        made.append(contact(lastname="A"))
        sandbox.post("/clock", {"advance_seconds": 1})
    assert api.ids() == made


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 200, "after": "9801"},
        {"after": "cursor"},
        {"filterGroups": [{"filters": [where("email", "HAS_PROPERTY")]}] * 6},
        {"filterGroups": [{"filters": [where("email", "HAS_PROPERTY")] * 7}]},
        {"filterGroups": [{"filters": [where("email", "HAS_PROPERTY")] * 5}] * 4},
        {"properties": ["x" * 3_000]},
        {"sorts": [{"propertyName": "email"}, {"propertyName": "lastname"}]},
        {"filterGroups": [{"filters": [where("no_such_property", "EQ", "1")]}]},
        {"filterGroups": [{"filters": [where("lead_score", "GTE", "high")]}]},
        {"filterGroups": [{"filters": [where("email", "LIKE", "1")]}]},
        {"filterGroups": [{"filters": [where("lead_score", "BETWEEN", "1")]}]},
    ],
)
def test_limits_of_a_search_are_refused(api: HubSpotApi, body: dict[str, Any]) -> None:
    response = api.post(f"{CONTACTS}/search", body)
    assert response.status_code == 400
    assert response.json()["category"] == "VALIDATION_ERROR"


def test_the_last_allowed_page_ends_at_ten_thousand(api: HubSpotApi) -> None:
    assert api.search(limit=200, after="9800").status_code == 200


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (where("lead_score", "GTE", "75"), "bcd"),
        (where("lead_score", "GT", "75"), "d"),
        (where("lead_score", "LT", "75"), "a"),
        (where("lead_score", "LTE", "75"), "abc"),
        (where("lead_score", "EQ", "75"), "bc"),
        (where("lead_score", "NEQ", "75"), "ad"),
        (where("lead_score", "BETWEEN", "9", "75"), "abc"),
        (where("lead_score", "IN", values=["9", "100"]), "ad"),
        (where("lead_score", "NOT_IN", values=["9", "100"]), "bc"),
        (where("lead_score", "HAS_PROPERTY"), "abcd"),
        (where("lead_score", "NOT_HAS_PROPERTY"), "e"),
        (where("email", "CONTAINS_TOKEN", "muster*"), "a"),
        (where("email", "EQ", "A@MUSTERFIRMA.EXAMPLE"), "a"),
        (where("email", "IN", values=["a@musterfirma.example"]), "a"),
        (where("email", "IN", values=["A@musterfirma.example"]), ""),
        (where("hs_legal_basis", "IN", values=["Not applicable"]), "b"),
        (where("hs_legal_basis", "EQ", "not applicable"), ""),
    ],
)
def test_operators(api: HubSpotApi, contact: Contact, condition: dict[str, Any], found: str) -> None:
    names = {
        contact(lastname="a", lead_score="9", email="A@Musterfirma.example"): "a",
        contact(lastname="b", lead_score="75", hs_legal_basis="Not applicable;Performance of a contract"): "b",
        contact(lastname="c", lead_score="75.0"): "c",
        contact(lastname="d", lead_score=100): "d",
        contact(lastname="e"): "e",
    }
    assert "".join(sorted(names[number] for number in api.ids(condition))) == found


def test_short_form_and_iso_values(api: HubSpotApi, contact: Contact, sandbox: Sandbox) -> None:
    number = contact(lastname="a")
    stamp = sandbox.get("/truth", system="hubspot")["hubspot"]["contacts"][0]["properties"]["lastmodifieddate"]
    body = {"filters": [where("lastmodifieddate", "BETWEEN", stamp, stamp)]}
    assert [row["id"] for row in api.post(f"{CONTACTS}/search", body).json()["results"]] == [number]


def test_epoch_zero_as_lower_bound_is_an_internal_error(api: HubSpotApi) -> None:
    assert api.search(where("lastmodifieddate", "GTE", "0")).status_code == 500
    assert api.search(where("lastmodifieddate", "GTE", "1000")).status_code == 200


def test_contacts_are_never_found_by_hs_lastmodifieddate(api: HubSpotApi, contact: Contact, sandbox: Sandbox) -> None:
    number = contact(lastname="a")
    company = sandbox.post("/hubspot/companies", {"properties": {"name": "A"}})["id"]
    assert api.ids(where("hs_lastmodifieddate", "GTE", "1000")) == []
    assert api.ids(where("lastmodifieddate", "GTE", "1000")) == [number]
    assert api.ids(where("hs_lastmodifieddate", "GTE", "1000"), path=COMPANIES) == [company]


def test_ids_compare_as_numbers_or_as_text(api: HubSpotApi, sandbox: Sandbox) -> None:
    sandbox.post("/seed", {"contacts": 60, "companies": 20, "seed": 3})
    sandbox.patch("/hubspot/settings", {"rate_limits": False})
    by_id = {"sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]}
    numeric = api.ids(**by_id)
    assert numeric == sorted(numeric, key=int)
    assert numeric[0] == "51"
    sandbox.patch("/hubspot/settings", {"id_sort": "string"})
    assert api.ids(**by_id) == sorted(numeric)
    assert api.ids(where("hs_object_id", "GT", "6")) != []


def test_equal_time_stamps_are_not_in_id_order(api: HubSpotApi, sandbox: Sandbox) -> None:
    sandbox.post("/seed", {"contacts": 400, "companies": 20, "seed": 3})
    sandbox.patch("/hubspot/settings", {"rate_limits": False})
    rows = api.search(sorts=[{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}], limit=200).json()
    stamps = [row["properties"]["lastmodifieddate"] for row in rows["results"]]
    same = [
        row["id"] for row in rows["results"] if row["properties"]["lastmodifieddate"] == max(stamps, key=stamps.count)
    ]
    assert len(same) > 100
    assert same != sorted(same, key=int)


def test_the_index_trails_the_records(api: HubSpotApi, contact: Contact, sandbox: Sandbox) -> None:
    sandbox.patch("/hubspot/settings", {"index_lag_seconds": 60})
    number = contact(lastname="Before")
    assert api.ids() == []
    sandbox.post("/clock", {"advance_seconds": 61})
    until = str(now_ms(sandbox) - 60_000)
    sandbox.patch(f"/hubspot/contacts/{number}", {"properties": {"lastname": "After"}})
    row = api.search(where("lastmodifieddate", "LTE", until), where("lastname", "EQ", "before")).json()["results"][0]
    assert row["properties"]["lastname"] == "After", "the index matched the old value, the body shows the new one"
    shown = datetime.fromisoformat(row["properties"]["lastmodifieddate"]).timestamp() * 1000
    assert shown > int(until), "a row outside its own filter"


def test_shuffled_index_gives_the_same_rows_out_of_order(api: HubSpotApi, contact: Contact, sandbox: Sandbox) -> None:
    made = [contact(lastname=str(n)) for n in range(30)]
    sandbox.patch("/hubspot/settings", {"index_shuffle": True})
    found = api.ids(sorts=[{"propertyName": "hs_object_id", "direction": "ASCENDING"}])
    assert sorted(found) == made != found


def test_gone_records_are_never_found(api: HubSpotApi, contact: Contact, sandbox: Sandbox) -> None:
    archived, erased, first, second = (contact(lastname=name) for name in "abcd")
    sandbox.post(f"/hubspot/contacts/{archived}/archive")
    sandbox.post(f"/hubspot/contacts/{erased}/erase")
    merged = sandbox.post("/hubspot/contacts/merge", {"primary": first, "other": second})["id"]
    assert api.ids() == [merged]


def test_filter_by_company_and_no_associations_in_answers(api: HubSpotApi, contact: Contact, sandbox: Sandbox) -> None:
    inside, _ = contact(lastname="a"), contact(lastname="b")
    company = sandbox.post("/hubspot/companies", {"properties": {"name": "A"}})["id"]
    sandbox.call("PUT", "/hubspot/associations", {"contact_id": inside, "company_id": company, "labels": []})
    rows = api.search(where("associations.company", "EQ", company)).json()["results"]
    assert [row["id"] for row in rows] == [inside]
    assert "associations" not in rows[0]


def test_search_is_limited_per_second_without_any_hint(api: HubSpotApi, sandbox: Sandbox) -> None:
    sandbox.patch("/hubspot/settings", {"rate_limits": True, "search_per_second": 2, "retry_after": False})
    sandbox.post("/clock", {"advance_seconds": 5})
    answers = [api.search() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert not [name for name in answers[0].headers if "ratelimit" in name.lower()]
    body = answers[2].json()
    assert body["category"] == "RATE_LIMITS"
    assert "policyName" not in body
    assert "errorType" not in body
    assert "Retry-After" not in answers[2].headers
    sandbox.post("/clock", {"advance_seconds": 1})
    assert api.search().status_code == 200
