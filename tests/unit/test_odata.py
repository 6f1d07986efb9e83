"""The wire format of C4C: what is sent must be what SAP's guide describes, what is read must survive its quirks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from requests_toolbelt import MultipartDecoder

from sync.c4c import odata
from sync.c4c.odata import Operation, Query
from sync.domain.values import same, wire

quick = examples(80)


# ---- literals and filters


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("Muster", "'Muster'", id="plain"),
        pytest.param("O'Brien", "'O''Brien'", id="a quote is doubled"),
        pytest.param("''", "''''''", id="only quotes"),
        pytest.param("", "''", id="empty"),
    ],
)
def test_literal(value: str, expected: str) -> None:
    assert odata.literal(value) == expected


@quick
@given(st.text())
def test_literal_can_be_read_back(value: str) -> None:
    match = re.fullmatch(r"'((?:[^']|'')*)'", odata.literal(value))
    assert match is not None
    assert match[1].replace("''", "'") == value


def test_guids_are_upper_case() -> None:
    wanted = "guid'00163E03-A070-1EE2-88BA-37FB8F5F50A9'"
    assert odata.guid_literal("00163e03-a070-1ee2-88ba-37fb8f5f50a9") == wanted


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        pytest.param("+49 151", "%2B49%20151", id="plus would be read as a blank"),
        pytest.param("O''Brien", "O%27%27Brien", id="quote"),
        pytest.param("A&B", "A%26B", id="ampersand would end the option"),
        pytest.param("1:mql:*", "1%3Amql%3A*", id="asterisk stays the wildcard it is"),
        pytest.param("50%", "50%25", id="percent"),
        pytest.param("a#b", "a%23b", id="hash would end the query"),
        pytest.param("Süd", "S%C3%BCd", id="umlaut"),
    ],
)
def test_encode(value: str, encoded: str) -> None:
    assert odata.encode(value) == encoded


@quick
@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_server_reads_the_filter_that_was_meant(value: str) -> None:
    wanted = odata.any_of("Email", [value])
    url = Query("ContactCollection", wanted).url()
    assert parse_qs(urlsplit(url).query, strict_parsing=True)["$filter"] == [wanted]


def test_or_stays_within_one_property() -> None:
    assert odata.any_of("TaxID", ["1", "2"]) == "TaxID eq '1' or TaxID eq '2'"
    assert odata.any_of("UUID", ["ab"], guid=True) == "UUID eq guid'AB'"


CHUNK_VALUES = st.lists(st.text(st.characters(codec="utf-8"), max_size=30), max_size=40)


@quick
@given(CHUNK_VALUES, st.integers(200, 900))
def test_chunks_hold_every_value_in_order_within_the_limit(values: list[str], limit: int) -> None:
    parts = list(odata.chunks("Email", values, limit=limit))
    terms = [f"Email eq {odata.literal(value)}" for value in values]
    assert " or ".join(parts) == " or ".join(terms)
    assert all(len(odata.encode(part)) <= limit or part in terms for part in parts)


def test_chunks_are_not_smaller_than_they_need_be() -> None:
    assert len(list(odata.chunks("Email", [f"a{n}@b.example" for n in range(100)], limit=6000))) == 1


def test_a_value_longer_than_the_limit_is_still_asked_for() -> None:
    long = "x" * 500
    assert list(odata.chunks("Name", ["a", long, "b"], limit=100)) == [
        "Name eq 'a'",
        f"Name eq '{long}'",
        "Name eq 'b'",
    ]


def test_nothing_is_asked_for_no_values() -> None:
    assert list(odata.chunks("Name", [])) == []


def test_chunks_of_guids() -> None:
    assert list(odata.chunks("UUID", ["ab", "cd"], guid=True)) == ["UUID eq guid'AB' or UUID eq guid'CD'"]


@pytest.mark.parametrize(
    ("query", "url"),
    [
        pytest.param(
            Query("LeadCollection", "ID eq '1'", ("ObjectID", "ID")),
            "LeadCollection?$filter=ID%20eq%20%271%27&$select=ObjectID,ID&$orderby=ObjectID&$format=json",
            id="everything, in a stable order",
        ),
        pytest.param(Query("CodeCollection", orderby=""), "CodeCollection?$format=json", id="nothing but the list"),
    ],
)
def test_query_url(query: Query, url: str) -> None:
    assert query.url() == url


@pytest.mark.parametrize(
    ("object_id", "path"),
    [
        pytest.param("00163E", "ContactCollection('00163E')", id="plain"),
        pytest.param("a'b", "ContactCollection('a''b')", id="quote"),
        pytest.param("a b/c", "ContactCollection('a%20b%2Fc')", id="encoded"),
    ],
)
def test_key_path(object_id: str, path: str) -> None:
    assert odata.key_path("ContactCollection", object_id) == path


# ---- entities and lists


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"d": {"results": {"ObjectID": "1"}}}, id="as C4C wraps it"),
        pytest.param({"d": {"ObjectID": "1"}}, id="as the standard has it"),
    ],
)
def test_one(payload: Any) -> None:
    assert odata.one(payload) == {"ObjectID": "1"}


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"d": {"results": [{"ObjectID": "1"}]}}, id="a list"),
        pytest.param({"d": []}, id="a bare list"),
        pytest.param({}, id="empty object"),
        pytest.param({"error": {}}, id="an error"),
        pytest.param([], id="no object"),
        pytest.param(None, id="null"),
    ],
)
def test_no_entity_is_an_error(payload: Any) -> None:
    with pytest.raises(ValueError, match="no entity"):
        odata.one(payload)


@pytest.mark.parametrize(
    ("payload", "rows", "following"),
    [
        pytest.param({"d": {"__count": "1", "results": [{"ID": "1"}]}}, [{"ID": "1"}], None, id="last page"),
        pytest.param({"d": {"results": [], "__next": "L?$skiptoken=1001"}}, [], "L?$skiptoken=1001", id="more"),
        pytest.param({"d": [{"ID": "1"}]}, [{"ID": "1"}], None, id="the oldest form"),
    ],
)
def test_many(payload: Any, rows: list[Any], following: str | None) -> None:
    assert odata.many(payload) == (rows, following)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({}, id="empty object"),
        pytest.param({"d": {}}, id="nothing under d"),
        pytest.param({"d": {"results": {"ID": "1"}}}, id="one entity"),
        pytest.param({"d": {"results": None}}, id="null"),
        pytest.param("<html>", id="text"),
    ],
)
def test_no_list_is_never_an_empty_list(payload: Any) -> None:
    with pytest.raises(ValueError, match="no list"):
        odata.many(payload)


ETAG = "W/\"datetimeoffset'2015-02-03T21%3A07%3A03.5328420Z'\""


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({"__metadata": {"etag": ETAG}, "ETag": "/Date(1422997623532)/"}, ETAG, id="verbatim"),
        pytest.param({"ETag": "/Date(1422997623532)/"}, None, id="never from the property"),
        pytest.param({"__metadata": {"uri": "x"}}, None, id="none"),
        pytest.param({"__metadata": None}, None, id="null"),
    ],
)
def test_etag(row: dict[str, Any], expected: str | None) -> None:
    assert odata.etag(row) == expected


# ---- values


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("/Date(1490902810849)/", datetime(2017, 3, 30, 19, 40, 10, 849000, UTC), id="milliseconds"),
        pytest.param("/Date(1490902810849+0000)/", datetime(2017, 3, 30, 19, 40, 10, 849000, UTC), id="with offset"),
        pytest.param("/Date(-86400000)/", datetime(1969, 12, 31, tzinfo=UTC), id="before 1970"),
        pytest.param("/Date(253402214400000)/", datetime(9999, 12, 31, tzinfo=UTC), id="for ever"),
        pytest.param("2017-04-02T00:00:00Z", datetime(2017, 4, 2, tzinfo=UTC), id="text"),
        pytest.param("2015-10-22T00:00:00", datetime(2015, 10, 22, tzinfo=UTC), id="text without zone"),
        pytest.param("2017-04-02T02:00:00+02:00", datetime(2017, 4, 2, tzinfo=UTC), id="text of another zone"),
        pytest.param(None, None, id="null"),
        pytest.param("", None, id="empty"),
    ],
)
def test_read_date(written: Any, expected: datetime | None) -> None:
    assert odata.read_date(written) == expected


def test_a_date_beyond_all_calendars_is_the_first_or_the_last_one() -> None:
    assert odata.read_date("/Date(99999999999999999)/") == datetime.max.replace(tzinfo=UTC)
    assert odata.read_date("/Date(-62135769600000)/") == datetime.min.replace(tzinfo=UTC)


@pytest.mark.parametrize("written", ["tomorrow", "/Date()/", "02.04.2017", "/Date(²)/", "/Date(" + "9" * 5000 + ")/"])
def test_no_date_is_none_and_never_an_error(written: str) -> None:
    assert odata.read_date(written) is None


@pytest.mark.parametrize(
    ("value", "edm_type", "expected"),
    [
        pytest.param(None, "Decimal", None, id="null"),
        pytest.param("Muster", "String", "Muster", id="text"),
        pytest.param("00163e03-a070-1ee2-88ba-37fb8f5f50a9", "Guid", "00163E03-A070-1EE2-88BA-37FB8F5F50A9", id="guid"),
        pytest.param("true", "Boolean", True, id="true as text"),
        pytest.param(False, "Boolean", False, id="false"),
        pytest.param("82", "Int32", 82, id="integer"),
        pytest.param("82.0", "Int32", 82, id="an integer with a useless fraction"),
        pytest.param("82.50", "Decimal", "82.5", id="a decimal is text"),
        pytest.param("100", "Decimal", "100", id="no exponent"),
        pytest.param(82, "Double", "82", id="number"),
        pytest.param("12345678901234", "Int64", "12345678901234", id="a long integer is text"),
    ],
)
def test_wire(value: Any, edm_type: str, expected: Any) -> None:
    found = wire(value, edm_type)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("value", "edm_type"),
    [
        pytest.param("yes", "Boolean", id="boolean"),
        pytest.param("many", "Decimal", id="decimal"),
        pytest.param("NaN", "Decimal", id="not a number"),
        pytest.param("Infinity", "Decimal", id="infinite"),
        pytest.param("many", "Int32", id="integer"),
        pytest.param("82.5", "Int32", id="an integer cannot hold a fraction"),
        pytest.param("40000", "Int16", id="too large for the type"),
    ],
)
def test_wire_refuses_what_does_not_fit(value: Any, edm_type: str) -> None:
    with pytest.raises(ValueError):
        wire(value, edm_type)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        pytest.param("82", "82.000000", True, id="decimals come padded"),
        pytest.param(82, "82.000000", True, id="number and text"),
        pytest.param("-1.5", "-1.50", True, id="negative"),
        pytest.param("82", "83", False, id="other numbers"),
        pytest.param("01", "1", False, id="codes keep their zeros"),
        pytest.param("007", "7", False, id="numbers of people, not numbers"),
        pytest.param("+49 1", "+49 1.0", False, id="phone numbers are text"),
        pytest.param("1e2", "100", False, id="no exponents"),
        pytest.param("", None, True, id="blank is null"),
        pytest.param(None, "x", False, id="null and text"),
        pytest.param("", "0", False, id="blank is not 0"),
        pytest.param(0, "0", True, id="0 is a value"),
        pytest.param(False, None, False, id="false is not blank"),
        pytest.param(True, "true", True, id="boolean as text"),
        pytest.param(False, "true", False, id="other boolean"),
        pytest.param(
            "00163e03-a070-1ee2-88ba-37fb8f5f50a9", "00163E03-A070-1EE2-88BA-37FB8F5F50A9", True, id="guids in any case"
        ),
        pytest.param("Muster", "MUSTER", False, id="text has its case"),
        pytest.param("a", "a", True, id="equal"),
    ],
)
def test_same(left: Any, right: Any, expected: bool) -> None:
    assert same(left, right) is expected
    assert same(right, left) is expected


# ---- writing a batch


def made(parts: Sequence[Query | str | Operation], *marks: str) -> odata.Multipart:
    return odata.batch(parts, marks or ("xyz",))


def parts_of(batch: odata.Multipart) -> list[Message]:
    """The parts of a batch, read by Python's own MIME parser; it raises what it would else note as a defect."""
    raw = f"Content-Type: {batch.content_type}\r\n\r\n{batch.body}".encode()
    whole = message_from_bytes(raw, policy=policy.compat32 + policy.strict)
    assert whole.is_multipart()
    return list(whole.get_payload())  # type: ignore[arg-type]


