"""An erasure that was cut off anywhere is complete after the next start."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cut_off import CutOff, Steps, counted
from night_stage import Product
from test_erasure import KEY, PERSON, WHY, erase, traces_in
from world.program import Ran
from world.sandbox import Sandbox

from sync import app, log
from sync.admin.erasure import Erasures
from sync.app import App, Clock
from sync.environment import Environment
from sync.jobs.runner import run_jobs
from sync.privacy import erasing

Command = Callable[..., Ran]

POINTS = 20


@pytest.fixture
def product(product: Product) -> Product:
    product.extra["SYNC_ERASURE_KEY"] = KEY
    return product


@pytest.fixture
def person(command: Command, sandbox: Sandbox) -> str:
    company = sandbox.company("Bakery")
    sandbox.contact(company, lastname="Sommer", email="ada@mail.example")
    contact = sandbox.contact(company, **PERSON)
    assert command("once", "--until-idle").code == 0
    return contact


def started(product: Product) -> App:
    log.configure("json", "ERROR", sys.__stderr__)
    return app.build(env=Environment(product.variables()), clock=Clock(sleep=lambda _: None))


def asked(application: App, person: str) -> None:
    context = application.context
    found = Erasures(context.store, context.tombstones, context.config.rules).ask(person, WHY, context.now())
    assert isinstance(found, str)


def steps_of(product: Product, person: str, point: int) -> int:
    """Asks for the erasure, and carries it out up to this step; returns how many were taken."""

    def die() -> None:
        raise CutOff

    found = Steps(point, die)
    application = started(product)
    try:
        asked(application, person)
        with counted(found):
            erasing.carry_out(application.context)
    except CutOff:
        pass
    finally:
        application.context.store.engine.dispose()
    return found.passed


class Before:
    """State and C4C as they were before the erasure."""

    def __init__(self, product: Product, sandbox: Sandbox) -> None:
        self.product, self.sandbox = product, sandbox
        with closing(sqlite3.connect(product.state)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._copy = Path(shutil.copy(product.state, product.home.parent / "before.db"))
        self._rows = {row["ObjectID"]: row for row in sandbox.rows("Contact")}

    def restore(self) -> None:
        for leftover in self.product.home.glob("state.db*"):
            leftover.unlink()
        shutil.rmtree(self.product.home / "erased", ignore_errors=True)
        shutil.copy(self._copy, self.product.state)
        for object_id, row in self._rows.items():
            names = ("FirstName", "LastName", "Email", "StatusCode", "HubSpotID_KUT")
            self.sandbox.call("PATCH", f"/c4c/Contact/{object_id}", {name: row[name] for name in names})


def check_complete(product: Product, sandbox: Sandbox) -> None:
    assert traces_in(product.home) == []
    certificates = [json.loads(p.read_text("utf-8")) for p in (product.home / "erased").glob("*.json")]
    assert [certificate["to_do"] for certificate in certificates] == [[]]
    assert product.query("select stage, contact_ids from erasure") == [("done", "[]")]
    assert sorted(row["LastName"] for row in sandbox.rows("Contact")) == ["Erased", "Sommer"]


def test_cut_off_anywhere_it_ends_complete(person: str, product: Product, sandbox: Sandbox) -> None:
    before = Before(product, sandbox)
    last = steps_of(product, person, 10_000)
    assert last >= POINTS
    check_complete(product, sandbox)
    for n in range(POINTS):
        before.restore()
        assert steps_of(product, person, n * last // POINTS) <= last + 1
        application = started(product)
        run_jobs(application.context, ["push"])
        application.close()
        check_complete(product, sandbox)


@pytest.mark.long
def test_killed_anywhere_it_ends_complete(person: str, product: Product, command: Command, sandbox: Sandbox) -> None:
    before = Before(product, sandbox)
    last = steps_of(product, person, 10_000)
    program = product.program
    for n in range(POINTS):
        before.restore()
        # The transaction that records the erasure takes some steps itself.
        product.program = (str(Path(__file__).with_name("cut_off.py")), str(8 + n * last // POINTS))
        product.run("erase", person, "--reason", WHY, "--yes")
        product.program = program
        recorded = product.query("select count(*) from erasure") == [(1,)]
        ran = command("once", "push") if recorded else erase(command, person)
        assert ran.code == 0, ran.err
        check_complete(product, sandbox)
