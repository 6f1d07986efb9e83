"""What the overview is made of, beside what other answers say of the same state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from page_world import CONFIGURATION
from people_world import RULES, asking, crowd
from rules_world import World

from sync.admin import overview, report
from sync.admin.overview import Overview
from sync.admin.report import Promise
from sync.domain.codes import Code
from sync.state import streams
from sync.state.documents import IN_SERVICE
from sync.state.lease import Lease
from sync.state.streams import Ended

WEEK = timedelta(days=7)


def looked(world: World) -> Overview:
    with asking(world) as asked:
        return overview.overview(asked, world.store, world.now, CONFIGURATION)


@pytest.fixture(scope="module")
def pushed() -> World:
    world = crowd()
    world.push(RULES)
    return world


def test_the_funnel_of_leads_is_that_of_the_report(pushed: World) -> None:
    now = pushed.now + timedelta(seconds=1)
    with asking(pushed) as asked:
        long = report.report(asked, now - WEEK, now, Promise(timedelta(minutes=10), 0.95)).funnel
        short = report.funnel(asked, now - WEEK, now)
        assert short == replace(long, seen=0, scored=0, qualified=0)
        assert short.handed_over == 2
        assert report.funnel_now(asked).handed_over == 2


def test_the_funnel_counts_outcomes_as_lists_do(pushed: World) -> None:
    world = crowd()
    world.push(RULES)
    with world.store.session() as session:
        links = session.connection()
        for lead, gone in (("101:mql:1", "false"), ("102:mql:1", "true")):
            links.exec_driver_sql(
                "UPDATE link SET seen = json_set(seen, '$.LifeCycleStatusCode', '6', '$.gone', json(?)) WHERE key = ?",
                (gone, lead),
            )
    with asking(world) as asked:
        found = report.funnel_now(asked)
        listed = report.report(asked, world.now - WEEK, world.now + WEEK, Promise(WEEK, 0.9)).funnel
    assert (found.handed_over, found.accepted, found.converted) == (2, 1, 1)
    assert (listed.handed_over, listed.accepted, listed.converted) == (2, 1, 1)


def test_reasons_are_those_of_contacts_that_are_no_leads(pushed: World) -> None:
    reasons = dict(looked(pushed).reasons)
    assert Code.QUALIFIED not in reasons
    assert reasons[Code.NO_LEGAL_BASIS] >= 1


def test_the_backlog_is_the_highest_of_each_hour_and_stays_without_a_run() -> None:
    world = crowd()
    hour = world.now.replace(minute=0, second=0, microsecond=0)
    with world.store.session() as session:
        for at, number in ((hour - timedelta(hours=3), 7), (hour - timedelta(hours=3) + timedelta(minutes=5), 4)):
            streams.finish_job(session, streams.start_job(session, "run", "push", at), at, Ended({"pending": number}))
    backlog = [number for _, number in looked(world).backlog]
    assert backlog[-4:] == [7, 7, 7, 7]
    assert backlog[:-4] == [0] * 20


def test_the_pace_measures_only_crossings_since_the_start_of_service(pushed: World) -> None:
    world = crowd()
    world.push(RULES)
    with world.store.session() as session:
        IN_SERVICE.write(session, world.now + timedelta(seconds=1))
    assert sum(day.leads for day in looked(world).pace) == 0, "nobody knows since when they were above the threshold"
    with world.store.session() as session:
        IN_SERVICE.write(session, world.now - timedelta(days=2))
        session.connection().exec_driver_sql(
            "UPDATE handover SET crossed_at = ?", ((world.now - timedelta(seconds=90)).isoformat(),)
        )
    [*before, today] = looked(world).pace
    assert (today.leads, today.p50, today.p95) == (2, 90, 90)
    assert all(day.leads == 0 for day in before)


def test_the_next_run_is_known_only_while_a_worker_is_at_work() -> None:
    world = crowd()
    with world.store.session() as session:
        started = world.now - timedelta(seconds=10)
        streams.finish_job(session, streams.start_job(session, "run", "poll", started), started, Ended({}))
    assert {job.due_at for job in looked(world).jobs} == {None}
    lease = Lease(world.store, "worker", 60, lambda: world.now)
    assert lease.acquire()
    [poll] = [job for job in looked(world).jobs if job.name == "poll"]
    assert poll.due_at == started + CONFIGURATION.worker.schedule.poll
    lease.release()


def test_a_job_whose_last_run_failed_says_why() -> None:
    world = crowd()
    for n, (kind, error, ok) in enumerate([(None, None, True), ("Denied", "HubSpot: the token is wrong", False)]):
        with world.store.session() as session:
            at = world.now + timedelta(minutes=n)
            job = streams.start_job(session, "run", "poll", at)
            streams.finish_job(session, job, at, Ended({}, kind, error, ok=ok))
    [poll] = [job for job in looked(world).jobs if job.name == "poll"]
    assert poll.error == "HubSpot: the token is wrong"


def test_the_command_to_type_is_that_of_the_remedy(pushed: World) -> None:
    [person] = [w.person for w in _people(pushed)][:1]
    for code, command in (
        (Code.ACCOUNT_AMBIGUOUS, "links set CorporateAccount 70 OBJECT_ID"),
        (Code.CONTACT_AMBIGUOUS, "links set Contact 101 OBJECT_ID"),
        (Code.C4C_REJECTED, "parked retry --code C4C_REJECTED"),
        (Code.COMPANY_AMBIGUOUS, "explain 101"),
    ):
        assert overview.command(replace(person, code=code)) == f"hubspot-c4c-sync {command}"


def _people(world: World) -> tuple[overview.Waiting, ...]:
    from sync.admin import people
    from sync.domain.codes import EXPLANATIONS

    with asking(world) as asked:
        found = people.people(asked, ["101"], asked.score())
    return tuple(overview.Waiting(person, EXPLANATIONS[person.code], "") for person in found)
