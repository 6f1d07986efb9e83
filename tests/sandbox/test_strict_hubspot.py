"""HubSpot's published operations to the letter: paths by version, parameters, bodies, the token's form."""

from __future__ import annotations

from typing import Any

import pytest
from strict_requests import hubspot, hubspot_rules

from sandbox.strict.http.message import Message

OBJECTS = "/crm/objects/2026-09/contacts"
SEARCH, READ = f"{OBJECTS}/search", f"{OBJECTS}/batch/read"
LINKS = "/crm/associations/2026-09/contacts/companies/batch/read"


def where(operator: str = "EQ", name: str = "email", **operands: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, **(operands or {"value": "a"})}


def search(*groups: list[dict[str, Any]], **rest: Any) -> dict[str, Any]:
    return {"filterGroups": [{"filters": group} for group in groups], "properties": ["email"], "limit": 100, **rest}


def read(*ids: Any, **rest: Any) -> dict[str, Any]:
    return {"inputs": [{"id": one} for one in ids], "properties": ["email"], "propertiesWithHistory": [], **rest}


@pytest.mark.parametrize(
    "message",
    [
        hubspot("GET", f"{OBJECTS}?limit=100&properties=email,lastname&properties=zip&archived=true&after=5"),
        hubspot("GET", f"{OBJECTS}/51?associations=companies"),
        hubspot("GET", "/crm/v3/objects/contacts?limit=1"),
        hubspot("GET", "/crm/owners/2026-09?limit=500&archived=false"),
        hubspot("GET", "/crm/v3/owners/"),
        hubspot("GET", "/crm/properties/2026-09/0-1"),
        hubspot("GET", "/crm/associations/2026-09/contacts/companies/labels"),
        hubspot("GET", "/crm/v4/objects/contacts/5/associations/companies?limit=500"),
        hubspot("GET", "/account-info/v3/api-usage/daily/private-apps"),
        hubspot("POST", SEARCH, search([where()], [where("IN", values=["a"])], after="200")),
        hubspot("POST", SEARCH, search([where("BETWEEN", "lastmodifieddate", value="1795000000000", highValue="2")])),
        hubspot("POST", SEARCH, search(sorts=[{"propertyName": "email", "direction": "ASCENDING"}])),
        hubspot("POST", READ, read("1", "2")),
        hubspot("POST", f"{READ}?archived=true", read("a@b.example", idProperty="email")),
        hubspot("POST", LINKS, {"inputs": [{"id": "1"}, {"id": "2", "after": "MC0yLTc1MDI="}]}),
    ],
)
def test_requests_that_break_nothing_pass(message: Message) -> None:
    assert hubspot_rules(message) == []


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        (hubspot("GET", "/crm/objects/v3/contacts"), "path"),
        (hubspot("GET", "/crm/v3/associations/contacts/companies/labels"), "path"),
        (hubspot("GET", "/crm/objects/2026-03/contacts"), "path"),
        (hubspot("GET", "/crm/owners/2026-09/"), "path"),
        (hubspot("GET", f"{OBJECTS}/"), "path"),
        (hubspot("GET", f"{OBJECTS}/abc"), "path"),
        (hubspot("POST", OBJECTS, {"properties": {}}), "method"),
        (hubspot("GET", SEARCH), "method"),
        (hubspot("GET", f"{OBJECTS}?hapikey=x"), "unknown-parameter"),
        (hubspot("GET", f"{OBJECTS}?Limit=1"), "unknown-parameter"),
        (hubspot("POST", f"{SEARCH}?limit=1", search()), "unknown-parameter"),
        (hubspot("GET", f"{OBJECTS}?limit=101"), "parameter-value"),
        (hubspot("GET", f"{OBJECTS}?limit=0"), "parameter-value"),
        (hubspot("GET", f"{OBJECTS}?limit=51&propertiesWithHistory=email"), "parameter-value"),
        (hubspot("GET", f"{OBJECTS}?archived=True"), "parameter-value"),
        (hubspot("GET", f"{OBJECTS}?properties="), "parameter-value"),
        (hubspot("GET", f"{OBJECTS}?limit=1&limit=2"), "parameter-twice"),
        (hubspot("GET", f"{OBJECTS}?properties={'a' * 8000}"), "target-length"),
        (hubspot("GET", OBJECTS, authorization=None), "authorization"),
        (hubspot("GET", OBJECTS, authorization="Basic abc"), "authorization"),
        (hubspot("GET", OBJECTS, authorization="Bearer a b"), "authorization"),
        (hubspot("GET", OBJECTS, accept="text/html"), "accept"),
        (hubspot("POST", SEARCH, b"a=b", content_type="application/x-www-form-urlencoded"), "content-type"),
        (hubspot("POST", SEARCH, b"{"), "json"),
        (hubspot("POST", SEARCH, search([where(value="x" * 3000)])), "body-length"),
        (hubspot("POST", SEARCH, search([where("IN", values=["A"])])), "search-values"),
        (hubspot("POST", SEARCH, search([where("GTE", "lastmodifieddate", value="0")])), "search-epoch"),
    ],
)
def test_paths_parameters_and_headers(message: Message, rule: str) -> None:
    assert hubspot_rules(message) == [rule]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SEARCH, []),
        (SEARCH, {}),
        (SEARCH, search(unknown=1)),
        (SEARCH, search(*[[where()]] * 6)),
        (SEARCH, search([where()] * 7)),
        (SEARCH, search(*[[where()] * 4] * 5)),
        (SEARCH, search([])),
        (SEARCH, search([where()], limit=201)),
        (SEARCH, search([where()], limit=0)),
        (SEARCH, search([where()], limit="100")),
        (SEARCH, search([where()], limit=True)),
        (SEARCH, search([where()], after=100)),
        (SEARCH, search([where()], after="x")),
        (SEARCH, search([where()], after="9950")),
        (SEARCH, search([where()], sorts=["email", "zip"])),
        (SEARCH, search([where()], sorts=[{"propertyName": "email", "direction": "asc"}])),
        (SEARCH, search([where()], properties="email")),
        (SEARCH, search([where()], properties=[None])),
        (SEARCH, search([where("LIKE")])),
        (SEARCH, search([where(value=5)])),
        (SEARCH, search([where(value=None)])),
        (SEARCH, search([where(values=["a"])])),
        (SEARCH, search([where("IN", value="a")])),
        (SEARCH, search([where("IN", values=[])])),
        (SEARCH, search([where("BETWEEN", value="1")])),
        (SEARCH, search([where("HAS_PROPERTY", value="1")])),
        (READ, read(*map(str, range(101)))),
        (READ, read()),
        (READ, read(5)),
        (READ, read("1", "1")),
        (READ, read("²5")),
        (READ, read(*map(str, range(51)), propertiesWithHistory=["email"])),
        (READ, {"inputs": [{"id": "1"}]}),
        (READ, {**read("1"), "inputs": [{"id": "1", "type": "x"}]}),
        (LINKS, {"inputs": [{"id": str(n)} for n in range(1001)]}),
        (LINKS, {"inputs": [{"id": 1}]}),
        (LINKS, {"inputs": [{"id": "1", "after": None}]}),
        (LINKS, {"inputs": [{"id": "1"}], "properties": []}),
    ],
)
def test_bodies_outside_their_schema(path: str, body: Any) -> None:
    assert hubspot_rules(hubspot("POST", path, body)) == ["schema"]
