"""The real HubSpot client on the wire: what it asks, and what it makes of answers that go wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hubspot_server import Answer, Portal, running
from running import TIMEOUT, until

from sync.domain.views import Label, Owner
from sync.errors import BudgetExhausted, Denied, Malformed, Refused, SyncError, Unavailable
from sync.hubspot_client import Budget, Filter, HubSpotClient
from sync.transport import RequestRetry

Call = Callable[[HubSpotClient], Any]


@pytest.fixture
def portal() -> Iterator[Portal]:
    with running() as portal:
        portal.says(Answer())
        yield portal


SINCE = Filter("lastmodifieddate", "BETWEEN", "1795000000000", "1795003600000")

CALLS: dict[str, Call] = {
    "search": lambda hubspot: hubspot.search("contacts", [SINCE], "lastmodifieddate", ["email"]),
    "batch": lambda hubspot: hubspot.read("contacts", ["51"], ["email"]),
    "associations": lambda hubspot: hubspot.associations(["51"]),
    "labels": lambda hubspot: hubspot.labels(),
    "owners": lambda hubspot: hubspot.owners(),
    "properties": lambda hubspot: hubspot.properties("contacts"),
}
SEARCH, BATCH, ASSOCIATIONS = CALLS["search"], CALLS["batch"], CALLS["associations"]
EMPTY_SEARCH = Answer(body={"total": 0, "results": []})
each_call = pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in CALLS.items()])


# ---- what is asked


@pytest.mark.parametrize(
    ("api", "name", "method", "path"),
    [
        ("2026-09", "search", "POST", "/crm/objects/2026-09/contacts/search"),
        ("2026-09", "batch", "POST", "/crm/objects/2026-09/contacts/batch/read"),
        ("2026-09", "associations", "POST", "/crm/associations/2026-09/contacts/companies/batch/read"),
        ("2026-09", "labels", "GET", "/crm/associations/2026-09/contacts/companies/labels"),
        ("2026-09", "owners", "GET", "/crm/owners/2026-09"),
        ("2026-09", "properties", "GET", "/crm/properties/2026-09/contacts"),
        ("v3", "search", "POST", "/crm/v3/objects/contacts/search"),
        ("v3", "batch", "POST", "/crm/v3/objects/contacts/batch/read"),
        ("v3", "associations", "POST", "/crm/v4/associations/contacts/companies/batch/read"),
        ("v3", "labels", "GET", "/crm/v4/associations/contacts/companies/labels"),
        ("v3", "owners", "GET", "/crm/v3/owners/"),
        ("v3", "properties", "GET", "/crm/v3/properties/contacts"),
    ],
)
def test_paths_of_both_families(api: str, name: str, method: str, path: str, portal: Portal) -> None:
    portal.says(EMPTY_SEARCH)
    CALLS[name](portal.client(api=api))
    assert {(asked.method, asked.path) for asked in portal.asked} == {(method, path)}


@each_call
def test_every_request_says_who_asks_and_takes_gzip(call: Call, portal: Portal) -> None:
    portal.says(EMPTY_SEARCH)
    call(portal.client())
    for asked in portal.asked:
        assert asked.headers["authorization"] == "Bearer pat-hidden"
        assert asked.headers["accept-encoding"] == "gzip"
        assert asked.headers["accept-language"] == "en"
        # Products with a version each, one blank between them (RFC 9110 10.1.5).
        assert re.fullmatch(r"hubspot-c4c-sync/[\w.]+ hubspot-api-client/[\w.]+", asked.headers["user-agent"])
        assert asked.headers["accept"] == "application/json"
        assert asked.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("object_type", "modified"), [("contacts", "lastmodifieddate"), ("companies", "hs_lastmodifieddate")]
)
def test_body_of_a_search(object_type: Any, modified: str, portal: Portal) -> None:
    portal.says(EMPTY_SEARCH)
    filters = [
        Filter(modified, "BETWEEN", "1", "2"),
        Filter("tier", "IN", values=("a1", "a2")),
        Filter("score", "HAS_PROPERTY"),
        Filter("score", "GTE", "75"),
    ]
    portal.client().search(object_type, filters, "hs_object_id", ["name", "domain"])
    assert portal.asked[0].body == {
        "filterGroups": [
            {
                "filters": [
                    {"propertyName": modified, "operator": "BETWEEN", "value": "1", "highValue": "2"},
                    {"propertyName": "tier", "operator": "IN", "values": ["a1", "a2"]},
                    {"propertyName": "score", "operator": "HAS_PROPERTY"},
                    {"propertyName": "score", "operator": "GTE", "value": "75"},
                ]
            }
        ],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": sorted(["name", "domain", modified]),
        "limit": 200,
    }


def test_the_next_page_of_a_search(portal: Portal) -> None:
    portal.says(Answer(body={"total": 201, "results": [], "paging": {"next": {"after": "200"}}}), EMPTY_SEARCH)
    hubspot = portal.client()
    page = hubspot.search("contacts", [SINCE], "hs_object_id", [])
    assert (page.total, page.after) == (201, "200")
    assert hubspot.search("contacts", [SINCE], "hs_object_id", [], page.after).after is None
    assert ["after" in asked.body for asked in portal.asked] == [False, True]
    assert portal.asked[1].body["after"] == "200"


@pytest.mark.parametrize(("archived", "query"), [(False, []), (True, [("archived", "true")])])
def test_body_of_a_batch_read(archived: bool, query: list[tuple[str, str]], portal: Portal) -> None:
    portal.client().read("companies", ["7", "8", "7"], ["name"], archived=archived)
    [asked] = portal.asked
    assert asked.query == query
    assert asked.body == {
        "inputs": [{"id": "7"}, {"id": "8"}],
        "properties": ["hs_lastmodifieddate", "hs_merged_object_ids", "name"],
        "propertiesWithHistory": [],
    }


@pytest.mark.parametrize(
    ("call", "sizes"),
    [
        pytest.param(
            lambda hubspot: hubspot.read("contacts", [str(n) for n in range(250)], []), [100, 100, 50], id="objects"
        ),
        pytest.param(lambda hubspot: hubspot.associations([str(n) for n in range(1001)]), [1000, 1], id="associations"),
        pytest.param(lambda hubspot: hubspot.read("contacts", [], []), [], id="nothing"),
    ],
)
def test_batches_keep_within_the_limits(call: Call, sizes: list[int], portal: Portal) -> None:
    call(portal.client())
    assert sorted((len(asked.body["inputs"]) for asked in portal.asked), reverse=True) == sizes


@pytest.mark.parametrize(("call", "limit"), [("read", 30), ("associations", 30)])
def test_a_batch_that_is_refused_as_too_large_is_halved(call: str, limit: int, portal: Portal) -> None:
    """The caps have changed before: announced 100, became 1,000 (airbyte#48834)."""
    portal.refuses_more_than = limit
    hubspot = portal.client(read_batch=100, association_batch=100)
    ids = [str(n) for n in range(100)]
    read = (lambda: hubspot.read("contacts", ids, [])) if call == "read" else (lambda: hubspot.associations(ids))
    read()
    accepted = [len(asked.body["inputs"]) for asked in portal.asked if len(asked.body["inputs"]) <= limit]
    assert sum(accepted) == 100
    before = len(portal.asked)
    read()
    assert all(len(asked.body["inputs"]) <= limit for asked in portal.asked[before:])


def test_a_search_for_more_properties_than_fit_reads_them_by_id(portal: Portal) -> None:
    """HubSpot refuses a search of more than 3,000 characters."""
    names = [f"a_rather_long_property_name_{n}" for n in range(300)]
    portal.says(
        Answer(body={"total": 2, "results": [ROW, ROW | {"id": "52"}]}),
        Answer(body={"results": [ROW | {"id": "52"}, ROW]}),
    )
    page = portal.client().search("contacts", [SINCE], "hs_object_id", names)
    search, read = portal.asked
    assert len(json.dumps(search.body)) <= 3000
    assert set(names) <= set(read.body["properties"])
    assert (page.total, [found.id for found in page.objects]) == (2, ["51", "52"])


def test_counting_asks_for_one_row_only(portal: Portal) -> None:
    portal.says(Answer(body={"total": 4711, "results": [ROW]}))
    assert portal.client().count("contacts", [SINCE]) == 4711
    assert portal.asked[0].body["limit"] == 1


@pytest.mark.parametrize("name", ["associations", "owners"])
def test_a_page_that_announces_itself_again_is_an_error_and_no_endless_loop(name: str, portal: Portal) -> None:
    following = {"next": {"after": "x"}}
    rows = [pair("51", 1, after="x")] if name == "associations" else [{"id": "1"}]
    portal.says(Answer(body={"results": rows, "paging": following}))
    with pytest.raises(Malformed):
        CALLS[name](portal.client())
    assert len(portal.asked) == 2


def test_owners_of_all_pages_and_the_deactivated_ones(portal: Portal) -> None:
    portal.says(
        Answer(body={"results": [{"id": "1", "email": "a@b.example"}], "paging": {"next": {"after": "1"}}}),
        Answer(body={"results": [{"id": 2}]}),
        Answer(body={"results": [{"id": "3", "email": "c@b.example", "userId": 99}]}),
    )
    assert portal.client().owners() == [
        Owner("1", "a@b.example"),
        Owner("2", None),
        Owner("3", "c@b.example", archived=True),
    ]
    queries = [dict(asked.query) for asked in portal.asked]
    assert queries == [
        {"limit": "100", "archived": "false"},
        {"limit": "100", "archived": "false", "after": "1"},
        {"limit": "100", "archived": "true"},
    ]


def test_one_connection_serves_many_requests(portal: Portal) -> None:
    portal.says(EMPTY_SEARCH)
    hubspot = portal.client()
    for call in CALLS.values():
        call(hubspot)
    assert portal.connections == 1


def test_no_secret_shows_in_a_representation(portal: Portal) -> None:
    assert "pat-hidden" not in repr(portal.client())


# ---- what is read

ROW = {"id": "51", "properties": {"email": "a@b.example"}, "updatedAt": "2026-11-21T10:00:00Z", "archived": False}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_an_object(packed: bool, portal: Portal) -> None:
    properties = {"email": "a@b.example", "score": 82.5, "gone": None, "lastmodifieddate": "2026-11-21T10:00:00.123Z"}
    portal.says(Answer(body={"results": [ROW | {"properties": properties, "archived": True}]}, packed=packed))
    [found] = BATCH(portal.client()).objects
    assert (found.id, found.archived) == ("51", True)
    assert found.properties == properties | {"score": "82.5"}
    assert found.modified_at == datetime(2026, 11, 21, 10, 0, 0, 123000, UTC)


def test_the_survivor_answers_for_an_id_that_was_merged_away(portal: Portal) -> None:
    portal.says(Answer(body={"results": [ROW | {"id": "99"}]}))
    found = BATCH(portal.client())
    assert ([o.id for o in found.objects], found.missing) == (["99"], frozenset())


NOT_FOUND = {"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": ["5", "77"]}}


