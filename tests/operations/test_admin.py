"""The admin commands: what they do, what they print, how they end."""

import json
import stat
from collections.abc import Callable

import pytest
from night_stage import Product
from world.program import Ran
from world.sandbox import Sandbox

pytestmark = pytest.mark.long

Command = Callable[..., Ran]


@pytest.fixture
def company(sandbox: Sandbox) -> str:
    return sandbox.company("acme")


@pytest.fixture
def three(sandbox: Sandbox, company: str, command: Command) -> list[str]:
    """Three contacts who were handed over."""
    ids = [sandbox.contact(company) for _ in range(3)]
    assert command("once", "--until-idle").code == 0
    return ids


# ---- resync


def test_resync_says_how_many_and_marks(three: list[str], company: str, command: Command, product: Product) -> None:
    scopes = [
        (("--contact", three[0], "--contact", three[1]), 2),
        (("--company", company), 3),
        (("--since", "2020-01-01T00:00:00Z"), 3),
        (("--since", "2999-01-01"), 0),
        (("--code", "QUALIFIED"), 3),
        (("--code", "NO_COMPANY"), 0),
    ]
    for scope, number in scopes:
        dry = command("resync", *scope, "--dry-run", "--json")
        assert (dry.code, dry.document["contacts"], dry.document["marked"]) == (0, number, 0), scope
    assert product.query("select count(*) from progress where status = 'pending'") == [(0,)]
    assert command("resync", "--contact", three[0], "--json").document["marked"] == 1
    assert command("status", "--json").document["pending"] == 1
    assert "no worker runs" in command("resync", "--everything", "--yes").out
    assert command("status", "--json").document["pending"] == 3


def test_resync_writes_nothing_that_is_right_already(three: list[str], command: Command, sandbox: Sandbox) -> None:
    sandbox.call("DELETE", "/requests")
    command("resync", "--everything", "--yes")
    assert command("once", "push", "--json").document["counts"]["unchanged"] == 3
    assert sandbox.written() == 0


def test_resync_refetch_reads_what_no_timestamp_tells(three: list[str], command: Command, sandbox: Sandbox) -> None:
    lost = {"properties": {"jobtitle": "Head of Nothing"}, "touch": False}
    sandbox.call("PATCH", f"/hubspot/contacts/{three[0]}", lost)
    command("resync", "--contact", three[0], "--refetch")
    command("once", "push")
    row = next(row for row in sandbox.rows("Contact") if row["HubSpotID_KUT"] == three[0])
    assert row["JobTitle"] == "Head of Nothing"


def test_resync_refetch_brings_a_contact_that_the_mirror_lacks(
    three: list[str], company: str, command: Command, sandbox: Sandbox
) -> None:
    new = sandbox.contact(company)
    assert command("resync", "--contact", new).code == 2
    assert command("resync", "--contact", new, "--refetch").code == 0
    command("once", "push")
    assert f"{new}:mql:1" in sandbox.lead_keys()


@pytest.mark.parametrize(
    "arguments",
    [(), ("--contact", "1", "--everything"), ("--contact", "x"), ("--code", "NOPE"), ("--since", "yesterday")],
)
def test_resync_refuses_what_it_does_not_understand(command: Command, arguments: tuple[str]) -> None:
    assert command("migrate").code == 0
    ended = command("resync", *arguments)
    assert ended.code == 2
    assert ended.err


def test_explain_says_what_a_contact_is_named_by(three: list[str], command: Command) -> None:
    """Not: read it with `resync`, which refuses such an id, too."""
    for wrong in ("abc", "12 3", "²5"):
        ran = command("explain", wrong)
        assert ran.code == 2
        assert "allowed: a HubSpot id" in ran.err
        assert "resync" not in ran.err


def test_a_script_is_never_asked(command: Command) -> None:
    assert command("migrate").code == 0
    ended = command("resync", "--everything")
    assert ended.code == 2
    assert "--yes" in ended.err


# ---- parked


@pytest.fixture
def parked(sandbox: Sandbox, company: str, command: Command) -> str:
    """A contact with two companies, none of them primary."""
    contact = sandbox.contact(company)
    for one in (company, sandbox.company("other")):
        sandbox.call("PUT", "/hubspot/associations", {"contact_id": contact, "company_id": one, "labels": []})
    assert command("once", "--until-idle").code == 4
    return contact


def test_parked_shows_code_time_and_remedy(parked: str, command: Command) -> None:
    [row] = command("parked", "list", "--json").document
    assert (row["contact"], row["code"]) == (parked, "COMPANY_AMBIGUOUS")
    assert row["since"]
    assert "primary" in row["remedy"]
    assert command("parked", "list", "--code", "C4C_REJECTED", "--json").document == []
    assert f"parked retry {parked}" in command("parked", "show", parked).out
    assert command("parked", "show", "1").code == 2


