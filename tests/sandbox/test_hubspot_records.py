"""Traits of HubSpot's records, associations, owners, properties and limits outside search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from conftest import Sandbox
from hubspot_api import CONTACTS, LINKS, HubSpotApi
from running import TIMEOUT

Make = Callable[..., str]
V3 = "/crm/v3/objects/contacts"
V4_LINKS = "/crm/v4/associations/contacts/companies/batch/read"


@pytest.fixture
def api(sandbox: Sandbox) -> HubSpotApi:
    sandbox.reset()
    return HubSpotApi(sandbox.hubspot, sandbox.token)


@pytest.fixture
def contact(sandbox: Sandbox) -> Make:
    return lambda **properties: str(sandbox.post("/hubspot/contacts", {"properties": properties})["id"])


@pytest.fixture
def company(sandbox: Sandbox) -> Make:
    return lambda **properties: str(sandbox.post("/hubspot/companies", {"properties": properties})["id"])


def link(sandbox: Sandbox, contact_id: str, company_id: str, *labels: str) -> None:
    sandbox.call("PUT", "/hubspot/associations", {"contact_id": contact_id, "company_id": company_id, "labels": labels})


def read(api: HubSpotApi, *ids: str, path: str = CONTACTS, **rest: Any) -> requests.Response:
    return api.post(f"{path}/batch/read", {"inputs": [{"id": number} for number in ids], **rest})


def test_a_wrong_token_is_401(sandbox: Sandbox) -> None:
    answer = HubSpotApi(sandbox.hubspot, "wrong").get(CONTACTS)
    assert answer.status_code == 401
    assert answer.json()["category"] == "INVALID_AUTHENTICATION"


def test_unknown_paths_and_methods_answer_in_json(api: HubSpotApi) -> None:
    assert api.get("/crm/v9/objects").json()["status"] == "error"
    assert api.post("/crm/v3/owners", {}).status_code == 405


def test_a_long_url_is_414_with_html(api: HubSpotApi) -> None:
    answer = api.get(CONTACTS, properties="x" * 9_000)
    assert answer.status_code == 414
    assert answer.headers["content-type"].startswith("text/html")


def test_what_a_body_shows(api: HubSpotApi, contact: Make) -> None:
    number = contact(lastname="A", lead_score=82, email="a@b.example")
    row = api.get(f"{CONTACTS}/{number}", properties=["lead_score", "jobtitle", "no_such"]).json()
    assert row["properties"].keys() == {"lead_score", "jobtitle", "createdate", "hs_object_id", "lastmodifieddate"}
    assert row["properties"]["lead_score"] == "82"
    assert row["properties"]["jobtitle"] is None
    assert row["archived"] is False


def test_time_stamps_with_and_without_fraction(api: HubSpotApi, sandbox: Sandbox) -> None:
    sandbox.post("/seed", {"contacts": 80, "companies": 20})
    shown = [row["updatedAt"] for row in api.get(CONTACTS, limit=100).json()["results"]]
    assert any("." in stamp for stamp in shown)
    assert any("." not in stamp for stamp in shown)


def test_list_pages_by_cursor_and_shows_archived_apart(api: HubSpotApi, contact: Make, sandbox: Sandbox) -> None:
    made = [contact(lastname=str(n)) for n in range(5)]
    sandbox.post(f"/hubspot/contacts/{made[0]}/archive")
    first = api.get(CONTACTS, limit=3).json()
    rest = api.get(CONTACTS, limit=3, after=first["paging"]["next"]["after"]).json()
    assert [row["id"] for row in first["results"] + rest["results"]] == made[1:]
    assert "paging" not in rest
    [archived] = api.get(CONTACTS, archived="True").json()["results"]
    assert (archived["id"], archived["archived"]) == (made[0], True)
    assert archived["archivedAt"]
    assert api.get(CONTACTS, limit=101).status_code == 400


def test_missing_ids_are_errors_in_207_or_in_200(api: HubSpotApi, contact: Make) -> None:
    number = contact(lastname="A")
    dated, legacy = read(api, number, "5"), read(api, number, "5", path=V3)
    assert (dated.status_code, legacy.status_code) == (200, 207)
    for body in (dated.json(), legacy.json()):
        assert [row["id"] for row in body["results"]] == [number]
        assert body["numErrors"] == 1
        assert (body["errors"][0]["category"], body["errors"][0]["context"]) == ("OBJECT_NOT_FOUND", {"ids": ["5"]})
    assert read(api, number, path=V3).status_code == 200


def test_batch_read_caps(api: HubSpotApi) -> None:
    many = [str(n) for n in range(101)]
    assert read(api, *many).status_code == 400
    assert read(api, *many[:100]).status_code == 200
    assert read(api, *many[:51], propertiesWithHistory=["lead_score"]).status_code == 400


def test_history_is_newest_first(api: HubSpotApi, contact: Make, sandbox: Sandbox) -> None:
    number = contact(lastname="A", lead_score="10")
    sandbox.patch(f"/hubspot/contacts/{number}", {"properties": {"lead_score": "80"}})
    [row] = read(api, number, propertiesWithHistory=["lead_score"]).json()["results"]
    assert [one["value"] for one in row["propertiesWithHistory"]["lead_score"]] == ["80", "10"]


def test_merge_mints_a_new_id_and_old_ids_answer_with_it(
    api: HubSpotApi, contact: Make, company: Make, sandbox: Sandbox
) -> None:
    first, second, third = contact(lastname="A"), contact(lastname="B", jobtitle="CEO"), contact(lastname="C")
    mine, theirs = company(name="Mine"), company(name="Theirs")
    link(sandbox, first, mine, "Primary")
    link(sandbox, second, theirs, "Primary")
    merged = sandbox.post("/hubspot/contacts/merge", {"primary": first, "other": second})["id"]
    last = sandbox.post("/hubspot/contacts/merge", {"primary": merged, "other": third})["id"]
    assert len({first, second, third, merged, last}) == 5
    rows = read(api, first, second, third, merged, properties=["lastname", "jobtitle", "hs_merged_object_ids"]).json()
    assert [row["id"] for row in rows["results"]] == [last]
    properties = rows["results"][0]["properties"]
    assert (properties["lastname"], properties["jobtitle"]) == ("A", "CEO")
    assert set(properties["hs_merged_object_ids"].split(";")) == {first, second, merged, third}
    assert api.get(f"{CONTACTS}/{second}").json()["id"] == last
    assert api.get(CONTACTS, archived="true").json()["results"] == []
    [row] = api.post(LINKS, {"inputs": [{"id": last}]}).json()["results"]
    primary = [to["toObjectId"] for to in row["to"] if 1 in {one["typeId"] for one in to["associationTypes"]}]
    assert len(row["to"]) == 2
    assert primary == [int(mine)]


def test_merged_companies_keep_their_people(api: HubSpotApi, contact: Make, company: Make, sandbox: Sandbox) -> None:
    number, first, second = contact(lastname="A"), company(name="A"), company(name="B")
    link(sandbox, number, second, "Primary")
    merged = sandbox.post("/hubspot/companies/merge", {"primary": first, "other": second})["id"]
    [row] = api.post(LINKS, {"inputs": [{"id": number}]}).json()["results"]
    assert [to["toObjectId"] for to in row["to"]] == [int(merged)]


def test_archive_restore_erase(api: HubSpotApi, contact: Make, sandbox: Sandbox) -> None:
    number = contact(lastname="A")
    before = api.get(f"{CONTACTS}/{number}").json()["updatedAt"]
    sandbox.post("/clock", {"advance_seconds": 5})
    sandbox.post(f"/hubspot/contacts/{number}/archive")
    assert api.get(f"{CONTACTS}/{number}").status_code == 404
    [row] = api.post(f"{CONTACTS}/batch/read?archived=true", {"inputs": [{"id": number}]}).json()["results"]
    assert row["updatedAt"] == before, "archiving moves no time stamp"
    sandbox.post(f"/hubspot/contacts/{number}/restore")
    assert api.get(f"{CONTACTS}/{number}").json()["updatedAt"] == before
    sandbox.post(f"/hubspot/contacts/{number}/erase")
    assert api.get(f"{CONTACTS}/{number}").status_code == 404
    assert api.get(CONTACTS, archived="true").json()["results"] == []


def test_what_moves_the_time_stamp(api: HubSpotApi, contact: Make, company: Make, sandbox: Sandbox) -> None:
    number, firm = contact(lastname="A"), company(name="A")

    def moved(action: Callable[[], Any]) -> bool:
        before = api.get(f"{CONTACTS}/{number}").json()["updatedAt"]
        sandbox.post("/clock", {"advance_seconds": 1})
        action()
        return bool(api.get(f"{CONTACTS}/{number}").json()["updatedAt"] != before)

    def change(touch: bool = True, **properties: str) -> None:
        sandbox.patch(f"/hubspot/contacts/{number}", {"properties": properties, "touch": touch})

    assert moved(lambda: change(lastname="B"))
    assert moved(lambda: change(lead_score="80"))
    assert not moved(lambda: change(touch=False, lead_score="81"))
    sandbox.patch("/hubspot/settings", {"score_moves_timestamp": False})
    assert not moved(lambda: change(lead_score="82"))
    sandbox.post("/hubspot/labels", {"label": "Decision maker"})
    assert not moved(lambda: link(sandbox, number, firm, "Primary"))
    assert not moved(lambda: link(sandbox, number, firm, "Primary", "Decision maker"))
    assert (
        api.get(f"{CONTACTS}/{number}", properties="associatedcompanyid").json()["properties"]["associatedcompanyid"]
        == firm
    )


def test_association_rows_and_the_two_kinds_of_errors(
    api: HubSpotApi, contact: Make, company: Make, sandbox: Sandbox
) -> None:
    linked, lonely, firm = contact(lastname="A"), contact(lastname="B"), company(name="A")
    type_id = sandbox.post("/hubspot/labels", {"label": "Billing"})["typeId"]
    link(sandbox, linked, firm, "Primary", "Billing")
    inputs = {"inputs": [{"id": lonely}, {"id": "999"}, {"id": linked}]}
    dated, legacy = api.post(LINKS, inputs), api.post(V4_LINKS, inputs)
    assert (dated.status_code, legacy.status_code) == (200, 207)
    body = legacy.json()
    [row] = body["results"]
    assert row["from"]["id"] == linked
    assert row["to"][0]["toObjectId"] == int(firm)
    assert row["to"][0]["associationTypes"] == [
        {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"},
        {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": None},
        {"category": "USER_DEFINED", "typeId": type_id, "label": "Billing"},
    ]
    kinds = {error["context"]["fromObjectId"][0]: error.get("subCategory") for error in body["errors"]}
    assert kinds == {lonely: "crm.associations.NO_ASSOCIATIONS_FOUND", "999": None}
    assert {error["category"] for error in body["errors"]} == {"OBJECT_NOT_FOUND"}
    assert body["numErrors"] == 2


def test_association_pages_are_per_row(api: HubSpotApi, contact: Make, company: Make, sandbox: Sandbox) -> None:
    sandbox.patch("/hubspot/settings", {"association_page_size": 2})
    number = contact(lastname="A")
    firms = [company(name=str(n)) for n in range(5)]
    for firm in firms:
        link(sandbox, number, firm)
    found: list[str] = []
    after: dict[str, str] = {}
    for _ in range(3):
        [row] = api.post(LINKS, {"inputs": [{"id": number, **after}]}).json()["results"]
        found += [str(to["toObjectId"]) for to in row["to"]]
        after = {"after": row["paging"]["next"]["after"]} if "paging" in row else {}
    assert not after
    assert found == firms
    single = api.get(f"/crm/v4/objects/contacts/{number}/associations/companies").json()
    assert len(single["results"]) == 2
    assert single["paging"]["next"]["after"]


def test_association_rows_come_in_another_order(
    api: HubSpotApi, contact: Make, company: Make, sandbox: Sandbox
) -> None:
    firm = company(name="A")
    made = [contact(lastname=str(n)) for n in range(20)]
    for number in made:
        link(sandbox, number, firm)
    rows = api.post(LINKS, {"inputs": [{"id": number} for number in made]}).json()["results"]
    found = [row["from"]["id"] for row in rows]
    assert sorted(found) == sorted(made)
    assert found != made
    assert api.post(LINKS, {"inputs": [{"id": "1"}] * 1_001}).status_code == 400


def test_only_one_primary_company_and_label_life(
    api: HubSpotApi, contact: Make, company: Make, sandbox: Sandbox
) -> None:
    number, first, second = contact(lastname="A"), company(name="A"), company(name="B")
    type_id = sandbox.post("/hubspot/labels", {"label": "Consultant"})["typeId"]
    link(sandbox, number, first, "Primary", "Consultant")
    link(sandbox, number, second, "Primary")

    def types() -> dict[str, set[int]]:
        [row] = api.post(LINKS, {"inputs": [{"id": number}]}).json()["results"]
        return {str(to["toObjectId"]): {one["typeId"] for one in to["associationTypes"]} for to in row["to"]}

    assert types() == {first: {279, type_id}, second: {1, 279}}
    sandbox.patch(f"/hubspot/labels/{type_id}", {"label": "Adviser"})
    for path in (
        "/crm/associations/2026-09/contacts/companies/labels",
        "/crm/v4/associations/contacts/companies/labels",
    ):
        shown = {one["typeId"]: one["label"] for one in api.get(path).json()["results"]}
        assert shown == {1: "Primary", 279: None, type_id: "Adviser"}
    sandbox.delete(f"/hubspot/labels/{type_id}")
    assert types() == {first: {279}, second: {1, 279}}
    sandbox.delete("/hubspot/associations", {"contact_id": number, "company_id": second})
    assert types() == {first: {279}}


def test_inline_associations_repeat_a_company_per_type(
    api: HubSpotApi, contact: Make, company: Make, sandbox: Sandbox
) -> None:
    number, firm = contact(lastname="A"), company(name="A")
    link(sandbox, number, firm, "Primary")
    row = api.get(f"{CONTACTS}/{number}", associations="companies").json()
    assert [one["id"] for one in row["associations"]["companies"]["results"]] == [firm, firm]


def test_owners_by_id_and_archived_in_their_own_pass(api: HubSpotApi, sandbox: Sandbox) -> None:
    made = [sandbox.post("/hubspot/owners", {"email": f"{n}@x.example"}) for n in range(3)]
    sandbox.patch(f"/hubspot/owners/{made[0]['id']}", {"archived": True})
    for path in ("/crm/v3/owners/", "/crm/v3/owners", "/crm/owners/2026-09", "/crm/owners/2026-09/"):
        live = api.get(path, limit=1).json()
        rest = api.get(path, limit=1, after=live["paging"]["next"]["after"]).json()
        assert [owner["id"] for owner in live["results"] + rest["results"]] == [one["id"] for one in made[1:]]
    [gone] = api.get("/crm/v3/owners/", archived="True").json()["results"]
    assert gone["userId"] is None
    assert str(gone["userIdIncludingInactive"]) != gone["id"] == made[0]["id"]
    assert api.get("/crm/v3/owners/", limit=501).status_code == 400


def test_properties_with_en_dashes(api: HubSpotApi, sandbox: Sandbox) -> None:
    for path in ("/crm/v3/properties/contacts", "/crm/properties/2026-09/contacts"):
        known = {one["name"]: one for one in api.get(path).json()["results"]}
        assert [option["value"] for option in known["hs_legal_basis"]["options"]][:3] == [
            "Legitimate interest – prospect/lead",
            "Legitimate interest – existing customer",
            "Legitimate interest - other",
        ]
        assert known["lead_score"]["fieldType"] == "calculation_score"
    sandbox.delete("/hubspot/properties/contacts/lead_score")
    sandbox.post("/hubspot/properties/contacts", {"name": "new_score", "type": "number", "fieldType": "number"})
    names = {one["name"] for one in api.get("/crm/v3/properties/contacts").json()["results"]}
    assert "new_score" in names
    assert "lead_score" not in names


def test_burst_limit_headers_and_policies(api: HubSpotApi, contact: Make, sandbox: Sandbox) -> None:
    contact(lastname="A")
    sandbox.patch("/hubspot/settings", {"burst_per_10s": 2})
    first, _, third = (api.get(CONTACTS) for _ in range(3))
    assert first.headers["X-HubSpot-RateLimit-Remaining"] == "1"
    assert (third.status_code, third.json()["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
    assert 1 <= int(third.headers["Retry-After"]) <= 10
    sandbox.patch("/hubspot/settings", {"retry_after": "ms"})
    assert int(api.get(CONTACTS).headers["Retry-After"]) > 1_000
    sandbox.post("/clock", {"advance_seconds": 10})
    assert api.get(CONTACTS).status_code == 200
    sandbox.patch("/hubspot/settings", {"daily_limit": 3})
    refused = api.search()
    assert (refused.status_code, refused.json()["policyName"]) == (429, "DAILY")
    sandbox.post("/clock", {"advance_seconds": 86_400})
    usage = api.get("/account-info/v3/api-usage/daily/private-apps").json()["results"][0]
    assert (usage["usageLimit"], usage["currentUsage"]) == (3, 1)


def test_control_says_what_is_wrong(sandbox: Sandbox) -> None:
    def status(method: str, path: str, body: Any) -> int:
        return requests.request(method, f"{sandbox.control}{path}", json=body, timeout=TIMEOUT).status_code

    assert status("POST", "/hubspot/contacts", {"properties": {"no_such": "1"}}) == 400
    assert status("PATCH", "/hubspot/settings", {"no_such": 1}) == 400
    assert status("PATCH", "/hubspot/contacts/404", {"properties": {}}) == 404


def test_half_a_surrogate_pair_is_kept_and_shown(sandbox: Sandbox, api: HubSpotApi, contact: Make) -> None:
    number = contact(lastname="Half \ud83d")
    answer = read(api, number, properties=["lastname"])
    assert answer.json()["results"][0]["properties"]["lastname"] == "Half \ud83d"
    held = sandbox.call("GET", "/truth?system=hubspot")["hubspot"]["contacts"]
    assert [row["properties"]["lastname"] for row in held] == ["Half \ud83d"]