@pytest.mark.parametrize("status", [200, 207], ids=["2026-09 says so in a 200", "v3 says so in a 207"])
def test_ids_that_hubspot_does_not_have(status: int, portal: Portal) -> None:
    portal.says(Answer(status, {"status": "COMPLETE", "results": [ROW], "numErrors": 1, "errors": [NOT_FOUND]}))
    found = portal.client().read("contacts", ["51", "5", "6"], [])
    assert [o.id for o in found.objects] == ["51"]
    assert found.missing == {"5"}


def test_another_error_does_not_make_an_id_missing(portal: Portal) -> None:
    portal.says(Answer(207, {"results": [], "errors": [NOT_FOUND | {"category": "VALIDATION_ERROR"}]}))
    assert portal.client().read("contacts", ["5"], []).missing == frozenset()


def pair(contact: str, *companies: Any, after: str | None = None) -> dict[str, Any]:
    more = {"paging": {"next": {"after": after}}} if after else {}
    to = [{"toObjectId": company, "associationTypes": [kind(279)]} for company in companies]
    return {"from": {"id": contact}, "to": to} | more


def kind(type_id: int, text: str | None = None, category: str = "HUBSPOT_DEFINED") -> dict[str, Any]:
    return {"category": category, "typeId": type_id, "label": text}