def test_parked_retry_goes_the_normal_path(parked: str, company: str, command: Command, sandbox: Sandbox) -> None:
    assert command("parked", "retry", parked, "--json").document["retried"] == [parked]
    assert command("once", "push").code == 4, "nothing has changed, so it is parked again"
    pair = {"contact_id": parked, "company_id": company, "labels": ["Primary"]}
    sandbox.call("PUT", "/hubspot/associations", pair)
    command("resync", "--contact", parked, "--refetch")
    assert command("once", "push").code == 0
    assert sandbox.lead_keys() == [f"{parked}:mql:1"]


def test_parked_drop_lasts_until_something_changes(
    parked: str, company: str, command: Command, sandbox: Sandbox
) -> None:
    assert command("parked", "drop", "--code", "COMPANY_AMBIGUOUS", "--json").document["dropped"] == [parked]
    assert command("parked", "list", "--json").document == []
    assert command("status", "--json").document["done"] == {"COMPANY_AMBIGUOUS": 1}, "the reason stays"
    sandbox.call("PATCH", f"/hubspot/contacts/{parked}", {"properties": {"jobtitle": "CEO"}})
    command("once")
    assert command("status", "--json").document["parked"] == {"COMPANY_AMBIGUOUS": 1}


@pytest.mark.parametrize("arguments", [("retry",), ("retry", "1"), ("drop", "1", "--all"), ("list", "--code", "X")])
def test_parked_refuses_what_it_does_not_understand(command: Command, arguments: tuple[str]) -> None:
    assert command("migrate").code == 0
    assert command("parked", *arguments).code == 2


# ---- verify


def test_verify_finds_each_seeded_difference_and_no_other(
    three: list[str], company: str, command: Command, sandbox: Sandbox
) -> None:
    fits = command("verify", "--json")
    assert fits.code == 0, fits.out
    leads = {row["HubSpotID_KUT"]: row["ObjectID"] for row in sandbox.rows("Lead")}
    contacts = {row["HubSpotID_KUT"]: row["ObjectID"] for row in sandbox.rows("Contact")}
    sandbox.call("DELETE", f"/c4c/Lead/{leads[f'{three[0]}:mql:1']}")
    sandbox.call("PATCH", f"/c4c/Contact/{contacts[three[1]]}", {"JobTitle": "Changed by hand"})
    sandbox.call("PATCH", f"/hubspot/contacts/{three[1]}", {"properties": {"jobtitle": "CTO"}})
    command("once", "poll")
    command("once", "push")
    sandbox.call("PATCH", f"/c4c/Contact/{contacts[three[1]]}", {"JobTitle": "Changed again"})
    extra = sandbox.post("/c4c/Lead", {"Name": "Stray", "HubSpotID_KUT": "4711:mql:1"})
    twin = sandbox.post("/c4c/Contact", {"LastName": "Twin", "HubSpotID_KUT": three[2]})
    found = command("verify", "--json")
    assert found.code == 4
    document = found.document
    assert [(e["entity"], e["key"]) for e in document["missing"]] == [("Lead", f"{three[0]}:mql:1")]
    assert [(e["entity"], e["key"], e["fields"]) for e in document["drifted"]] == [("Contact", three[1], ["JobTitle"])]
    assert [(e["entity"], e["object_id"]) for e in document["extra"]] == [("Lead", extra["ObjectID"])]
    [duplicate] = document["duplicate"]
    assert duplicate["object_ids"] == sorted([twin["ObjectID"], contacts[three[2]]])


def test_verify_repairs_by_the_normal_path(three: list[str], command: Command, sandbox: Sandbox) -> None:
    row = next(row for row in sandbox.rows("Contact") if row["HubSpotID_KUT"] == three[1])
    sandbox.call("PATCH", f"/c4c/Contact/{row['ObjectID']}", {"LastName": "Other"})
    assert command("verify", "--repair", "--json").document["marked"] == 1
    command("once", "push")
    assert command("verify").code == 0


def test_verify_after_the_state_was_lost(three: list[str], command: Command, product: Product) -> None:
    """An older backup, or none: what C4C holds is known again by its key, and nothing is created."""
    for leftover in product.home.glob("state.db*"):
        leftover.unlink()
    command("once", "poll")
    lost = command("verify", "--repair", "--json").document
    assert {e["entity"] for e in lost["extra"]} == {"CorporateAccount", "Contact", "Lead"}
    assert command("once", "push", "--json").document["counts"]["created"] == {}
    assert command("verify").code == 0


