"""Erasure: of the person nothing is left in the state, its log, later copies and logs; in C4C what the API allows."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from night_stage import Product
from world.program import Ran
from world.sandbox import Sandbox

from sync.state.erasure import scrub

Command = Callable[..., Ran]

KEY = "0123456789abcdef0123456789abcdef"
WHY = "request by letter, case 4711"
PERSON = {
    "firstname": "Quirinaxa",
    "lastname": "Zwetschgenbaumer",
    "email": "Quirinaxa.Z@zwetschgen.example",
    "hs_additional_emails": "qz-private@zwetschgen.example",
    "phone": "+49 30 76543210",
    "jobtitle": "Zwetschgenpflückerin",
}
TRACES = [b"uirinaxa", b"wetschgenbaumer", b"zwetschgen.example", b"76543210", b"Zwetschgenpfl"]
"""What a byte search looks for: no other record of the sandbox holds any of it."""


@pytest.fixture
def product(product: Product) -> Product:
    product.extra["SYNC_ERASURE_KEY"] = KEY
    return product


@pytest.fixture
def person(command: Command, sandbox: Sandbox) -> str:
    """A person who was handed over, beside another one."""
    company = sandbox.company("Bakery")
    sandbox.contact(company, lastname="Sommer", email="ada@mail.example")
    contact = sandbox.contact(company, **PERSON)
    assert command("once", "--until-idle").code == 0
    return contact


def traces_in(directory: Path) -> list[str]:
    """Files below the directory that hold a trace of the person, with the trace."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return [f"{path.name}: {trace!r}" for path in files for trace in TRACES if trace in path.read_bytes()]