def no_companies(*contacts: str, sub: str = "crm.associations.NO_ASSOCIATIONS_FOUND") -> dict[str, Any]:
    context = {"fromObjectId": list(contacts), "fromObjectType": ["contact"]}
    return {"status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": sub, "context": context}


UNLABELLED = Label("HUBSPOT_DEFINED", 279)


def test_labels_of_associations(portal: Portal) -> None:
    types = [kind(1, "Primary"), kind(279), kind(28, "Billing", "USER_DEFINED")]
    row = {"from": {"id": "51"}, "to": [{"toObjectId": 200, "associationTypes": types}]}
    portal.says(Answer(body={"results": [row]}))
    found = ASSOCIATIONS(portal.client()).found["51"]
    assert {company for company, _ in found} == {"200"}
    assert {(label.category, label.type_id, label.text) for _, label in found} == {
        ("HUBSPOT_DEFINED", 1, "Primary"),
        ("HUBSPOT_DEFINED", 279, None),
        ("USER_DEFINED", 28, "Billing"),
    }


@pytest.mark.parametrize(
    ("answers", "found", "failed"),
    [
        pytest.param([[pair("51", 200), pair("52", "201")]], {"51": {"200"}, "52": {"201"}}, set(), id="both"),
        pytest.param([[pair("52", 201), pair("51", 200)]], {"51": {"200"}, "52": {"201"}}, set(), id="in any order"),
        pytest.param([[pair("51", 200)], no_companies("52")], {"51": {"200"}, "52": set()}, set(), id="one has none"),
        pytest.param([[], no_companies("51"), no_companies("52")], {"51": set(), "52": set()}, set(), id="none at all"),
        pytest.param([[], no_companies("51", "52")], {"51": set(), "52": set()}, set(), id="none, in one entry"),
        pytest.param([[pair("51", 200)]], {"51": {"200"}}, {"52"}, id="one is not answered for"),
        pytest.param([[]], {}, {"51", "52"}, id="nothing is said"),
        pytest.param(
            [[pair("51", 200)], no_companies("52", sub="crm.associations.OTHER")],
            {"51": {"200"}},
            {"52"},
            id="other error",
        ),
    ],
)
@pytest.mark.parametrize("status", [200, 207])
def test_only_an_explicit_answer_means_none(
    status: int, answers: list[Any], found: dict[str, set[str]], failed: set[str], portal: Portal
) -> None:
    rows, *errors = answers
    portal.says(Answer(status, {"results": rows, "numErrors": len(errors), "errors": errors}))
    read = portal.client().associations(["51", "52"])
    assert {contact: {company for company, _ in pairs} for contact, pairs in read.found.items()} == found
    assert read.failed == failed


