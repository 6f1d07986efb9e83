"""The real C4C client on the wire: tokens, failures, and what an answer is believed to say."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import Any

import pytest
import requests
from c4c_wire import (
    BASE,
    BATCH,
    ROOT,
    SAP_ERROR,
    Answer,
    ask,
    batch,
    changed,
    changeset,
    client,
    created,
    failed,
    part,
    rows,
    sent_in,
    staff,
)
from responses import RequestsMock
from running import TIMEOUT

from sync.c4c.client import C4CClient
from sync.c4c.odata import Operation, Query
from sync.errors import Denied, Malformed, Refused, SyncError, Unavailable
from sync.net.credentials import Password
from sync.planner.snapshot import Record
from sync.planner.target import (
    Aborted,
    Conflict,
    Doubtful,
    Duplicate,
    Gone,
    Locked,
    RefusedRequest,
    Rejected,
    Unknown,
    WriteResult,
    Written,
)

QUERY = Query("LeadCollection", "ID eq '1'")
CREATE = Operation("POST", "LeadCollection", {"Name": "Muster"})
CHANGE = Operation("PATCH", "LeadCollection('O1')", {"Name": "Muster"}, "W/1")
REQUIRED = (403, {"x-csrf-token": "Required"}, "")


@pytest.fixture
def wire() -> Iterator[RequestsMock]:
    """The wire; whatever is not registered is refused."""
    with RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def answering(wire: RequestsMock, *answers: Answer | Exception, method: str = "POST", url: str = BATCH) -> None:
    """These answers one after the other; the last one for ever."""
    script = chain(answers, repeat(answers[-1]))

    def answer(_: requests.PreparedRequest) -> Answer:
        found = next(script)
        if isinstance(found, Exception):
            raise found
        return found

    wire.add_callback(method, url, callback=answer)


def requests_of(wire: RequestsMock, method: str = "POST") -> list[requests.PreparedRequest]:
    return [call.request for call in wire.calls if call.request.method == method]


def write_one(operation: Operation = CREATE, **changes: Any) -> WriteResult:
    [[result]] = client(**changes).write([[operation]])
    return result


# ---- what every request carries


def test_a_batch_as_c4c_wants_it(wire: RequestsMock) -> None:
    answering(wire, batch(rows()), batch(created(), changed()))
    c4c = client()
    ask(c4c, [QUERY])
    c4c.write([[CREATE, CHANGE]])
    for request in requests_of(wire):
        assert request.url == BATCH
        assert request.headers["Authorization"] == "Basic " + base64.b64encode(b"sync:hidden").decode()
        assert request.headers["Content-Type"].startswith("multipart/mixed; boundary=batch_")
        assert request.headers["odata-no-codedescs"] == "true"
        assert request.headers["Accept-Language"] == "en"
    read, create, change = (sent for request in requests_of(wire) for sent in sent_in(request))
    assert (read.method, read.path) == ("GET", QUERY.url())
    assert (create.method, create.path, create.fields) == ("POST", "LeadCollection", {"Name": "Muster"})
    assert (change.method, change.headers["if-match"]) == ("PATCH", "W/1")
    assert {sent.headers["accept"] for sent in (read, create, change)} == {"application/json"}
    assert {sent.headers["accept-language"] for sent in (read, create, change)} == {"en"}


def test_every_request_has_a_timeout(wire: RequestsMock) -> None:
    answering(wire, batch(rows()))
    ask(client(timeout=77), [QUERY])
    assert requests_of(wire)[0].req_kwargs["timeout"] == (10, 77)  # type: ignore[attr-defined]


def test_umlauts_of_a_password_are_utf_8(wire: RequestsMock) -> None:
    answering(wire, batch(rows()))
    ask(client(identity=Password.of("sync", "grün")), [QUERY])
    expected = base64.b64encode("sync:grün".encode()).decode()
    assert requests_of(wire)[0].headers["Authorization"] == f"Basic {expected}"


@pytest.mark.parametrize("base_url", [BASE, f"{BASE}/"])
def test_the_service_root_keeps_its_slash(base_url: str, wire: RequestsMock) -> None:
    answering(wire, batch(rows()))
    ask(C4CClient(base_url, Password.of("sync", "hidden")), [QUERY])
    assert requests_of(wire)[0].url == BATCH


def test_no_secret_shows_in_a_representation() -> None:
    assert "hidden" not in repr(client())


# ---- CSRF


TOKEN = (200, {"x-csrf-token": "T1", "Set-Cookie": "sap-XSRF_ABC_100=one; path=/; secure"}, "{}")


def test_no_token_is_fetched_where_none_is_wanted(wire: RequestsMock) -> None:
    answering(wire, batch(created()))
    assert isinstance(write_one(), Written)
    assert [(call.request.method, "x-csrf-token" in call.request.headers) for call in wire.calls] == [("POST", False)]


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(REQUIRED, id="by header"),
        pytest.param((403, {"x-csrf-token": "required"}, ""), id="by header in small letters"),
        pytest.param((403, {}, "<error><message>CSRF token validation failed</message></error>"), id="by text"),
    ],
)
def test_a_token_is_fetched_once_and_the_same_request_repeated(refusal: Answer, wire: RequestsMock) -> None:
    answering(wire, refusal, batch(created()))
    answering(wire, TOKEN, method="GET", url=ROOT)
    assert isinstance(write_one(), Written)
    first, fetch, second = (call.request for call in wire.calls)
    assert fetch.headers["x-csrf-token"] == "fetch"
    assert "x-csrf-token" not in first.headers
    assert second.headers["x-csrf-token"] == "T1"
    assert second.body == first.body


def test_all_cookies_are_returned_with_the_token(wire: RequestsMock) -> None:
    answering(wire, REQUIRED, batch(created()))

    def token(_: requests.PreparedRequest) -> tuple[int, list[tuple[str, str]], str]:
        cookies = [("Set-Cookie", "sap-XSRF_ABC_100=one; path=/; secure"), ("Set-Cookie", "other=two; path=/")]
        return 200, [("x-csrf-token", "T1"), *cookies], "{}"

    wire.add_callback("GET", ROOT, callback=token)
    write_one()
    cookie = requests_of(wire)[-1].headers["Cookie"]
    assert sorted(cookie.split("; ")) == ["other=two", "sap-XSRF_ABC_100=one"]


def test_a_token_serves_until_it_is_refused(wire: RequestsMock) -> None:
    answering(wire, REQUIRED, batch(created()), batch(created()), REQUIRED, batch(created()))
    second = (200, {"x-csrf-token": "T2", "Set-Cookie": "sap-XSRF_ABC_200=two; path=/"}, "{}")
    answering(wire, TOKEN, second, method="GET", url=ROOT)
    c4c = client()
    for _ in range(3):
        assert isinstance(c4c.write([[CREATE]])[0][0], Written)
    tokens = [request.headers.get("x-csrf-token") for request in requests_of(wire)]
    assert tokens == [None, "T1", "T1", "T1", "T2"]
    assert requests_of(wire)[-1].headers["Cookie"] == "sap-XSRF_ABC_200=two"


def test_a_token_that_is_refused_again_is_not_fetched_for_ever(wire: RequestsMock) -> None:
    answering(wire, REQUIRED)
    answering(wire, TOKEN, method="GET", url=ROOT)
    assert not isinstance(write_one(), Written)
    assert [call.request.method for call in wire.calls] == ["POST", "GET", "POST"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param((401, {}, ""), Denied, id="401"),
        pytest.param((503, {}, ""), Unavailable, id="503"),
        pytest.param((200, {}, "<html>"), Malformed, id="no token"),
    ],
)
def test_a_token_that_cannot_be_fetched(answer: Answer, error: type[SyncError], wire: RequestsMock) -> None:
    answering(wire, REQUIRED)
    answering(wire, answer, method="GET", url=ROOT)
    with pytest.raises(error):
        ask(client(), [QUERY])


def test_reads_in_a_batch_need_a_token_too(wire: RequestsMock) -> None:
    answering(wire, REQUIRED, batch(rows({"ObjectID": "O1"})))
    answering(wire, TOKEN, method="GET", url=ROOT)
    assert ask(client(), [QUERY]) == [[{"ObjectID": "O1"}]]


def test_threads_that_are_refused_together_fetch_one_token(wire: RequestsMock) -> None:
    refused = threading.Barrier(3, timeout=TIMEOUT)

    def answer(request: requests.PreparedRequest) -> Answer:
        if request.headers.get("x-csrf-token") == "T1":
            return batch(created())
        refused.wait()
        return REQUIRED

    wire.add_callback("POST", BATCH, callback=answer)
    answering(wire, TOKEN, method="GET", url=ROOT)
    results = client(parallel=3, batch_operations=1).write([[CREATE]] * 3)
    assert all(isinstance(result, Written) for [result] in results)
    assert len(requests_of(wire, "GET")) == 1


# ---- failures as a whole: status, words, what a read and a write make of it

NO_ANSWER = [requests.ConnectionError("cut"), requests.ReadTimeout("slow"), requests.ConnectTimeout("slow")]
HTML = (200, {"Content-Type": "text/html"}, "<html>Log on</html>")
XML = '<?xml version="1.0"?><error xmlns="x"><code>A/1</code><message xml:lang="en">No such field</message></error>'
JSON = '{"error":{"code":"A/1","message":{"lang":"en","value":"No such field"}}}'
AS_JSON, AS_XML = {"Content-Type": "application/json"}, {"Content-Type": "application/xml"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param((401, {}, ""), Denied, id="401"),
        pytest.param((403, {}, "no permission"), Denied, id="403"),
        pytest.param((400, AS_JSON, JSON), Refused, id="400"),
        pytest.param((404, AS_XML, XML), Refused, id="404"),
        pytest.param((307, {"Location": f"{BASE}/elsewhere"}, ""), Malformed, id="a redirect"),
        pytest.param((302, {"Location": "https://login.example/"}, ""), Malformed, id="a redirect to a log-on page"),
        pytest.param(HTML, Malformed, id="a page"),
        pytest.param((200, {}, ""), Malformed, id="nothing"),
        pytest.param(batch(rows(), rows()), Malformed, id="too many parts"),
        pytest.param(batch(), Malformed, id="no parts"),
        pytest.param(batch(rows(), sap_message=SAP_ERROR), Malformed, id="an error in spite of 2xx"),
        pytest.param(batch(failed(400)), Refused, id="a part of 400"),
        pytest.param(batch(failed(404)), Refused, id="a part of 404"),
        pytest.param(batch(part(200, "<html>")), Malformed, id="a part that is a page"),
        pytest.param(batch(part(200, {})), Malformed, id="a part without a list"),
        pytest.param(
            batch(part(200, {"d": {"results": []}}, sap_message=SAP_ERROR)), Refused, id="a part with an error message"
        ),
        pytest.param((202, batch()[1], b"\xff\xfe".decode("latin-1")), Malformed, id="no text"),
    ],
)
def test_a_refused_read_is_raised_at_once_and_never_empty(
    answer: Answer, error: type[SyncError], wire: RequestsMock
) -> None:
    answering(wire, answer)
    with pytest.raises(error) as raised:
        ask(client(), [QUERY])
    assert type(raised.value) is error
    assert len(wire.calls) == 1
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    "failure",
    [
        *(pytest.param((status, {}, "<html>"), id=str(status)) for status in (429, 500, 502, 503, 504)),
        *(pytest.param(failure, id=type(failure).__name__) for failure in NO_ANSWER),
        pytest.param(batch(failed(500)), id="a part of 500"),
        pytest.param(batch(part(503, "<html>")), id="a part of 503"),
        pytest.param(batch(part(429)), id="a part of 429"),
    ],
)
def test_a_read_is_repeated_after_what_may_pass(failure: Answer | Exception, wire: RequestsMock) -> None:
    naps: list[float] = []
    answering(wire, failure, failure, batch(rows({"ObjectID": "O1"})))
    assert ask(client(naps), [QUERY]) == [[{"ObjectID": "O1"}]]
    assert naps == [1, 2]


def test_a_read_gives_up_after_its_tries(wire: RequestsMock) -> None:
    answering(wire, (503, {}, ""))
    with pytest.raises(Unavailable):
        ask(client(), [QUERY])
    assert len(wire.calls) == 3


def test_the_pause_that_was_asked_for_is_kept(wire: RequestsMock) -> None:
    naps: list[float] = []
    answering(wire, (503, {"Retry-After": "7"}, ""), batch(rows()))
    ask(client(naps), [QUERY])
    assert naps == [7]


@pytest.mark.parametrize(
    "failure",
    [
        *(pytest.param((status, {}, "<html>"), id=str(status)) for status in (429, 500, 502, 503, 504)),
        *(pytest.param(failure, id=type(failure).__name__) for failure in NO_ANSWER),
        pytest.param(HTML, id="a page"),
        pytest.param((307, {"Location": f"{BASE}/elsewhere"}, ""), id="a redirect"),
        pytest.param(batch(), id="no parts"),
        pytest.param(batch(created(), created(), created()), id="too many parts"),
        pytest.param(batch(changeset(part(201), part(201)), created()), id="an answer of two to a changeset of one"),
    ],
)
def test_a_write_without_a_believable_answer_is_unknown_and_never_repeated(
    failure: Answer | Exception, wire: RequestsMock
) -> None:
    answering(wire, failure)
    results = client().write([[CREATE], [CHANGE]])
    assert [type(result) for [result] in results] == [Unknown, Unknown]
    assert all(result.outage for [result] in results if isinstance(result, Unknown))
    assert len(wire.calls) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_end_a_write(status: int, wire: RequestsMock) -> None:
    answering(wire, (status, {}, "no"))
    result = write_one()
    assert isinstance(result, Aborted)
    assert isinstance(result.error, Denied)
    assert "hidden" not in str(result.error)


EXPIRED = (401, {}, "")
BROKEN_TOKEN = (403, {"x-csrf-token": "Required"}, "")


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        pytest.param(EXPIRED, Aborted, id="refused credentials"),
        pytest.param(BROKEN_TOKEN, Aborted, id="a token that cannot be renewed"),
        pytest.param(RuntimeError("a bug"), Aborted, id="a bug"),
        pytest.param((503, {}, ""), Unknown, id="out of reach"),
        pytest.param(requests.ConnectionError("cut"), Unknown, id="cut"),
    ],
)
@pytest.mark.parametrize("parallel", [1, 2])
def test_one_bad_request_loses_no_result_of_the_others(
    bad: Answer | Exception, expected: type[WriteResult], parallel: int, wire: RequestsMock
) -> None:
    both = threading.Barrier(parallel, timeout=TIMEOUT)

    def answer(request: requests.PreparedRequest) -> Answer:
        [name] = names_in(request)
        both.wait()
        if name != "bad":
            return batch(created(name))
        if isinstance(bad, Exception):
            raise bad
        return bad

    wire.add_callback("POST", BATCH, callback=answer)
    answering(wire, EXPIRED, method="GET", url=ROOT)
    groups = [[named("good")], [named("bad")]]
    [[good], [lost]] = client(parallel=parallel, batch_operations=1).write(groups)
    assert isinstance(good, Written)
    assert good.record is not None
    assert good.record.object_id == "good"
    assert type(lost) is expected


def test_nothing_more_is_sent_once_the_credentials_are_refused(wire: RequestsMock) -> None:
    answering(wire, batch(created("O1")), EXPIRED)
    results = client(parallel=1, batch_operations=1).write([[CREATE]] * 5)
    assert [type(result) for [result] in results] == [Written, Aborted, Aborted, Aborted, Aborted]
    assert len(wire.calls) == 2


def test_credentials_refused_between_the_halves_of_a_batch_lose_neither_half(wire: RequestsMock) -> None:
    answering(wire, (400, {}, ""), batch(created("O1")), EXPIRED)
    [[first], [second]] = client().write([[CREATE], [CREATE]])
    assert isinstance(first, Written)
    assert isinstance(second, Aborted)


def test_credentials_refused_when_a_rejected_record_is_tried_alone_lose_nothing(wire: RequestsMock) -> None:
    answering(wire, batch(created("O1"), failed(400)), EXPIRED)
    [[first], [second]] = client().write([[CREATE], [CREATE]])
    assert isinstance(first, Written)
    assert isinstance(second, Aborted)


def test_a_batch_that_is_refused_as_a_whole_wrote_nothing(wire: RequestsMock) -> None:
    answering(wire, (400, AS_XML, XML))
    results = client().write([[CREATE, CHANGE]])
    assert [type(result) for result in results[0]] == [RefusedRequest, RefusedRequest]
    assert "A/1" in results[0][0].message  # type: ignore[union-attr]


def test_an_error_message_on_a_2xx_is_no_success(wire: RequestsMock) -> None:
    answering(wire, batch(created(), sap_message=SAP_ERROR))
    assert not isinstance(write_one(), Written)


# ---- what the parts say


@pytest.mark.parametrize(
    ("operation", "answer", "expected"),
    [
        pytest.param(CHANGE, changed(), Written(), id="changed"),
        pytest.param(CHANGE, failed(412), Conflict(), id="changed meanwhile"),
        pytest.param(CHANGE, part(412), Conflict(), id="changed meanwhile, without words"),
        pytest.param(CHANGE, changeset(failed(412)), Conflict(), id="changed meanwhile, nested"),
        pytest.param(CHANGE, failed(400, "Lead 1 is locked by user Tom"), Locked(), id="locked"),
        pytest.param(CHANGE, failed(500, "Record LOCKED BY Tom"), Locked(), id="locked, whatever the status"),
        pytest.param(
            CHANGE,
            changeset(part(204, sap_message=SAP_ERROR.replace("Cannot maintain internal field", "locked by Tom"))),
            Locked(),
            id="locked in spite of 2xx",
        ),
        pytest.param(CHANGE, part(400, XML), Rejected("A/1: No such field"), id="refused in XML"),
        pytest.param(CHANGE, failed(400, "No such field"), Rejected("A/1: No such field"), id="refused"),
        pytest.param(CHANGE, failed(400, "Datensatz wird vom Benutzer X gesperrt"), Locked(), id="locked, in German"),
        pytest.param(CHANGE, failed(423, "?"), Locked(), id="locked, by status"),
        pytest.param(CREATE, failed(409, "?"), Duplicate("A/1: ?"), id="a duplicate, by status"),
        pytest.param(CREATE, failed(400, "Account existe déjà"), Duplicate("A/1: Account existe déjà"), id="in French"),
        pytest.param(CHANGE, failed(404, "Not found"), Gone(), id="gone"),
        pytest.param(CREATE, failed(404, "Not found"), Rejected("A/1: Not found"), id="nowhere to create it"),
        pytest.param(CREATE, failed(403, "No"), Rejected("A/1: No", denied=True), id="a service that we may not use"),
        pytest.param(CHANGE, part(400, "<html>"), Rejected("status 400"), id="refused without words"),
        pytest.param(
            CHANGE,
            changeset(part(204, sap_message=SAP_ERROR)),
            Doubtful("/APBP/CENT:003: Cannot maintain internal field"),
            id="failed in spite of 204",
        ),
        pytest.param(
            CREATE,
            changeset(part(201, {"d": {"results": {"ObjectID": "O1"}}}, sap_message=SAP_ERROR)),
            Doubtful("/APBP/CENT:003: Cannot maintain internal field"),
            id="failed in spite of 201",
        ),
        pytest.param(
            CHANGE,
            changeset(part(204, sap_message=SAP_ERROR.replace('"error"', '"warning"'))),
            Written(),
            id="a warning",
        ),
        pytest.param(
            CREATE,
            changeset(part(201, {"d": {"ObjectID": "O1"}})),
            Written(Record("Lead", "O1", {"ObjectID": "O1"})),
            id="bare",
        ),
    ],
)
def test_result_of_a_part(operation: Operation, answer: str, expected: WriteResult, wire: RequestsMock) -> None:
    answering(wire, batch(answer))
    assert write_one(operation) == expected


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        pytest.param(CREATE, changeset(part(201, {"d": {"results": {}}})), id="created without ObjectID"),
        pytest.param(CREATE, changeset(part(201, {"d": {"results": {"ObjectID": ""}}})), id="with an empty ObjectID"),
        pytest.param(CREATE, changeset(part(201)), id="created without a body"),
        pytest.param(CREATE, changeset(part(204)), id="created without a word"),
        pytest.param(CREATE, changeset(part(201, "<entry/>")), id="created in Atom"),
        pytest.param(CREATE, failed(500, "Short dump"), id="the server broke"),
        pytest.param(CHANGE, failed(503, "Busy"), id="the server broke on a change"),
        pytest.param(CREATE, failed(429, "Busy"), id="too many requests"),
    ],
)
def test_a_part_that_leaves_open_what_happened(operation: Operation, answer: str, wire: RequestsMock) -> None:
    answering(wire, batch(answer))
    result = write_one(operation)
    assert isinstance(result, Unknown)
    assert not result.outage
    assert len(wire.calls) == 1


def test_a_created_record_shows_its_ids_and_etag(wire: RequestsMock) -> None:
    answering(wire, batch(created("O9", ID="17")))
    result = write_one()
    assert isinstance(result, Written)
    assert result.record is not None
    assert (result.record.object_id, result.record.text("ID"), result.record.version) == ("O9", "17", "W/1")


def test_one_bad_record_does_not_drag_others_down(wire: RequestsMock) -> None:
    answering(wire, batch(created("O1"), failed(400), created("O3")), batch(failed(400)))
    results = client().write([[CREATE], [CREATE], [CREATE]])
    assert [type(result) for [result] in results] == [Written, Rejected, Written]


def test_what_is_rejected_in_company_is_tried_once_more_alone(wire: RequestsMock) -> None:
    answering(wire, batch(created("O1"), failed(400)), batch(created("O2")))
    other = Operation("POST", "LeadCollection", {"Name": "Other"})
    [_, [result]] = client().write([[CREATE], [other]])
    assert isinstance(result, Written)
    assert [sent.fields["Name"] for sent in sent_in(requests_of(wire)[1])] == ["Other"]


def test_a_batch_that_is_not_understood_is_halved_until_the_bad_record_is_alone(wire: RequestsMock) -> None:
    def answer(request: requests.PreparedRequest) -> Answer:
        names = names_in(request)
        return (400, AS_JSON, JSON) if "bad" in names else batch(*(created(name) for name in names))

    wire.add_callback("POST", BATCH, callback=answer)
    results = client().write([[named("a")], [named("bad")], [named("c")], [named("d")]])
    assert [type(result) for [result] in results] == [Written, RefusedRequest, Written, Written]
    written = [name for request in requests_of(wire) for name in names_in(request) if "bad" not in names_in(request)]
    assert sorted(written) == ["a", "c", "d"]


# ---- redaction

PERSON = {
    "FirstName": "Ottilie",
    "LastName": "Ng",
    "Email": "ottilie.ng@acme.example",
    "Phone": "+49 221 1234",
    "Company": "Acme Maschinenbau",
    "Flag": True,
}


@pytest.mark.parametrize(
    ("message", "secrets"),
    [
        pytest.param("Name Ottilie is not allowed", ["Ottilie"], id="a sent value"),
        pytest.param("Value 'Grete' is not allowed", ["Grete"], id="a quotation"),
        pytest.param('Value "Grete" is not allowed', ["Grete"], id="a double quotation"),
        pytest.param("Mail ottilie@home.example exists", ["ottilie", "home.example"], id="an e-mail address"),
        pytest.param("Phone +49 30 7654321 exists", ["7654321"], id="a phone number"),
        pytest.param("Acme Maschinenbau, Ottilie: +49 221 1234", ["Acme", "Ottilie", "1234"], id="several"),
        pytest.param("Ng is no last name", ["Ng "], id="a short name"),
        pytest.param("Name OTTILIE is not allowed", ["OTTILIE"], id="a sent value in capitals"),
    ],
)
@pytest.mark.parametrize("whole", [False, True], ids=["part", "whole batch"])
def test_no_personal_data_in_a_refusal(message: str, secrets: list[str], whole: bool, wire: RequestsMock) -> None:
    body = json.dumps({"error": {"code": "A/1", "message": {"value": message}}})
    answering(wire, (400, AS_JSON, body) if whole else batch(part(400, body)))
    result = write_one(Operation("POST", "ContactCollection", PERSON))
    assert isinstance(result, RefusedRequest if whole else Rejected)
    assert [secret for secret in secrets if secret in result.message] == []
    assert "A/1" in result.message


def test_a_refusal_still_says_what_is_wrong(wire: RequestsMock) -> None:
    answering(wire, batch(failed(400, "Function 02 is not valid for department 0001")))
    assert write_one() == Rejected("A/1: Function 02 is not valid for department 0001")


def test_a_refusal_is_short(wire: RequestsMock) -> None:
    answering(wire, batch(failed(400, "no " * 500)))
    result = write_one()
    assert isinstance(result, Rejected)
    assert len(result.message) <= 200


# ---- pages


@pytest.mark.parametrize(
    "link",
    [
        pytest.param(f"{ROOT}LeadCollection?$filter=A%20eq%20%27%2B%27&$skiptoken=1001", id="absolute"),
        pytest.param(
            "/sap/c4c/odata/v1/c4codataapi/LeadCollection?$filter=A%20eq%20%27%2B%27&$skiptoken=1001", id="of this host"
        ),
    ],
)
def test_the_next_page_is_asked_for_as_the_link_says_and_of_nobody_else(link: str, wire: RequestsMock) -> None:
    answering(wire, batch(rows({"ObjectID": "1"}, following=link)), batch(rows({"ObjectID": "2"})))
    assert ask(client(), [QUERY]) == [[{"ObjectID": "1"}, {"ObjectID": "2"}]]
    [asked] = sent_in(requests_of(wire)[1])
    assert asked.path == "LeadCollection?$filter=A%20eq%20%27%2B%27&$skiptoken=1001"
    assert {request.url for request in requests_of(wire)} == {BATCH}


def test_a_link_to_another_host_gets_no_request(wire: RequestsMock) -> None:
    link = "https://evil.example/sap/c4c/odata/v1/c4codataapi/LeadCollection?$skiptoken=1001"
    answering(wire, batch(rows({"ObjectID": "1"}, following=link)), batch(rows()))
    with pytest.raises(Malformed):
        ask(client(), [QUERY])
    assert [request.url for request in requests_of(wire)] == [BATCH]


def test_pages_of_several_queries_stay_apart_and_in_order(wire: RequestsMock) -> None:
    answering(
        wire,
        batch(
            rows({"ObjectID": "1"}, following=f"{ROOT}L?1"),
            rows({"ObjectID": "10"}),
            rows({"ObjectID": "20"}, following=f"{ROOT}L?2"),
        ),
        batch(rows({"ObjectID": "2"}, following=f"{ROOT}L?3"), rows({"ObjectID": "21"})),
        batch(rows({"ObjectID": "3"})),
    )
    found = ask(client(), [QUERY, QUERY, QUERY])
    assert found == [
        [{"ObjectID": "1"}, {"ObjectID": "2"}, {"ObjectID": "3"}],
        [{"ObjectID": "10"}],
        [{"ObjectID": "20"}, {"ObjectID": "21"}],
    ]


def test_no_question_is_no_request(wire: RequestsMock) -> None:
    assert ask(client(), []) == []
    assert client().write([]) == []
    assert len(wire.calls) == 0


@pytest.mark.parametrize("link", [["a"], 7, "https://[x", "nowhere", "\ud83d"])
def test_a_link_that_is_none_is_a_malformed_answer(link: Any, wire: RequestsMock) -> None:
    answering(wire, batch(part(200, {"d": {"results": [{"ObjectID": "1"}], "__next": link}})), batch(rows()))
    with pytest.raises(Malformed):
        ask(client(), [QUERY])


def test_a_link_is_encoded_as_a_request_line_needs_it(wire: RequestsMock) -> None:
    link = f"{ROOT}LeadCollection?$filter=Name eq 'Süd%20%26\r\nX: y'&$skiptoken=1001"
    answering(wire, batch(rows({"ObjectID": "1"}, following=link)), batch(rows()))
    ask(client(), [QUERY])
    [asked] = sent_in(requests_of(wire)[1])
    assert asked.path == "LeadCollection?$filter=Name%20eq%20'S%C3%BCd%20%26%0D%0AX:%20y'&$skiptoken=1001"


def test_an_etag_that_no_header_can_hold_is_a_malformed_answer(wire: RequestsMock) -> None:
    row = {"ObjectID": "1", "__metadata": {"etag": 'W/"1"\r\nX: y'}}
    answering(wire, batch(rows(row)))
    with pytest.raises(Malformed, match="ETag"):
        ask(client(), [QUERY])
    answering(wire, batch(changeset(part(201, {"d": {"results": row}}))))
    assert isinstance(write_one(), Unknown)


def test_a_read_that_was_refused_names_entity_and_fields(wire: RequestsMock) -> None:
    answering(wire, batch(failed(400, "Value 'Ng' of 'ID' is wrong")))
    with pytest.raises(
        Refused, match="a read of Lead by ID was refused with status 400: A/1: Value … of 'ID' is wrong"
    ):
        ask(client(), [Query("LeadCollection", "ID eq 'Ng'")])


# ---- size and parallelism


def echoing(wire: RequestsMock, seen: Callable[[requests.PreparedRequest], None] = lambda _: None) -> None:
    """Answers each write with its own name, so that answers can be told apart."""

    def answer(request: requests.PreparedRequest) -> Answer:
        seen(request)
        sent = sent_in(request)
        return batch(*(rows() if s.method == "GET" else created(s.fields["Name"]) for s in sent))

    wire.add_callback("POST", BATCH, callback=answer)


def named(name: str) -> Operation:
    return Operation("POST", "LeadCollection", {"Name": name})


def names_in(request: requests.PreparedRequest) -> list[str]:
    return [sent.fields["Name"] for sent in sent_in(request)]


@pytest.mark.parametrize("parallel", [1, 4])
def test_groups_stay_in_one_batch_and_in_order(parallel: int, wire: RequestsMock) -> None:
    echoing(wire)
    sizes = [3, 2, 4, 1, 1, 5, 2]
    groups = [[named(f"{g}.{n}") for n in range(size)] for g, size in enumerate(sizes)]
    results = client(parallel=parallel, batch_operations=5).write(groups)
    batches = [names_in(request) for request in requests_of(wire)]
    for g, size in enumerate(sizes):
        [home] = [names for names in batches if any(name.startswith(f"{g}.") for name in names)]
        assert [name for name in home if name.startswith(f"{g}.")] == [f"{g}.{n}" for n in range(size)]
    assert max(map(len, batches)) <= 5
    found = [[r.record.object_id for r in group if isinstance(r, Written) and r.record] for group in results]
    assert found == [[f"{g}.{n}" for n in range(size)] for g, size in enumerate(sizes)]


def test_a_group_that_is_too_large_is_sent_in_its_order_one_batch_after_the_other(wire: RequestsMock) -> None:
    echoing(wire)
    client(parallel=4, batch_operations=5).write([[named(str(n)) for n in range(12)]])
    batches = [names_in(request) for request in requests_of(wire)]
    assert [name for names in batches for name in names] == [str(n) for n in range(12)]
    assert max(map(len, batches)) <= 5


def test_children_of_a_deep_insert_count(wire: RequestsMock) -> None:
    wire.add_callback("POST", BATCH, callback=lambda request: batch(*(created() for _ in sent_in(request))))
    deep = Operation("POST", "MarketingPermissionCollection", {"ChannelPermission": [{"Channel": "INT"}] * 3})
    client(batch_operations=8, parallel=1).write([[deep]] * 4)
    assert [len(sent_in(request)) for request in requests_of(wire)] == [2, 2]


def test_reads_are_packed_into_batches(wire: RequestsMock) -> None:
    echoing(wire)
    assert ask(client(parallel=1), [QUERY] * 250) == [[]] * 250
    assert [len(sent_in(request)) for request in requests_of(wire)] == [100, 100, 50]


@pytest.mark.parametrize("kind", ["read", "write"])
def test_as_many_requests_at_a_time_as_configured_and_no_more(kind: str, wire: RequestsMock) -> None:
    together = threading.Barrier(3, timeout=TIMEOUT)
    lock, active, most = threading.Lock(), [0], [0]

    def count(_: requests.PreparedRequest) -> None:
        with lock:
            active[0] += 1
            most[0] = max(most[0], active[0])
        together.wait()
        with lock:
            active[0] -= 1

    echoing(wire, count)
    c4c = client(parallel=3, batch_operations=1)
    if kind == "read":
        ask(c4c, [QUERY] * 900)
    else:
        c4c.write([[named(str(n))] for n in range(9)])
    assert most[0] == 3
    assert len(wire.calls) == 9


# ---- employees, metadata, code lists

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY, YESTERDAY, TOMORROW = "/Date(1795219200000)/", "/Date(1795132800000)/", "/Date(1795305600000)/"
FOR_EVER = "/Date(253402214400000)/"
EVA = {"UUID": "U1", "Email": " Eva@sales.example ", "UserLockedIndicator": False}


@pytest.mark.parametrize(
    ("row", "owns"),
    [
        pytest.param({}, True, id="without dates"),
        pytest.param({"EmployeeValidityEndDate": FOR_EVER}, True, id="for ever"),
        pytest.param({"EmployeeValidityEndDate": TODAY}, True, id="through the last day"),
        pytest.param({"EmployeeValidityEndDate": YESTERDAY}, False, id="expired"),
        pytest.param({"EmployeeValidityStartDate": TODAY}, True, id="since today"),
        pytest.param({"EmployeeValidityStartDate": TOMORROW}, False, id="not yet"),
        pytest.param({"UserLockedIndicator": True}, False, id="locked"),
        pytest.param({"UserLockedIndicator": "true"}, False, id="locked, as text"),
        pytest.param({"Email": ""}, False, id="without e-mail"),
        pytest.param({"UUID": None}, False, id="without UUID"),
    ],
)
def test_who_can_own(row: dict[str, Any], owns: bool, wire: RequestsMock) -> None:
    answering(wire, batch(rows(EVA | row)))
    found = staff(client(), NOW)
    assert [(employee.uuid, employee.email) for employee in found] == ([("U1", "Eva@sales.example")] if owns else [])


EDMX = """<Edmx><DataServices><Schema><EntityType Name="Lead"><Property Name="Name" Type="Edm.String" MaxLength="255"/>
</EntityType></Schema></DataServices></Edmx>"""


def test_only_the_metadata_of_some_entities_are_read(wire: RequestsMock) -> None:
    answering(wire, (200, AS_XML, EDMX), method="GET", url=f"{ROOT}$metadata")
    field = client().metadata(["Lead", "Contact"]).field("Lead", "Name")
    assert field is not None
    assert field.length == 255
    [request] = requests_of(wire, "GET")
    assert request.url == f"{ROOT}$metadata?$filter=Lead,Contact"
    assert request.headers["Accept"] == "application/xml"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(HTML, Malformed, id="a log-on page"),
        pytest.param((404, AS_XML, XML), Refused, id="not offered"),
        pytest.param((403, {}, ""), Denied, id="forbidden"),
    ],
)
def test_metadata_that_are_none(answer: Answer, error: type[SyncError], wire: RequestsMock) -> None:
    answering(wire, answer, method="GET", url=f"{ROOT}$metadata")
    with pytest.raises(error):
        client().metadata(["Lead"])


def test_code_lists(wire: RequestsMock) -> None:
    answering(wire, batch(rows({"Code": "002", "Description": "Web"}, {"Code": "Z01"}), failed(404)))
    assert client().codes(["Origins", "Missing"]) == {"Origins": {"002": "Web", "Z01": ""}}


def test_a_code_list_of_several_pages_is_read_to_its_end(wire: RequestsMock) -> None:
    answering(wire, batch(rows({"Code": "1"}, following=f"{ROOT}Codes?$skiptoken=1001")), batch(rows({"Code": "2"})))
    assert set(client().codes(["Codes"])["Codes"]) == {"1", "2"}


def test_masters_in_one_request(wire: RequestsMock) -> None:
    answering(wire, batch(rows(EVA), rows({"Code": "002"}), failed(404)))
    found = client().masters(["Origins", "Missing"], NOW)
    assert [employee.uuid for employee in found.employees or ()] == ["U1"]
    assert found.codes == {"Origins": {"002": ""}}
    assert len(wire.calls) == 1


def test_a_staff_service_that_is_not_enabled_is_not_an_empty_staff(wire: RequestsMock) -> None:
    answering(wire, batch(failed(403), rows({"Code": "002"})))
    assert client().masters(["Origins"], NOW).employees is None


def test_no_code_list_is_no_request(wire: RequestsMock) -> None:
    assert client().codes([]) == {}
    assert len(wire.calls) == 0


def test_requests_are_counted(wire: RequestsMock) -> None:
    answering(wire, REQUIRED, batch(rows()))
    answering(wire, TOKEN, method="GET", url=ROOT)
    c4c = client()
    ask(c4c, [QUERY])
    assert c4c.sent.total == 3
