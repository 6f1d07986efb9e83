"""Every field of every record of HubSpot holds a value that nobody can use: the other rows go on, over real HTTP."""

from __future__ import annotations

import contextlib
import copy
import gzip
import json
import resource
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hubspot_server import Answer, Portal, running

from sync.c4c.client import C4CClient
from sync.errors import Malformed, Unavailable
from sync.hubspot_client import Filter, HubSpotClient
from sync.net import bodies
from sync.net.credentials import Password
from sync.transport import RequestRetry

Call = Callable[[HubSpotClient], Any]


@pytest.fixture
def portal() -> Iterator[Portal]:
    with running() as portal:
        portal.says(Answer())
        yield portal


def hubspot_at(url: str) -> Any:
    return HubSpotClient(url, "t", timeout=0.5, retry=RequestRetry(1, 0), sleep=lambda seconds: None).labels()


def c4c_at(url: str) -> Any:
    client = C4CClient(url, Password.of("u", "p"), timeout=0.5, retry=RequestRetry(1, 0), sleep=lambda seconds: None)
    return client.metadata(["Lead"])


@contextmanager
def dripping(start: bytes, drop: bytes) -> Iterator[str]:
    """A server that sends the start of an answer at once and then drops, one after the other, without end."""
    over = threading.Event()

    class Drip(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(start)
            with contextlib.suppress(OSError):
                while not over.wait(0.05):
                    self.request.sendall(drop)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Drip) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            over.set()
            server.shutdown()
            thread.join()


WHEN = "2026-11-21T10:00:00.123Z"
CONTACT = {
    "id": "51",
    "properties": {"email": "a@b.example", "lead_score": "80", "lastmodifieddate": WHEN, "hs_merged_object_ids": None},
    "createdAt": WHEN,
    "updatedAt": WHEN,
    "archived": False,
}
COMPANY = {
    "id": "51",
    "properties": {"name": "Werft", "zip": "20457", "hs_lastmodifieddate": WHEN},
    "createdAt": WHEN,
    "updatedAt": WHEN,
    "archived": False,
}
LABEL = {"category": "USER_DEFINED", "typeId": 28, "label": "Buyer"}
ASSOCIATION = {"from": {"id": "51"}, "to": [{"toObjectId": 7, "associationTypes": [LABEL]}]}
OWNER = {"id": "51", "email": "a@b.example", "firstName": "A", "lastName": "B", "userId": 5, "archived": False}
PROPERTY = {"name": "51", "type": "enumeration", "options": [{"value": "a", "label": "A"}]}

SINCE = Filter("lastmodifieddate", "BETWEEN", "1795000000000", "1795003600000")


def found(read: Any) -> set[str]:
    """What names the rows that were read, whatever their kind."""
    if hasattr(read, "objects"):
        return {o.id for o in read.objects}
    if hasattr(read, "found"):
        return set(read.found)
    return {str(getattr(row, "id", None) or getattr(row, "name", None) or row.type_id) for row in read}


KINDS: dict[str, tuple[dict[str, Any], Call]] = {
    "contacts": (CONTACT, lambda h: h.search("contacts", [SINCE], "lastmodifieddate", ["email"])),
    "contacts by id": (CONTACT, lambda h: h.read("contacts", ["51", "9052"], ["email"])),
    "companies": (COMPANY, lambda h: h.search("companies", [SINCE], "hs_lastmodifieddate", ["name"])),
    "associations": (ASSOCIATION, lambda h: h.associations(["51", "9052"])),
    "labels": (LABEL, lambda h: h.labels()),
    "owners": (OWNER, lambda h: h.owners()),
    "properties": (PROPERTY, lambda h: h.properties("contacts")),
}

ODD: dict[str, Any] = {
    "null": None,
    "text": "\ud83d",
    "superscript": "²5",
    "empty": "",
    "20 digits": "99999999999999999999",
    "large": 10**30,
    "beyond all": 1e308,
    "true": True,
    "list": [],
    "list of nothing": [None],
    "object": {},
    "deep": {"a": [{"b": {}}]},
}