def test_every_row_is_paged_to_its_end(portal: Portal) -> None:
    portal.says(
        Answer(body={"results": [pair("51", 1, after="a1"), pair("52", 2), pair("53", 3, after="b1")]}),
        Answer(body={"results": [pair("51", 4, after="a2"), pair("53", 5)]}),
        Answer(body={"results": [pair("51", 6)]}),
    )
    found = portal.client().associations(["51", "52", "53"]).found
    assert {c: sorted(company for company, _ in pairs) for c, pairs in found.items()} == {
        "51": ["1", "4", "6"],
        "52": ["2"],
        "53": ["3", "5"],
    }
    assert [asked.body["inputs"] for asked in portal.asked[1:]] == [
        [{"id": "51", "after": "a1"}, {"id": "53", "after": "b1"}],
        [{"id": "51", "after": "a2"}],
    ]


def test_a_row_whose_next_page_fails_is_not_half_known(portal: Portal) -> None:
    portal.says(Answer(body={"results": [pair("51", 1, after="a1")]}), Answer(body={"results": []}))
    read = portal.client().associations(["51"])
    assert (dict(read.found), read.failed) == ({}, {"51"})


def test_labels_and_properties_of_the_portal(portal: Portal) -> None:
    portal.says(Answer(body={"results": [kind(1, "Primary"), kind(28, "Billing", "USER_DEFINED"), kind(279)]}))
    labels = portal.client().labels()
    assert [(label.type_id, label.text) for label in labels] == [(1, "Primary"), (28, "Billing"), (279, None)]
    options = [{"label": "Yes", "value": "true"}, {"label": "No", "value": "false"}]
    portal.says(Answer(body={"results": [{"name": "a", "type": "enumeration", "options": options}, {"name": "b"}]}))
    first, second = portal.client().properties("contacts")
    assert (first.name, first.type, first.options) == ("a", "enumeration", ("true", "false"))
    assert (second.name, second.options) == ("b", ())


