"""C4C's own rules to the letter: resources, options, filters, bodies, ETags, languages, tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from strict_requests import ETAG, c4c, c4c_rules, with_header

from sandbox.c4c.store import C4CStore
from sandbox.clock import Clock
from sandbox.strict.http.message import Message

ONE = "LeadCollection('00163E03A0701EE288BA37FB8F5F50A9')"
GET = c4c("GET", "LeadCollection")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "$metadata",
        "$metadata?$filter=Lead,Contact",
        "$metadata?sap-label=true",
        f"{ONE}?$select=ID,Name,OriginTypeCodeText&$expand=LeadParty&$format=json",
        "LeadCollection?$orderby=ObjectID,EntityLastChangedOn%20desc&$top=5&$skip=0&$inlinecount=allpages",
        "LeadCollection/$count?$filter=Name%20eq%20'a'",
        "ContactCollection('x')/ContactIsContactPersonFor",
        "CorporateAccountRoleCodeCollection?$select=Code,Description",
        "NoSuchCollection?$top=1",
    ],
)
def test_what_can_be_read(path: str) -> None:
    accept = "application/xml" if path.startswith("$metadata") else "text/plain" if "$count" in path else None
    assert c4c_rules(c4c("GET", path, **({"accept": accept} if accept else {}))) == []


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        (c4c("PUT", ONE, {"Name": "A"}), "method"),
        (c4c("MERGE", ONE, {"Name": "A"}), "method"),
        (c4c("POST", ONE, {"Name": "A"}), "method"),
        (c4c("PATCH", "LeadCollection", {"Name": "A"}), "method"),
        (c4c("DELETE", "LeadCollection"), "method"),
        (c4c("GET", "$batch"), "method"),
        (c4c("GET", "LeadCollection('a'b')"), "key"),
        (c4c("GET", "LeadCollection(1)"), "key"),
        (c4c("GET", "LeadCollection('')"), "key"),
        (c4c("GET", "LeadCollection/"), "path-segment"),
        (c4c("GET", "/LeadCollection"), "path-segment"),
        (c4c("GET", "LeadCollection/LeadParty"), "path-segment"),
        (c4c("GET", f"{ONE}/NoSuchThing"), "path-segment"),
        (c4c("GET", "Lead-Collection"), "path-segment"),
        (c4c("GET", "LeadCollection?top=1"), "unknown-option"),
        (c4c("GET", "LeadCollection?$search=x"), "unknown-option"),
        (c4c("GET", "LeadCollection?sap-language=EN"), "unknown-option"),
        (c4c("GET", f"{ONE}?$top=1"), "unknown-option"),
        (c4c("POST", "LeadCollection?$format=json", {"Name": "A"}), "unknown-option"),
        (c4c("GET", "LeadCollection?$top=1&$top=2"), "option-twice"),
        (c4c("GET", "LeadCollection?$top=-1"), "option-value"),
        (c4c("GET", "LeadCollection?$top=01"), "option-value"),
        (c4c("GET", "LeadCollection?$skip=%C2%B2"), "option-value"),
        (c4c("GET", "LeadCollection?$format=csv"), "option-value"),
        (c4c("GET", "LeadCollection?$inlinecount=yes"), "option-value"),
        (c4c("GET", "LeadCollection?$select=ID,ID"), "option-value"),
        (c4c("GET", "LeadCollection?$select=ID,%20Name"), "select"),
        (c4c("GET", "LeadCollection?$select=NoSuchField"), "select"),
        (c4c("GET", "LeadCollection?$expand=Contact"), "expand"),
        (c4c("GET", "LeadCollection?$orderby=ID%20up"), "orderby"),
        (c4c("GET", "LeadCollection?$orderby=NoSuchField"), "orderby"),
        (c4c("GET", "$metadata?$filter=NoSuchType", accept="*/*"), "option-value"),
        (c4c("GET", "$metadata", accept="application/json"), "accept"),
        (c4c("GET", f"LeadCollection?$filter=Name%20eq%20'{'9' * 8000}'"), "target-length"),
        (c4c("GET", "LeadCollection", accept_language=None), "accept-language"),
        (c4c("GET", "LeadCollection", accept_language="en, de"), "accept-language"),
        (c4c("GET", "LeadCollection", accept_language="en_US"), "accept-language"),
        (c4c("GET", "LeadCollection", accept=None), "accept"),
        (c4c("GET", "LeadCollection", accept="*/*"), "accept"),
        (c4c("GET", "LeadCollection", accept="text/html"), "accept"),
        (c4c("GET", "LeadCollection", accept="application/json;q=0, */*"), "accept"),
        (c4c("GET", "LeadCollection", dataserviceversion="4.0"), "version"),
        (c4c("GET", "LeadCollection", authorization=None), "authorization"),
        (c4c("GET", "LeadCollection", authorization="Bearer x"), "authorization"),
        (c4c("GET", "LeadCollection", authorization="Basic YWJj"), "authorization"),
        (c4c("DELETE", ONE, b"x", content_type="text/plain"), "content-of-delete"),
    ],
)
def test_resources_options_and_headers(message: Message, rule: str) -> None:
    assert c4c_rules(message) == [rule]


@pytest.mark.parametrize(
    "text",
    [
        "Name eq 'O''Neil'",
        "startswith(Name,'A') and endswith(Name, 'B')",
        "(ID eq '1' or ID eq '2') and EntityLastChangedOn ge datetimeoffset'2026-01-01T00:00:00.1234567Z'",
        "AccountPartyUUID eq guid'00163E03-A070-1EE2-88BA-37FB8F5F50A9'",
        "EntityLastChangedOn le datetimeoffset'2026-02-28T00:00:00+01:00'",
        "StartDate le datetime'2026-02-28T00:00'",
        "((Name eq 'a'))",
    ],
)
def test_filters_of_the_language(text: str) -> None:
    assert c4c_rules(c4c("GET", f"LeadCollection?$filter={_quoted(text)}")) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Name ne 'a'", "filter-operator"),
        ("Name gt 'a'", "filter-operator"),
        ("AccountPartyUUID ge guid'00163E03-A070-1EE2-88BA-37FB8F5F50A9'", "filter-operator"),
        ("substringof('a',Name)", "filter-function"),
        ("startswith(StartDate,'a')", "filter-function"),
        ("NoSuchField eq 'a'", "filter-property"),
        ("Note eq 'a'", "filter-property"),
        ("LeadParty/PartyID eq 'a'", "filter-property"),
        ("Name eq 'a' or ID eq 'b'", "filter-or"),
        ("(Name eq 'a' and ID eq 'b') or (Name eq 'c' and ID eq 'd')", "filter-or"),
        ("Name eq 5", "literal"),
        ("Name eq null", "literal"),
        ("Name eq 'O'Neil'", "filter-grammar"),
        ("Name eq 'a", "literal"),
        ("AccountPartyUUID eq '00163E03-A070-1EE2-88BA-37FB8F5F50A9'", "literal"),
        ("AccountPartyUUID eq guid'00163e03-a070-1ee2-88ba-37fb8f5f50a9'", "literal"),
        ("EntityLastChangedOn ge datetimeoffset'2026-01-01T00:00:00'", "literal"),
        ("EntityLastChangedOn ge datetimeoffset'2026-02-30T00:00:00Z'", "literal"),
        ("EntityLastChangedOn ge datetime'2026-01-01T00:00:00'", "literal"),
        ("HubSpotScore_KUT eq 5", "literal"),
        ("Name  eq 'a'", "filter-grammar"),
        ("Name eq 'a' AND ID eq 'b'", "filter-grammar"),
        ("(Name eq 'a'", "filter-grammar"),
        ("Name eq 'a')", "filter-grammar"),
        ("not Name eq 'a'", "filter-property"),
        ("", "filter-grammar"),
    ],
)
def test_filters_outside_the_language(text: str, rule: str) -> None:
    assert c4c_rules(c4c("GET", f"LeadCollection?$filter={_quoted(text)}")) == [rule]


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="'(),/:")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("LeadCollection", {"Name": "x" * 255, "StartDate": "2026-01-01T00:00:00", "HubSpotScore_KUT": "82"}),
        ("LeadCollection", {"Name": "A", "AccountPartyUUID": "00163E03-A070-1EE2-88BA-37FB8F5F50A9", "Note": None}),
        ("ContactCollection", {"LastName": "A", "BirthDate": "/Date(-62135769600000)/"}),
        ("CorporateAccountCollection('X')/CorporateAccountTeam", {"PartyRoleCode": "142", "EmployeeID": "E1"}),
        (
            "MarketingPermissionCollection",
            {"BusinessPartner_ID": "1", "ChannelPermission": [{"Channel": "INT", "Consent": "2"}]},
        ),
    ],
)
def test_what_can_be_created(path: str, body: dict[str, Any]) -> None:
    assert c4c_rules(c4c("POST", path, body)) == []


@pytest.mark.parametrize(
    ("path", "body", "rule"),
    [
        ("LeadCollection", [], "entity-body"),
        ("LeadCollection", {}, "entity-body"),
        ("LeadCollection", {"d": {"Name": "A"}}, "unknown-property"),
        ("LeadCollection", {"Name": "A", "NoSuchField": "x"}, "unknown-property"),
        ("LeadCollection", {"Name": "A", "OriginTypeCodeText": "x"}, "unknown-property"),
        ("LeadCollection", {"Name": "A", "ExternalID": "x"}, "not-creatable"),
        ("LeadCollection", {"Name": "x" * 256}, "value-length"),
        ("LeadCollection", {"Name": 5}, "value-type"),
        ("LeadCollection", {"Name": "a\x00b"}, "value-character"),
        ("LeadCollection", {"Name": "A", "HubSpotScore_KUT": 82}, "value-type"),
        ("LeadCollection", {"Name": "A", "HubSpotScore_KUT": "8e1"}, "value-type"),
        ("LeadCollection", {"Name": "A", "HubSpotScore_KUT": "0.1234567"}, "value-type"),
        ("LeadCollection", {"Name": "A", "StartDate": "2026-01-01"}, "value-type"),
        ("LeadCollection", {"Name": "A", "StartDate": "2026-02-30T00:00:00Z"}, "value-type"),
        ("LeadCollection", {"Name": "A", "AccountPartyUUID": "00163e03-a070-1ee2-88ba-37fb8f5f50a9"}, "value-type"),
        ("ContactCollection", {"LastName": "A", "EmailInvalidIndicator": "true"}, "value-type"),
        ("ContactCollection", {"FirstName": "A"}, "required"),
        ("ContactCollection", {"LastName": None}, "value-null"),
        ("CorporateAccountCollection", {"Name": "", "RoleCode": "BUP002"}, "required"),
        ("ContactCollection", {"LastName": "A", "ContactIsContactPersonFor": []}, "deep-insert"),
        ("MarketingPermissionCollection", {"BusinessPartner_ID": "1", "ChannelPermission": {}}, "deep-insert"),
        (
            "MarketingPermissionCollection",
            {"BusinessPartner_ID": "1", "ChannelPermission": [{"Channel": "LONG"}]},
            "value-length",
        ),
        ("EmployeeBasicDataCollection", {"EmployeeID": "1"}, "method"),
    ],
)
def test_what_can_not_be_created(path: str, body: Any, rule: str) -> None:
    assert rule in c4c_rules(c4c("POST", path, body))


@pytest.mark.parametrize(
    ("body", "headers", "rules"),
    [
        ({"Name": "A"}, {"if_match": ETAG}, []),
        ({"Name": "A"}, {"if_match": "*"}, []),
        ({"Name": "A", "ETag": "/Date(1)/", "OriginTypeCodeText": "x"}, {}, []),
        ({"Name": "A"}, {"if_match": "2015"}, ["entity-tag"]),
        ({"Name": "A"}, {"if_match": '"2015-02-03"'}, ["if-match"]),
        ({"Name": "A"}, {"if_match": "W/\"datetimeoffset'2015-02-03T21%3A07%3A03.532Z'\""}, ["if-match"]),
        ({"Name": "A"}, {"if_match": "W/\"datetimeoffset'2015-02-03T21:07:03.5328420Z'\""}, ["if-match"]),
        ({"Name": "A"}, {"if_match": f"{ETAG}, {ETAG}"}, ["if-match"]),
        ({"ID": "1"}, {}, ["not-updatable"]),
        ({"LeadParty": []}, {}, ["deep-update"]),
        ({}, {}, ["entity-body"]),
        ({"Nope": 1}, {}, ["unknown-property"]),
    ],
)
def test_updates(body: Any, headers: dict[str, str], rules: list[str]) -> None:
    assert c4c_rules(c4c("PATCH", ONE, body, **headers)) == rules


def test_if_match_is_for_changes_only() -> None:
    assert c4c_rules(c4c("POST", "LeadCollection", {"Name": "A"}, if_match="*")) == ["if-match"]


# ---- tokens and cookies


@pytest.mark.parametrize(
    ("message", "rules"),
    [
        (c4c("GET", "", x_csrf_token="fetch"), []),
        (c4c("GET", "LeadCollection", x_csrf_token="fetch"), ["csrf-fetch"]),
        (c4c("POST", "LeadCollection", {"Name": "A"}, x_csrf_token="Fetch"), ["csrf-fetch"]),
        (c4c("POST", "LeadCollection", {"Name": "A"}, x_csrf_token="no token"), ["csrf-token"]),
        (c4c("POST", "LeadCollection", {"Name": "A"}, x_csrf_token="dW5rbm93bg=="), []),
    ],
)
def test_the_form_of_tokens(message: Message, rules: list[str]) -> None:
    assert c4c_rules(message) == rules


def test_a_token_comes_with_all_its_cookies() -> None:
    store = C4CStore(Clock())
    token, cookies = store.csrf.fetch()
    message = c4c("POST", "LeadCollection", {"Name": "A"}, x_csrf_token=token)
    pairs = [f"{name}={value}" for name, value in cookies.items()]
    assert c4c_rules(with_header(message, "cookie", "; ".join(pairs)), store) == []
    assert c4c_rules(with_header(message, "cookie", pairs[0]), store) == ["csrf-cookies"]
    assert c4c_rules(message, store) == ["csrf-cookies"]
    assert c4c_rules(replace(message, headers=(*message.headers, ("cookie", "other=1"))), store) == ["csrf-cookies"]
