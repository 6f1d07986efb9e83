"""When a score crossed its threshold, as far as it can be known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from unit_builders import shipped

from sync.mirror import crossings, freshness, loading, mirrored
from sync.mirror.mirrored import Fetched
from sync.state.store import Store, open_store

LAST_YEAR = datetime(2025, 8, 3, 9, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SCORES = shipped().qualification.scores


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "state.db")
    yield opened
    opened.close()


def save(store: Store, points: str, modified: datetime, now: datetime, contact: str = "1") -> datetime | None:
    """Since when the contact is above the threshold, once this version was seen."""
    with store.session() as session:
        mirrored.save_contacts(session, [Fetched(contact, {"lead_score": points}, modified)], SCORES, now)
        return loading.views(session, [contact])[contact].crossed_at.get("mql")


def read_all(store: Store, at: datetime) -> None:
    with store.session() as session:
        freshness.note_read(session, "mql", at, at)


def test_a_silent_rise_is_dated_by_the_look_that_saw_it(store: Store) -> None:
    assert save(store, "40", LAST_YEAR, NOW - MINUTE) is None
    assert save(store, "80", LAST_YEAR, NOW) == NOW


def test_a_rise_that_moved_the_timestamp_is_dated_by_it(store: Store) -> None:
    save(store, "40", LAST_YEAR, NOW - 5 * MINUTE)
    assert save(store, "80", NOW - 2 * MINUTE, NOW) == NOW - 2 * MINUTE


def test_it_stays_while_the_score_stays_above(store: Store) -> None:
    save(store, "40", LAST_YEAR, NOW - MINUTE)
    save(store, "80", LAST_YEAR, NOW)
    assert save(store, "90", NOW + MINUTE, NOW + 2 * MINUTE) == NOW


def test_a_silent_fall_and_rise_is_another_crossing(store: Store) -> None:
    first = save(store, "80", LAST_YEAR, NOW)
    assert save(store, "40", LAST_YEAR, NOW + MINUTE) is None
    assert save(store, "80", LAST_YEAR, NOW + 2 * MINUTE) == NOW + 2 * MINUTE != first


def test_a_contact_first_met_above_the_threshold_was_seen_now(store: Store) -> None:
    """Nobody looked at it before, so nothing says since when."""
    assert save(store, "80", LAST_YEAR, NOW) == NOW


def test_a_new_contact_is_bounded_by_the_last_full_reading_of_the_score(store: Store) -> None:
    read_all(store, NOW - 10 * MINUTE)
    assert save(store, "80", NOW - 3 * MINUTE, NOW) == NOW - 3 * MINUTE
    assert save(store, "80", NOW - 30 * MINUTE, NOW, "2") == NOW


def test_a_time_that_has_not_come_is_now(store: Store) -> None:
    save(store, "40", LAST_YEAR, NOW - MINUTE)
    assert save(store, "80", NOW + 60 * MINUTE, NOW) == NOW


def test_a_lower_threshold_is_crossed_when_the_rules_say_so(store: Store) -> None:
    save(store, "60", LAST_YEAR, NOW - MINUTE)
    lower = tuple(score.model_copy(update={"threshold": 50.0, "rearm_below": 40.0}) for score in SCORES)
    with store.session() as session:
        crossings.review(session, lower, NOW)
        assert loading.views(session, ["1"])["1"].crossed_at == {"mql": NOW}