DAILY = {"X-HubSpot-RateLimit-Daily": "250000", "X-HubSpot-RateLimit-Daily-Remaining": "1234"}


def test_the_days_budget_as_the_last_answer_told_it(portal: Portal) -> None:
    portal.says(Answer(headers=DAILY), EMPTY_SEARCH, Answer(headers=DAILY | {"X-HubSpot-RateLimit-Daily": "x"}))
    hubspot = portal.client()
    assert hubspot.budget is None
    BATCH(hubspot)
    assert hubspot.budget == Budget(250_000, 1234)
    SEARCH(hubspot)
    assert hubspot.budget == Budget(250_000, 1233)
    BATCH(hubspot)
    assert hubspot.budget == Budget(250_000, 1232)


def test_the_days_budget_of_the_whole_account(portal: Portal) -> None:
    usage = {"usageLimit": 650000, "currentUsage": 600000, "resetsAt": "2026-11-22T00:00:00Z"}
    portal.says(Answer(body={"results": [usage]}))
    hubspot = portal.client()
    assert hubspot.usage() == hubspot.budget == Budget(650_000, 50_000, datetime(2026, 11, 22, tzinfo=UTC))
    assert portal.asked[0].path == "/account-info/v3/api-usage/daily/private-apps"


@pytest.mark.parametrize("answer", [Answer(403, {}), Answer(404, {}), Answer(body={"results": []}), Answer(body={})])
def test_a_portal_that_does_not_tell_its_usage(answer: Answer, portal: Portal) -> None:
    portal.says(answer)
    assert portal.client().usage() is None


# ---- a success that is none

LATIN_PAGE = "<html>Gr\u00fc\u00dfe</html>".encode("latin-1")
"""What a proxy may put in the way."""


@each_call
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html><body>Sign in</body></html>", id="a page"),
        pytest.param({}, id="an empty object"),
        pytest.param({"results": None}, id="null"),
        pytest.param({"results": {}}, id="no list"),
        pytest.param({"total": 1, "results": ["51"]}, id="a list of texts"),
        pytest.param([], id="a bare list"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="JSON null"),
        pytest.param({"status": "error", "message": "a@b.example"}, id="an error with 200"),
    ],
)
def test_what_has_not_the_promised_shape_is_never_taken_as_empty(call: Call, body: Any, portal: Portal) -> None:
    portal.says(Answer(body=body))
    with pytest.raises(Malformed) as raised:
        call(portal.client())
    assert "a@b.example" not in str(raised.value)
    assert len(portal.asked) == 1


def test_a_page_that_is_not_utf_8_is_no_answer_either(portal: Portal) -> None:
    portal.says(Answer(body=LATIN_PAGE))
    with pytest.raises(Malformed):
        BATCH(portal.client())


@pytest.mark.parametrize("name", ["search", "labels", "owners", "properties"])
def test_a_list_that_is_not_whole_is_none(name: str, portal: Portal) -> None:
    portal.says(Answer(207, {"total": 1, "results": [], "numErrors": 1, "errors": [{"status": "error"}]}))
    with pytest.raises(Malformed):
        CALLS[name](portal.client())


@pytest.mark.parametrize("total", [{}, {"total": None}, {"total": "1"}], ids=["missing", "null", "text"])
def test_a_search_without_its_total_is_none(total: dict[str, Any], portal: Portal) -> None:
    portal.says(Answer(body={"results": [ROW]} | total))
    with pytest.raises(Malformed, match="total"):
        SEARCH(portal.client())


# ---- refusals


PRIVATE = {"status": "error", "message": "ada@acme.example exists", "category": "CONFLICT", "correlationId": "c-1"}