def request_in(part: Message) -> tuple[str, dict[str, str], str]:
    """(request line, headers in lower case, body) of an `application/http` part."""
    assert part.get_content_type() == "application/http"
    assert part["Content-Transfer-Encoding"] == "binary"
    text = str(part.get_payload()).replace("\r\n", "\n")
    head, _, body = text.partition("\n\n")
    line, *headers = head.split("\n")
    return line, {name.lower(): value for name, value in (header.split(": ", 1) for header in headers)}, body


def changes_in(part: Message) -> list[Message]:
    assert part.get_content_type() == "multipart/mixed"
    return list(part.get_payload())  # type: ignore[arg-type]


def test_a_read_is_followed_by_two_blank_lines_and_no_third() -> None:
    assert made([Query("ContactCollection")]).body == (
        "--batch_xyz\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        "GET ContactCollection?$orderby=ObjectID&$format=json HTTP/1.1\r\nAccept: application/json\r\n"
        "Accept-Language: en\r\n\r\n\r\n--batch_xyz--\r\n"
    )


def test_a_next_link_is_asked_for_as_it_is() -> None:
    [part] = parts_of(made(["ContactCollection?$skiptoken=1001&$filter=A%20eq%20%27%2B%27"]))
    assert request_in(part)[0] == "GET ContactCollection?$skiptoken=1001&$filter=A%20eq%20%27%2B%27 HTTP/1.1"


