"""Twenty hours that nobody watches, with all that a night brings: real processes on a clock that the test turns."""

import signal
import sqlite3
from contextlib import closing
from datetime import timedelta
from shutil import copyfile
from typing import Any

import pytest
from night_shift import Shift, shifts
from night_stage import Product, webhook
from running import TIMEOUT, until
from world.sandbox import Sandbox

HALF_AN_HOUR = timedelta(minutes=30)
NIGHT = """
[alerts]
poll_age = "40m"
c4c_away = "4h"
handovers_late = "4h"
"""


class Arrivals:
    """Each hour somebody new, and somebody who rises above the threshold without a timestamp moving."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self._company = sandbox, sandbox.company("acme")
        self.contacts: list[str] = []

    def during(self, shift: Shift, hours: int) -> None:
        for _ in range(hours):
            self.contacts.append(self._sandbox.contact(self._company))
            riser = self._sandbox.contact(self._company, lead_score="10")
            shift.passes(HALF_AN_HOUR)
            risen = {"properties": {"lead_score": "80"}, "touch": False}
            self._sandbox.call("PATCH", f"/hubspot/contacts/{riser}", risen)
            self.contacts.append(riser)
            shift.passes(HALF_AN_HOUR)


def heard(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(notice["alert"], notice["state"]) for notice in told]


def put_back(product: Product, backup: str) -> None:
    """As docs/operations.md says."""
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        (product.home / name).unlink(missing_ok=True)
    copyfile(product.home / backup, product.state)
    product.state.chmod(0o600)


def hangs(shift: Shift, product: Product) -> bool:
    """Stops the process where it stands, unless that is where it keeps everybody from the state file."""
    shift.process.send_signal(signal.SIGSTOP)
    with closing(sqlite3.connect(product.state, timeout=0.1)) as connection:
        try:
            connection.execute("begin immediate")
        except sqlite3.OperationalError:
            shift.process.send_signal(signal.SIGCONT)
            return False
    return True


@pytest.mark.long
def test_a_night_with_everything(product: Product, sandbox: Sandbox) -> None:
    product.configure('takeover_after = "4h"', NIGHT, poll="30m", push="30m", scores="30m", sweep="1h")
    arrivals = Arrivals(sandbox)
    with webhook() as (url, told), shifts(product, sandbox) as (clock, start):
        product.extra["SYNC_ALERT_WEBHOOK"] = url
        began = clock.now()
        worker = start().at_work()
        arrivals.during(worker, 3)
        worker.passes(HALF_AN_HOUR)

        sandbox.fault("c4c", "status", status=503, times=None)
        arrivals.during(worker, 3)
        waiting = product.query("select attempts from progress where status != 'done'")
        assert waiting == [(0,)] * 6, "an outage must not cost attempts"
        sandbox.heal()
        arrivals.during(worker, 1)
        assert told == [], "nobody is woken by an outage that passes"

        sandbox.fault("hubspot", "status", status=401, times=None)
        arrivals.during(worker, 1)
        until(lambda: len(told) == 2, "both alerts")
        assert sorted(heard(told)) == [("denied", "firing"), ("poll_stale", "firing")]
        assert worker.ends(signal.SIGTERM) == 143
        worker = start().at_work()
        worker.passes(HALF_AN_HOUR)
        assert len(told) == 2, "a restart neither ends an alert nor tells it again"
        sandbox.heal()
        arrivals.during(worker, 1)
        until(lambda: len(told) == 4, "both recoveries")

        standby = start()
        until(lambda: standby.said("worker_standby"), "the standby")
        arrivals.during(worker, 2)
        assert not standby.said("lease_acquired"), "the holder is alive"
        worker.ends(signal.SIGKILL)
        worker = standby.takes_over()
        arrivals.during(worker, 2)

        assert product.run("backup", "older.db").code == 0
        arrivals.during(worker, 4)
        assert worker.ends(signal.SIGTERM) == 143
        put_back(product, "older.db")
        worker = start().at_work()
        arrivals.during(worker, 3)
        worker.passes(HALF_AN_HOUR)
        assert worker.ends(signal.SIGTERM) == 143

        assert clock.now() - began >= timedelta(hours=20)
        assert product.run("verify").code == 0, "after the restore everything is known again"

    contacts = arrivals.contacts
    assert len(contacts) == 40
    assert sandbox.lead_keys() == sorted(f"{contact}:mql:1" for contact in contacts), "each lead there, and once"
    assert len(sandbox.rows("CorporateAccount")) == 1
    assert len(sandbox.rows("Contact")) == 40
    assert product.query("select count(*) from progress where status != 'done' or attempts != 0") == [(0,)]
    assert sorted(heard(told)) == [
        ("denied", "firing"),
        ("denied", "resolved"),
        ("poll_stale", "firing"),
        ("poll_stale", "resolved"),
    ]


@pytest.mark.long
def test_a_worker_that_hung_writes_nothing_after_it_was_replaced(product: Product, sandbox: Sandbox) -> None:
    with shifts(product, sandbox) as (clock, start):
        hung = start().at_work()
        slow = sandbox.fault("c4c", "slow", body="POST CorporateAccountCollection", seconds=TIMEOUT)
        contact = sandbox.contact(sandbox.company("acme"))
        hung.passes(timedelta(minutes=5))
        clock.advance(timedelta(minutes=5))
        sandbox.until_fired(slow)
        until(lambda: hangs(hung, product), "a moment outside of a transaction")
        sandbox.heal()
        until(lambda: sandbox.rows("CorporateAccount"), "the write that was in hand")
        standby = start()
        until(lambda: standby.said("worker_standby"), "the standby")
        standby.takes_over()
        assert sandbox.lead_keys() == [f"{contact}:mql:1"]
        writes = sandbox.written()
        hung.process.send_signal(signal.SIGCONT)
        until(lambda: hung.said("worker_standby"), "the end of what hung")
        assert sandbox.written() == writes
        assert not standby.said("lease_lost")
    assert len(sandbox.rows("CorporateAccount")) == 1