@pytest.mark.parametrize("call", [SEARCH, BATCH], ids=["search", "batch"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(Answer(400, PRIVATE), Refused, id="400"),
        pytest.param(Answer(404, PRIVATE), Refused, id="404"),
        pytest.param(Answer(414, b"<html>URI too long</html>"), Refused, id="414, a page"),
        pytest.param(Answer(401, PRIVATE), Denied, id="401"),
        pytest.param(Answer(403, PRIVATE), Denied, id="403"),
        pytest.param(Answer(429, PRIVATE | {"policyName": "DAILY"}), BudgetExhausted, id="the day's budget"),
        pytest.param(Answer(403, LATIN_PAGE), Denied, id="a refusal that is not UTF-8"),
    ],
)
def test_a_refusal_is_raised_at_once_without_what_it_says(
    call: Call, answer: Answer, error: type[SyncError], portal: Portal
) -> None:
    naps: list[float] = []
    portal.says(answer)
    with pytest.raises(error) as raised:
        call(portal.client(naps))
    assert type(raised.value) is error
    assert (len(portal.asked), naps) == (1, [])
    assert "ada@acme.example" not in str(raised.value)
    assert "pat-hidden" not in str(raised.value)


def test_a_refusal_keeps_status_and_category(portal: Portal) -> None:
    portal.says(Answer(400, PRIVATE | {"category": "VALIDATION_ERROR"}))
    with pytest.raises(Refused, match="VALIDATION_ERROR") as raised:
        SEARCH(portal.client())
    assert raised.value.status == 400


def test_a_category_that_is_a_sentence_is_not_repeated(portal: Portal) -> None:
    portal.says(Answer(400, PRIVATE | {"category": "ada@acme.example"}))
    with pytest.raises(Refused) as raised:
        SEARCH(portal.client())
    assert "ada" not in str(raised.value)


def test_a_redirect_is_not_followed(portal: Portal) -> None:
    portal.says(Answer(302, {}, {"Location": "/elsewhere"}))
    with pytest.raises(SyncError):
        CALLS["labels"](portal.client())
    assert {asked.path for asked in portal.asked} == {"/crm/associations/2026-09/contacts/companies/labels"}


# ---- limits and outages