def test_each_write_is_a_changeset_of_its_own() -> None:
    writes = [Operation("POST", "LeadCollection", {"Name": n}) for n in ("A", "B")]
    parts = parts_of(made(writes))
    assert [len(changes_in(part)) for part in parts] == [1, 1]
    assert [part.get_boundary() for part in parts] == ["changeset_00000_xyz", "changeset_00001_xyz"]


def test_a_change_carries_its_etag_verbatim_and_asks_for_json() -> None:
    [change] = changes_in(parts_of(made([Operation("PATCH", "LeadCollection('1')", {"Name": "A"}, ETAG)]))[0])
    line, headers, _ = request_in(change)
    assert line == "PATCH LeadCollection('1') HTTP/1.1"
    assert headers["if-match"] == ETAG
    assert headers["accept"] == "application/json"
    assert headers["content-type"] == "application/json"


def test_without_an_etag_there_is_no_condition() -> None:
    assert "If-Match" not in made([Operation("POST", "LeadCollection", {"Name": "A"})]).body


def test_a_deletion_has_no_body_and_no_type_or_length_of_one() -> None:
    [change] = changes_in(parts_of(made([Operation("DELETE", "LeadCollection('1')", {}, ETAG)]))[0])
    line, headers, body = request_in(change)
    assert (line, body) == ("DELETE LeadCollection('1') HTTP/1.1", "")
    assert set(headers) == {"accept", "accept-language", "if-match"}


