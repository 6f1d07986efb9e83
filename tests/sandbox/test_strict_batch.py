"""The frame of a `$batch` to the letter: RFC 2046, OData v2 batch processing, the C4C OData guide."""

from __future__ import annotations

import pytest
from strict_requests import (
    ASK,
    BOUNDARY,
    CHANGESET,
    ETAG,
    PART,
    batch,
    c4c,
    c4c_rules,
    changeset,
    joined,
    reading,
    writing,
)

from sandbox.strict.http.message import Message

ONE = "LeadCollection('X')"


def labelled(part: str, number: str) -> str:
    return part.replace("\r\n\r\n", f"\r\nContent-ID: {number}\r\n\r\n", 1)


@pytest.mark.parametrize(
    "message",
    [
        batch(reading()),
        batch(reading(), reading("ContactCollection('X')")),
        batch(changeset(writing()), reading(), changeset(writing("PATCH", ONE, head=f"{ASK}If-Match: {ETAG}\r\n"))),
        batch(changeset(writing(), writing(), boundary="c2"), changeset(writing(), boundary="c3")),
        batch(changeset(labelled(writing(), "1"), labelled(writing(), "2"))),
        batch(raw=joined((reading(),), "a b?=c"), content_type='multipart/mixed; boundary="a b?=c"'),
        batch(reading(f"LeadCollection?$filter={'%20or%20'.join(['ID%20eq%20%27x%27'] * 2000)}")),
        batch(changeset(writing(body={"Name": f"a --{BOUNDARY[:-1]} b"}))),
        batch(raw=joined((reading(),), BOUNDARY).removesuffix("\r\n")),
    ],
)
def test_batches_that_break_nothing_pass(message: Message) -> None:
    assert c4c_rules(message) == []


BODY = joined((reading(),), BOUNDARY)
NESTED = f"{BOUNDARY}_0"


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        # RFC 2046: delimiter lines
        (batch(changeset(writing(), boundary=NESTED)), "boundary-prefix"),
        (batch(changeset(writing(), boundary=BOUNDARY[:5])), "boundary-prefix"),
        (batch(changeset(writing(), boundary=BOUNDARY)), "epilogue"),
        (batch(changeset(writing(body={"Name": f"x --{BOUNDARY} y"}))), "boundary-in-part"),
        (batch(changeset(writing(body={"Name": f"x --{CHANGESET} y"}))), "boundary-in-part"),
        (batch(raw="preamble\r\n" + BODY), "preamble"),
        (batch(raw="\r\n" + BODY), "preamble"),
        (batch(raw=BODY + "epilogue"), "epilogue"),
        (batch(raw=BODY + "\r\n"), "epilogue"),
        (batch(raw=BODY.replace(f"--{BOUNDARY}\r\n", f"--{BOUNDARY} \r\n")), "transport-padding"),
        (batch(raw=BODY.removesuffix(f"--{BOUNDARY}--\r\n")), "close-delimiter"),
        (batch(raw=BODY.replace("\r\n", "\n")), "boundary-prefix"),
        (batch(raw=""), "preamble"),
        (batch(reading(), content_type="multipart/mixed"), "boundary"),
        (batch(reading(), content_type=f"multipart/mixed; boundary={'b' * 71}"), "boundary"),
        (batch(reading(), content_type='multipart/mixed; boundary="b "'), "boundary"),
        (batch(reading(), content_type="multipart/mixed; boundary=a=b"), "parameter"),
        (batch(reading(), content_type="application/json"), "content-type"),
        (c4c("POST", "$batch", BODY.encode(), content_type=f"multipart/mixed; boundary={BOUNDARY}"), "accept"),
        # the parts
        (batch(reading().replace("Content-Type: application/http\r\n", "Content-Type: text/plain\r\n")), "part-type"),
        (batch(reading().removeprefix("Content-Type: application/http\r\n")), "media-type"),
        (batch(reading().replace("Content-Transfer-Encoding: binary\r\n", "")), "transfer-encoding"),
        (batch(reading().replace("binary", "8bit")), "transfer-encoding"),
        (batch(f"Content-Length: 5\r\n{reading()}"), "part-length"),
        (batch(f"Content-Type: a/b\r\n{reading()}"), "part-header-twice"),
        (
            batch(reading().replace("Content-Type: application/http", "Content-Type:\r\n application/http")),
            "folded-line",
        ),
        (batch("no head at all"), "part-head"),
        # the requests in them
        (batch(reading().removesuffix("\r\n")), "head-end"),
        (batch(reading() + "\r\n"), "content-of-get"),
        (batch(reading().replace("HTTP/1.1", "HTTP/1.0")), "request-line"),
        (batch(reading(head="Accept : application/json\r\n")), "header-name"),
        (batch(reading("/LeadCollection")), "relative-target"),
        (batch(reading("http://127.0.0.1:8000/LeadCollection")), "relative-target"),
        (batch(reading("LeadCollection?$filter=Name%20eq%20'\"'")), "query-character"),
        (batch(reading("LeadCollection?$filter=Name eq 'x'")), "request-line"),
        (batch(reading("LeadCollection?$search=x")), "unknown-option"),
        (batch(reading("$metadata", head="Accept: */*\r\nAccept-Language: en\r\n")), "batch-target"),
        (batch(reading("LeadCollection", head="Accept-Language: en\r\n")), "accept"),
        (batch(reading(head="Accept: application/json\r\n")), "accept-language"),
        (batch(changeset(writing(head="Accept-Language: en\r\n"))), "accept"),
        (batch(changeset(writing().replace("Content-Length: 18", "Content-Length: 17"))), "content-length"),
        (batch(changeset(writing().replace("Content-Length: 18\r\n", ""))), "content-length"),
        (batch(changeset(writing().replace("Type: application/json", "Type: text/json"))), "content-type"),
        (batch(changeset(writing(body='{"Name": "A", "Name": "B"}'))), "json-member-twice"),
        (batch(changeset(writing("MERGE", ONE))), "method"),
        # who may stand where
        (batch(writing()), "write-outside-changeset"),
        (batch(changeset(reading())), "read-in-changeset"),
        (batch(changeset(changeset(writing(), boundary="inner"))), "part-type"),
        (batch(changeset(boundary="empty")), "no-part"),
        (batch(labelled(reading(), "1")), "content-id"),
        (batch(changeset(labelled(writing(), "1"), labelled(writing(), "1"))), "content-id"),
        (batch(changeset(labelled(writing(), "1")), changeset(labelled(writing(), "1"), boundary="c2")), "content-id"),
        (batch(*(changeset(writing(), boundary=f"c{n}") for n in range(51))), "batch-size"),
    ],
)
def test_batches_that_break_a_rule(message: Message, rule: str) -> None:
    assert c4c_rules(message) == [rule]


def test_one_bad_part_hides_no_other() -> None:
    bad = reading("LeadCollection?$top=x")
    assert c4c_rules(batch(bad, reading(), changeset(writing(head="")), bad)) == [
        "option-value", "accept-language", "accept", "option-value",
    ]  # fmt: skip


def test_a_part_without_headers_is_no_request() -> None:
    assert c4c_rules(batch(reading().removeprefix(PART).join(["\r\n", ""]))) == ["media-type"]
