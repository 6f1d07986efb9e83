"""Twenty hours that nobody watches, on a clock that the test turns, with all that a night brings.

Jobs, timetable, lease, alerts and both clients are the real ones, over real HTTP; what is simulated is the passing of
time, and that one process after another runs within the test's own. Signals and real processes: test_process.py.
"""

from datetime import timedelta
from shutil import copyfile

from night_stage import NightClock, Product, Sandbox, Shift, webhook


def test_a_night_with_everything(product: Product, sandbox: Sandbox) -> None:
    product.configure(poll="15m", push="15m", scores="30m", sweep="4h", more='[alerts]\npoll_age = "40m"')
    clock = NightClock(sandbox)
    began = clock.now()
    company = sandbox.company("acme")
    qualified: list[str] = []

    def arrivals(hours: int) -> None:
        """Each hour somebody new, and somebody who rises above the threshold without a timestamp moving."""
        for _ in range(hours):
            qualified.append(sandbox.contact(company))
            riser = sandbox.contact(company, score=10)
            shift.work(0.5)
            sandbox.call("PATCH", f"/hubspot/contacts/{riser}", {"properties": {"lead_score": "80"}, "touch": False})
            qualified.append(riser)
            shift.work(0.5)

    with webhook() as (url, told):
        product.extra["SYNC_ALERT_WEBHOOK"] = url
        shift = Shift(product, clock)
        assert shift.begin()
        arrivals(2)

        outage = sandbox.fault("c4c", "status", status=503, times=None)
        arrivals(3)
        assert outage
        waiting = product.query("select status, attempts, code from progress where status != 'done'")
        assert len(waiting) == 6
        assert {attempts for _, attempts, _ in waiting} == {0}, "an outage must not cost attempts"
        sandbox.heal()
        arrivals(1)

        shift.end()
        shift = Shift(product, clock)
        assert shift.begin(), "the lease of a worker that ended in order is free"
        arrivals(2)

        sandbox.fault("hubspot", "status", status=401, times=None)
        arrivals(1)
        assert [(n["alert"], n["state"]) for n in told] == [("denied", "firing"), ("poll_stale", "firing")]
        sandbox.heal()
        arrivals(1)

        standby = Shift(product, clock)
        assert not standby.begin(), "the holder is alive"
        shift.die()
        assert standby.begin(), "the holder is dead"
        shift = standby
        arrivals(2)

        assert product.run("backup", str(product.home / "older.db")).code == 0
        arrivals(4)
        shift.end()
        for leftover in product.home.glob("state.db-*"):
            leftover.unlink()
        copyfile(product.home / "older.db", product.state)
        shift = Shift(product, clock)
        assert shift.begin()
        arrivals(4)
        shift.end()

    assert clock.now() - began >= timedelta(hours=20)
    assert len(qualified) == 40
    assert sandbox.lead_keys() == sorted(f"{contact}:mql:1" for contact in qualified), "each lead there, and once"
    assert len(sandbox.rows("CorporateAccount")) == 1
    assert len(sandbox.rows("Contact")) == 40
    assert product.query("select count(*) from progress where status != 'done' or attempts != 0") == [(0,)]
    assert sorted((n["alert"], n["state"]) for n in told) == [
        ("denied", "firing"),
        ("denied", "resolved"),
        ("poll_stale", "firing"),
        ("poll_stale", "resolved"),
    ]
    assert product.run("verify").code == 0, "after the restore everything is known again"


def test_a_worker_that_hung_writes_nothing_after_it_was_replaced(product: Product, sandbox: Sandbox) -> None:
    clock = NightClock(sandbox)
    hung, standby = Shift(product, clock), Shift(product, clock)
    assert hung.begin()
    contact = sandbox.contact(sandbox.company("acme"))
    jobs = {slot.job: hung.worker.job(slot) for slot in hung.worker.slots}
    jobs["poll"]()
    assert not standby.begin()
    clock.advance(61)
    assert standby.begin(), "the holder's beat stood still"
    jobs["push"]()
    assert sandbox.writes() == 0
    assert product.query("select kind from job_run where job = 'push'") == [("LeaseLost",)]
    assert product.query("select attempts from progress") == [(0,)]
    jobs["poll"]()
    assert product.query("select count(*) from job_run where job = 'poll'") == [(1,)], "it does nothing any more"
    standby.work(0.2)
    assert sandbox.lead_keys() == [f"{contact}:mql:1"]
    hung.end()
    standby.end()