def test_a_record_without_values_is_an_empty_object() -> None:
    [change] = changes_in(parts_of(made([Operation("POST", "MarketingPermissionCollection")]))[0])
    assert request_in(change)[2] == "{}"


def test_every_part_asks_for_one_language() -> None:
    parts = parts_of(made([QUERY, Operation("POST", "LeadCollection", {"Name": "A"})]))
    texts = [request_in(parts[0]), request_in(changes_in(parts[1])[0])]
    assert [headers["accept-language"] for _, headers, _ in texts] == ["en", "en"]


QUERY = Query("ContactCollection")


def test_a_mark_that_occurs_in_a_body_makes_no_boundary() -> None:
    body = {"Note": "first\r\n--batch_m1\r\nsecond", "Name": "m2"}
    batch = made([Operation("POST", "LeadCollection", body)], "m1", "m2", "m3")
    assert batch.content_type == "multipart/mixed; boundary=batch_m3"
    assert json.loads(request_in(changes_in(parts_of(batch)[0])[0])[2]) == body


MARK = "0123456789abcdef" * 2
BODIES = st.dictionaries(
    st.text(st.characters(codec="ascii", categories=["Lu", "Ll"]), min_size=1, max_size=8),
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=30),
    min_size=1,
    max_size=4,
)


