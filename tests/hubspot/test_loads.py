"""First loads: how many requests they take, said before they start, bounded by a time, and shown while they run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from portal import PROJECT, Portal, Sync

from sync import log
from sync.admin import forecast
from sync.cli import loads, main
from sync.config import HubSpotSettings
from sync.errors import Unavailable
from sync.jobs import poll
from sync.reading.prefetch import prefetch
from sync.state.documents import BUDGET, DailyBudget

Build = Callable[..., Sync]


@pytest.mark.long
def test_a_first_load_of_10000_contacts_and_2000_companies_takes_at_most_90_requests(
    portal: Portal, sync: Build
) -> None:
    portal.seed(10_000, 2_000)
    product = sync(log_level="WARNING")
    portal.reset_counts()
    said = forecast.announced(product.context())
    product.good("poll", "scores", "sweep")
    asked = sum(portal.requests().values())
    assert asked <= 90, portal.requests()
    assert said is not None
    foretold = int(said.split("about ")[1].split(" requests")[0])
    assert abs(foretold - asked) <= 15, "the forecast is near the truth"

    product.restart()
    # A new process asks once whose portal it is.
    product.good("poll", "scores")
    portal.reset_counts()
    product.good("poll", "scores")
    assert sum(portal.requests().values()) <= 3, "an idle cycle outside sweeps"

    portal.advance(24 * 3600 + 1)
    product.good("poll")
    portal.reset_counts()
    product.good("sweep")
    assert sum(portal.requests().values()) <= 10 + 5, "a full sweep: 1,000 contacts a request"


def test_the_forecast_grows_with_the_work_and_knows_the_reserve() -> None:
    settings = HubSpotSettings(search_per_second=4)
    found = forecast.forecast(settings, contacts=100_000, companies=20_000, qualified=4_000)
    assert found.searches == 525 + 105 + 20
    assert found.others == 100 + forecast.FIXED_REQUESTS
    assert found.duration == timedelta(seconds=163)
    assert found.eats_reserve(50_500, 50_000)
    assert not found.eats_reserve(60_000, 50_000)
    assert not found.eats_reserve(None, 50_000)


@pytest.mark.parametrize(("left", "warned"), [(50_500, False), (50_001, True), (None, False)])
def test_reading_again_says_its_cost_and_warns_of_the_reserve(
    portal: Portal, sync: Build, left: int | None, warned: bool
) -> None:
    portal.contact()
    product = sync()
    product.good("poll")
    with product.store.session() as session:
        BUDGET.write(session, DailyBudget(625_000, left))
    said = loads.refetch_cost(product.store, product.configuration, 250, everything=False)
    assert said.startswith("250 contacts: about 4 requests")
    assert ("reserved for others" in said) is warned
    assert "1 contacts, 0 companies" in loads.refetch_cost(product.store, product.configuration, 1, everything=True)


def test_only_a_first_load_is_announced(portal: Portal, sync: Build) -> None:
    portal.contact(lead_score="80")
    product = sync()
    said = forecast.announced(product.context())
    assert said is not None
    assert "1 contacts, 0 companies, 1 at or above a threshold" in said
    assert product.events("load_forecast")[0]["contacts"] == 1
    product.good("poll")
    assert forecast.announced(product.context()) is None


def test_since_bounds_the_first_load_and_later_polls_go_on_from_there(portal: Portal, sync: Build) -> None:
    old, early = portal.contact(lastname="Old"), portal.contact(lead_score="90")
    portal.advance(30 * 86_400)
    new = portal.contact(lastname="New")
    portal.advance(60)
    product = sync()
    poll.read_again(product.context(), portal.now() - timedelta(days=1))
    product.good("poll", "scores")
    assert set(product.contacts()) == {new, early}, "above a threshold counts whenever it was changed"
    portal.change("contacts", old, lastname="Changed")
    portal.advance(60)
    product.good("poll")
    assert old in product.contacts()


def test_since_leaves_no_gap_behind_an_earlier_poll(portal: Portal, sync: Build) -> None:
    product = sync()
    product.good("poll")
    missed = portal.contact()
    portal.advance(10 * 86_400)
    poll.read_again(product.context(), portal.now() - timedelta(days=1))
    product.good("poll")
    assert missed in product.contacts()


def test_progress_is_shown_with_the_total(portal: Portal, sync: Build) -> None:
    portal.seed(500, 5)
    product = sync(log_level="WARNING")
    shown: list[tuple[str, int, int | None]] = []
    context = replace(product.context(), progress=lambda job, done, total: shown.append((job, done, total)))
    poll.run(context)
    contacts = [(done, total) for job, done, total in shown if job == "poll contacts"]
    assert contacts[0] == (200, 500)
    assert contacts[-1][0] >= 500


def test_a_stop_between_pages_keeps_what_is_stored_and_goes_on_there(portal: Portal, sync: Build) -> None:
    portal.seed(900, 5)
    product = sync(log_level="WARNING")
    asked: list[None] = []

    def stopping() -> bool:
        asked.append(None)
        return len(asked) > 5

    product.stopping = stopping
    product.run("poll")
    assert 0 < len(product.contacts()) < 900
    product.stopping = lambda: False
    product.good("poll")
    assert len(product.contacts()) == 900


def test_one_item_ahead_keeps_order_and_passes_failures_on() -> None:
    def pages() -> Any:
        yield from range(3)
        raise Unavailable("hubspot", "cut")

    coming = prefetch(pages())
    assert [next(coming) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Unavailable):
        next(coming)


@dataclass(frozen=True)
class Ran:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def once(
    portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Ran]]:
    """The command within this process: the same entry, without the time that a start takes."""
    told = portal.announced
    settings = {
        "HUBSPOT_ACCESS_TOKEN": told["token"],
        "HUBSPOT_BASE_URL": told["hubspot"],
        "C4C_BASE_URL": told["c4c"],
        "C4C_USERNAME": told["username"],
        "C4C_PASSWORD": told["password"],
        "SYNC_STATE": str(tmp_path / "state.db"),
        "SYNC_CONFIG": str(PROJECT / "config"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["hubspot-c4c-sync", "once", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Ran(int(ended.value.code or 0), *capfd.readouterr())

    yield run
    log.configure("json", "ERROR", sys.__stderr__)


def test_once_says_what_a_first_load_will_cost_before_it_starts(portal: Portal, once: Callable[..., Ran]) -> None:
    portal.contact(lead_score="10")
    portal.advance(600)
    ran = once("poll", "--since", "2020-01-01", "--json")
    assert ran.returncode == 0, ran.stderr
    assert "load_forecast" in ran.stderr.split("job_started")[0], "before the job starts"
    assert json.loads(ran.stdout)["jobs"]["poll"]["contacts"] == 0, "the process has the real clock"


@pytest.mark.parametrize("since", ["soon", "2999-01-01"])
def test_once_refuses_a_time_that_cannot_be(once: Callable[..., Ran], since: str) -> None:
    ran = once("--since", since)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--since" in ran.stderr
    assert "allowed" in ran.stderr
