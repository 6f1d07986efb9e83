"""A write request that C4C refuses as a whole: the one record at fault is parked, or nobody if none is."""

from __future__ import annotations

import pytest
from c4c_world import World
from hubspot_server import Answer, running

pytestmark = pytest.mark.long

BAD = "Kaputt"
WORDS = "The request is not well formed"


def several(world: World, number: int = 7, **odd: str) -> list[str]:
    """Contacts of one company each; the first differs from the others by `odd`."""
    made = []
    for n in range(number):
        company = world.control.company(f"Mill{n} North")
        made.append(world.control.contact(company, lastname=f"Sommer{n}", **(odd if n == 0 else {})))
    return made


def test_only_the_record_at_fault_is_parked(world: World) -> None:
    odd, *others = several(world, jobtitle=BAD)
    world.control.settings(refused_in_records=[BAD], batch_refusal_text=WORDS)
    world.sync()
    progress = world.progress(odd)
    assert (progress.status, progress.code) == ("parked", "C4C_REJECTED")
    assert "Contact" in str(progress.detail)
    assert BAD not in str(progress.detail)
    assert {world.progress(other).status for other in others} == {"done"}
    assert len(world.control.rows("Lead")) == len(others)


@pytest.mark.parametrize("number", [2, 40])
def test_nobody_is_parked_if_all_are_refused_in_the_same_way(world: World, number: int) -> None:
    contacts = several(world, number)
    world.control.settings(refused_in_records=["Mill"], batch_refusal_text=WORDS)
    world.control.reset_counts()
    results = world.once("poll", "sweep", "push")
    [failure] = results.failures
    assert (type(failure).__name__, failure.exit_code) == ("Refused", 3)
    assert "CX_SXML_PARSE_ERROR" in str(failure)
    assert WORDS in str(failure)
    assert {world.progress(contact).status for contact in contacts} <= {"pending", "in_flight"}
    assert world.control.counts()["total"] < 40, "after a few single ones nobody else is tried"
    world.control.settings(refused_in_records=[])
    world.sync()
    assert {world.progress(contact).status for contact in contacts} == {"done"}


def test_a_kind_of_record_that_is_refused_always_parks_nobody(world: World) -> None:
    """Accounts and contacts go through, each lead is refused: it is not seven leads that are at fault."""
    contacts = several(world)
    world.control.settings(refused_in_records=["ContactUUID"])
    [failure] = world.once("poll", "sweep", "push").failures
    assert type(failure).__name__ == "Refused"
    assert {world.progress(contact).status for contact in contacts} <= {"pending", "in_flight"}
    assert len(world.control.rows("Contact")) == len(contacts)


def test_a_request_that_is_refused_as_such_is_told_by_webhook_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(world)
    world.control.settings(refused_in_records=["Mill"], batch_refusal_text=WORDS)
    with running() as hook:
        hook.says(Answer())
        monkeypatch.setenv("SYNC_ALERT_WEBHOOK", f"{hook.url}/hook")
        assert world.cli("once", "poll", "sweep", "push").code == 3
        [told] = [asked.body for asked in hook.asked]
    assert (told["alert"], told["subject"], told["state"]) == ("job_failing", "push", "firing")
    assert told["text"].startswith("push has failed once: SAP Sales Cloud: ")
    assert WORDS in told["text"]
    assert "CX_SXML_PARSE_ERROR" in told["text"]


@pytest.mark.parametrize("status", [408, 503])
def test_a_time_out_or_an_outage_is_a_lost_answer_and_never_halved(world: World, status: int) -> None:
    contacts = several(world, 3)
    world.control.fault("status", status=status, body="POST CorporateAccountCollection", times=1)
    world.sync()
    assert {world.progress(contact).status for contact in contacts} == {"done"}
    assert len(world.control.rows("CorporateAccount")) == 3


def test_a_read_that_is_refused_as_a_whole_parks_the_owner_of_the_value(world: World) -> None:
    odd, *others = several(world)
    company = world.control.company("Odd", zip="4711", country="Deutschland")
    odd = world.control.contact(company)
    world.control.fault("status", status=400, body="StreetPostalCode.*4711", times=None)
    world.sync()
    assert (world.progress(odd).status, world.progress(odd).code) == ("parked", "C4C_REJECTED")
    assert {world.progress(other).status for other in others} == {"done"}
