"""$batch framing, atomicity, and faults that strike one operation or the whole connection."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import requests
from c4c_api import Api, changeset, read_part
from conftest import Sandbox
from running import TIMEOUT

GOOD = {"Name": "A", "RoleCode": "BUP002"}
CREATE = ("POST", "CorporateAccountCollection", GOOD)
BAD = ("POST", "CorporateAccountCollection", {"Name": "A"})


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    sandbox.reset()
    return Api(sandbox.c4c, sandbox.username, sandbox.password)


def created(sandbox: Sandbox) -> int:
    return len(sandbox.get("/truth", system="c4c", entities="CorporateAccount")["c4c"]["CorporateAccount"])


def statuses(text: str) -> list[int]:
    return [int(status) for status in re.findall(r"HTTP/1\.1 (\d+)", text)]


def test_reads_and_changesets(api: Api) -> None:
    answer = api.batch(changeset(CREATE) + read_part("CorporateAccountCollection?$format=json") + "--b--\n")
    assert answer.status_code == 202
    assert answer.headers["content-type"] == "multipart/mixed; boundary=ejjeeffe0"
    assert statuses(answer.text) == [201, 200]
    assert re.search(r"Content-Length: {4,}\d+", answer.text)
    assert "location: " in answer.text
    assert "Content-ID" not in answer.text


def test_empty_parts_are_html(api: Api) -> None:
    api.send("POST", "CorporateAccountCollection", GOOD)
    object_id = api.rows("CorporateAccountCollection")[0]["ObjectID"]
    answer = api.batch(changeset(("PATCH", f"CorporateAccountCollection('{object_id}')", {"City": "Ulm"})) + "--b--\n")
    assert "HTTP/1.1 204 No Content\r\nContent-Type: text/html\r\nContent-Length: 0\r\n" in answer.text


def test_parts_are_atom_unless_they_ask(api: Api) -> None:
    answer = api.batch(read_part("CorporateAccountCollection") + "--b--\n")
    assert "application/atom+xml" in answer.text


def test_changeset_is_all_or_nothing(api: Api, sandbox: Sandbox) -> None:
    answer = api.batch(changeset(CREATE, CREATE, BAD) + changeset(CREATE) + "--b--\n")
    assert statuses(answer.text) == [400, 201]
    assert answer.text.count("ejjeeffe1--") == 1
    assert created(sandbox) == 1
    assert sandbox.get("/requests")["c4c"]["operations"]["create"] == {"CorporateAccount": 1}


def test_framing_by_setting(api: Api, sandbox: Sandbox) -> None:
    sandbox.patch("/c4c/settings", {"failed_changeset": "nested", "batch_status": 200})
    answer = api.batch(changeset(BAD) + "--b--\n")
    assert (answer.status_code, statuses(answer.text)) == (200, [400])
    assert "ejjeeffe1--" in answer.text


@pytest.mark.parametrize(
    "body",
    [
        read_part("CorporateAccountCollection").replace("\n\n\n", "\n\n") + "--b--\n",
        read_part("CorporateAccountCollection?$filter=Name eq 'A'") + "--b--\n",
        read_part("CorporateAccountCollection"),
        "hello",
    ],
    ids=["one blank line", "query not encoded", "no end", "no multipart"],
)
def test_bad_framing_refuses_the_batch(api: Api, body: str) -> None:
    assert api.batch(body).status_code == 400


CHANGE = changeset(CREATE)
LONG = "x" * 71


@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        pytest.param(CHANGE.replace("=c\n", "=b_0\n").replace("--c", "--b_0") + "--b--\n", "b", id="prefix"),
        pytest.param(CHANGE.replace("=c\n", "=b\n").replace("--c", "--b") + "--b--\n", "b", id="the same twice"),
        pytest.param(CHANGE.replace('{"Name"', '{\n--bad\n"Name"') + "--b--\n", "b", id="a line of a body"),
        pytest.param(CHANGE.replace("--b", f"--{LONG}") + f"--{LONG}--\n", LONG, id="too long a boundary"),
        pytest.param(CHANGE + "--b--\n", '"b "', id="a blank at the end of a boundary"),
        pytest.param(CHANGE + "--b--x\n", "b", id="text after the end"),
        pytest.param(CHANGE.replace("--c--\n", "") + "--b--\n", "b", id="a changeset without end"),
        pytest.param(CHANGE.replace("Content-Transfer-Encoding: binary\n", "") + "--b--\n", "b", id="no encoding"),
        pytest.param(CHANGE.replace("Accept: a", "Content-Length: 3\nAccept: a") + "--b--\n", "b", id="length"),
        pytest.param(CHANGE.replace("Accept: a", "Accept : a") + "--b--\n", "b", id="a blank before a colon"),
        pytest.param(CHANGE.replace("Accept: a", "Accept:\n a") + "--b--\n", "b", id="a folded header"),
        pytest.param(CHANGE.replace("json\nAccept", "json;charset=latin1\nAccept") + "--b--\n", "b", id="charset"),
        pytest.param(
            changeset(CREATE, CREATE).replace("binary\n\n", "binary\nContent-ID: 1\n\n") + "--b--\n",
            "b",
            id="a Content-ID twice",
        ),
        pytest.param(read_part("Leads%2").replace("\n\n\n", "\n\n\n") + "--b--\n", "b", id="half an escape"),
        pytest.param(read_part('Leads?$filter="A"') + "--b--\n", "b", id="quotes in an address"),
        pytest.param(read_part("Leads?$filter=ü") + "--b--\n", "b", id="an umlaut in an address"),
    ],
)
def test_what_the_standards_forbid_refuses_the_batch_without_effect(
    api: Api, sandbox: Sandbox, body: str, boundary: str
) -> None:
    assert api.batch(body, boundary).status_code == 400
    assert created(sandbox) == 0


def test_lines_end_in_crlf(api: Api) -> None:
    headers = {"Content_Type": "multipart/mixed; boundary=b"}
    assert api.send("POST", "$batch", (CHANGE + "--b--\n").encode(), **headers).status_code == 400


def test_a_condition_is_an_entity_tag(api: Api) -> None:
    object_id = api.create("CorporateAccountCollection", **GOOD)["ObjectID"]
    for tag, status in (("*", 204), ("yesterday", 400), ('W/"1"', 412), ('"1", W/"2"', 412)):
        answer = api.send("PATCH", f"CorporateAccountCollection('{object_id}')", {"City": "Ulm"}, If_Match=tag)
        assert (tag, answer.status_code) == (tag, status)


def test_texts_come_in_the_language_of_the_user_unless_the_part_itself_asks(api: Api, sandbox: Sandbox) -> None:
    sandbox.patch("/c4c/settings", {"language": "de", "mandatory": {"CorporateAccount": ["City"]}})
    asking = CHANGE.replace("Accept: ", "Accept-Language: en\nAccept: ")
    answers = [api.batch(body + "--b--\n").text for body in (CHANGE, asking)]
    assert ["ist ein Mussfeld" in text for text in answers] == [True, False]
    sandbox.patch("/c4c/settings", {"heeds_accept_language": False})
    assert "ist ein Mussfeld" in api.batch(asking + "--b--\n").text


def test_addresses_are_relative(api: Api) -> None:
    answer = api.batch(read_part("/sap/c4c/odata/v1/c4codataapi/LeadCollection") + "--b--\n")
    assert (answer.status_code, statuses(answer.text)) == (202, [404])


def test_long_filters_fit_into_a_batch(api: Api) -> None:
    text = "%20or%20".join(f"AccountID%20eq%20'{number}'" for number in range(1000))
    answer = api.batch(read_part(f"CorporateAccountCollection?$filter={text}") + "--b--\n")
    assert statuses(answer.text) == [200]


def test_encoded_parentheses(api: Api) -> None:
    answer = api.batch(read_part("CorporateAccountCollection%28%27NOPE%27%29") + "--b--\n")
    assert statuses(answer.text) == [404]


def test_batch_needs_a_token(api: Api) -> None:
    api.token = "none"
    assert api.batch(changeset(CREATE) + "--b--\n").status_code == 403


# --- faults


def test_lock_strikes_one_operation(api: Api, sandbox: Sandbox) -> None:
    sandbox.post("/faults", {"system": "c4c", "action": "lock", "body": '"Name": "B"'})
    other = ("POST", "CorporateAccountCollection", GOOD | {"Name": "B"})
    answer = api.batch(changeset(CREATE) + changeset(other) + "--b--\n")
    assert statuses(answer.text) == [201, 400]
    assert "locked by user SANDBOX" in answer.text


def test_sap_message_error_has_no_effect(api: Api, sandbox: Sandbox) -> None:
    sandbox.post("/faults", {"system": "c4c", "action": "sap_message_error"})
    answer = api.send("POST", "CorporateAccountCollection", GOOD)
    assert answer.ok
    assert '"severity": "error"' in answer.headers["sap-message"]
    assert created(sandbox) == 0


@pytest.mark.parametrize(("action", "effect"), [("cut_before", 0), ("cut_after", 1)])
def test_cut_connections(api: Api, sandbox: Sandbox, action: str, effect: int) -> None:
    api.fetch_token()
    sandbox.post("/faults", {"system": "c4c", "action": action, "method": "POST", "path": r"\$batch"})
    with pytest.raises(requests.ConnectionError):
        api.batch(changeset(CREATE) + "--b--\n")
    assert created(sandbox) == effect
    assert sandbox.get("/faults")[0]["fired"] == 1


@pytest.mark.parametrize(("action", "effect"), [("kill_before", 0), ("kill_after", 1)])
def test_kill(api: Api, sandbox: Sandbox, action: str, effect: int) -> None:
    api.fetch_token()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"]) as victim:
        sandbox.post("/faults", {"system": "c4c", "action": action, "pid": victim.pid})
        with pytest.raises(requests.ConnectionError):
            api.send("POST", "CorporateAccountCollection", GOOD)
        assert victim.wait(TIMEOUT) == -9
    assert created(sandbox) == effect


def test_truncated_answer(api: Api, sandbox: Sandbox) -> None:
    sandbox.post("/faults", {"system": "c4c", "action": "truncate"})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        api.get("CorporateAccountCollection")


def test_wrong_answers(api: Api, sandbox: Sandbox) -> None:
    api.fetch_token()
    for fault in (
        {"action": "html"},
        {"action": "empty"},
        {"action": "status", "status": 429, "headers": {"Retry-After": "3"}},
    ):
        sandbox.post("/faults", {"system": "c4c", **fault})
    assert "<html>" in api.get("LeadCollection").text
    assert api.get("LeadCollection").json() == {}
    answer = api.get("LeadCollection")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert api.get("LeadCollection").status_code == 200


def test_csrf_fault_and_skip(api: Api, sandbox: Sandbox) -> None:
    api.fetch_token()
    sandbox.post("/faults", {"system": "c4c", "action": "csrf_expired", "skip": 1})
    assert api.send("POST", "CorporateAccountCollection", GOOD).status_code == 201
    assert api.send("POST", "CorporateAccountCollection", GOOD).status_code == 403


def test_counters_replace_ids(api: Api, sandbox: Sandbox) -> None:
    api.get("LeadCollection('ABC')")
    counted = sandbox.get("/requests")
    assert counted["c4c"]["by"] == {"GET /sap/c4c/odata/v1/c4codataapi/LeadCollection('*')": 1}
    assert sandbox.get("/requests/log", system="c4c")[0]["status"] == 404
    sandbox.delete("/requests")
    assert sandbox.get("/requests")["c4c"]["total"] == 0
