"""Answers to a `$batch`: reading must survive C4C's quirks, and the quick reader must agree with the strict one."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from sync.c4c import multipart
from sync.c4c.multipart import Part

quick = examples(80)
ETAG = "W/\"datetimeoffset'2026-11-21T17%3A00%3A00.0000000Z'\""


def answer_part(status: int, body: str = "", **headers: str) -> str:
    """One part as C4C writes it: padded numbers, no Content-ID."""
    given_headers = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
    lines = [f"{name}: {value}" for name, value in given_headers.items()]
    inner = "\r\n".join(
        [f"HTTP/1.1 {status} Some Words", *lines, f"Content-Length:      {len(body.encode())}", "", body]
    )
    outer = "Content-Type: application/http\r\nContent-Length:      " + str(len(inner.encode()))
    return f"{outer}\r\ncontent-transfer-encoding: binary\r\n\r\n{inner}"


def nested(part: str, boundary: str = "ejjeeffe1") -> str:
    return f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n--{boundary}\r\n{part}\r\n--{boundary}--\r\n"


def answer(*parts: str, boundary: str = "ejjeeffe0") -> str:
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


def read(text: str, content_type: str = "multipart/mixed; boundary=ejjeeffe0") -> list[tuple[int, str]]:
    return [(part.status, part.body) for part in multipart.read_batch(content_type, text)]


def test_order_is_all_there_is() -> None:
    text = answer(*(nested(answer_part(201, f'{{"n":{n}}}')) for n in range(12)))
    assert read(text) == [(201, f'{{"n":{n}}}') for n in range(12)]


def test_a_failed_changeset_comes_alone_or_nested() -> None:
    text = answer(answer_part(400, "alone"), nested(answer_part(400, "nested")), nested(answer_part(201, "good")))
    assert read(text) == [(400, "alone"), (400, "nested"), (201, "good")]


def test_a_read_and_a_write_side_by_side() -> None:
    assert read(answer(answer_part(200, "[]"), nested(answer_part(201, "{}")))) == [(200, "[]"), (201, "{}")]


EMPTY = (
    "Content-Type: application/http\r\nContent-Length:      71\r\ncontent-transfer-encoding: binary\r\n\r\n"
    "HTTP/1.1 204 No Content\r\nContent-Type: text/html\r\nContent-Length: 0\r\ndataserviceversion: 2.0\r\n\r\n"
)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(EMPTY, id="as in the guide"),
        pytest.param(EMPTY + "\r\n", id="with a blank line more"),
        pytest.param("Content-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", id="without headers"),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False], ids=["nested", "alone"])
def test_a_change_is_answered_without_a_body(part: str, wrapped: bool) -> None:
    text = answer(nested(part) if wrapped else part, nested(answer_part(201, "next")))
    assert read(text) == [(204, ""), (201, "next")]


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        pytest.param("multipart/mixed; boundary=ejjeeffe0", "ejjeeffe0", id="bare"),
        pytest.param('multipart/mixed; boundary="a b(c)+?"', "a b(c)+?", id="quoted signs"),
        pytest.param("multipart/mixed;boundary=x;charset=utf-8", "x", id="followed by another parameter"),
    ],
)
def test_boundaries(content_type: str, boundary: str) -> None:
    assert read(answer(answer_part(200, "[]"), boundary=boundary), content_type) == [(200, "[]")]


def test_inner_boundary_may_begin_like_the_outer_one() -> None:
    text = answer(nested(answer_part(201, "a"), "b1"), nested(answer_part(201, "b"), "b2"), boundary="b")
    assert read(text, "multipart/mixed; boundary=b") == [(201, "a"), (201, "b")]


def test_line_feeds_only() -> None:
    text = answer(nested(answer_part(201, "{}")), nested(EMPTY), answer_part(400, "no"))
    assert read(text.replace("\r\n", "\n")) == [(201, "{}"), (204, ""), (400, "no")]


def test_lines_before_the_first_boundary_do_not_count() -> None:
    assert read("This is a multipart message.\r\n" + answer(answer_part(200, "[]"))) == [(200, "[]")]


def test_headers_of_a_part_are_read_in_any_case() -> None:
    [part] = multipart.read_batch(
        "multipart/mixed; boundary=ejjeeffe0", answer(answer_part(201, "{}", ETag=ETAG, location="x"))
    )
    assert (part.headers["etag"], part.headers["location"]) == (ETAG, "x")


def deep(levels: int) -> str:
    """A multipart inside a multipart, `levels` times."""
    heads = (f"--b{n}\r\nContent-Type: multipart/mixed; boundary=b{n + 1}\r\n\r\n" for n in range(levels))
    return "".join(heads) + f"--b{levels}\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"


def test_a_body_may_have_blank_lines() -> None:
    assert read(answer(answer_part(400, "<error>\n\n<code>1</code>\n</error>"))) == [
        (400, "<error>\n\n<code>1</code>\n</error>")
    ]


@pytest.mark.parametrize(
    ("content_type", "text", "why"),
    [
        pytest.param("text/html", "<html>", "not a multipart", id="a page of a proxy"),
        pytest.param("", "", "not a multipart", id="nothing"),
        pytest.param("multipart/mixed; boundary=x", "--x\r\n\r\nhello\r\n--x--", "status line", id="no status line"),
        pytest.param(
            "multipart/mixed; boundary=ejjeeffe0",
            answer(nested(answer_part(201, "a") + "\r\n--ejjeeffe1\r\n" + answer_part(201, "b"))),
            "2 parts",
            id="two answers to a changeset of one",
        ),
        pytest.param("multipart/mixed; boundary=b0", deep(1000), "nested too deeply", id="nested a thousand deep"),
    ],
)
def test_what_is_no_batch_answer(content_type: str, text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        multipart.read_batch(content_type, text)


HEADS = ["", "multipart/mixed", "multipart/mixed; boundary=b", 'multipart/mixed; boundary="b', "message/rfc822"]
PIECES = [
    "--b",
    "--b--",
    "\r\n",
    "\n",
    ": ",
    "HTTP/1.1 200 OK",
    *(f"Content-Type: {head}" for head in HEADS),
    "=?x?q?=",
    "²",
]


@quick
@given(st.sampled_from(HEADS), st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_an_answer_is_read_or_named_unreadable_whatever_it_holds(content_type: str, text: str) -> None:
    with suppress(ValueError):
        multipart.read_batch(content_type, text)


JSON_BODIES = st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=3).map(json.dumps)
ANSWERS = st.lists(st.tuples(st.sampled_from([200, 201, 400, 412, 500]), JSON_BODIES, st.booleans()), max_size=6)


@quick
@given(ANSWERS, st.sampled_from(["\r\n", "\n"]))
def test_answers_are_read_as_they_were_written(answers: list[tuple[int, str, bool]], line_end: str) -> None:
    parts = [nested(answer_part(s, b)) if wrapped else answer_part(s, b) for s, b, wrapped in answers]
    assert read(answer(*parts).replace("\r\n", line_end)) == [(status, body) for status, body, _ in answers]


def test_a_part_reads_as_json() -> None:
    assert Part(200, {}, '{"d": []}').json() == {"d": []}


# ---- the quick reader and its judge

BOUNDARY = "ejjeeffe0"
SCRAPS = st.sampled_from(
    [
        "\r\n",
        "\n",
        "\r",
        "\r\n\r\n",
        f"--{BOUNDARY}",
        f"--{BOUNDARY}--",
        "--ejjeeffe1",
        "--ejjeeffe1--",
        f"Content-Type: multipart/mixed; boundary={BOUNDARY}",
        "Content-Type: multipart/mixed; boundary=ejjeeffe1",
        "Content-Type: application/http",
        "content-type: APPLICATION/HTTP",
        "Content-Type: message/rfc822",
        "Content-Type: text/plain; charset=utf-8",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 x",
        "X-Long: a\r\n b",
        " folded",
        "\tfolded",
        "From nobody",
        "no field",
        ": nameless",
        "ümlaut: x",
        "etag: a",
        "ETag: b",
        "{}",
        "\x0b\x1c\x85\u2028 \xa0",
        "\ud83d",
    ]
)


def outcome(read: object, content_type: str, text: str) -> object:
    """What a reader made of a document, or what it complained of."""
    assert callable(read)
    try:
        return read(content_type, text)
    except ValueError as error:
        return str(error)


def agree(content_type: str, text: str) -> None:
    found = outcome(multipart.read_batch, content_type, text)
    assert found == outcome(multipart.read_strictly, content_type, text)


@examples(150)
@given(ANSWERS, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 12), SCRAPS), max_size=4), st.booleans())
def test_both_readers_agree_on_damaged_answers(
    answers: list[tuple[int, str, bool]], damage: list[tuple[int, int, str]], lines: bool
) -> None:
    """A scrap is put into a good answer, over some characters of it, or over the end of a line."""
    parts = [nested(answer_part(s, b)) if wrapped else answer_part(s, b) for s, b, wrapped in answers]
    text = answer(*parts)
    for place, length, scrap in damage:
        ends = [n for n in range(len(text)) if text.startswith("\r\n", n)] if lines else []
        at = ends[place % len(ends)] if ends else place % (len(text) + 1)
        text = text[:at] + scrap + text[at + length :]
    agree(f"multipart/mixed; boundary={BOUNDARY}", text)


@examples(150)
@given(
    st.sampled_from([BOUNDARY, "ejjeeffe1", "e", f'"{BOUNDARY}"', "a b", ""]),
    st.lists(SCRAPS, max_size=25).map("".join),
)
def test_both_readers_agree_on_scraps(boundary: str, text: str) -> None:
    agree(f"multipart/mixed; boundary={boundary}", text)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("A: b\nC: d", id="a line that ends otherwise"),
        pytest.param("A: b\rC: d", id="another one"),
        pytest.param("A B: c", id="a blank in a name"),
        pytest.param("A: b\r\na: c", id="two equal fields"),
        pytest.param("A: b\r\n c: d", id="a folded line"),
        pytest.param("Ä: b", id="a letter that no name has"),
        pytest.param(f"A: b\r\n--{BOUNDARY}x: c", id="a line like a boundary"),
        pytest.param(f"A: b\r\n--{BOUNDARY}-- \r\nC: d", id="an end before the end"),
    ],
)
def test_odd_fields_are_left_to_the_judge(lines: str) -> None:
    part = f"Content-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n{lines}\r\n\r\n{{}}"
    for text in (answer(part), answer(nested(part))):
        agree(f"multipart/mixed; boundary={BOUNDARY}", text)


def test_the_quick_reader_reads_what_c4c_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(multipart, "read_strictly")
    text = answer(nested(answer_part(201, "{}")), nested(EMPTY), answer_part(400, "no"), answer_part(200, "[]"))
    assert read(text) == [(201, "{}"), (204, ""), (400, "no"), (200, "[]")]
