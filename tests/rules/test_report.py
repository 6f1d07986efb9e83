"""The report's figures on a small crowd, and one contact's story."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from people_world import PEOPLE, RULES, asking, crowd
from rules_world import NOW, World

from sync.admin import report as reporting
from sync.admin.report import Funnel, Promise, Report
from sync.admin.story import story
from sync.mirror import mirrored

PROMISE = Promise(timedelta(minutes=10), 0.95)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def world() -> World:
    """Five minutes after the crossing the push; a day later 103 crosses too, and consent of 104 becomes known."""
    made = crowd()
    made.now += timedelta(minutes=5)
    made.push(RULES)
    made.now = NOW + DAY
    later = {"103": {**PEOPLE["103"], "lead_score": "76"}, "104": {**PEOPLE["104"], "hs_legal_basis": "Contract"}}
    with made.store.session() as session:
        rows = [mirrored.Fetched(i, properties, made.now) for i, properties in later.items()]
        mirrored.save_contacts(session, rows, RULES.qualification.scores, made.now)
    made.now += timedelta(minutes=30)
    made.push(RULES)
    return made


def report(world: World, since: datetime, until: datetime) -> Report:
    with asking(world) as asked:
        return reporting.report(asked, since, until, PROMISE)


def test_the_funnel_counts_who_came_how_far(world: World) -> None:
    found = report(world, NOW - DAY, NOW + 2 * DAY)
    assert found.funnel == Funnel(seen=7, scored=6, crossed=6, qualified=4, handed_over=4)
    first, second = report(world, NOW - DAY, NOW + DAY / 2), report(world, NOW + DAY / 2, NOW + 2 * DAY)
    assert first.funnel == Funnel(seen=7, scored=6, crossed=5, qualified=2, handed_over=2)
    assert second.funnel == Funnel(seen=2, scored=2, crossed=1, qualified=2, handed_over=2)
    assert found.by_score["mql"].handed_over == 4


def test_reasons_are_compared_with_the_time_before(world: World) -> None:
    reasons = report(world, NOW + DAY / 2, NOW + 2 * DAY).reasons
    assert reasons["NO_LEGAL_BASIS"] == (1, 2)  # type: ignore[index]
    assert reasons["SCORE_BELOW_THRESHOLD"] == (0, 1)  # type: ignore[index]
    assert reasons["MISSING_LAST_NAME"] == (1, 1)  # type: ignore[index]
    assert "QUALIFIED" not in reasons


def test_latency_names_the_slowest_and_counts_the_promise(world: World) -> None:
    latency = report(world, NOW - DAY, NOW + 2 * DAY).latency
    assert latency
    assert (latency.p50, latency.p95, latency.worst) == (1800, 88_200, 88_200)
    assert (latency.number, latency.within) == (4, 2)
    assert latency.slowest[0] == ("104", 88_200), "it waited for its consent since it crossed"


def test_a_time_without_anything_is_a_report_of_zeros(world: World) -> None:
    found = report(world, NOW - 9 * DAY, NOW - 8 * DAY)
    assert (found.funnel, found.latency, found.reasons) == (Funnel(), None, {})
    assert reporting.to_json(found, world.now)["latency"]["slowest"] == []


def test_the_funnel_of_now_needs_no_time(world: World) -> None:
    with asking(world) as asked:
        assert reporting.funnel_now(asked) == Funnel(seen=7, scored=6, crossed=6, qualified=4, handed_over=4)


def test_weeks_begin_on_monday_in_the_portals_time_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start, end = datetime(2026, 10, 22, 12, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)
    begins = [week for week, _ in reporting.weeks(start, end, berlin)]
    # Clocks change on 25 October: Monday begins at 22:00 UTC before it and at 23:00 after it.
    assert begins == [start, datetime(2026, 10, 25, 23, tzinfo=UTC), datetime(2026, 11, 1, 23, tzinfo=UTC)]


def test_the_document_has_the_agreed_shape(world: World) -> None:
    document = reporting.to_json(report(world, NOW - DAY, NOW + 2 * DAY), world.now)
    steps = ["seen", "scored", "crossed", "qualified", "handed_over", "accepted", "declined", "converted"]
    assert list(document["funnel"]) == steps
    assert document["by_week"][0]["week"] == "2026-11-16", "a Monday, though the report begins on a Friday"
    assert document["reasons"]["NO_LEGAL_BASIS"] == {"now": 1, "before": 0}
    assert document["requests"] == {"hubspot": 0, "c4c": 0}
    assert [entry["hash"] for entry in document["rules"]] == [RULES.fingerprint]
    assert document["slo"]["share"] == 0.5


def test_a_story_tells_what_happened_in_order(world: World) -> None:
    with asking(world) as asked:
        found = story(asked, "104")
        assert story(asked, "999") is None
    assert found
    kinds = list(dict.fromkeys(event.kind for event in found.events))
    assert kinds == ["crossed", "decided", "written", "handed_over"]
    texts = [event.text for event in found.events]
    assert texts[0] == "The score mql reached its threshold."
    assert texts[1].startswith("Decided NO_LEGAL_BASIS: ")
    assert any(text.startswith("Sales has the lead") for text in texts)
    assert not any(name in " ".join(texts) for name in ("Carl", "Sagan", "Acme"))
    assert found.person.name == "Carl Sagan"
    assert found.explained["code"] == "QUALIFIED"
