"""A machine's clock that ran ahead once, or falls back: noticed, said, and no change is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from portal import Portal, Sync

from sync.hubspot_client import HubSpotClient
from sync.mirror import clocks
from sync.state import streams

HOUR = 3600.0
DAY = 24 * HOUR


@pytest.fixture
def product(portal: Portal, sync: Callable[..., Sync]) -> Sync:
    """HubSpot was read completely by a clock that was right."""
    made = sync()
    portal.contact(lead_score="10", lastname="First")
    portal.advance(HOUR)
    made.good("poll")
    return made


def said(product: Sync) -> str | None:
    with product.store.reading() as session:
        return clocks.noted(session)


def marks(product: Sync) -> list[object]:
    with product.store.reading() as session:
        return list(streams.watermarks(session).values())


def ran_ahead(portal: Portal, product: Sync, seconds: float) -> None:
    portal.offset += seconds
    product.good("poll")
    portal.offset -= seconds


@pytest.mark.parametrize("ahead", [8 * HOUR, 400 * DAY], ids=["hours", "a year"])
def test_what_changed_after_a_clock_ran_ahead_is_read(portal: Portal, product: Sync, ahead: float) -> None:
    ran_ahead(portal, product, ahead)
    missed = portal.contact(lead_score="10", lastname="Missed")
    portal.advance(6 * HOUR)
    product.good("poll")
    assert missed in product.contacts()
    [event] = product.events("clock_wrong")
    assert "the clock runs ahead" in event["cause"]
    assert said(product) is None
    assert all(mark <= portal.now() for mark in marks(product) if mark)


def test_a_watermark_in_the_future_is_noticed_where_hubspot_names_no_time(
    portal: Portal, product: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HubSpotClient, "time", None)
    ran_ahead(portal, product, 8 * HOUR)
    missed = portal.contact(lead_score="10", lastname="Missed")
    portal.advance(6 * HOUR)
    product.good("poll")
    assert missed in product.contacts()
    [event] = product.events("clock_wrong")
    assert "which has not come yet" in event["cause"]
    assert said(product) == event["cause"]


def test_it_is_over_after_everything_was_read_again(portal: Portal, product: Sync) -> None:
    ran_ahead(portal, product, 400 * DAY)
    for _ in range(2):
        portal.advance(60)
        product.good("poll")
    assert said(product) is None
    assert len(product.events("clock_wrong")) == 1


@pytest.mark.parametrize("behind", [3 * HOUR, 400 * DAY], ids=["hours", "a year"])
def test_changes_are_read_while_the_clock_is_behind(portal: Portal, product: Sync, behind: float) -> None:
    portal.offset -= behind
    first = portal.contact(lead_score="10", lastname="First since")
    product.good("poll")
    assert first in product.contacts()
    portal.advance(2 * HOUR)
    second = portal.contact(lead_score="10", lastname="Second")
    product.good("poll")
    assert second in product.contacts()
    assert "the clock is behind" in (said(product) or "")
    portal.offset += behind
    portal.advance(600)
    third = portal.contact(lead_score="10", lastname="Third")
    portal.advance(600)
    product.good("poll")
    assert third in product.contacts()
    assert said(product) is None


def test_a_healthy_clock_is_not_mentioned(portal: Portal, product: Sync) -> None:
    for _ in range(3):
        portal.advance(timedelta(minutes=10).total_seconds())
        product.good("poll")
    assert said(product) is None
    assert product.events("clock_wrong") == []


@pytest.mark.parametrize("when", ["2099-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_senseless_time_of_one_row_moves_no_watermark(portal: Portal, product: Sync, when: str) -> None:
    portal.contact(lead_score="10", lastname="Odd")
    place = ["results", 0, "properties", "lastmodifieddate"]
    portal.fault("rewrite", path="contacts/search", place=place, value=when)
    portal.advance(600)
    product.good("poll")
    portal.advance(6 * HOUR)
    later = portal.contact(lead_score="10", lastname="Later")
    portal.advance(600)
    product.good("poll")
    assert later in product.contacts()
    assert product.events("clock_wrong") == []
    assert all(mark <= portal.now() for mark in marks(product) if mark)


def test_while_the_clock_runs_ahead_nothing_is_missed(portal: Portal, product: Sync) -> None:
    """Further ahead than the overlap: read by our own clock, each window would lie in HubSpot's future."""
    portal.offset += 2 * HOUR
    product.good("poll")
    changed = portal.contact(lead_score="10", lastname="Changed meanwhile")
    product.good("poll")
    assert changed in product.contacts()
    assert "the clock runs ahead" in (said(product) or "")
    assert all(mark <= portal.now() - timedelta(hours=1.9) for mark in marks(product) if mark)
    portal.offset -= 2 * HOUR
    product.good("poll")
    assert said(product) is None