def leave_in_free_pages(product: Product) -> None:
    """Leaves the person in pages that SQLite has freed: builds of SQLite differ in whether they overwrite these."""
    with closing(sqlite3.connect(product.state, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("CREATE TABLE former (value TEXT)")
        connection.executemany("INSERT INTO former VALUES (?)", [(value * 50,) for value in PERSON.values()])
        connection.execute("DROP TABLE former")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def is_trace(value: object) -> bool:
    return any(trace in str(value).encode() for trace in TRACES)


def erase(command: Command, contact: str, *more: str) -> Ran:
    return command("erase", contact, "--reason", WHY, "--yes", "--json", *more)


def tombstones(product: Product) -> list[list[str]]:
    lines = (product.home / "erased" / "tombstones.csv").read_text("ascii").splitlines()
    return [line.split(",") for line in lines[2:]]


def test_nothing_of_the_person_is_left(person: str, product: Product, command: Command, sandbox: Sandbox) -> None:
    leave_in_free_pages(product)
    assert traces_in(product.home), "the search finds what is there"
    with closing(sqlite3.connect(product.state)) as other:
        # While another process has the file open, SQLite keeps the log.
        assert other.execute("SELECT count(*) FROM contact").fetchall() == [(2,)]
        ran = erase(command, person)
        assert (ran.code, ran.document.get("to_do")) == (0, []), ran.out + ran.err
        assert (product.home / "state.db-wal").exists()
        assert command("backup", str(product.home / "later.db")).code == 0
        assert traces_in(product.home) == []
    assert not any(trace in (ran.out + ran.err).encode() for trace in TRACES)
    certificate = json.loads(next((product.home / "erased").glob("*.json")).read_text("utf-8"))
    assert certificate == ran.document
    assert set(certificate) == {"contact_hash", "at", "by", "reason", "removed", "c4c", "to_do"}
    assert certificate["removed"]["contact"] == certificate["removed"]["handover"] == 1
    assert {row["entity"]: row["result"] for row in certificate["c4c"]} == {
        "Lead": "depersonalised",
        "ContactIsContactPersonFor": "nothing to remove",
        "Contact": "depersonalised",
    }, "the relationship of the main account mirrors the person's own fields"
    left = [(name, field) for name in CLEARED for row in sandbox.rows(name) for field in row if is_trace(row[field])]
    assert left == []
    assert [row["StatusCode"] for row in sandbox.rows("Contact") if row["LastName"] == "Erased"] == ["4"]


CLEARED = ("Contact", "Lead", "ContactIsContactPersonFor")


@pytest.mark.long
def test_figures_stay(person: str, product: Product, command: Command) -> None:
    before = command("status", "--json").document
    times = "select score, cycle, handed_over_at, crossed_at from handover order by handed_over_at, score"
    kept = product.query(times)
    erase(command, person)
    assert product.query(times) == kept
    after = command("status", "--json").document
    assert (after["handed_over"], after["adopted"]) == (before["handed_over"], before["adopted"]) == (2, 0)
    assert product.query(f"select count(*) from handover where contact_id = '{person}'") == [(0,)]


def test_the_person_does_not_come_back_until_it_is_lifted(
    person: str, product: Product, command: Command, sandbox: Sandbox
) -> None:
    erase(command, person)
    sandbox.call("PATCH", f"/hubspot/contacts/{person}", {"properties": {"lead_score": "99"}})
    again = sandbox.contact(sandbox.company("Mill"), **{**PERSON, "email": "QUIRINAXA.z@zwetschgen.example"})
    ran = command("once", "--until-idle")
    assert ran.code == 0
    assert f'"contact": "{again}"' in next(line for line in ran.err.splitlines() if "erased_came_back" in line)
    assert traces_in(product.home) == []
    for contact in (person, again):
        told = command("explain", contact, "--json").document
        assert (told["code"], told["links"]) == ("ERASED", [])
        assert "--lift" in told["remedy"]
    assert command("resync", "--contact", person, "--refetch").code == 0
    assert product.query("select count(*) from contact") == [(1,)]
    assert command("erase", again, "--lift", "--reason", "consented anew on 2026-11-30").code == 0
    assert command("once", "--until-idle").code == 0
    assert command("explain", again, "--json").document["code"] == "QUALIFIED"


@pytest.mark.long
def test_a_reason_with_the_persons_name_is_refused(person: str, product: Product, command: Command) -> None:
    for reason in ("asked by Zwetschgenbaumer", "QUIRINAXA asked"):
        ran = command("erase", person, "--reason", reason, "--yes")
        assert (ran.code, "--reason holds a part of the person's name" in ran.err, reason in ran.err) == (
            2,
            True,
            False,
        )
    assert product.query("select count(*) from erasure") == [(0,)]


@pytest.mark.long
def test_a_dry_run_shows_open_leads_first_and_changes_nothing(person: str, product: Product, command: Command) -> None:
    shown = command("erase", person, "--dry-run", "--json").document
    assert next((row["entity"], row["result"]) for row in shown["c4c"]) == ("Lead", "open lead")
    assert shown["c4c"][0]["number"]
    assert shown["removed"]["contact"] == 1
    assert product.query("select count(*) from erasure") == [(0,)]
    assert not (product.home / "erased").exists()
    refused = command("erase", person, "--dry-run", "--reason", "call +49 221 1234567")
    assert (refused.code, "--reason" in refused.err) == (2, True), "what the erasure refuses, its dry run does too"


@pytest.mark.long
def test_a_dry_run_never_takes_an_erasure_back(person: str, product: Product, command: Command) -> None:
    assert erase(command, person).code == 0
    before = (product.home / "erased" / "tombstones.csv").read_bytes()
    assert command("erase", person, "--lift", "--dry-run", "--reason", WHY).code == 2
    assert (product.home / "erased" / "tombstones.csv").read_bytes() == before


@pytest.mark.long
def test_without_yes_a_script_is_refused(person: str, product: Product, command: Command) -> None:
    assert command("erase", person, "--reason", WHY).code == 2
    assert product.query("select count(*) from erasure") == [(0,)]


@pytest.mark.long
def test_a_converted_lead_is_left_to_a_person_with_its_number(
    person: str, product: Product, command: Command, sandbox: Sandbox
) -> None:
    lead = next(row for row in sandbox.rows("Lead") if row["HubSpotID_KUT"].startswith(f"{person}:"))
    for action in ("accept", "convert"):
        sandbox.post(f"/c4c/leads/{lead['ObjectID']}/{action}")
    ran = erase(command, person)
    assert ran.code == 4
    [left] = ran.document["to_do"]
    assert (left["entity"], left["number"]) == ("Lead", lead["ID"])
    assert traces_in(product.home) == []
    assert command("status", "--json").document["erasures"] == {"open": 0, "to_do": [left]}
    assert erase(command, person).code == 4, "and it is tried again"


@pytest.mark.long
def test_out_of_reach_the_person_goes_here_and_the_next_push_does_the_rest(
    person: str, product: Product, command: Command, sandbox: Sandbox
) -> None:
    sandbox.fault("c4c", "status", status=503, times=None)
    ran = erase(command, person)
    assert (ran.code, bool(ran.document["to_do"])) == (4, True)
    assert traces_in(product.home) == []
    assert command("status", "--json").document["erasures"]["open"] == 1
    sandbox.heal()
    assert command("once", "push").code == 0
    assert command("status", "--json").document["erasures"] == {"open": 0, "to_do": []}
    assert [row["LastName"] for row in sandbox.rows("Contact") if row["StatusCode"] == "4"] == ["Erased"]
    assert erase(command, person).code == 0


def test_a_copy_from_before_is_erased_again_at_the_start(
    person: str, product: Product, command: Command, sandbox: Sandbox
) -> None:
    copy = product.home.parent / "copy.db"
    assert command("backup", str(copy)).code == 0
    erase(command, person)
    for leftover in product.home.glob("state.db*"):
        leftover.unlink()
    shutil.move(copy, product.state)
    ran = command("once")
    assert ran.code == 0
    assert "erasure_replayed" in ran.err
    assert traces_in(product.home) == []
    assert command("explain", person, "--json").document["code"] == "ERASED"


@pytest.mark.long
def test_tombstones_hold_when_the_state_is_lost(person: str, product: Product, command: Command) -> None:
    erase(command, person)
    for leftover in product.home.glob("state.db*"):
        leftover.unlink()
    ran = command("once", "--until-idle", "--json")
    assert (ran.code, ran.document["counts"]["created"]) == (0, {})
    assert traces_in(product.home) == []
    assert command("explain", person, "--json").document["code"] == "ERASED"


@pytest.mark.long
def test_a_lost_file_of_tombstones_is_written_again(person: str, product: Product, command: Command) -> None:
    erase(command, person)
    before = tombstones(product)
    (product.home / "erased" / "tombstones.csv").unlink()
    assert command("once").code == 0
    assert sorted(row[4] for row in tombstones(product)) == sorted(row[4] for row in before)
    assert len(before) == 3, "the id, and each of both addresses"


@pytest.mark.long
@pytest.mark.parametrize("key", ["", "another key, which is long enough"])
def test_without_the_key_nothing_starts(person: str, product: Product, command: Command, key: str) -> None:
    erase(command, person)
    product.extra["SYNC_ERASURE_KEY"] = key
    ran = command("once")
    assert (ran.code, "SYNC_ERASURE_KEY" in ran.err) == (2, True)


@pytest.mark.long
def test_a_deletion_in_hubspot_is_followed_if_the_rules_say_so(
    person: str, product: Product, command: Command, sandbox: Sandbox
) -> None:
    product.configure(more="[erasure]\nfollow = true")
    sandbox.post(f"/hubspot/contacts/{person}/erase")
    for _ in range(2):
        command("once", "sweep", "push")
    assert traces_in(product.home) == []
    [certificate] = [json.loads(p.read_text("utf-8")) for p in (product.home / "erased").glob("*.json")]
    assert certificate["by"] == "HubSpot"
    assert command("explain", person, "--json").document["code"] == "ERASED"


@pytest.mark.long
def test_a_record_that_stands_for_another_contact_too_is_kept(
    person: str, product: Product, command: Command, sandbox: Sandbox
) -> None:
    [[other]] = product.query(f"select id from contact where id != '{person}'")
    [[object_id]] = product.query(f"select object_id from link where entity = 'Contact' and key = '{person}'")
    product_link(product, "Contact", str(other), str(object_id))
    ran = erase(command, person)
    kept = {row["entity"]: row["result"] for row in ran.document["c4c"] if row["entity"] == "Contact"}
    assert kept == {"Contact": "kept"}
    assert any(row["LastName"] == "Zwetschgenbaumer" for row in sandbox.rows("Contact"))


def product_link(product: Product, entity: str, key: str, object_id: str) -> None:
    """Makes two contacts share one record, as a rule or a merge does."""
    with closing(sqlite3.connect(product.state)) as connection, connection:
        connection.execute(
            "update link set object_id = ?, origin = 'shared' where entity = ? and key = ?", (object_id, entity, key)
        )


@pytest.mark.long
def test_status_shows_what_housekeeping_removes(person: str, product: Product, command: Command) -> None:
    old, young = (product.home / f"state.db.before-{version}" for version in ("0001", "0002"))
    for copy in (old, young):
        shutil.copy(product.state, copy)
    os.utime(old, (0, 0))
    product.configure(more='[retention]\ndecisions = "1ms"\njob_runs = "1ms"')
    shown = command("status", "--json").document["retention"]
    assert set(shown) == {"decisions", "job_runs", "contacts", "gone", "copies"}
    assert shown["copies"] == 1
    ran = command("once", "housekeeping", "--json")
    done = ran.document["jobs"]["housekeeping"]
    assert {name: done[name] for name in shown} | {"job_runs": 0} == shown | {"job_runs": 0}
    assert (old.exists(), young.exists()) == (False, True)
    assert sum(command("status", "--json").document["retention"].values()) <= 1, "the last run of a job stays"


@pytest.mark.long
def test_a_field_that_is_refused_does_not_save_the_others(person: str, command: Command, sandbox: Sandbox) -> None:
    sandbox.fault("c4c", "status", status=400, body=r'PATCH ContactCollection(.|\n)*"FirstName": ""', times=None)
    ran = erase(command, person)
    assert ran.code == 4
    left = {one["entity"]: one for one in ran.document["to_do"]}
    [row] = [row for row in sandbox.rows("Contact") if row["LastName"] == "Erased"]
    assert (left["Contact"]["number"], row["Phone"], row["StatusCode"]) == (row["ContactID"], "", "4")
    assert "refused FirstName;" in left["Contact"]["text"]
    assert "still shows" in left["Lead"]["text"], "C4C copies the rest of the name into the lead"
    assert row["FirstName"]
    sandbox.heal()
    ran = erase(command, person)
    assert (ran.code, ran.document["to_do"]) == (0, [])
    assert not any(is_trace(value) for row in sandbox.rows("Contact") for value in row.values())


@pytest.mark.long
def test_a_record_that_a_user_has_open_is_tried_again(person: str, command: Command, sandbox: Sandbox) -> None:
    once = sandbox.fault("c4c", "lock", times=1)
    ran = erase(command, person)
    assert (ran.code, ran.document["to_do"]) == (0, []), str(ran.document["to_do"]) + ran.err[-900:]
    sandbox.until_fired(once)


@pytest.mark.long
def test_a_record_that_stays_open_waits_for_the_next_push(person: str, command: Command, sandbox: Sandbox) -> None:
    sandbox.fault("c4c", "lock", times=None)
    ran = erase(command, person)
    assert ran.code == 4
    assert any("has the record open" in left["text"] for left in ran.document["to_do"])
    sandbox.heal()
    command("once", "push")
    assert erase(command, person).document["to_do"] == []


@pytest.mark.long
def test_while_writes_are_paused_the_person_goes_here_only(
    person: str, product: Product, command: Command, sandbox: Sandbox
) -> None:
    command("pause")
    ran = erase(command, person)
    assert (ran.code, len(ran.document["to_do"]), traces_in(product.home)) == (4, 3, [])
    assert not any(row["LastName"] == "Erased" for row in sandbox.rows("Contact"))
    command("resume")
    command("once", "push")
    assert [row["StatusCode"] for row in sandbox.rows("Contact") if row["LastName"] == "Erased"] == ["4"]


@pytest.mark.long
def test_a_process_that_reads_for_long_only_delays_the_log(
    person: str, product: Product, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Litestream does, it keeps the log from being cut; the file is built anew only once meanwhile."""
    monkeypatch.setattr(scrub, "_WAIT", 0.1)
    built = []
    vacuum = scrub.vacuum
    monkeypatch.setattr(scrub, "vacuum", lambda path: built.append(path) or vacuum(path))
    with closing(sqlite3.connect(product.state, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM contact").fetchall()
        ran = erase(command, person)
        assert (ran.code, "still holds traces" in ran.out, "erasure_waits" in ran.err) == (4, True, True)
        assert '"erasure_waits"' in command("once", "push").err
        assert len(built) == 1
    # The reader was the last process that had the file open, so SQLite removed the log.
    assert traces_in(product.home) == []
    assert command("once", "push").code == 0
    assert erase(command, person).document["to_do"] == []
    assert len(built) == 1
