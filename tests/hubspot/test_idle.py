"""What a cycle costs in which nothing happened: a few pages of the state file, and one row of history an hour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from portal import Portal, Sync
from sqlmodel import select

from sync.state import pausing, streams, tables

Build = Callable[..., Sync]

FRAME = 4096 + 24
"""A page in SQLite's log, with its head."""


@pytest.fixture
def product(portal: Portal, sync: Build) -> Sync:
    """At rest: everything is read and decided, and the hour has just begun."""
    portal.seed(60, 20)
    product = sync(log_level="WARNING")
    product.good("poll", "scores", "sweep", "push")
    portal.advance(3600 - portal.now().timestamp() % 3600 + 7200)
    product.good("poll", "scores", "sweep", "push")
    return product


def pages_written(product: Sync, job: str) -> int:
    log = product.path / "state.db-wal"
    before = log.stat().st_size
    product.portal.advance(60)
    product.good(job)
    return (log.stat().st_size - before) // FRAME


def runs(product: Sync, job: str) -> list[tables.JobRun]:
    with product.store.reading() as session:
        return list(session.exec(select(tables.JobRun).where(tables.JobRun.job == job).order_by("id")))


@pytest.mark.parametrize(("job", "pages"), [("poll", 2), ("scores", 2), ("sweep", 2), ("push", 1)])
def test_a_job_that_finds_nothing_writes_its_row_and_its_watermark_at_most(product: Sync, job: str, pages: int) -> None:
    pages_written(product, job)
    assert pages_written(product, job) <= pages


def test_an_idle_poll_takes_two_requests(portal: Portal, product: Sync) -> None:
    portal.reset_counts()
    product.good("poll", "push")
    assert sum(portal.requests().values()) == 2


def test_empty_runs_of_one_hour_share_a_row(portal: Portal, product: Sync) -> None:
    before = len(runs(product, "poll"))
    for _ in range(5):
        portal.advance(60)
        product.good("poll")
    (row,) = runs(product, "poll")[before:]
    assert row.counts["empty_runs"] == 5
    assert row.finished_at is not None
    assert abs((portal.now() - row.finished_at).total_seconds()) < 30, "the latest of them"
    portal.advance(3600)
    product.good("poll")
    assert len(runs(product, "poll")) == before + 2, "another hour"


def test_who_waits_is_not_counted_once_more_by_each_empty_run(portal: Portal, product: Sync) -> None:
    portal.contact(lead_score="80")
    portal.advance(300)
    product.good("poll")
    with product.store.session() as session:
        pausing.pause(session, "", portal.now())
    for _ in range(3):
        portal.advance(60)
        product.good("push")
    counts = runs(product, "push")[-1].counts
    assert counts["empty_runs"] >= 3
    assert (counts["pending"], counts["paused"]) == (1, True)


def test_a_run_that_changes_something_has_a_row_of_its_own(portal: Portal, product: Sync) -> None:
    product.good("poll")
    before = len(runs(product, "poll"))
    portal.contact()
    portal.advance(300)
    product.good("poll")
    portal.advance(60)
    product.good("poll")
    own, after = runs(product, "poll")[before:]
    assert (own.counts["changed"], "empty_runs" in own.counts) == (1, False)
    assert after.counts["empty_runs"] == 1


def test_a_failure_has_a_row_of_its_own(portal: Portal, product: Sync) -> None:
    product.good("poll")
    before = len(runs(product, "poll"))
    portal.fault("status", status=403, times=9)
    assert product.run("poll").failures
    (failed,) = runs(product, "poll")[before:]
    assert failed.ok is False


def test_a_run_is_in_the_history_from_its_first_change_on(portal: Portal, sync: Build) -> None:
    portal.seed(450, 5)
    product = sync(log_level="WARNING")
    running: list[bool] = []

    def look() -> bool:
        with product.store.reading() as session:
            running.append(streams.is_running(session, "poll"))
        return False

    product.stopping = look
    product.good("poll")
    assert running[-1], "the alert for an old watermark waits while a first load runs"


def test_a_sweep_that_finds_the_same_labels_writes_no_contact(portal: Portal, product: Sync) -> None:
    def read_at() -> list[Any]:
        of = tables.Contact
        with product.store.reading() as session:
            return list(session.exec(select(of.id, of.associations_read_at).order_by(of.id)))

    before = read_at()
    portal.advance(24 * 3600 + 1)
    found = product.good("sweep")["sweep"]
    assert (found["contacts"], found["changed"]) == (60, 0)
    assert read_at() == before


def test_a_full_sweep_that_was_interrupted_goes_on_behind_its_last_portion(
    portal: Portal, product: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.jobs.sweep.ASSOCIATION_BATCH", 25)
    portal.advance(24 * 3600 + 1)
    asked: list[list[str]] = []
    read = product.client.associations

    def watched(ids: Any) -> Any:
        asked.append(list(ids))
        return read(ids)

    monkeypatch.setattr(product.client, "associations", watched)
    product.stopping = lambda: len(asked) == 1
    product.run("sweep")
    product.stopping = lambda: False
    product.good("sweep")
    assert [len(ids) for ids in asked] == [25, 25, 10]
    assert len({i for ids in asked for i in ids}) == 60
