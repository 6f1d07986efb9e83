"""Senseless answers of C4C are malformed, with the entity; none is a bug, none is "absent", and none is endless."""

from __future__ import annotations

import gzip
import json
import resource
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from c4c_wire import BATCH, ROOT, Answer, ask, batch, client, part, rows, staff
from hubspot_server import Answer as Sent
from hubspot_server import running
from responses import RequestsMock

from sync.c4c.client import C4CClient
from sync.c4c.odata import Operation, Query
from sync.errors import Malformed, Unavailable
from sync.net import bodies
from sync.net.credentials import Password
from sync.planner.target import Unknown

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
QUERY = Query("LeadCollection", "HubSpotID_KUT eq '51:mql:1'")
EMPLOYEE = {"ObjectID": "O1", "UUID": "U1", "Email": "eva@sales.example", "UserLockedIndicator": False}
ODD: list[Any] = [None, "", " ", "²", "A B", "it's", "\ud83d", "x" * 71, 5, True, [], {}]


@pytest.fixture
def wire() -> Iterator[RequestsMock]:
    with RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def answering(wire: RequestsMock, *answers: Answer) -> None:
    script = list(answers)
    wire.add_callback("POST", BATCH, callback=lambda _: script.pop(0) if len(script) > 1 else script[0])


@pytest.mark.parametrize("object_id", ODD, ids=repr)
def test_a_record_with_our_key_and_no_usable_id_is_malformed_and_not_absent(object_id: Any, wire: RequestsMock) -> None:
    answering(wire, batch(rows({"HubSpotID_KUT": "51:mql:1", "ObjectID": object_id})))
    with pytest.raises(Malformed, match="LeadCollection: a record came without a usable ObjectID"):
        ask(client(), [QUERY])


@pytest.mark.parametrize("object_id", ODD, ids=repr)
def test_a_created_record_without_a_usable_id_is_looked_up(object_id: Any, wire: RequestsMock) -> None:
    answering(wire, batch(part(201, {"d": {"results": {"ObjectID": object_id}}})))
    [[result]] = client().write([[Operation("POST", "LeadCollection", {"Name": "A"})]])
    assert result == Unknown("the created record has no ObjectID", outage=False)


@pytest.mark.parametrize(
    "payload",
    [
        {"d": {"results": [None]}},
        {"d": {"results": ["x"]}},
        {"d": {"results": {}}},
        {"d": 5},
        [],
        "x",
        {"d": {"results": [], "__next": []}},
        {"d": {"results": [], "__next": 5}},
    ],
    ids=str,
)
def test_a_list_in_another_form_is_malformed(payload: Any, wire: RequestsMock) -> None:
    answering(wire, batch(part(200, payload)))
    with pytest.raises(Malformed, match="LeadCollection"):
        ask(client(), [QUERY])


def test_a_document_nested_without_end_is_malformed(wire: RequestsMock) -> None:
    answering(wire, batch(part(200, {}).replace("{}", "[" * 200_000)))
    with pytest.raises(Malformed, match="LeadCollection"):
        ask(client(), [QUERY])


def test_half_a_surrogate_pair_becomes_a_replacement_character(wire: RequestsMock) -> None:
    answering(wire, batch(rows({"ObjectID": "O1", "Name": "Werft \ud83d", "ok\ude00": ["\ud83d"]})))
    assert ask(client(), [QUERY]) == [[{"ObjectID": "O1", "Name": "Werft \ufffd", "ok\ufffd": ["\ufffd"]}]]


def test_next_links_that_come_round_end_a_read(wire: RequestsMock) -> None:
    pages = [batch(rows({"ObjectID": "O1"}, following=f"{ROOT}L?$skiptoken={n}")) for n in "abab" * 5]
    answering(wire, *pages)
    with pytest.raises(Malformed, match="LeadCollection does not get on"):
        ask(client(), [QUERY])
    assert len(wire.calls) == 3


@pytest.mark.parametrize("asked", ["²", "-5", "nan", "1e400", "soon", "9" * 400])
def test_a_senseless_pause_is_none(asked: str, wire: RequestsMock) -> None:
    answering(wire, (503, {"Retry-After": asked.encode().decode("latin-1")}, ""), batch(rows({"ObjectID": "O1"})))
    naps: list[float] = []
    assert ask(client(naps), [QUERY]) == [[{"ObjectID": "O1"}]]
    assert all(0 <= nap <= 60 for nap in naps)


@pytest.mark.parametrize("name", ["UUID", "Email", "UserLockedIndicator", "ObjectID"])
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_no_field_of_an_employee_stops_the_others(name: str, odd: Any, wire: RequestsMock) -> None:
    other = EMPLOYEE | {"UUID": "U2"}
    answering(wire, batch(rows(EMPLOYEE | {name: odd}, other)))
    assert "U2" in [employee.uuid for employee in staff(client(), NOW)]


@pytest.mark.parametrize(
    ("start", "end", "owns"),
    [
        ("/Date(-62135769600000)/", "/Date(253402300800000)/", True),
        ("/Date(-99999999999999999999)/", None, True),
        ("0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", True),
        ("", "/Date(-62135769600000)/", False),
        ("²", None, False),
        (None, [], False),
        ({"a": 1}, None, False),
        (None, "soon", False),
    ],
)
def test_validity_since_ever_and_for_ever(start: Any, end: Any, owns: bool, wire: RequestsMock) -> None:
    valid = EMPLOYEE | {"EmployeeValidityStartDate": start, "EmployeeValidityEndDate": end}
    answering(wire, batch(rows(valid)))
    assert [employee.uuid for employee in staff(client(), NOW)] == (["U1"] if owns else [])


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_no_row_of_a_code_list_stops_the_others(odd: Any, wire: RequestsMock) -> None:
    answering(wire, batch(rows({"Code": odd, "Description": "?"}, {"Code": "002", "Description": odd})))
    found = client().codes(["LeadOriginTypeCodeCollection"])["LeadOriginTypeCodeCollection"]
    assert "002" in found
    assert all(isinstance(text, str) for text in found.values())
    assert len(found) == (2 if isinstance(odd, str) and odd else 1)


@pytest.mark.parametrize("odd", [None, "", 5, True, [], {}], ids=repr)
def test_a_code_list_without_a_code_is_not_readable(odd: Any, wire: RequestsMock) -> None:
    """As if it were not offered: a list that names no code closes no field."""
    answering(wire, batch(rows({"Code": odd, "Description": "Web site"}, {"Description": "Fair"})))
    assert client().codes(["LeadOriginTypeCodeCollection"]) == {}


def test_an_answer_that_unpacks_without_end_takes_no_memory() -> None:
    packed = gzip.compress(b" " * 10 * 2**20, mtime=0) * 120
    with running() as server:
        server.says(Sent(200, packed, {"Content-Encoding": "gzip"}))
        c4c = C4CClient(server.url, Password.of("sync", "hidden"), sleep=lambda seconds: None)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(Malformed, match="metadata: the answer has more than"):
            c4c.metadata(["Lead"])
        assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 3 * bodies.LARGEST


@pytest.mark.parametrize("trouble", ["cut", "reset"])
def test_a_cut_answer_is_an_outage(trouble: Any) -> None:
    with running() as server:
        server.says(Sent(200, json.dumps({"a": "b" * 1000}).encode(), trouble=trouble))
        c4c = C4CClient(server.url, Password.of("sync", "hidden"), sleep=lambda seconds: None)
        with pytest.raises(Unavailable):
            c4c.metadata(["Lead"])