def test_a_refusal_reaches_whom_only_the_lost_state_knew(
    three: list[str], command: Command, product: Product, sandbox: Sandbox
) -> None:
    """Handed over, fallen below the threshold, and the state is lost: `--repair` knows the handover from the lead."""
    sandbox.call("PATCH", f"/hubspot/contacts/{three[0]}", {"properties": {"lead_score": "10"}})
    command("once")
    for leftover in product.home.glob("state.db*"):
        leftover.unlink()
    command("once")
    left = command("verify", "--json").document
    assert {(e["entity"], e["key"]) for e in left["extra"]} == {("Contact", three[0]), ("Lead", f"{three[0]}:mql:1")}
    repaired = command("verify", "--repair", "--json")
    assert (repaired.code, repaired.document["linked"]) == (0, 2)
    assert command("verify").code == 0
    sandbox.call("PATCH", f"/hubspot/contacts/{three[0]}", {"properties": {"hs_email_optout": "true"}})
    counts = command("once", "--json").document["counts"]
    assert counts["created"] == {"MarketingPermission": 1, "ChannelPermission": 1}
    assert len(sandbox.lead_keys()) == 3


def test_extra_records_of_nobody_are_left_to_a_person(three: list[str], command: Command, sandbox: Sandbox) -> None:
    stranger = {"Name": "Gone", "RoleCode": "BUP002", "HubSpotID_KUT": "99999999"}
    sandbox.post("/c4c/CorporateAccount", stranger)
    repaired = command("verify", "--repair")
    assert repaired.code == 4
    assert "1 extra records belong to nobody in the mirror" in repaired.out


# ---- runs, backup, housekeeping, health


def test_runs_tell_what_happened(three: list[str], command: Command, sandbox: Sandbox) -> None:
    sandbox.fault("hubspot", "status", status=401, times=None)
    assert command("once", "poll").code == 3
    newest = command("runs", "--json", "--limit", "1").document[0]
    assert (newest["job"], newest["result"]) == ("poll", "failure")
    assert "HUBSPOT_ACCESS_TOKEN" in newest["error"]
    assert {row["job"] for row in command("runs", "--job", "push", "--json").document} == {"push"}


def test_a_backup_is_complete_private_and_never_overwrites(
    three: list[str], command: Command, product: Product, sandbox: Sandbox
) -> None:
    copy = product.home / "copy.db"
    assert command("backup", str(copy)).code == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert command("backup", str(copy)).code == 2
    assert command("backup", str(product.home / "no" / "where.db")).code == 2
    assert list(product.home.glob("copy.db*")) == [copy]
    product.extra["SYNC_STATE"] = str(copy)
    sandbox.call("DELETE", "/requests")
    assert command("once", "--until-idle").code == 0
    assert sandbox.written() == 0


def test_housekeeping_keeps_the_newest_of_everything(three: list[str], command: Command, product: Product) -> None:
    product.configure(more='[retention]\ndecisions = "1ms"\njob_runs = "1ms"')
    before = product.query("select count(distinct contact_id) from decision")
    assert command("once", "housekeeping").code == 0
    assert product.query("select count(*) from decision") == before
    assert command("status", "--json").document["jobs"]["push"]["last_success"]
    assert command("explain", three[0]).code == 0


def test_a_first_load_is_told_to_a_program_as_an_event(
    command: Command, product: Product, sandbox: Sandbox, company: str
) -> None:
    lines = [json.loads(line) for line in command("once", "poll").err.splitlines()]
    [event] = [line for line in lines if line["event"] == "load_forecast"]
    assert (event["companies"], event["contacts"], event["job"]) == (1, 0, "poll")
    assert event["found"] > 0
    assert event["left"] > 0
    product.extra["SYNC_LOG_FORMAT"] = "console"
    assert "1 companies" in command("once", "poll", "--since", "2020-01-01").err, "a person reads a sentence"


def test_health_without_a_worker(command: Command, product: Product, three: list[str]) -> None:
    assert command("health").code == 0, "a job ran just now"
    command("resync", "--everything", "--yes")
    product.configure(poll="1ms")
    assert command("health").code == 0, "never impatient within five minutes"


def test_a_system_out_of_reach_ends_with_3(three: list[str], command: Command, sandbox: Sandbox) -> None:
    command("resync", "--everything", "--yes")
    sandbox.fault("c4c", "status", status=503, times=None)
    for arguments in (("once", "push"), ("plan",), ("verify",), ("check",)):
        assert command(*arguments).code == 3, arguments
    sandbox.heal()
    sandbox.fault("hubspot", "status", status=401, times=None)
    for arguments in (("once", "poll"), ("resync", "--contact", three[0], "--refetch")):
        assert command(*arguments).code == 3, arguments
    assert command("status", "--json").document["pending"] == 3, "nothing is lost"
