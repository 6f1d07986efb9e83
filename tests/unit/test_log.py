"""Logs: JSON lines in UTC, closed vocabulary, no field that nobody allowed."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from sync.log import Event, bound, conceal, configure, emit


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where lines go; structlog is as before afterwards."""
    written = io.StringIO()
    yield written
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_event_level_and_utc_time(stream: io.StringIO) -> None:
    configure(stream=stream)
    emit(Event.CONTACT_SYNCED, contact="100", code="QUALIFIED")
    [line] = lines(stream)
    assert (line["event"], line["level"], line["contact"], line["code"]) == (
        "contact_synced",
        "info",
        "100",
        "QUALIFIED",
    )
    assert line["timestamp"].endswith("Z")
    assert abs(datetime.fromisoformat(line["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=1)


PERSONAL = {
    "email": "ada@acme.example",
    "firstname": "Ada",
    "phone": "+49 221 1234",
    "token": "pat-123",
    "password": "secret",
    "headers": {"Authorization": "Bearer pat-123"},
    "body": "<html>",
    "name": "Muster GmbH",
    "url": "https://x.example?email=ada",
}


@pytest.mark.parametrize("form", ["json", "console"])
def test_fields_that_nobody_allowed_are_dropped(form: str, stream: io.StringIO) -> None:
    configure(form=form, stream=stream)
    with bound(run_id="r1", user="ada@acme.example"):
        emit(Event.CONTACT_PARKED, contact="100", **PERSONAL)
    text = stream.getvalue()
    assert "contact_parked" in text
    assert [name for name, value in PERSONAL.items() if str(value) in text] == []
    assert "user" not in text


@pytest.mark.parametrize(
    ("cause", "hidden"),
    [
        pytest.param("mail to ada@acme.example failed", "ada", id="e-mail address"),
        pytest.param("Authorization: Bearer pat-na1-123", "pat-na1", id="bearer token"),
        pytest.param("Authorization: Basic c3luYzpoaWRkZW4=", "c3luYzpo", id="password"),
        pytest.param("call +49 (221) 123-4567 back", "4567", id="phone number"),
        pytest.param("token my-own-secret-value refused", "my-own-secret-value", id="a secret of the settings"),
    ],
)
def test_what_slips_into_an_allowed_field_is_blacked_out(cause: str, hidden: str, stream: io.StringIO) -> None:
    conceal("my-own-secret-value", None, "")
    configure(stream=stream)
    emit(Event.JOB_FAILED, job="push", cause=cause)
    [line] = lines(stream)
    assert hidden not in line["cause"]
    assert (line["job"], line["event"]) == ("push", "job_failed")


@pytest.mark.parametrize(
    "counts",
    [
        {"created": {"ada@acme.example": 1}},
        ["call +49 (221) 123-4567"],
        ("ada@acme.example",),
        ValueError("a@b.example"),
    ],
)
def test_what_slips_into_the_inside_of_a_field_is_blacked_out_too(counts: object, stream: io.StringIO) -> None:
    configure(stream=stream)
    emit(Event.JOB_FINISHED, counts=counts)
    assert not any(hidden in stream.getvalue() for hidden in ("ada", "4567", "a@b"))


def test_ids_times_and_keys_are_not_blacked_out(stream: io.StringIO) -> None:
    configure(stream=stream)
    emit(
        Event.LEAD_HANDED_OVER, contact="100000001", key="100000001:mql:1", object_id="00163E03A0701EE288BA37FB8F5F50A9"
    )
    [line] = lines(stream)
    assert (line["contact"], line["key"]) == ("100000001", "100000001:mql:1")
    assert line["object_id"] == "00163E03A0701EE288BA37FB8F5F50A9"


def test_a_librarys_warning_names_the_library_and_nothing_else(stream: io.StringIO) -> None:
    configure(stream=stream)
    logging.getLogger("some.library").warning("cannot read contact %s", "Ada Muster")
    [line] = lines(stream)
    assert (line["event"], line["logger"]) == ("library_warning", "some.library")
    assert "Muster" not in stream.getvalue()


def test_every_line_of_a_run_carries_its_run_and_job(stream: io.StringIO) -> None:
    configure(stream=stream)
    with bound(run_id="r1", job="push"):
        emit(Event.CONTACT_SYNCED, contact="100")
    emit(Event.WORKER_STOPPING)
    first, second = lines(stream)
    assert (first["run_id"], first["job"]) == ("r1", "push")
    assert "run_id" not in second


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (Event.CONTACT_SYNCED, "info"),
        (Event.CONTACT_PARKED, "error"),
        (Event.JOB_FAILED, "warning"),
        (Event.GUARD_TRIPPED, "error"),
        (Event.RATE_LIMITED, "warning"),
        (Event.BUDGET_LOW, "warning"),
    ],
)
def test_what_a_person_must_settle_is_an_error_and_what_one_should_see_a_warning(
    event: Event, level: str, stream: io.StringIO
) -> None:
    configure(stream=stream)
    emit(event)
    assert lines(stream)[0]["level"] == level


def test_the_level_silences_what_is_below(stream: io.StringIO) -> None:
    configure(level="WARNING", stream=stream)
    emit(Event.CONTACT_SYNCED, contact="1")
    emit(Event.CONTACT_PARKED, contact="2")
    assert [line["contact"] for line in lines(stream)] == ["2"]


def test_console_lines_are_for_people_and_without_colours(stream: io.StringIO) -> None:
    configure(form="console", stream=stream)
    emit(Event.JOB_FINISHED, job="poll")
    assert "job_finished" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_values_that_json_does_not_know_are_written_as_text(stream: io.StringIO) -> None:
    configure(stream=stream)
    emit(Event.CONTACT_RETRY, due=datetime(2026, 1, 1, tzinfo=UTC))
    assert "2026" in lines(stream)[0]["due"]


PROMISED = re.findall(
    r"\w+",
    """worker_started worker_stopping job_started job_finished job_failed poll_page contact_changed contact_planned
    contact_synced contact_not_qualified contact_parked contact_retry lead_handed_over lead_closed guard_tripped
    rate_limited budget_low contract_mismatch lease_lost""",
)


@pytest.mark.parametrize("name", PROMISED)
def test_promised_events_exist(name: str) -> None:
    assert name in set(Event)


def test_library_lines_with_urls_are_off(stream: io.StringIO) -> None:
    configure(stream=stream)
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.WARNING)
