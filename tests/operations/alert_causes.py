"""What may happen to a worker, as it shows in its state file: each is one step of a scenario of `alert_scenarios`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import trustme
from alert_stage import BASE, Action, Stage

from sync import metrics
from sync.domain.codes import Code
from sync.lifecycle import Status
from sync.log import Event
from sync.mirror import clocks, freshness
from sync.state import guarding, second_writer, streams, tables
from sync.state.documents import BUDGET, LAST_BACKUP, MISMATCHES, DailyBudget, Stopped, Twin
from sync.state.pending import mark_pending


def well(stage: Stage) -> None:
    stage.well()


def fails(job: str, kind: str, message: str = "HubSpot: no answer") -> Action:
    """This job alone."""

    def act(stage: Stage) -> None:
        stage.well(except_for=job)
        stage.ran(job, kind, message)

    return act


def gone(stage: Stage) -> None:
    stage.gone = True


def back(stage: Stage) -> None:
    stage.gone = False
    stage.well()


def stands_by(stage: Stage) -> None:
    stage.at_work = None


def takes_over(stage: Stage) -> None:
    stage.at_work = 1
    stage.well()


def damages(stage: Stage) -> None:
    """Pages in the middle are overwritten, as by a disk that lost them."""
    stage.store.engine.dispose()
    path = stage.store.path
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [size] = connection.execute("PRAGMA page_size").fetchone()
    path.with_suffix(".good").write_bytes(path.read_bytes())
    with path.open("r+b") as file:
        file.seek(size)
        file.write(b"\xff" * (path.stat().st_size - size))


def restores(stage: Stage) -> None:
    stage.store.engine.dispose()
    path = stage.store.path
    for journal in path.parent.glob("state.db-*"):
        journal.unlink()
    path.write_bytes(path.with_suffix(".good").read_bytes())
    stage.well()


def locks(stage: Stage) -> None:
    """Another program begins to write, and does not end."""
    stage.well()
    stage.writer = sqlite3.connect(stage.store.path, isolation_level=None)
    stage.writer.execute("BEGIN IMMEDIATE")


def unlocks(stage: Stage) -> None:
    assert stage.writer
    stage.writer.close()
    stage.well()


def mode(of: int) -> Action:
    def change(stage: Stage) -> None:
        stage.store.path.chmod(of)
        stage.well()

    return change


def waits(minutes: int) -> Action:
    """A contact waits, and has done so for this long."""

    def act(stage: Stage) -> None:
        stage.well()
        with stage.store.session() as session:
            mark_pending(session, ["1"], stage.now - timedelta(minutes=minutes))

    return act


def settles(stage: Stage) -> None:
    stage.well()
    with stage.store.session() as session:
        row = session.get_one(tables.Progress, "1")
        row.status, row.pending_since = Status.DONE, None
        session.add(row)


def parks(number: int) -> Action:
    def act(stage: Stage) -> None:
        stage.well()
        with stage.store.session() as session:
            for n in range(number):
                code = str(Code.MISSING_LAST_NAME)
                session.merge(tables.Progress(contact_id=f"p{n}", status=Status.PARKED, code=code))

    return act


def unparks(stage: Stage) -> None:
    stage.well()
    with stage.store.session() as session:
        for n in range(25):
            row = session.get_one(tables.Progress, f"p{n}")
            row.status = Status.DONE
            session.add(row)


def stops(stage: Stage) -> None:
    stage.well(except_for="push")
    stage.ran("push", "GuardTripped", "1200 creates, allowed are 1000")
    with stage.store.session() as session:
        guarding.stop(session, Stopped("abc", "def", "1200 creates, allowed are 1000", stage.now.isoformat()))


def approves(stage: Stage) -> None:
    stage.well()
    with stage.store.session() as session:
        guarding.forget_stopped(session)


def twins(stage: Stage) -> None:
    stage.well(except_for="push")
    stage.ran("push", "SecondWriter", "another program writes under our keys")
    with stage.store.session() as session:
        second_writer.stop_writes(session, [Twin("Lead", "1:mql:1", "A", "B")], stage.now)


def copy_of_sales(stage: Stage) -> None:
    """A record that somebody else made with our key concerns its own contact."""
    stage.well()
    metrics.EVENTS.labels(str(Event.DUPLICATE_FOUND)).inc()


def lets_write(stage: Stage) -> None:
    stage.well()
    with stage.store.session() as session:
        found = second_writer.finding_in_force(session)
        assert found
        second_writer.approve_twins(session, found.digest, stage.now)


def approves_only(stage: Stage) -> None:
    """A plan was stopped and approved before anybody looked, and is not carried out yet."""
    stage.well()
    with stage.store.session() as session:
        guarding.stop(session, Stopped("abc", "def", "1200 creates, allowed are 1000", stage.now.isoformat()))
        guarding.approve(session, "abc", stage.now)


def mismatch_settled(stage: Stage) -> None:
    mismatch("Lead.GroupCode: gone")(stage)
    mismatch()(stage)


def mismatch(*texts: str) -> Action:
    def act(stage: Stage) -> None:
        stage.well()
        with stage.store.session() as session:
            MISMATCHES.write(session, {"c4c": texts})

    return act


def away(stage: Stage) -> None:
    """The webhook takes nothing."""
    stage.away = True
    stage.well()


def undelivered(stage: Stage) -> None:
    stage.away = True
    mismatch("Lead.GroupCode: gone")(stage)


def delivered(stage: Stage) -> None:
    stage.away = False
    stage.well()


def left(number: int) -> Action:
    def act(stage: Stage) -> None:
        stage.well()
        with stage.store.session() as session:
            BUDGET.write(session, DailyBudget(limit=1000, left=number))

    return act


def frozen(days: int) -> Action:
    def act(stage: Stage) -> None:
        stage.well()
        since = stage.now - timedelta(days=days)
        with stage.store.session() as session:
            freshness.note_values(session, ["lead_score"], [({"lead_score": "1"}, {"lead_score": "2"})], since)

    return act


def shown_ahead(minutes: int) -> Action:
    """HubSpot was read up to a time that lies so many minutes ahead of our clock."""

    def act(stage: Stage) -> None:
        stage.well()
        with stage.store.session() as session:
            streams.complete_stream(session, "contacts", stage.now + timedelta(minutes=minutes))
            clocks.note_clock(session, clocks.disagreement(session, stage.now) or "")

    return act


def creates_lead(stage: Stage) -> None:
    stage.well()
    with stage.store.session() as session:
        key = f"1:mql:{stage.now.timestamp():g}"
        at = {"handed_over_at": stage.now, "crossed_at": stage.now}
        session.add(tables.Handover(lead_key=key, contact_id="1", score="mql", cycle=1, object_id="A", **at))


def hands_over(number: int, minutes: int, load: metrics.Load = "later") -> Action:
    def act(stage: Stage) -> None:
        stage.well()
        for _ in range(number):
            metrics.count_handover(stage.now - timedelta(minutes=minutes), load, stage.now, timedelta(minutes=10))

    return act


def keeps_and_misses(kept: int, missed: int) -> Action:
    """So many leads within the ten minutes of the promise, and so many after twenty."""

    def act(stage: Stage) -> None:
        hands_over(kept, 1)(stage)
        hands_over(missed, 20)(stage)

    return act


def first_load_hands_over(stage: Stage) -> None:
    """A hundred leads of the first load that took two hours, and a thousand others that took a minute."""
    hands_over(100, 120, "first")(stage)
    hands_over(1000, 1)(stage)


def room(free: float) -> Action:
    def act(stage: Stage) -> None:
        stage.well()
        stage.free = int(free)

    return act


def backs_up(stage: Stage) -> None:
    stage.well()
    with stage.store.session() as session:
        LAST_BACKUP.write(session, stage.now)


AUTHORITY = trustme.CA()


def certificate(days: int) -> Action:
    """A certificate that ends so many days after the scenario's beginning."""

    def act(stage: Stage) -> None:
        stage.well()
        made = AUTHORITY.issue_cert("sync@company.example", not_after=BASE + timedelta(days=days))
        stage.certificate = stage.home / f"{days}.pem"
        stage.certificate.write_bytes(made.cert_chain_pems[0].bytes())

    return act


def first_load(stage: Stage) -> None:
    """HubSpot was never read completely, and the poll stores page after page."""
    with stage.store.session() as session:
        for stream in ("contacts", "companies"):
            streams.read_anew(session, stream)
        streams.start_job(session, "run", "poll", stage.now)
    metrics.EVENTS.labels(str(Event.POLL_PAGE)).inc(50)
