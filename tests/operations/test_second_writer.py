"""Two workers with a state file each: they meet in SAP Sales Cloud only, find each other out, and stop."""

import signal
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from night_stage import Product
from running import until
from world.program import Ran
from world.sandbox import Sandbox

from sync.domain.entities import Entity
from sync.handover.uniqueness import twins_of
from sync.planner.target import Scanned
from sync.state import second_writer
from sync.state.documents import Twin
from sync.state.second_writer import Made
from sync.state.store import open_store

pytestmark = pytest.mark.long

Command = Callable[..., Ran]


def test_twins_are_other_living_records_with_the_keys_of_ours() -> None:
    made = [Made(Entity.ACCOUNT, "17", "A"), Made(Entity.LEAD, "17:mql:1", "L")]
    observed = [
        Scanned(Entity.ACCOUNT, "A", "17"),
        Scanned(Entity.ACCOUNT, "B", "17"),
        Scanned(Entity.ACCOUNT, "C", "17", obsolete=True),
        Scanned(Entity.ACCOUNT, "D", "18"),
        Scanned(Entity.LEAD, "L", "17:mql:1"),
    ]
    assert twins_of(made, observed) == [Twin(Entity.ACCOUNT, "17", "A", "B")]


def host(home: Path, sandbox: Sandbox) -> Product:
    """The product with a state of its own, as a second replica or a second host has it."""
    home.mkdir()
    found = Product(home, sandbox.environment())
    found.configure(poll="1s", push="1s", scores="1s", sweep="1s")
    settling(found)
    return found


def settling(product: Product) -> None:
    """A write may be under way for a second until its record shows."""
    rules = product.home / "config" / "worker.toml"
    rules.write_text(rules.read_text().replace("settle_seconds = 0", "settle_seconds = 1"))


@pytest.fixture
def hosts(tmp_path: Path, sandbox: Sandbox) -> tuple[Product, Product]:
    return host(tmp_path / "a", sandbox), host(tmp_path / "b", sandbox)


def has_noticed(product: Product) -> bool:
    """Whether the state says so; read as a person on call may read it, beside the worker."""
    return product.query("SELECT 1 FROM remembered WHERE name = 'second writer'") != []


def test_two_hosts_on_two_empty_states_stop_before_a_lead_is_there_twice(
    hosts: tuple[Product, Product], sandbox: Sandbox, product: Product, command: Command
) -> None:
    companies = [sandbox.company(f"company-{n}") for n in range(3)]
    contacts = [sandbox.contact(company) for company in companies for _ in range(2)]
    # Both have looked for the accounts and found none before either creates one.
    held = sandbox.fault("c4c", "slow", body="POST CorporateAccountCollection", times=2, seconds=600)
    with hosts[0].started("run") as first, hosts[1].started("run") as second:
        until(lambda: next(f["fired"] for f in sandbox.get("/faults") if f["id"] == held) == 2, "both creates")
        sandbox.heal()
        until(lambda: has_noticed(hosts[0]) and has_noticed(hosts[1]), "both have noticed")
        for running in (first, second):
            assert running.until("alert_firing", alert="second_writer")["cause"].startswith("another program writes")
            running.process.send_signal(signal.SIGTERM)
            assert running.ended() == 143
            assert any('"event": "second_writer"' in line for line in running.lines)
    assert Counter(row["HubSpotID_KUT"] for row in sandbox.rows("CorporateAccount")) == dict.fromkeys(companies, 2)
    assert all(number == 1 for number in Counter(sandbox.lead_keys()).values())

    product.extra |= hosts[0].variables()
    written = sandbox.written()
    stopped = command("once", "push")
    assert stopped.code == 5, "a restart does not forget it"
    assert "another program writes under our keys: 3 of the records" in stopped.err
    assert "SECOND WRITER: another program" in command("status").out
    assert sandbox.written() == written

    shown = command("approve", "--json").document["second_writer"]
    assert sorted(twin["key"] for twin in shown["twins"]) == sorted(companies)
    assert shown["digest"] in stopped.err
    assert command("approve", shown["digest"]).code == 0
    assert command("once", "--until-idle").code == 0
    assert sandbox.lead_keys() == sorted(f"{contact}:mql:1" for contact in contacts)
    assert command("status", "--json").document["second_writer"] is None

    product.extra |= hosts[1].variables()
    assert command("once", "push").code == 5, "the other one goes on waiting"