def places(row: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The row itself and every field in it, however deep."""
    yield at
    inside = row.items() if isinstance(row, dict) else enumerate(row) if isinstance(row, list) else ()
    for name, value in inside:
        yield from places(value, (*at, name))


def with_odd(row: Any, at: tuple[Any, ...], odd: Any) -> Any:
    if not at:
        return odd
    changed = copy.copy(row)
    changed[at[0]] = with_odd(row[at[0]], at[1:], odd)
    return changed


def renamed(row: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """A second record of the kind, with the name that it is found by."""
    if "from" in row:
        return row | {"from": {"id": "9052"}}, "9052"
    if "typeId" in row:
        return row | {"typeId": 9052}, "9052"
    return row | {"name" if "name" in row else "id": "9052"}, "9052"


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_of_a_record_stops_another_record(kind: str, portal: Portal) -> None:
    row, call = KINDS[kind]
    other, name = renamed(row)
    client = portal.client()
    for at in places(row):
        for said, odd in ODD.items():
            portal.says(Answer(body={"total": 2, "results": [with_odd(row, at, odd), other]}))
            read = call(client)
            assert name in found(read), (at, said)
            assert json.dumps(sorted(found(read)), ensure_ascii=False).encode()


@pytest.mark.parametrize("odd", ["", "²5", "５", "5.0", 5.5, True, [], {}, None, 10**30, "x"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "properties"])
def test_a_row_without_a_usable_id_is_left_out_and_counted(kind: str, odd: Any, portal: Portal) -> None:
    row, call = KINDS[kind]
    at = ("from", "id") if "from" in row else ("typeId",) if "typeId" in row else ("id",)
    other, name = renamed(row)
    portal.says(Answer(body={"total": 2, "results": [with_odd(row, at, odd), other]}))
    client = portal.client()
    assert found(call(client)) == {name}
    answers = 2 if kind == "owners" else 1
    assert sum(client.left_out.take().values()) == answers
    assert client.left_out.take() == {}


@pytest.mark.parametrize("odd", [[], {}, ["a"], {"a": 1}])
def test_a_value_that_nobody_can_read_is_marked_and_not_empty(odd: Any, portal: Portal) -> None:
    portal.says(Answer(body={"total": 1, "results": [with_odd(CONTACT, ("properties", "lead_score"), odd)]}))
    [row] = portal.client().search("contacts", [SINCE], "lastmodifieddate", ["email"]).objects
    assert row.unreadable == {"lead_score"}
    assert row.properties["email"] == "a@b.example"


@pytest.mark.parametrize("odd", [None, [], "x", 5])
def test_without_properties_all_that_was_asked_for_is_unreadable(odd: Any, portal: Portal) -> None:
    portal.says(Answer(body={"results": [CONTACT | {"properties": odd}]}))
    [row] = portal.client().read("contacts", ["51"], ["email"]).objects
    assert {"email"} <= row.unreadable


@pytest.mark.parametrize(("value", "shown"), [(True, "true"), (80, "80"), (80.5, "80.5"), ("a\ud83d", "a\ufffd")])
def test_values_in_another_json_form_are_texts(value: Any, shown: str, portal: Portal) -> None:
    portal.says(Answer(body={"results": [with_odd(CONTACT, ("properties", "email"), value)]}))
    [row] = portal.client().read("contacts", ["51"], ["email"]).objects
    assert row.properties["email"] == shown


@pytest.mark.parametrize("when", ["99999999999999999999", "179525520000²", "yesterday", "0001-01-01T00:00:00+05:00"])
def test_a_row_of_a_senseless_time_is_read(when: str, portal: Portal) -> None:
    odd = with_odd(CONTACT | {"updatedAt": when}, ("properties", "lastmodifieddate"), when)
    portal.says(Answer(body={"total": 1, "results": [odd]}))
    [row] = portal.client().search("contacts", [SINCE], "lastmodifieddate", ["email"]).objects
    assert row.id == "51"


@pytest.mark.parametrize(
    "to",
    [
        None,
        {},
        [None],
        [{"toObjectId": "²5", "associationTypes": [LABEL]}],
        [{"toObjectId": 7}],
        [{"toObjectId": 7, "associationTypes": [{}]}],
        [{"toObjectId": 7, "associationTypes": [LABEL | {"category": None}]}],
    ],
)
def test_associations_that_cannot_be_read_are_neither_known_nor_empty(to: Any, portal: Portal) -> None:
    portal.says(Answer(body={"results": [ASSOCIATION | {"to": to}, renamed(ASSOCIATION)[0]]}))
    read = portal.client().associations(["51", "9052"])
    assert (set(read.found), read.failed, read.unreadable) == ({"9052"}, frozenset(), {"51"})


# ---- the frame of an answer: malformed, with endpoint and field

NO_CURSOR: list[Any] = [[], [1], "x", 5, {"next": []}, {"next": "x"}, {"next": {"after": []}}, {"next": {"after": ""}}]


@pytest.mark.parametrize("paging", NO_CURSOR, ids=str)
@pytest.mark.parametrize("kind", ["contacts", "owners"])
def test_a_senseless_cursor_is_malformed(kind: str, paging: Any, portal: Portal) -> None:
    row, call = KINDS[kind]
    portal.says(Answer(body={"total": 1, "results": [row], "paging": paging}))
    with pytest.raises(Malformed, match=r"paging|next"):
        call(portal.client())


@pytest.mark.parametrize("total", [10**30, -1, "1", 1.5, True, None, [], {}], ids=str)
def test_a_senseless_total_is_malformed(total: Any, portal: Portal) -> None:
    portal.says(Answer(body={"total": total, "results": [CONTACT]}))
    with pytest.raises(Malformed, match=r"search of contacts.*total"):
        KINDS["contacts"][1](portal.client())


@pytest.mark.parametrize("rows", [None, {}, "x", 5, True, ["x", None, 5]], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_that_is_malformed_as_a_whole_fails(kind: str, rows: Any, portal: Portal) -> None:
    portal.says(Answer(body={"total": 1, "results": rows}))
    with pytest.raises(Malformed, match="results"):
        KINDS[kind][1](portal.client())


@pytest.mark.parametrize("errors", ["x", 5, {"a": 1}, True], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_errors_in_another_form_are_malformed(kind: str, errors: Any, portal: Portal) -> None:
    portal.says(Answer(body={"total": 1, "results": [KINDS[kind][0]], "errors": errors}))
    with pytest.raises(Malformed):
        KINDS[kind][1](portal.client())


@pytest.mark.parametrize(
    "context", [None, [], "x", {"ids": "51"}, {"ids": [None, {}, "²5"]}, {"fromObjectId": 5}], ids=str
)
@pytest.mark.parametrize("kind", ["contacts by id", "associations"])
def test_an_error_entry_that_names_nobody_says_nothing_of_anybody(kind: str, context: Any, portal: Portal) -> None:
    entry = {
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "context": context,
    }
    portal.says(Answer(body={"results": [KINDS[kind][0]], "errors": [entry, None, "x"]}))
    read = KINDS[kind][1](portal.client())
    assert found(read) == {"51"}
    assert getattr(read, "missing", frozenset()) == frozenset()


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 200_000, b'{"total":' + b"9" * 5000 + b"}"])
@pytest.mark.parametrize("status", [200, 400, 503])
def test_a_document_without_end_is_no_bug(body: bytes, status: int, portal: Portal) -> None:
    portal.says(Answer(status, body))
    with pytest.raises((Malformed, Unavailable)) if status != 400 else pytest.raises(Exception, match="status 400"):
        KINDS["contacts"][1](portal.client())


@pytest.mark.parametrize("asked", ["²", "-5", "nan", "1e400", "soon", "9" * 400, ""])
def test_a_senseless_pause_is_none(asked: str, portal: Portal) -> None:
    naps: list[float] = []
    headers = {"Retry-After": asked.encode().decode("latin-1"), "X-HubSpot-RateLimit-Daily": "²"}
    row, call = KINDS["contacts"]
    portal.says(Answer(429, {}, headers), Answer(503, {}, headers), Answer(body={"total": 1, "results": [row]}))
    call(portal.client(naps))
    assert all(0 <= nap <= 60 for nap in naps)


@pytest.mark.parametrize("value", ["²", None, [], 10**30, "x", -1])
@pytest.mark.parametrize("name", ["usageLimit", "currentUsage", "resetsAt"])
def test_a_senseless_budget_is_none(name: str, value: Any, portal: Portal) -> None:
    row = {"usageLimit": 100, "currentUsage": 5, "resetsAt": "2026-11-22T00:00:00Z"}
    portal.says(Answer(body={"results": [row | {name: value}]}))
    budget = portal.client().usage()
    assert budget is None or (name == "resetsAt" and budget.resets_at is None)


# ---- no answer is endless


def page(row: dict[str, Any], after: str) -> Answer:
    return Answer(body={"total": 1, "results": [row], "paging": {"next": {"after": after}}})


def test_cursors_that_come_round_end_the_list_of_owners(portal: Portal) -> None:
    portal.says(*[page(OWNER, after) for after in "abab" * 5])
    with pytest.raises(Malformed, match="owners does not get on"):
        portal.client().owners()
    assert len(portal.asked) == 3


def test_cursors_that_come_round_end_the_paging_of_a_contact(portal: Portal) -> None:
    rows = [ASSOCIATION | {"paging": {"next": {"after": after}}} for after in "abab" * 5]
    portal.says(*[Answer(body={"results": [row]}) for row in rows])
    with pytest.raises(Malformed, match="does not get on"):
        portal.client().associations(["51"])
    assert len(portal.asked) == 3


def test_an_answer_that_unpacks_without_end_takes_no_memory(portal: Portal) -> None:
    bomb = gzip.compress(b" " * 10 * 2**20, mtime=0)
    packed = b"".join([bomb] * 120)
    portal.says(Answer(200, packed, {"Content-Encoding": "gzip"}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Malformed, match="search: the answer has more than"):
        KINDS["contacts"][1](portal.client())
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 3 * bodies.LARGEST


def test_an_answer_that_drips_ends() -> None:
    class Dripping:
        """A byte at each look at the clock, for ever."""

        closed = False

        def read1(self, size: int, decode_content: bool) -> bytes:
            del size, decode_content
            return b" "

        def close(self) -> None:
            self.closed = True

    seconds = iter(range(1000))
    dripping = Dripping()
    with pytest.raises(bodies.Overdue):
        bodies.whole_body(dripping, 60, lambda: float(next(seconds)))  # type: ignore[arg-type]
    assert dripping.closed
    assert next(seconds) == 62


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Slow: "


@pytest.mark.parametrize("client", [hubspot_at, c4c_at])
def test_a_head_that_drips_ends(client: Callable[[str], Any]) -> None:
    with dripping(HEAD, b"x") as url, pytest.raises(Unavailable):
        client(url)


@pytest.mark.parametrize("client", [hubspot_at, c4c_at])
def test_a_body_that_drips_ends(client: Callable[[str], Any]) -> None:
    with dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" ") as url, pytest.raises(Unavailable):
        client(url)
