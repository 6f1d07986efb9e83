"""C4C's writes: CSRF, what is refused, what is derived, and what naive clients get wrong."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from c4c_api import Api
from conftest import Sandbox


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    sandbox.reset()
    for number in (1, 2):
        sandbox.post("/c4c/Employee", {
            "EmployeeID": f"E100{number}", "BusinessPartnerID": f"800000000{number}", "FirstName": "Eva",
            "LastName": f"Maß {number}",
        })  # fmt: skip
    return Api(sandbox.c4c, sandbox.username, sandbox.password)


def account(api: Api, **fields: Any) -> dict[str, Any]:
    return api.create("CorporateAccountCollection", **{"Name": "Muster", "RoleCode": "BUP002", **fields})


def contact(api: Api, **fields: Any) -> dict[str, Any]:
    return api.create("ContactCollection", **{"LastName": "Müller", **fields})


def lead(api: Api, **fields: Any) -> dict[str, Any]:
    return api.create("LeadCollection", **{"Name": "MQL", **fields})


# --- CSRF


def test_write_without_token(api: Api, sandbox: Sandbox) -> None:
    api.token = "none"
    answer = api.send("POST", "LeadCollection", {"Name": "x"})
    assert (answer.status_code, answer.headers["x-csrf-token"]) == (403, "Required")
    sandbox.patch("/c4c/settings", {"csrf_header": False})
    answer = api.send("POST", "LeadCollection", {"Name": "x"})
    assert "x-csrf-token" not in answer.headers
    assert "CSRF token validation failed" in answer.text
    sandbox.patch("/c4c/settings", {"csrf": "not_required"})
    assert api.send("POST", "LeadCollection", {"Name": "x"}).status_code == 201


def test_token_needs_all_its_cookies(api: Api) -> None:
    api.fetch_token()
    assert len(api.session.cookies) == 2
    api.session.cookies.pop(next(name for name in api.session.cookies.get_dict() if not name.startswith("sap-XSRF")))
    assert api.send("POST", "LeadCollection", {"Name": "x"}).status_code == 403


def test_token_expires(api: Api, sandbox: Sandbox) -> None:
    sandbox.patch("/c4c/settings", {"csrf_expires_after": 1})
    assert api.send("POST", "LeadCollection", {"Name": "x"}).status_code == 201
    assert api.send("POST", "LeadCollection", {"Name": "x"}).status_code == 403
    api.fetch_token()
    assert api.send("POST", "LeadCollection", {"Name": "x"}).status_code == 201


# --- create


def test_create_answers_with_body_location_and_etag(api: Api) -> None:
    answer = api.send("POST", "CorporateAccountCollection", {"Name": "A", "RoleCode": "BUP002", "HubSpotID_KUT": "51"})
    row = answer.json()["d"]["results"]
    assert answer.status_code == 201
    assert answer.headers["location"].endswith(f"CorporateAccountCollection('{row['ObjectID']}')")
    assert answer.headers["etag"] == row["__metadata"]["etag"]
    assert len(row["ObjectID"]) == 32
    assert row["UUID"].replace("-", "") != row["ObjectID"]
    assert row["UUID"] == row["UUID"].upper()
    assert (row["HubSpotID_KUT"], row["LifeCycleStatusCode"], len(row["AccountID"])) == ("51", "2", 7)


def test_atom_comes_back_without_accept(api: Api) -> None:
    answer = api.send("POST", "LeadCollection", {"Name": "x"}, Accept="*/*")
    assert answer.status_code == 201
    assert answer.text.startswith("<?xml")


def test_no_response_payload(api: Api) -> None:
    answer = api.send("POST", "LeadCollection", {"Name": "x"}, odata_no_response_payload="true")
    assert (answer.status_code, answer.text) == (201, "")
    assert "LeadCollection('" in answer.headers["location"]


def test_duplicates_are_taken(api: Api) -> None:
    first, second = account(api, HubSpotID_KUT="51"), account(api, HubSpotID_KUT="51")
    assert first["ObjectID"] != second["ObjectID"]


@pytest.mark.parametrize(
    ("set_name", "fields"),
    [
        ("CorporateAccountCollection", {"Name": "A"}),
        ("CorporateAccountCollection", {"Name": "", "RoleCode": "BUP002"}),
        ("CorporateAccountCollection", {"Name": "A" * 41, "RoleCode": "BUP002"}),
        ("CorporateAccountCollection", {"Name": "A", "RoleCode": "NOPE"}),
        ("CorporateAccountCollection", {"Name": "A", "RoleCode": "BUP002", "ExternalID": "51"}),
        ("CorporateAccountCollection", {"Name": "A", "RoleCode": "BUP002", "StateCode": "09"}),
        ("CorporateAccountCollection", {"Name": "A", "RoleCode": "BUP002", "CountryCode": "DE", "StateCode": "99"}),
        ("CorporateAccountCollection", {"Name": "A", "RoleCode": "BUP002", "CountryCode": "Germany"}),
        ("CorporateAccountCollection", {"Name": "A", "RoleCode": "BUP002", "OwnerID": "8000000001"}),
        ("CorporateAccountCollection", {"Name": "A", "RoleCode": "BUP002", "POBoxIndicator": "true"}),
        ("CorporateAccountCollection", {"Name": "A", "RoleCode": "BUP002", "RoleCodeText": "Prospect"}),
        ("ContactCollection", {"FirstName": "Eva"}),
        ("ContactCollection", {"LastName": "A", "FunctionalTitle": "CTO"}),
        ("ContactCollection", {"LastName": "A", "AccountID": "7654321"}),
        ("ContactCollection", {"LastName": "A", "BirthDate": "1980-05-01"}),
        ("ContactCollection", {"LastName": "A", "ContactIsContactPersonFor": [{"AccountID": "1"}]}),
        ("LeadCollection", {"Name": "A", "Score": 82}),
        ("LeadCollection", {"Name": "A", "ID": "1"}),
        ("LeadCollection", {"Name": "A", "HubSpotScore_KUT": "many"}),
        ("LeadCollection", {"Name": "A", "OwnerPartyID": "E1001"}),
        ("LeadCollection", {"Name": "A", "UserStatusCode": "04"}),
        ("LeadCollection", {"Name": 5}),
        ("CorporateAccountHasContactPersonCollection", {"AccountID": "1"}),
    ],
)
def test_refused_creates(api: Api, set_name: str, fields: dict[str, Any]) -> None:
    api.refused("POST", set_name, fields)


def test_object_id_is_ignored_on_create(api: Api) -> None:
    assert account(api, ObjectID="MINE")["ObjectID"] != "MINE"


def test_tenant_may_demand_more(api: Api, sandbox: Sandbox) -> None:
    sandbox.patch("/c4c/settings", {"mandatory": {"Lead": ["GroupCode"]}})
    assert "GroupCode" in api.refused("POST", "LeadCollection", {"Name": "x"})
    lead(api, GroupCode="0001")


def test_decimal_comes_back_with_its_scale(api: Api) -> None:
    assert lead(api, HubSpotScore_KUT="82")["HubSpotScore_KUT"] == "82.000000"
    assert lead(api)["HubSpotScore_KUT"] == "0.000000"


def test_lower_case_uuid(api: Api, sandbox: Sandbox) -> None:
    row = account(api)
    body = {"AccountPartyUUID": row["UUID"].lower()}
    mine = lead(api)
    assert api.refused("PATCH", f"LeadCollection('{mine['ObjectID']}')", body) == "Cannot maintain internal field"
    sandbox.patch("/c4c/settings", {"lower_case_uuid": "sap_message"})
    answer = api.send("PATCH", f"LeadCollection('{mine['ObjectID']}')", body)
    assert answer.status_code == 204
    assert '"severity": "error"' in answer.headers["sap-message"]
    assert api.read("LeadCollection", mine["ObjectID"])["AccountPartyUUID"] is None


def test_deep_insert_only_where_allowed(api: Api) -> None:
    texts = [{"Text": "from marketing"}]
    row = lead(api, LeadTextCollection=texts)
    assert api.rows(f"LeadCollection('{row['ObjectID']}')/LeadTextCollection")[0]["Text"] == "from marketing"
    api.refused("POST", "CorporateAccountCollection", {
        "Name": "A", "RoleCode": "BUP002", "CorporateAccountHasContactPerson": [{"ContactID": "1"}],
    })  # fmt: skip


def test_child_through_the_parent_path(api: Api) -> None:
    row = account(api)
    path = f"CorporateAccountCollection('{row['ObjectID']}')/CorporateAccountTeam"
    assert api.send("POST", path, {"PartyRoleCode": "142", "EmployeeID": "E1001"}).status_code == 201
    member = api.rows(path)[0]
    assert (member["AccountID"], member["ParentObjectID"]) == (row["AccountID"], row["ObjectID"])
    assert member["EmployeeUUID"]


# --- update


def test_patch_answers_nothing(api: Api) -> None:
    row = account(api)
    answer = api.send("PATCH", f"CorporateAccountCollection('{row['ObjectID']}')", {"City": "Köln"})
    assert (answer.status_code, answer.text) == (204, "")
    assert "etag" not in answer.headers
    after = api.read("CorporateAccountCollection", row["ObjectID"])
    assert (after["City"], after["ChangedBy"]) == ("Köln", "SANDBOX")
    assert after["__metadata"]["etag"] != row["__metadata"]["etag"]


def test_if_match(api: Api) -> None:
    row = account(api)
    path, etag = f"CorporateAccountCollection('{row['ObjectID']}')", row["__metadata"]["etag"]
    rounded = etag.split("Z")[0][:-4] + "0000Z'\""
    api.refused("PATCH", path, {"City": "A"}, 412, If_Match=rounded)
    assert api.send("PATCH", path, {"City": "A"}, If_Match=etag).status_code == 204
    api.refused("PATCH", path, {"City": "B"}, 412, If_Match=etag)
    assert api.send("PATCH", path, {"City": "B"}).status_code == 204


def test_echo_works_until_somebody_changes_it(api: Api) -> None:
    row = account(api)
    path = f"CorporateAccountCollection('{row['ObjectID']}')"
    assert api.send("PATCH", path, row).status_code == 204
    api.send("PATCH", path, {"Phone": "+49 1"})
    assert "not updatable" in api.refused("PATCH", path, row | {"Name": "Neu"})


def test_no_op_update_moves_no_etag(api: Api, sandbox: Sandbox) -> None:
    row = account(api)
    sandbox.delete("/requests")
    api.send("PATCH", f"CorporateAccountCollection('{row['ObjectID']}')", {"Name": "Muster"})
    counted = sandbox.get("/requests")["c4c"]
    assert (counted["no_op_updates"], counted["operations"]["update"]) == (1, {})
    assert api.read("CorporateAccountCollection", row["ObjectID"])["__metadata"]["etag"] == row["__metadata"]["etag"]


def test_put_replaces_everything(api: Api) -> None:
    row = account(api, City="Köln")
    body = {"Name": "Neu", "RoleCode": "BUP002"}
    assert api.send("PUT", f"CorporateAccountCollection('{row['ObjectID']}')", body).status_code == 204
    assert api.read("CorporateAccountCollection", row["ObjectID"])["City"] == ""


def test_what_can_be_deleted(api: Api) -> None:
    api.refused("DELETE", f"CorporateAccountCollection('{account(api)['ObjectID']}')", None, 405)
    api.refused("DELETE", f"ContactCollection('{contact(api)['ObjectID']}')", None, 405)
    row = lead(api)
    assert api.send("DELETE", f"LeadCollection('{row['ObjectID']}')").status_code == 204
    assert api.get(f"LeadCollection('{row['ObjectID']}')").status_code == 404


# --- contact and account


def test_contact_with_account_gets_its_relation(api: Api) -> None:
    home = account(api)
    person = contact(api, AccountUUID=home["UUID"], Email="Eva@Example.com", Phone="+49 (1) 23")
    assert (person["AccountID"], person["NormalisedPhone"]) == (home["AccountID"], "+49123")
    relation = api.rows(f"ContactCollection('{person['ObjectID']}')/ContactIsContactPersonFor")[0]
    assert (relation["ReverseMainIndicator"], relation["Email"]) == (True, "eva@example.com")
    seen = api.rows(f"CorporateAccountCollection('{home['ObjectID']}')/CorporateAccountHasContactPerson")[0]
    assert (seen["ContactID"], seen["MainIndicator"]) == (person["ContactID"], True)


def test_another_account_adds_a_relation(api: Api) -> None:
    old, new = account(api), account(api)
    person = contact(api, AccountID=old["AccountID"])
    api.send("PATCH", f"ContactCollection('{person['ObjectID']}')", {"AccountID": new["AccountID"]})
    rows = api.rows("ContactIsContactPersonForCollection", filter=f"ContactID eq '{person['ContactID']}'")
    assert {row["AccountID"]: row["ReverseMainIndicator"] for row in rows} == {
        old["AccountID"]: False,
        new["AccountID"]: True,
    }


def test_relation_by_ids(api: Api) -> None:
    first, second = account(api), account(api)
    person = contact(api, AccountID=first["AccountID"])
    body = {"ContactID": person["ContactID"], "AccountID": second["AccountID"], "FunctionCode": "Z001"}
    row = api.create("ContactIsContactPersonForCollection", **body)
    assert (row["ParentObjectID"], row["ReverseMainIndicator"]) == (person["ObjectID"], False)
    api.send("PATCH", f"ContactIsContactPersonForCollection('{row['ObjectID']}')", {"ReverseMainIndicator": True})
    assert api.read("ContactCollection", person["ObjectID"])["AccountID"] == second["AccountID"]
    assert api.send("DELETE", f"ContactIsContactPersonForCollection('{row['ObjectID']}')").status_code == 204


def test_numbers_come_from_one_range(api: Api) -> None:
    assert account(api)["AccountID"] != contact(api)["ContactID"]


# --- leads


def test_parties_are_completed(api: Api) -> None:
    home = account(api, OwnerID="E1002")
    person = contact(api, AccountID=home["AccountID"])
    row = lead(api, AccountPartyID=home["AccountID"], ContactUUID=person["ContactUUID"])
    assert (row["AccountPartyUUID"], row["ContactID"]) == (home["UUID"], person["ContactID"])
    assert (row["AccountPartyName"], row["ContactName"]) == ("Muster", "Müller")
    assert row["OwnerPartyID"] == "8000000002"


def test_lead_on_an_obsolete_account(api: Api, sandbox: Sandbox) -> None:
    gone, stays = account(api), account(api)
    sandbox.post("/c4c/merge", {"entity": "CorporateAccount", "from": gone["ObjectID"], "into": stays["ObjectID"]})
    assert "obsolete" in api.refused("POST", "LeadCollection", {"Name": "x", "AccountPartyID": gone["AccountID"]})


def test_qualification_level_decides_the_status(api: Api) -> None:
    assert lead(api)["UserStatusCode"] == "01"
    row = lead(api, QualificationLevelCode="03", UserStatusCode="01")
    assert (row["UserStatusCode"], row["LifeCycleStatusCode"]) == ("02", "2")
    opened = lead(api)
    api.refused("PATCH", f"LeadCollection('{opened['ObjectID']}')", {"UserStatusCode": "03"})
    api.send("PATCH", f"LeadCollection('{opened['ObjectID']}')", {"QualificationLevelCode": "02"})
    assert api.read("LeadCollection", opened["ObjectID"])["UserStatusCode"] == "02"


def test_converted_is_final(api: Api, sandbox: Sandbox) -> None:
    row = lead(api, QualificationLevelCode="03")
    converted = sandbox.post(f"/c4c/leads/{row['ObjectID']}/convert")
    assert (converted["UserStatusCode"], converted["LifeCycleStatusCode"]) == ("05", "6")
    assert "converted" in api.refused("PATCH", f"LeadCollection('{row['ObjectID']}')", {"HubSpotScore_KUT": "90"})
    reference = api.rows(f"LeadCollection('{row['ObjectID']}')/LeadBusinessTransactionDocumentReference")[0]
    assert reference["TypeCode"] == "72"
    assert api.rows("OpportunityCollection", filter=f"ID eq '{reference['ID']}'")
    history = api.rows(f"LeadCollection('{row['ObjectID']}')/LeadHistoricalVersion", orderby="StartDateTime")
    assert {version["UserStatusCode"] for version in history} == {"02", "05"}
    declined = lead(api, QualificationLevelCode="03")
    sandbox.post(f"/c4c/leads/{declined['ObjectID']}/decline")
    assert api.send("PATCH", f"LeadCollection('{declined['ObjectID']}')", {"PriorityCode": "1"}).status_code == 204
    assert sandbox.get("/requests")["c4c"]["closed_lead_writes"] == 2


# --- consent


def test_blank_consent_resets(api: Api) -> None:
    person = contact(api)
    permission = api.create("MarketingPermissionCollection", BusinessPartnerUUID=person["ContactUUID"])
    assert permission["BusinessPartner_ID"] == person["ContactID"]
    path = f"MarketingPermissionCollection('{permission['ObjectID']}')/ChannelPermission"
    assert api.send("POST", path, {"Channel": "INT", "Consent": "1"}).status_code == 201
    channel = api.rows(path, filter="Channel eq 'INT'")[0]
    assert channel["Consent"] == "1"
    api.send("PATCH", f"ChannelPermissionCollection('{channel['ObjectID']}')", {"Consent": ""})
    assert api.rows(path)[0]["Consent"] == "3"


def test_permission_set_may_be_there_already(api: Api, sandbox: Sandbox) -> None:
    sandbox.patch("/c4c/settings", {"creates_permission_set": True})
    person = contact(api)
    assert api.rows("MarketingPermissionCollection", filter=f"BusinessPartnerUUID eq guid'{person['ContactUUID']}'")


# --- others


def test_mapping_shows_as_external_id(api: Api) -> None:
    row = account(api)
    api.create("ObjectIdentifierMappingCollection", LocalObjectID=row["AccountID"], RemoteObjectID="hs51",
               RemoteIdentifierDefiningSchemeCode="888", RemoteBusinessSystemID="HUBSPOT")  # fmt: skip
    assert api.read("CorporateAccountCollection", row["ObjectID"])["ExternalID"] == "hs51"


def test_sales_edit_moves_the_etag(api: Api, sandbox: Sandbox) -> None:
    row = account(api)
    sandbox.post("/clock", {"advance_seconds": 3600})
    sandbox.patch(f"/c4c/CorporateAccount/{row['ObjectID']}", {"City": "Aarhus"})
    after = api.read("CorporateAccountCollection", row["ObjectID"])
    assert after["ChangedBy"] == "SALES"
    assert after["EntityLastChangedOn"] > row["EntityLastChangedOn"]
    assert after["__metadata"]["etag"] != row["__metadata"]["etag"]


def test_parallel_writes_on_one_account_lock(api: Api, sandbox: Sandbox) -> None:
    home = account(api)
    sandbox.patch("/c4c/settings", {"latency_seconds": 0.2})
    sandbox.delete("/requests")

    def write(name: str) -> str:
        answer = api.send("POST", "LeadCollection", {"Name": name, "AccountPartyID": home["AccountID"]})
        return "created" if answer.status_code == 201 else answer.text

    with ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(write, ["a", "b"]))
    assert "created" in results
    assert any("is locked by user SANDBOX" in result for result in results)
    assert sandbox.get("/requests")["c4c"]["max_parallel"] == 2
    assert write("c") == "created"