def test_a_create_of_the_other_that_was_on_its_way_shows_at_the_second_look(
    product: Product, sandbox: Sandbox, command: Command
) -> None:
    settling(product)
    sandbox.contact(sandbox.company("acme"))
    assert command("once").code == 0
    [ours] = sandbox.rows("CorporateAccount")
    sandbox.call("POST", f"/c4c/CorporateAccount/{ours['ObjectID']}/copy", {}, by=sandbox.announced["username"])
    until(lambda: command("once", "push").code == 5, "the second look")
    [twin] = command("approve", "--json").document["second_writer"]["twins"]
    assert twin["ours"] == ours["ObjectID"]


def test_a_copy_by_sales_concerns_its_contact_alone(product: Product, sandbox: Sandbox, command: Command) -> None:
    """Sales copies the account, our key along with it, between the create and the look at it."""
    company = sandbox.company("acme")
    contact = sandbox.contact(company)
    # The first such question is asked before the create.
    look = sandbox.fault("c4c", "slow", body=r"GET CorporateAccountCollection\?.*HubSpotID_KUT", skip=1, seconds=600)
    with product.started("once") as running:
        sandbox.until_fired(look)
        [ours] = sandbox.rows("CorporateAccount")
        assert ours["HubSpotID_KUT"] == company
        sandbox.post(f"/c4c/CorporateAccount/{ours['ObjectID']}/copy", {"Name": "Acme (copy)"})
        sandbox.heal()
        assert running.ended() == 0
        assert '"event": "duplicate_found"' in running.errors()
    assert sandbox.lead_keys() == [f"{contact}:mql:1"], "it goes on"
    assert command("status", "--json").document["second_writer"] is None
    duplicate = command("verify", "--json").document["duplicate"]
    assert [(entry["entity"], entry["key"]) for entry in duplicate] == [("CorporateAccount", company)]


def test_a_twin_that_a_lost_create_of_our_own_may_have_made_stops_nobody(product: Product, command: Command) -> None:
    command("migrate")
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    twin = Twin(Entity.ACCOUNT, "17", "A", "B")
    with closing(open_store(product.state)) as store, store.session() as session:
        assert second_writer.unexplained(session, [twin], now) == [twin]
        second_writer.note_lost(session, [(Entity.ACCOUNT, "17")], now)
        assert second_writer.unexplained(session, [twin], now + timedelta(hours=23)) == []
        assert second_writer.unexplained(session, [twin], now + timedelta(hours=25)) == [twin]


def test_an_approval_accepts_the_twins_that_it_named_and_no_others(product: Product, command: Command) -> None:
    command("migrate")
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    known, other = Twin(Entity.ACCOUNT, "17", "A", "B"), Twin(Entity.ACCOUNT, "18", "C", "D")
    with closing(open_store(product.state)) as store, store.session() as session:
        found = second_writer.stop_writes(session, [known], now)
        assert second_writer.stop_writes(session, [other], now).digest != found.digest
        assert second_writer.approve_twins(session, found.digest, now) is None, "more was found since"
        both = second_writer.finding_in_force(session)
        assert both is not None
        assert both.twins == (known, other)
        assert second_writer.approve_twins(session, both.digest, now) is not None
        assert second_writer.unexplained(session, [known, other, replace(known, theirs="E")], now) == [
            replace(known, theirs="E")
        ]
