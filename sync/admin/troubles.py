"""What is wrong, and who is at work, in sentences: from the document of `status --json`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

_Document = dict[str, Any]


def troubles(document: _Document) -> Iterator[tuple[str, str]]:
    """(title, text) of everything that a person should know at once."""
    if document["state"]["problem"]:
        yield "STATE", document["state"]["problem"]
    waiting = document["alerts_undelivered"]
    for alert, since in document["alerts"].items():
        unheard = " (not delivered to the webhook yet)" if alert in waiting else ""
        yield f"ALERT {alert} since {_at(since)}{unheard}", "see docs/oncall.md"
    yield from _held_back(document)
    certificate = document["certificate"]
    if certificate and certificate["problem"]:
        yield "CERTIFICATE", f"{certificate['path']} {certificate['problem']}"
    yield from _erasures(document["erasures"])
    for doubted in document["disappearances"]:
        yield "GUARD", f"{doubted['text']}; `hubspot-c4c-sync approve` shows them as {doubted['plan']}"


def _held_back(document: _Document) -> Iterator[tuple[str, str]]:
    """Why nothing is written."""
    guard = document["guard"]
    if guard and not guard["approved_at"]:
        shown = f"`hubspot-c4c-sync approve` shows the plan {guard['plan']}"
        yield "GUARD", f"{guard['text']}; nothing was written. {shown}"
    if pause := document["paused"]:
        why = f" ({pause['reason']})" if pause["reason"] else ""
        yield f"PAUSED since {_at(pause['since'])}{why}", "nothing is written; `hubspot-c4c-sync resume` lets it go on"
    if second := document["second_writer"]:
        yield (
            "SECOND WRITER",
            f"{second['text']}; nothing is written. `hubspot-c4c-sync approve` shows the records",
        )


def _erasures(erasures: _Document) -> Iterator[tuple[str, str]]:
    if erasures["open"]:
        yield "ERASURES under way", f"{erasures['open']}; the worker goes on with them at each push"
    for left in erasures["to_do"]:
        yield "ERASURE TO DO", left["text"]


def at_work(lease: _Document | None) -> str:
    """Which process works."""
    if lease is None:
        return "no worker runs"
    if lease["alive"]:
        return f"at work: {lease['kind']} {lease['holder']} since {_at(lease['since'])}"
    return f"{lease['kind']} {lease['holder']} held the lease and has ended; the next worker takes over"


def _at(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
