"""The session towards C4C, answer by answer: authentication, CSRF, statuses, headers, error bodies."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses
from c4c_wire import ask

from sync.c4c.client import C4CClient
from sync.c4c.odata import Operation, Query
from sync.c4c.session import SERVICE
from sync.errors import Denied, Malformed, RemoteError, Unavailable
from sync.net.credentials import Password
from sync.planner.target import (
    Aborted,
    Conflict,
    Doubtful,
    Gone,
    Locked,
    RefusedRequest,
    Rejected,
    Unknown,
    WriteResult,
    Written,
)
from sync.transport import RequestRetry

HOST = "https://my000000.crm.example"
ROOT = HOST + SERVICE
BATCH = ROOT + "$batch"
MIXED = "multipart/mixed; boundary=r"
POST = Operation("POST", "ContactCollection", {"LastName": "Sommerfeld", "Email": "ada.sommerfeld@mail.example"})


@pytest.fixture
def http() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def client(**more: Any) -> C4CClient:
    options = {"identity": Password.of("SYNC", "sesame"), "retry": RequestRetry(3, 0.001), "sleep": lambda _: None}
    return C4CClient(HOST, **{**options, **more})


def part(status: int, body: Any = None, **headers: str) -> str:
    """One part of a batch answer."""
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    lines = [f"HTTP/1.1 {status} X", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "Content-Type: application/http\r\n\r\n" + "\r\n".join(lines) + "\r\n\r\n" + text


def answer(*parts: str) -> str:
    return "".join(f"--r\r\n{one}\r\n" for one in parts) + "--r--\r\n"


def changeset(*parts: str) -> str:
    inner = "".join(f"--i\r\n{one}\r\n" for one in parts)
    return f"Content-Type: multipart/mixed; boundary=i\r\n\r\n{inner}--i--\r\n"


def rows(*found: dict[str, Any], next_: str | None = None) -> dict[str, Any]:
    return {"d": {"results": list(found), **({"__next": next_} if next_ else {})}}


def batch(http: responses.RequestsMock, *parts: str, status: int = 202, **more: Any) -> responses.BaseResponse:
    return http.add(responses.POST, BATCH, body=answer(*parts), status=status, content_type=MIXED, **more)


def write(http: responses.RequestsMock, one: str, operation: Operation = POST) -> WriteResult:
    batch(http, one)
    return client().write([[operation]])[0][0]


ONE = {
    "d": {
        "results": {"ObjectID": "A1", "__metadata": {"etag": "W/\"datetimeoffset'2015-02-03T21%3A07%3A03.5328420Z'\""}}
    }
}


NONSENSE = answer("Content-Type: application/http\r\n\r\nnonsense")


# ---- who we are


def test_basic_authentication_json_and_no_code_texts(http: responses.RequestsMock) -> None:
    batch(http, part(200, rows()))
    ask(client(identity=Password.of("SYNC", "pässwort")), [Query("ContactCollection")])
    sent = http.calls[0].request.headers
    assert base64.b64decode(sent["Authorization"].removeprefix("Basic ")).decode() == "SYNC:pässwort"
    assert sent["odata-no-codedescs"] == "true"
    assert "Accept: application/json" in http.calls[0].request.body.decode()


def test_the_service_root_keeps_its_slash_when_a_token_is_fetched(http: responses.RequestsMock) -> None:
    http.add(responses.POST, BATCH, status=403, headers={"x-csrf-token": "Required"})
    http.add(responses.GET, ROOT, headers={"x-csrf-token": "T1", "Set-Cookie": "a=1"})
    batch(http, part(200, rows()))
    ask(client(), [Query("ContactCollection")])
    assert http.calls[1].request.url == ROOT
    assert http.calls[1].request.headers["x-csrf-token"] == "fetch"


# ---- CSRF


@pytest.mark.parametrize("how", ["header", "text"])
def test_a_token_is_fetched_only_when_it_is_asked_for_and_comes_with_all_its_cookies(
    http: responses.RequestsMock, how: str
) -> None:
    refusal: dict[str, Any] = (
        {"headers": {"x-csrf-token": "Required"}} if how == "header" else {"body": "CSRF token validation failed"}
    )
    http.add(responses.POST, BATCH, status=403, **refusal)
    cookies = [("Set-Cookie", "sap-XSRF_A=1"), ("Set-Cookie", "other=2")]
    http.add(responses.GET, ROOT, headers=[("x-csrf-token", "T1"), *cookies])
    batch(http, part(200, rows()))
    batch(http, part(200, rows()))
    port = client()
    ask(port, [Query("ContactCollection")])
    ask(port, [Query("ContactCollection")])
    assert "x-csrf-token" not in http.calls[0].request.headers
    for call in http.calls[2:]:
        assert call.request.headers["x-csrf-token"] == "T1"
        assert set(call.request.headers["Cookie"].split("; ")) == {"sap-XSRF_A=1", "other=2"}
    assert len(http.calls) == 4


def test_an_expired_token_is_fetched_once_more_with_cookies_of_its_own(http: responses.RequestsMock) -> None:
    http.add(responses.POST, BATCH, status=403, headers={"x-csrf-token": "Required"})
    http.add(responses.GET, ROOT, headers={"x-csrf-token": "T1", "Set-Cookie": "old=1"})
    batch(http, part(200, rows()))
    http.add(responses.POST, BATCH, status=403, body="CSRF token validation failed")
    http.add(responses.GET, ROOT, headers={"x-csrf-token": "T2", "Set-Cookie": "new=2"})
    batch(http, part(200, rows()))
    port = client()
    ask(port, [Query("ContactCollection")])
    ask(port, [Query("ContactCollection")])
    last = http.calls[-1].request.headers
    assert (last["x-csrf-token"], last["Cookie"]) == ("T2", "new=2")


def test_a_token_refused_twice_is_an_outage_and_no_endless_loop(http: responses.RequestsMock) -> None:
    http.add(responses.POST, BATCH, status=403, headers={"x-csrf-token": "Required"})
    http.add(responses.GET, ROOT, headers={"x-csrf-token": "T1"})
    [[result]] = client().write([[POST]])
    assert isinstance(result, Unknown)
    assert result.outage
    assert len(http.calls) == 3


def test_a_root_without_a_token_is_named(http: responses.RequestsMock) -> None:
    http.add(responses.POST, BATCH, status=403, headers={"x-csrf-token": "Required"})
    http.add(responses.GET, ROOT, body="<html/>")
    with pytest.raises(Malformed, match="no CSRF token"):
        ask(client(), [Query("ContactCollection")])


def test_threads_whose_token_was_refused_share_one_new_one() -> None:
    """Four threads come back with the same refused login; the root is asked once."""
    with responses.RequestsMock() as http:
        http.add(responses.GET, ROOT, headers={"x-csrf-token": "T1"})
        session = client()._session
        refused = session._login
        found: list[Any] = []
        threads = [threading.Thread(target=lambda: found.append(session._renewed(refused))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(login) for login in found}) == 1
        assert len(http.calls) == 1


# ---- statuses of a whole answer


@pytest.mark.parametrize(
    ("status", "expected", "word"),
    [
        (401, Denied, "C4C_USERNAME"),
        (403, Denied, "communication arrangement"),
        (307, Malformed, "C4C_BASE_URL"),
        (429, Unavailable, "429"),
        (500, Unavailable, "500"),
        (503, Unavailable, "503"),
    ],
)
def test_what_a_status_means_for_a_read(
    http: responses.RequestsMock, status: int, expected: type[RemoteError], word: str
) -> None:
    http.add(responses.POST, BATCH, status=status, headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(expected, match=re.escape(word)):
        ask(client(), [Query("ContactCollection")])
    tries = 3 if expected is Unavailable else 1
    assert len(http.calls) == tries


@pytest.mark.parametrize("status", [429, 500, 502, 503, 307])
def test_a_write_is_never_sent_twice_and_its_end_is_unknown(http: responses.RequestsMock, status: int) -> None:
    http.add(responses.POST, BATCH, status=status)
    [[result]] = client().write([[POST]])
    assert isinstance(result, Unknown)
    assert result.outage
    assert len(http.calls) == 1


@pytest.mark.parametrize(
    "error", [requests.Timeout(), requests.ConnectionError(), requests.exceptions.ChunkedEncodingError()]
)
def test_a_write_that_times_out_is_unknown_never_failed(http: responses.RequestsMock, error: Exception) -> None:
    http.add(responses.POST, BATCH, body=error)
    [[result]] = client().write([[POST]])
    assert isinstance(result, Unknown)
    assert result.outage
    assert len(http.calls) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_stop_writing_at_once(http: responses.RequestsMock, status: int) -> None:
    http.add(responses.POST, BATCH, status=status)
    [[result]] = client().write([[POST]])
    assert isinstance(result, Aborted)
    assert isinstance(result.error, Denied)


def test_a_read_is_repeated_after_an_outage_and_honours_the_pause_asked_for(http: responses.RequestsMock) -> None:
    http.add(responses.POST, BATCH, status=503, headers={"Retry-After": "7"})
    batch(http, part(503))
    batch(http, part(200, rows({"ObjectID": "A1"})))
    pauses: list[float] = []
    found = ask(client(sleep=pauses.append), [Query("ContactCollection")])
    assert [row["ObjectID"] for row in found[0]] == ["A1"]
    assert pauses[0] == 7


@pytest.mark.parametrize(
    "body",
    ["<html>Back soon</html>", "{}", "", answer(), answer(part(200, "no json")), NONSENSE],
)  # fmt: skip
def test_an_answer_that_is_none_is_never_an_empty_one(http: responses.RequestsMock, body: str) -> None:
    http.add(responses.POST, BATCH, body=body, content_type=MIXED if "--r" in body else "text/html")
    with pytest.raises(Malformed):
        ask(client(), [Query("ContactCollection")])


def test_sap_message_on_a_whole_answer_makes_its_writes_unknown(http: responses.RequestsMock) -> None:
    message = json.dumps({"severity": "error", "message": "Not saved", "details": []})
    batch(http, changeset(part(201, ONE)), headers={"sap-message": message})
    [[result]] = client().write([[POST]])
    assert isinstance(result, Unknown)


def test_a_batch_refused_as_a_whole_is_taken_apart_so_that_one_record_stops_no_other(
    http: responses.RequestsMock,
) -> None:
    def judge(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        text = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
        if "BAD" in text:
            return 400, {}, '{"error":{"code":"X","message":{"value":"Malformed batch"}}}'
        number = text.count("POST ContactCollection")
        return 202, {"Content-Type": MIXED}, answer(*[changeset(part(201, ONE))] * number)

    http.add_callback(responses.POST, BATCH, judge, content_type=None)
    groups = [[Operation("POST", "ContactCollection", {"LastName": name})] for name in ("A1", "BAD", "C1", "D1", "E1")]
    results = [group[0] for group in client().write(groups)]
    assert [type(result) for result in results] == [Written, RefusedRequest, Written, Written, Written]


# ---- parts of a batch


@pytest.mark.parametrize("outer", [200, 202])
@pytest.mark.parametrize("shape", ["nested", "single"])
def test_a_failed_changeset_is_read_in_both_framings_and_parts_match_by_order(
    http: responses.RequestsMock, outer: int, shape: str
) -> None:
    failed = part(400, {"error": {"code": "C", "message": {"lang": "en", "value": "City is wrong"}}})
    batch(
        http,
        changeset(part(201, ONE)),
        changeset(failed) if shape == "nested" else failed,
        changeset(part(204)),
        status=outer,
    )
    batch(http, failed)
    patch = Operation("PATCH", "ContactCollection('A1')", {"JobTitle": "CTO"}, 'W/"1"')
    [first, second, third] = [group[0] for group in client().write([[POST], [POST], [patch]])]
    assert isinstance(first, Written)
    assert first.record is not None
    assert first.record.object_id == "A1"
    assert second == Rejected("C: City is wrong")
    assert third == Written()


def test_a_rejected_record_is_tried_again_alone(http: responses.RequestsMock) -> None:
    batch(http, part(400, {"error": {"message": "rolled back"}}), changeset(part(201, ONE)))
    batch(http, changeset(part(201, ONE)))
    results = client().write([[POST], [POST]])
    assert all(isinstance(group[0], Written) for group in results)
    assert http.calls[1].request.body.decode().count("POST ContactCollection") == 1


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (part(412), Conflict),
        (part(404, {"error": {"message": {"value": "gone"}}}), Gone),
        (part(400, {"error": {"message": {"value": "Account is locked by user MEIER"}}}), Locked),
        (part(409, "<error xmlns='x'><message xml:lang='en'>Object Locked By X</message></error>"), Locked),
        (part(500), Unknown),
        (part(503), Unknown),
        (part(429), Unknown),
        (part(400), Rejected),
        (part(403, {"error": {"message": {"value": "No authorization"}}}), Rejected),
    ],
)  # fmt: skip
def test_what_a_part_means_for_its_record(http: responses.RequestsMock, one: str, expected: type[Any]) -> None:
    result = write(http, one, Operation("PATCH", "ContactCollection('A1')", {"JobTitle": "CTO"}, 'W/"1"'))
    assert isinstance(result, expected)
    if isinstance(result, Unknown):
        assert not result.outage
    if isinstance(result, Rejected):
        assert result.denied == ("HTTP/1.1 403" in one)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_sap_message_of_severity_error_on_a_success_is_no_success(http: responses.RequestsMock, status: int) -> None:
    detail = {"code": "/APBP/CENT:003", "message": "Cannot maintain internal field", "severity": "error"}
    message = {
        "code": "ODATA_ERROR",
        "message": "Error occurred during processing",
        "severity": "error",
        "details": [detail],
    }
    result = write(http, changeset(part(status, ONE, sap_message=json.dumps(message))))
    assert result == Doubtful("/APBP/CENT:003: Cannot maintain internal field")


@pytest.mark.parametrize("severity", ["info", "warning", "success"])
def test_other_sap_messages_are_no_failure(http: responses.RequestsMock, severity: str) -> None:
    message = json.dumps({"severity": severity, "message": "Check the address", "details": []})
    assert isinstance(write(http, changeset(part(201, ONE, sap_message=message))), Written)


@pytest.mark.parametrize("shape", ["d.results", "d"])
def test_the_created_record_is_read_from_both_envelopes_with_its_etag_verbatim(
    http: responses.RequestsMock, shape: str
) -> None:
    body = ONE if shape == "d.results" else {"d": ONE["d"]["results"]}
    result = write(http, changeset(part(201, body)))
    assert isinstance(result, Written)
    assert result.record is not None
    assert result.record.version == "W/\"datetimeoffset'2015-02-03T21%3A07%3A03.5328420Z'\""


@pytest.mark.parametrize("body", ["", "<entry/>", {"d": {"results": {}}}, {"d": {"results": []}}])
def test_a_created_record_that_is_not_shown_is_looked_up_and_not_created_again(
    http: responses.RequestsMock, body: Any
) -> None:
    assert isinstance(write(http, changeset(part(201, body))), Unknown)


def test_an_error_text_is_short_and_says_nothing_about_the_person(http: responses.RequestsMock) -> None:
    text = "Sommerfeld, ada.sommerfeld@mail.example, phone +49 (40) 123 456 is 'secret' " + "x" * 500
    result = write(http, part(400, {"error": {"code": "C1", "message": {"value": text}}}))
    assert isinstance(result, Rejected)
    assert len(result.message) <= 200
    assert not re.search(r"Sommerfeld|ada|mail|456|secret", result.message)


def test_values_of_children_are_kept_out_of_error_texts_too(http: responses.RequestsMock) -> None:
    nested = Operation("POST", "BusinessAttributeAssignmentCollection", {"Item": [{"Value": "Rheumatism"}]})
    result = write(http, part(400, {"error": {"message": {"value": "Value Rheumatism is unknown"}}}), nested)
    assert result == Rejected("Value … is unknown")


# ---- reading on


def test_next_links_are_followed_to_the_end_whatever_they_are_relative_to(http: responses.RequestsMock) -> None:
    batch(http, part(200, rows({"ObjectID": "1"}, next_=f"{ROOT}ContactCollection?$skiptoken=2")))
    batch(http, part(200, rows({"ObjectID": "2"}, next_=f"{SERVICE}ContactCollection?$skiptoken=3")))
    batch(http, part(200, rows({"ObjectID": "3"})))
    [found] = ask(client(), [Query("ContactCollection")])
    assert [row["ObjectID"] for row in found] == ["1", "2", "3"]
    for call, token in zip(list(http.calls)[1:], "23", strict=True):
        assert f"GET ContactCollection?$skiptoken={token} HTTP/1.1" in call.request.body.decode()


def test_a_next_link_to_another_host_is_not_followed(http: responses.RequestsMock) -> None:
    batch(http, part(200, rows(next_=f"https://elsewhere.example{SERVICE}ContactCollection?$skiptoken=2")))
    with pytest.raises(Malformed, match="another host"):
        ask(client(), [Query("ContactCollection")])


def test_deep_inserts_fill_a_batch_sooner_and_a_large_group_keeps_its_order(http: responses.RequestsMock) -> None:
    def all_created(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        text = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
        return 202, {"Content-Type": MIXED}, answer(*[changeset(part(201, ONE))] * text.count("POST "))

    http.add_callback(responses.POST, BATCH, all_created, content_type=None)
    port = client(batch_operations=4, parallel=1)
    deep = Operation("POST", "MarketingPermissionCollection", {"ChannelPermission": [{}, {}, {}]})
    port.write([[deep], [deep], [POST], [POST]])
    assert [call.request.body.decode().count("POST ") for call in http.calls] == [1, 1, 2]
    http.calls.reset()
    port.write([[Operation("POST", "LeadCollection", {"Name": f"n{n}"}) for n in range(6)]])
    bodies = [call.request.body.decode() for call in http.calls]
    assert [re.findall(r'"n(\d)"', body) for body in bodies] == [["0", "1", "2", "3"], ["4", "5"]]
