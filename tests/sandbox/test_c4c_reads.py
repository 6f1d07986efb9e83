"""C4C answers as the references say: formats, ETags, paging, filters, metadata."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
import requests
from c4c_api import ROOT, Api
from conftest import Sandbox
from running import TIMEOUT


@pytest.fixture(scope="module")
def api(sandbox: Sandbox) -> Api:
    sandbox.post("/c4c/Employee", {
        "EmployeeID": "E1001", "BusinessPartnerID": "8000000001", "FirstName": "Mike", "LastName": "Summers",
        "Email": "Mike.Summers@Example.com",
    })  # fmt: skip
    for number in range(30):
        sandbox.post("/c4c/CorporateAccount", {
            "Name": f"Firma {number:02d}", "RoleCode": "BUP002", "WebSite": f"https://www.firma{number:02d}.de/",
            "CountryCode": "DE", "Phone": "+49 (651) 733-2220" if number == 7 else "", "OwnerID": "E1001",
        })  # fmt: skip
    sandbox.patch("/c4c/settings", {"page_size": 10, "expand_page_size": 4})
    return Api(sandbox.c4c, sandbox.username, sandbox.password)


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [str(row["Name"]) for row in rows]


def test_no_credentials_no_answer(sandbox: Sandbox) -> None:
    assert requests.get(sandbox.c4c + ROOT, timeout=TIMEOUT).status_code == 401
    assert requests.get(sandbox.c4c + ROOT, headers={"X-Client-Cert": "sandbox"}, timeout=TIMEOUT).status_code == 200


def test_root_without_slash_redirects(api: Api) -> None:
    answer = api.session.get(api.root.rstrip("/"), allow_redirects=False, timeout=TIMEOUT)
    assert (answer.status_code, answer.headers["location"]) == (307, ROOT)


def test_atom_unless_json_is_asked_for(api: Api) -> None:
    path = api.root + "CorporateAccountCollection?$top=1"
    assert api.session.get(path, timeout=TIMEOUT).headers["content-type"].startswith("application/atom+xml")
    assert "json" in api.session.get(path + "&$format=json", timeout=TIMEOUT).headers["content-type"]
    error = api.session.get(api.root + "NoCollection", timeout=TIMEOUT)
    assert error.status_code == 404
    assert ET.fromstring(error.text).tag.endswith("error")


def test_one_entity_sits_in_results_too(api: Api) -> None:
    row = api.rows("CorporateAccountCollection", top="1")[0]
    answer = api.get(f"CorporateAccountCollection('{row['ObjectID']}')")
    single = answer.json()["d"]["results"]
    assert single["ObjectID"] == row["ObjectID"]
    assert single["__metadata"]["etag"] == answer.headers["etag"]
    assert single["CorporateAccountTeam"]["__deferred"]["uri"].endswith("/CorporateAccountTeam")


def test_etag_is_finer_than_the_etag_property(api: Api) -> None:
    row = api.rows("CorporateAccountCollection", top="1")[0]
    assert re.fullmatch(r"/Date\(\d+\)/", row["ETag"])
    pattern = r"W/\"datetimeoffset'\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\d\.\d{7}Z'\""
    etag = row["__metadata"]["etag"]
    assert re.fullmatch(pattern, etag)
    assert etag.split("Z")[0][-4:] != "0000"


def test_missing_values(api: Api) -> None:
    row = api.rows("CorporateAccountCollection", top="1")[0]
    assert row["Street"] == ""
    assert row["LastVisitingDate"] is None
    assert row["CurrentDefaultAddressUUID"] is None
    assert row["POBoxIndicator"] is False
    assert row["OwnerID"] == "E1001"


def test_code_texts_can_be_left_out(api: Api) -> None:
    row = api.rows("CorporateAccountCollection", top="1")[0]
    assert row["RoleCodeText"] == "Prospect"
    headers = {"Accept": "application/json", "odata-no-codedescs": "true"}
    answer = api.session.get(api.root + "CorporateAccountCollection?$top=1", headers=headers, timeout=TIMEOUT)
    assert "RoleCodeText" not in answer.json()["d"]["results"][0]


def test_pages_end_silently_with_a_next_link(api: Api) -> None:
    answer = api.get("CorporateAccountCollection", inlinecount="allpages").json()["d"]
    assert (len(answer["results"]), answer["__count"]) == (10, "30")
    found, following = names(answer["results"]), answer["__next"]
    assert "$skiptoken=11" in following
    while following:
        page = api.session.get(following, headers={"Accept": "application/json"}, timeout=TIMEOUT).json()["d"]
        found, following = found + names(page["results"]), page.get("__next")
    assert len(set(found)) == 30


def test_skip_without_an_order_misses_rows(api: Api) -> None:
    naive = [
        name for skip in (0, 10, 20) for name in names(api.rows("CorporateAccountCollection", top="10", skip=str(skip)))
    ]
    assert len(set(naive)) < 30
    ordered = {"orderby": "ObjectID", "top": "10"}
    good = [
        name
        for skip in (0, 10, 20)
        for name in names(api.rows("CorporateAccountCollection", skip=str(skip), **ordered))
    ]
    assert len(set(good)) == 30


def test_expand_pages_are_smaller(api: Api) -> None:
    answer = api.get("CorporateAccountCollection", expand="OwnerEmployeeBasicData").json()["d"]
    assert len(answer["results"]) == 4
    assert answer["results"][0]["OwnerEmployeeBasicData"]["BusinessPartnerID"] == "8000000001"


def test_top_may_exceed_the_page(api: Api) -> None:
    assert len(api.rows("CorporateAccountCollection", top="25")) == 25


def test_select_and_count(api: Api) -> None:
    row = api.rows("CorporateAccountCollection", select="ObjectID,Name", top="1")[0]
    assert set(row) == {"__metadata", "ObjectID", "Name"}
    assert api.get("CorporateAccountCollection/$count").text == "30"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Name eq 'Firma 03'", 1),
        ("Name eq 'firma 03'", 0),
        ("Name eq 'Firma 0*'", 10),
        ("Name eq 'Firma 03' or Name eq 'Firma 04'", 2),
        ("CountryCode eq 'DE' and (Name eq 'Firma 03' or Name eq 'Firma 04')", 2),
        ("startswith(Name,'Firma 1')", 10),
        ("endswith(WebSite,'firma05.de/')", 1),
        ("Name ge 'Firma 28'", 2),
        ("Name eq 'O''Neill'", 0),
        ("NormalisedPhone eq '+496517332220'", 1),
        ("CreationOn ge datetimeoffset'2020-01-01T00:00:00Z'", 30),
        ("CreationOn le datetimeoffset'2020-01-01T00:00:00.0000000Z'", 0),
        ("POBoxIndicator eq false", 30),
    ],
)
def test_filters_that_work(api: Api, text: str, count: int) -> None:
    assert len(api.rows("CorporateAccountCollection", filter=text, top="100")) == count


@pytest.mark.parametrize(
    "text",
    [
        "Name eq 'a' or City eq 'b'",
        "Name ne 'a'",
        "Name gt 'a'",
        "substringof('a',Name)",
        "startswith('a',Name)",
        "tolower(Name) eq 'a'",
        "ETag ge datetimeoffset'2020-01-01T00:00:00Z'",
        "RoleCodeText eq 'Prospect'",
        "CorporateAccountTeam/EmployeeID eq 'E1001'",
        "Nonsense eq 'a'",
        "Name eq 5",
        "UUID eq '00163E03-A070-1EE2-88BA-37FB8F5F50A9'",
        "CreationOn ge datetime'2020-01-01T00:00:00'",
        "Name eq null",
        "Name eq 'a",
        "not Name eq 'a'",
    ],
)
def test_filters_that_are_refused(api: Api, text: str) -> None:
    assert api.get("CorporateAccountCollection", filter=text).status_code == 400


def test_plus_must_be_encoded(api: Api) -> None:
    query = "CorporateAccountCollection?$filter=NormalisedPhone%20eq%20'{}496517332220'"
    headers = {"Accept": "application/json"}
    assert not api.session.get(api.root + query.format("+"), headers=headers, timeout=TIMEOUT).json()["d"]["results"]
    assert api.session.get(api.root + query.format("%2B"), headers=headers, timeout=TIMEOUT).json()["d"]["results"]


def test_guid_filter_is_upper_case(api: Api) -> None:
    uuid = api.rows("CorporateAccountCollection", top="1")[0]["UUID"]
    assert len(api.rows("CorporateAccountCollection", filter=f"UUID eq guid'{uuid}'")) == 1
    assert not api.rows("CorporateAccountCollection", filter=f"UUID eq guid'{uuid.lower()}'")


def test_equality_may_ignore_case_by_setting(api: Api, sandbox: Sandbox) -> None:
    sandbox.patch("/c4c/settings", {"eq_case_sensitive": False})
    assert len(api.rows("CorporateAccountCollection", filter="Name eq 'FIRMA 03'")) == 1
    sandbox.patch("/c4c/settings", {"eq_case_sensitive": True})


def test_unknown_options_and_long_addresses(api: Api) -> None:
    assert api.get("CorporateAccountCollection", search="x").status_code == 400
    assert api.get("CorporateAccountCollection", filter="Name eq '" + "x" * 8000 + "'").status_code == 414


def test_employees_in_both_collections(api: Api) -> None:
    full = api.rows("EmployeeCollection", filter="EmployeeID eq 'E1001'")[0]
    basic = api.rows("EmployeeBasicDataCollection", filter=f"EmployeeUUID eq guid'{full['UUID']}'")[0]
    assert basic["Email"] == full["Email"] == "Mike.Summers@Example.com"


def test_code_lists(api: Api) -> None:
    roles = {row["Code"] for row in api.rows("CorporateAccountRoleCodeCollection")}
    assert roles == {"CRM000", "BUP002"}
    assert {"Context", "Code", "Description"} <= set(api.rows("CorporateAccountStateCodeCollection")[0])
    assert {"INT", "TEL", "Z01"} <= {row["Code"] for row in api.rows("ChannelPermissionChannelCollection")}


def test_metadata_is_narrowed_by_filter(api: Api, sandbox: Sandbox) -> None:
    sandbox.patch("/c4c/settings", {"hidden_fields": ["Lead.HubSpotScore_KUT"]})
    text = api.session.get(api.root + "$metadata?$filter=CorporateAccount,Lead", timeout=TIMEOUT).text
    types = {node.get("Name"): node for node in ET.fromstring(text).iter() if node.tag.endswith("EntityType")}
    assert {"CorporateAccount", "CorporateAccountTeam", "Lead", "LeadContact"} <= set(types)
    assert "MarketingPermission" not in types
    fields = {node.get("Name"): dict(node.attrib) for node in types["Lead"] if node.tag.endswith("}Property")}
    sap = "{http://www.sap.com/Protocols/SAPData}"
    assert fields["Name"]["MaxLength"] == "255"
    assert fields["Score"][sap + "creatable"] == "false"
    assert fields["CampaignID"][sap + "filterable"] == "false"
    assert "HubSpotID_KUT" in fields
    assert "HubSpotScore_KUT" not in fields
    sandbox.patch("/c4c/settings", {"hidden_fields": []})


def test_hidden_service_is_forbidden(api: Api, sandbox: Sandbox) -> None:
    sandbox.patch("/c4c/settings", {"hidden_services": ["MarketingPermission"]})
    assert api.get("MarketingPermissionCollection").status_code == 403
    sandbox.patch("/c4c/settings", {"hidden_services": []})


def test_function_imports_are_not_there(api: Api) -> None:
    assert api.send("POST", "ConvertLeadToOpportunity").status_code == 501
