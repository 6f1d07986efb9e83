"""The last line of defence of the log."""

import io
import json
import logging

import pytest

from sync import log
from sync.log import Event, emit, redact


@pytest.fixture
def lines() -> io.StringIO:
    stream = io.StringIO()
    log.configure("json", "DEBUG", stream)
    return stream


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("contact jane.doe@acme.example refused", "contact … refused"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: …"),
        ("call +49 (30) 23125-001 now", "call … now"),
        ("status 503 after 5 attempts", "status 503 after 5 attempts"),
        ("20261121T170000-ab12cd", "20261121T170000-ab12cd"),
    ],
)
def test_values_that_never_appear(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_a_known_secret_is_concealed_wherever_it_stands(lines: io.StringIO) -> None:
    log.conceal("s3cret-token")
    emit(Event.JOB_FAILED, cause="https://x.example/?key=s3cret-token", job="poll")
    assert "s3cret-token" not in lines.getvalue()


def test_a_field_that_nobody_allowed_is_dropped(lines: io.StringIO) -> None:
    emit(Event.JOB_FAILED, body="anything", job="poll")
    assert "body" not in json.loads(lines.getvalue())


def test_a_library_warns_by_name_only(lines: io.StringIO) -> None:
    logging.getLogger("some.library").warning("posting to https://h.example/?email=jane@acme.example")
    entry = json.loads(lines.getvalue())
    assert (entry["event"], entry["logger"]) == ("library_warning", "some.library")
    assert "h.example" not in lines.getvalue()