RATE = {"status": "error", "message": "You have reached your secondly limit.", "category": "RATE_LIMITS"}
ROLLING = {"status": "error", "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}


def after(seconds: str) -> dict[str, str]:
    return {"Retry-After": seconds}


@pytest.mark.parametrize(
    ("call", "answer", "nap"),
    [
        pytest.param(SEARCH, Answer(429, RATE), 1, id="search, as recorded"),
        pytest.param(BATCH, Answer(429, RATE), 10, id="others have a window of ten seconds"),
        pytest.param(BATCH, Answer(429, ROLLING), 10, id="as documented"),
        pytest.param(BATCH, Answer(429, b"<html>"), 10, id="without any body field"),
        pytest.param(BATCH, Answer(429, b""), 10, id="without body"),
        pytest.param(BATCH, Answer(429, RATE, after("3")), 3, id="as asked"),
        pytest.param(SEARCH, Answer(429, RATE, after("0")), 1, id="never without a pause"),
        pytest.param(BATCH, Answer(429, RATE, after("0.2")), 1, id="never shorter than a second"),
        pytest.param(BATCH, Answer(429, RATE, after("10000")), 60, id="milliseconds, taken as too many seconds"),
        pytest.param(BATCH, Answer(429, RATE, after("soon")), 10, id="asked in words"),
        pytest.param(BATCH, Answer(423, {}), 2, id="locked"),
        pytest.param(BATCH, Answer(477, {}, after("30")), 30, id="a migration that is short"),
        *(pytest.param(BATCH, Answer(status, b"<html>"), 1, id=str(status)) for status in (500, 502, 503, 504)),
        *(pytest.param(BATCH, Answer(status, b"<html>"), 1, id=str(status)) for status in (521, 523, 524, 530)),
        pytest.param(BATCH, Answer(502, LATIN_PAGE), 1, id="502, a page that is not UTF-8"),
        pytest.param(BATCH, Answer(trouble="cut"), 1, id="cut off in the middle"),
        pytest.param(BATCH, Answer(trouble="reset"), 1, id="hung up"),
    ],
)
def test_what_may_pass_is_tried_again_after_a_pause(call: Call, answer: Answer, nap: float, portal: Portal) -> None:
    naps: list[float] = []
    portal.says(answer, EMPTY_SEARCH)
    call(portal.client(naps))
    # After a 429 the pacer holds everybody back as long; on this clock, which stands still, that is a second nap.
    assert naps[0] == max(naps) == nap
    assert len(portal.asked) == 2


def test_a_rate_limit_holds_back_whoever_else_calls(portal: Portal) -> None:
    naps: list[float] = []
    hubspot = portal.client(naps)
    portal.says(Answer(429, ROLLING), Answer())
    BATCH(hubspot)
    naps.clear()
    CALLS["labels"](hubspot)
    assert [round(nap) for nap in naps] == [10]


@pytest.mark.parametrize(
    ("left", "interval", "nap"),
    [
        pytest.param("1", "10000", 10, id="nearly used up"),
        pytest.param("50", "10000", None, id="plenty"),
        pytest.param("0", "9" * 18, 60, id="a senseless interval"),
    ],
)
def test_who_runs_out_of_an_intervals_requests_slows_down(
    left: str, interval: str, nap: int | None, portal: Portal
) -> None:
    window = {"Max": "100", "Remaining": left, "Interval-Milliseconds": interval}
    portal.says(Answer(headers={f"X-HubSpot-RateLimit-{name}": value for name, value in window.items()}))
    naps: list[float] = []
    hubspot = portal.client(naps)
    BATCH(hubspot)
    BATCH(hubspot)
    assert [round(n) for n in naps] == ([nap] if nap else [])


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        pytest.param({}, 3600, id="without a time"),
        pytest.param(after("86400"), 86400, id="a whole day"),
        pytest.param(after("7200000"), 7200, id="two hours in milliseconds"),
    ],
)
def test_a_data_centre_migration_ends_the_run_instead_of_blocking_it(
    headers: dict[str, str], wait: float, portal: Portal
) -> None:
    naps: list[float] = []
    portal.says(Answer(477, {}, headers))
    with pytest.raises(Unavailable) as raised:
        BATCH(portal.client(naps))
    assert raised.value.wait == wait
    assert (len(portal.asked), naps) == (1, [])


@pytest.mark.parametrize("trouble", ["cut", "reset", "silence"])
def test_an_outage_is_told_after_all_tries(trouble: Any, portal: Portal) -> None:
    portal.says(Answer(trouble=trouble))
    with pytest.raises(Unavailable) as raised:
        BATCH(portal.client(timeout=0.05 if trouble == "silence" else TIMEOUT))
    # Who is silent may only look at the request when the client has given up already.
    until(lambda: len(portal.asked) == 3, "the third try")
    assert "pat-hidden" not in str(raised.value)


def test_nobody_listens() -> None:
    with running() as portal:
        hubspot = portal.client()
    with pytest.raises(Unavailable):
        BATCH(hubspot)


def test_a_slow_answer_is_tried_again(portal: Portal) -> None:
    portal.says(Answer(trouble="silence"), Answer())
    # However many tries a busy machine needs to answer one of them in time.
    BATCH(portal.client(timeout=0.2, retry=RequestRetry(attempts=100)))
    assert len(portal.asked) >= 2


def test_search_and_the_rest_are_paced_apart(portal: Portal) -> None:
    portal.says(EMPTY_SEARCH)
    naps: list[float] = []
    hubspot = portal.client(naps, search_per_second=0.02, burst_per_10s=1)
    for call in (SEARCH, BATCH, SEARCH, BATCH, SEARCH):
        call(hubspot)
    assert [round(nap, -1) for nap in naps] == [50, 10, 100]


def test_requests_are_counted_by_endpoint(portal: Portal) -> None:
    portal.says(Answer(503, b""), EMPTY_SEARCH)
    hubspot = portal.client()
    SEARCH(hubspot)
    BATCH(hubspot)
    assert dict(hubspot.sent.by_endpoint) == {"search": 2, "batch": 1}
