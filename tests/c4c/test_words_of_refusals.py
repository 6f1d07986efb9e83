"""The words of a refusal reach whoever has to act: with the names of fields and codes, without anybody's values."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from c4c_world import World

from sync.log import configure
from sync.state import tables

pytestmark = pytest.mark.long

MANDATORY = "Property 'GroupCode' is mandatory and must not be blank"
ECHOED = {"error": {"code": "Z/1", "message": {"lang": "en", "value": "Not valid, 'GroupCode': {echo}"}}}


@pytest.fixture
def log(world: World) -> io.StringIO:
    stream = io.StringIO()
    configure("json", "INFO", stream)
    return stream


def events(log: io.StringIO, name: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, log.getvalue().splitlines()) if line["event"] == name]


@pytest.mark.parametrize("shape", ["value", "text", "details"])
def test_a_refused_record_is_parked_with_the_words_and_the_field_in_quotes(
    shape: str, world: World, log: io.StringIO
) -> None:
    contact = world.control.contact(world.control.company())
    world.control.settings(error_shape=shape, mandatory={"Lead": ["GroupCode"]})
    world.once()
    assert MANDATORY in str(world.progress(contact).detail)
    for command in ("explain", contact), ("parked", "show", contact):
        assert MANDATORY in str(json.loads(world.cli(*command, "--json").out))
    [parked] = events(log, "contact_parked")
    assert MANDATORY in parked["cause"]


@pytest.mark.parametrize("severity", ["head", "details"])
def test_an_error_in_the_header_of_a_success_is_seen_wherever_its_severity_is(severity: str, world: World) -> None:
    contact = world.control.contact(world.control.company())
    world.control.settings(sap_message_severity=severity)
    world.control.fault("sap_message_error", body="POST LeadCollection", times=None)
    world.once()
    assert world.control.rows("Lead") == []
    progress = world.progress(contact)
    assert progress.code == "C4C_REJECTED"
    assert "/APBP/CENT:003" in str(progress.detail)


def test_a_request_refused_as_a_whole_is_told_in_its_words_without_what_it_held(world: World, log: io.StringIO) -> None:
    contact = world.control.contact(world.control.company())
    world.control.fault("status", status=400, body="POST ContactCollection", times=None, body_out=ECHOED, echo=True)
    world.once()
    told = [
        str(world.progress(contact).detail),
        log.getvalue(),
        *(str(run.error) for run in world.table(tables.JobRun)),
    ]
    assert "Not valid, 'GroupCode'" in " ".join(told)
    assert not [value for value in ("Ada", "Sommer", "mail.example") if value in " ".join(told)]


def test_a_refused_read_names_its_entity_and_fields_in_the_error_of_the_job(world: World, log: io.StringIO) -> None:
    world.control.contact(company := world.control.company(), lastname="First")
    world.sync()
    world.control.settings(hidden_fields=["ContactIsContactPersonFor.AccountID"])
    world.control.contact(company)
    world.once()
    run = next(run for run in world.table(tables.JobRun) if run.error)
    assert "a read of ContactIsContactPersonFor by AccountID was refused with status 400" in str(run.error)
    [failed] = events(log, "job_failed")
    assert failed["cause"] == run.error


@pytest.mark.parametrize("language", ["en", "de", "fr", "ja"])
def test_what_is_called_a_duplicate_is_looked_up_once_more(language: str, world: World) -> None:
    contact = world.control.contact(world.control.company())
    world.control.settings(language=language, heeds_accept_language=False)
    world.control.fault("duplicate", body="POST ContactCollection")
    world.once()
    assert world.progress(contact).status == "done"
    assert len(world.control.rows("Contact")) == len(world.control.rows("Lead")) == 1


def test_a_duplicate_that_no_look_up_finds_is_for_a_person(world: World) -> None:
    contact = world.control.contact(world.control.company())
    fault = world.control.fault("duplicate", body="POST ContactCollection", times=None)
    world.once()
    progress = world.progress(contact)
    assert (progress.status, progress.code) == ("parked", "C4C_REJECTED")
    assert "already exists" in str(progress.detail)
    assert [one["fired"] for one in world.control.call("GET", "/faults") if one["id"] == fault] == [2]
