"""A full sweep that was paused: later runs finish that very sweep, however late, and do not begin another one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from portal import Portal, Sync

from sync.jobs import sweep
from sync.state import streams

Build = Callable[..., Sync]
PORTION, REST = 6, 4


@pytest.fixture
def paused(portal: Portal, sync: Build, monkeypatch: pytest.MonkeyPatch) -> Sync:
    """The full sweep of the day has read its first portion of two when HubSpot fails."""
    monkeypatch.setattr(sweep, "ASSOCIATION_BATCH", PORTION)
    for _ in range(PORTION + REST):
        portal.contact()
    product = sync(log_level="WARNING")
    product.good("poll", "sweep")
    portal.advance(25 * 3600)
    portal.fault("status", status=500, path="associations", skip=1, times=None)
    assert product.run("sweep").failures
    portal.call("DELETE", "/faults")
    return product


def read_until(product: Sync) -> datetime | None:
    with product.store.reading() as session:
        return streams.watermark(session, sweep.FULL_SWEEP).complete_until


def in_order(portal: Portal) -> list[str]:
    """All contacts, in the order in which they are swept."""
    return sorted(row["id"] for row in portal.portal()["contacts"] if not row.get("archived"))


@pytest.mark.parametrize("hours", [0, 3, 30], ids=["at once", "after the next interval", "after the next day"])
def test_a_paused_full_sweep_goes_on_with_the_rest(portal: Portal, paused: Sync, hours: int) -> None:
    """The rest is read and nobody twice: a sweep that begins anew would never end where the day's budget is short."""
    last, company = in_order(portal)[-1], portal.company()
    portal.associate(last, company)
    before = read_until(paused)
    portal.advance(hours * 3600)
    paused.restart()
    assert paused.good("sweep")["sweep"]["contacts"] == REST
    assert company in {other for other, _ in paused.labels_of(last)}
    assert read_until(paused) != before, "it is complete"


def test_a_paused_full_sweep_is_due_a_day_after_its_own_start(portal: Portal, paused: Sync) -> None:
    """Who was read first is read again in time: the next day counts from the start, not from the end."""
    portal.advance(23 * 3600)
    paused.good("sweep")
    first, company = in_order(portal)[0], portal.company()
    portal.associate(first, company)
    portal.advance(3600 + 60)
    paused.good("sweep")
    assert company in {other for other, _ in paused.labels_of(first)}