@quick
@given(st.lists(BODIES, min_size=1, max_size=4))
def test_bodies_arrive_as_they_were_meant(bodies: list[dict[str, Any]]) -> None:
    batch = made([Operation("POST", f"C{n}", body) for n, body in enumerate(bodies)], MARK)
    sent = [request_in(change) for part in parts_of(batch) for change in changes_in(part)]
    assert [line for line, _, _ in sent] == [f"POST C{n} HTTP/1.1" for n in range(len(bodies))]
    assert [json.loads(body) for _, _, body in sent] == bodies
    assert [int(headers["content-length"]) for _, headers, _ in sent] == [len(body.encode()) for _, _, body in sent]


# ---- readers that are not ours


def delimited(content_type: str, body: bytes) -> list[bytes]:
    """The parts by RFC 2046 5.1.1 to the letter: a line that begins with the delimiter is one, or the body is wrong."""
    delimiter = b"--" + content_type.partition("boundary=")[2].encode()
    parts: list[list[bytes]] = []
    closed = False
    assert body.endswith(b"\r\n")
    for line in body[:-2].split(b"\r\n"):
        assert b"\n" not in line
        assert b"\r" not in line
        if line.startswith(delimiter):
            assert not closed
            assert line in (delimiter, delimiter + b"--"), line
            closed = line != delimiter
            parts += [] if closed else [[]]
        else:
            parts[-1].append(line)
    assert closed
    return [b"\r\n".join(lines) for lines in parts]


def heads_and_bodies(content_type: str, body: bytes) -> list[tuple[bytes, bytes]]:
    """(content type, body) of each part, as requests-toolbelt reads them."""
    decoder = MultipartDecoder(body, content_type)
    return [(part.headers[b"Content-Type"], part.content) for part in decoder.parts]


ANY_PART = st.builds(Query, st.just("ContactCollection"), st.text(max_size=20).map(odata.literal)) | st.builds(
    Operation,
    st.sampled_from(["POST", "PATCH", "DELETE"]),
    st.text(st.characters(codec="utf-8"), max_size=10).map(lambda key: odata.key_path("LeadCollection", key)),
    BODIES,
    st.none() | st.just(ETAG),
)


@quick
@given(st.lists(ANY_PART, min_size=1, max_size=12))
def test_strange_readers_find_the_parts_that_were_meant(parts: list[Query | Operation]) -> None:
    batch = made(parts, MARK)
    found = heads_and_bodies(batch.content_type, batch.body.encode())
    assert [body for _, body in found] == [
        part.partition(b"\r\n\r\n")[2] for part in delimited(batch.content_type, batch.body.encode())
    ]
    assert len(found) == len(parts)
    for part, (kind, body) in zip(parts, found, strict=True):
        if isinstance(part, Query):
            assert kind == b"application/http"
            assert (
                body == f"GET {part.url()} HTTP/1.1\r\nAccept: application/json\r\nAccept-Language: en\r\n\r\n".encode()
            )
            continue
        [(inner_kind, inner)] = heads_and_bodies(kind.decode(), body + b"\r\n")
        assert inner_kind == b"application/http"
        assert inner.startswith(f"{part.method} {part.path} HTTP/1.1\r\n".encode())
        assert len(delimited(kind.decode(), body + b"\r\n")) == 1


@quick
@given(st.lists(ANY_PART, min_size=1, max_size=12))
def test_addresses_and_headers_have_only_what_the_standards_allow(parts: list[Query | Operation]) -> None:
    for line in made(parts, MARK).body.split("\r\n"):
        if line.endswith(" HTTP/1.1"):
            method, url, _ = line.split(" ")
            assert method in ("GET", "POST", "PATCH", "DELETE")
            assert re.fullmatch(r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-F]{2})+", url)


@quick
@given(st.integers(1, 40))
def test_no_boundary_begins_with_another(count: int) -> None:
    batch = made([Operation("POST", "LeadCollection", {"Name": "A"})] * count, MARK)
    boundaries = re.findall(r"boundary=(\S+)", f"{batch.content_type}\r\n{batch.body}")
    assert len(set(boundaries)) == count + 1
    assert not [(a, b) for a in boundaries for b in boundaries if a != b and a.startswith(b)]
    assert max(map(len, boundaries)) <= 70
