"""What the templates need beside the answers themselves: rows of charts and tables, and sentences."""

from dataclasses import asdict
from datetime import datetime, tzinfo
from typing import Any

from sync.admin import overview, report, troubles
from sync.admin.explain import Explained
from sync.admin.overview import Overview
from sync.admin.people import Asking
from sync.admin.story import Story
from sync.page import words
from sync.page.charts import Column

STEPS = {
    "seen": "Decided on",
    "scored": "With a score",
    "crossed": "Over the threshold",
    "qualified": "Qualified",
    "handed_over": "Leads handed over",
    "accepted": "Accepted by sales",
    "declined": "Declined by sales",
    "converted": "Converted",
}

_SINCE = frozenset({"crossed", "handed_over", "accepted", "declined", "converted"})
"""Steps that are counted for a time."""

EVENTS = 60
"""Lines of a time line at most."""


def figures(found: Overview) -> dict[str, Any]:
    """For the overview."""
    week, standing = asdict(found.week), asdict(found.standing)
    return {
        "problems": [{"title": title, "text": text.replace("`", "")} for title, text in _troubles(found)],
        "at_work": f"{_sentence(troubles.at_work(found.status['lease']))}.",
        "backlog": [_hour(at, number, found.zone) for at, number in found.backlog],
        "pace": [_day(pace) for pace in found.pace],
        "funnel": [(name, week[step] if step in _SINCE else None, standing[step]) for step, name in STEPS.items()],
    }


def _troubles(found: Overview) -> list[tuple[str, str]]:
    return list(troubles.troubles(found.status))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _hour(at: datetime, number: int, zone: tzinfo) -> Column:
    local = at.astimezone(zone)
    return Column(f"{local:%H:%M}" if local.hour % 6 == 0 else "", (number,), f"{local:%H:%M} {number}")


def _day(pace: overview.Pace) -> Column:
    day = f"{pace.day:%d %b}"
    label = day if pace.day.weekday() == 0 else ""
    took = f"{words.took(pace.p50)} and {words.took(pace.p95)} ({pace.leads} leads)"
    return Column(label, (pace.p50, pace.p95), f"{day} {took}")


def of_contact(asking: Asking, found: Story) -> dict[str, Any]:
    """For the view of one contact; the newest events of a long time line."""
    zone = report.portal_zone(asking.session)
    return {
        "zone": zone,
        "command": overview.command(found.person),
        "state": _state(found.explained, zone),
        "events": found.events[-EVENTS:],
    }


def _state(explained: Explained, zone: tzinfo) -> str:
    outdated = " Data or rules have changed since the last decision." if explained["outdated"] else ""
    match explained["status"]:
        case "parked":
            return f"It waits for a person.{outdated}"
        case "done":
            return f"It is settled.{outdated}"
        case "in_flight":
            return f"It is being written.{outdated}"
        case _:
            again = explained["next_try"]
            when = f" The next try is due {words.moment(again, zone)}." if again else ""
            return f"It waits for its turn.{when}{outdated}"
