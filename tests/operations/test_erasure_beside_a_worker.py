"""Erasures beside a running worker, which carries them out between its handovers."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from night_stage import Product, Ran, Sandbox
from running import until
from test_erasure import KEY, PERSON, WHY, traces_in

pytestmark = pytest.mark.long

ERASE = ("--reason", WHY, "--yes", "--json")


@pytest.fixture
def product(product: Product) -> Product:
    product.extra["SYNC_ERASURE_KEY"] = KEY
    product.configure(push="1s", poll="1s")
    return product


def erased_people(sandbox: Sandbox) -> list[str]:
    return [row["StatusCode"] for row in sandbox.rows("Contact") if row["LastName"] == "Erased"]


def test_the_worker_does_it_and_the_command_waits(product: Product, sandbox: Sandbox) -> None:
    contact = sandbox.contact(sandbox.company("Bakery"), **PERSON)
    with product.started("run"):
        until(lambda: sandbox.lead_keys(), "the lead")
        ran = product.run("erase", contact, *ERASE)
        assert (ran.code, ran.document["to_do"]) == (0, []), ran.err
        assert "the worker does it at its next push" in ran.err
        assert product.run("backup", str(product.home / "later.db")).code == 0
        assert traces_in(product.home) == []
    assert erased_people(sandbox) == ["4"]


def test_asked_for_during_the_handover_of_the_person(product: Product, sandbox: Sandbox) -> None:
    """What was on its way is created, and cleared with the rest."""
    contact = sandbox.contact(sandbox.company("Bakery"), **PERSON)
    slow = sandbox.fault("c4c", "slow", seconds=600, body="LeadCollection HTTP.*", times=1)
    with product.started("run"), ThreadPoolExecutor(1) as pool:
        sandbox.until_fired(slow)
        asked = pool.submit(product.run, "erase", contact, *ERASE)
        until(lambda: product.query("select count(*) from erasure") == [(1,)], "the recorded erasure")
        sandbox.heal()
        ran: Ran = asked.result()
        assert (ran.code, ran.document["to_do"]) == (0, []), ran.err
        assert traces_in(product.home) == []
    assert erased_people(sandbox) == ["4"]
    assert [row["Name"] for row in sandbox.rows("Lead")] == ["Erased"]
    assert not any(
        trace in str(sandbox.rows(name)) for name in ("Contact", "Lead") for trace in ("wetschgen", "765432")
    )


def test_a_lead_whose_answer_was_lost_is_found_and_cleared(product: Product, sandbox: Sandbox) -> None:
    """The create came through, no answer did, and the person is erased before anybody looked it up."""
    contact = sandbox.contact(sandbox.company("Bakery"), **PERSON)
    assert product.run("once").code == 0
    with closing(sqlite3.connect(product.state)) as connection, connection:
        connection.execute("update link set object_id = '' where entity = 'Lead'")
    ran = product.run("erase", contact, *ERASE)
    assert (ran.code, ran.document["to_do"]) == (0, []), ran.err
    assert [row["Name"] for row in sandbox.rows("Lead")] == ["Erased"]
    assert "Lead" in {row["entity"] for row in ran.document["c4c"]}
