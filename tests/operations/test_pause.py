"""`pause` and `resume`: writes to SAP Sales Cloud wait for a person, reads do not."""

import signal
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from night_stage import Product
from running import until
from world.program import Ran
from world.sandbox import Sandbox

from sync.state.store import open_store
from sync.worker import readings

Command = Callable[..., Ran]


def test_while_paused_hubspot_is_read_and_nothing_is_written(sandbox: Sandbox, command: Command) -> None:
    contact = sandbox.contact(sandbox.company("acme"))
    assert command("migrate").code == 0
    assert command("pause", "--reason", "the tenant is rebuilt").code == 0
    sandbox.call("DELETE", "/requests")
    once = command("once", "--json")
    assert once.code == 0
    assert once.document["counts"]["polled"] > 0
    assert once.document["jobs"]["push"]["paused"] is True
    assert sandbox.get("/requests")["c4c"]["total"] == 0

    status = command("status", "--json").document
    assert (status["paused"]["reason"], status["pending"]) == ("the tenant is rebuilt", 1)
    shown = command("status").out
    assert "PAUSED since" in shown
    assert "(the tenant is rebuilt): nothing is written" in shown
    assert "writes are paused" in command("once").out

    assert command("resume").code == 0
    assert command("once").code == 0
    assert sandbox.lead_keys() == [f"{contact}:mql:1"]
    assert command("status", "--json").document["paused"] is None


def test_a_second_pause_keeps_the_beginning(product: Product, command: Command) -> None:
    command("migrate")
    first = command("pause", "--reason", "one", "--json").document["paused"]
    again = command("pause", "--json").document["paused"]
    assert again == first
    assert command("pause", "--reason", "two", "--json").document["paused"] == {**first, "reason": "two"}
    assert command("resume", "--json").document["ended"]["since"] == first["since"]
    assert command("resume").out.strip() == "writes were not paused"


def test_a_running_worker_stops_before_its_next_round_of_writes(
    product: Product, sandbox: Sandbox, command: Command
) -> None:
    """Accounts are on their way when the pause comes: they are linked, and no contact person follows them."""
    product.configure(poll="1s", push="1s", scores="1s", sweep="1s")
    contact = sandbox.contact(sandbox.company("acme"))
    held = sandbox.fault("c4c", "slow", body="POST CorporateAccountCollection", seconds=600)
    with product.started("run") as running:
        sandbox.until_fired(held)
        assert command("pause").code == 0
        sandbox.heal()
        until(lambda: product.query("SELECT 1 FROM link WHERE entity = 'CorporateAccount' AND object_id <> ''"))
        while not running.until("job_finished", job="push")["counts"].get("paused"):
            pass
        assert len(sandbox.rows("CorporateAccount")) == 1
        assert sandbox.rows("Contact") == []
        assert command("resume").code == 0
        assert running.until("lead_handed_over")["contact"] == contact
        running.process.send_signal(signal.SIGTERM)
        assert running.ended() == 143


def test_the_metric_says_it(product: Product, command: Command) -> None:
    command("migrate")
    with closing(open_store(product.state)) as store:
        for asked, paused in (("pause", True), ("resume", False)):
            command(asked)
            with store.reading() as session:
                assert readings.read(session, datetime.now(UTC)).paused is paused
