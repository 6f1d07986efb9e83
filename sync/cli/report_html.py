"""The report as one HTML file: no script, nothing loaded from elsewhere, printable, readable without its charts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from html import escape

from sync.admin.report import Report, monday
from sync.cli import charts
from sync.cli.people import took
from sync.domain.codes import EXPLANATIONS
from sync.domain.record_links import RecordLinks

STEPS = {
    "seen": "decided on",
    "scored": "with a score",
    "crossed": "over the threshold",
    "qualified": "qualified",
    "handed_over": "handed over",
    "accepted": "accepted by sales",
    "declined": "declined by sales",
    "converted": "converted",
}
"""The steps of the funnel in words."""

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b;
       background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; } caption { text-align: left; color: #555; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #ccc; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
svg { max-width: 100%; height: auto; } svg text { font: 13px system-ui, sans-serif; fill: currentColor; }
.bar { fill: #2b6cb0; } a { color: #1a56a0; }
@media (prefers-color-scheme: dark) {
  body { color: #eee; background: #16181c; } caption { color: #aaa; } th, td { border-color: #444; }
  .bar { fill: #6aa9e9; } a { color: #8fc1ff; }
}
@media print { body { margin: 0; max-width: none; color: #000; background: #fff; } section { break-inside: avoid; } }
"""


def page(report: Report, links: RecordLinks, now: datetime) -> str:
    """The whole file. It names contacts by their ids, with links where they can be built."""
    since, until = (f"{moment.astimezone(report.zone):%Y-%m-%d %H:%M}" for moment in (report.since, report.until))
    parts = (_funnel(report), _by_week(report), _reasons(report), _latency(report, links), _parked(report, now))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Handover report, {since} to {until}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>Marketing qualified leads: {since} to {until}</h1>\n"
        f"<p>{escape(in_one_sentence(report))} Times are those of {escape(str(report.zone))}.</p>\n"
        f"{''.join(f'<section>{part}</section>' for part in (*parts, _requests(report), _rules(report)))}"
        "</main>\n</body>\n</html>\n"
    )


def in_one_sentence(report: Report) -> str:
    """The report in a sentence or two."""
    funnel, people = report.funnel, sum(parked.count for parked in report.parked.values())
    leads = _counted(funnel.handed_over, "lead was", "leads were")
    crossed = _counted(funnel.crossed, "contact", "contacts")
    waiting = _counted(people, "contact needs", "contacts need")
    return f"{leads} handed over; {crossed} reached a threshold; {waiting} a person.{_promise(report)}"


def _counted(number: int, one: str, several: str) -> str:
    return f"{number or 'no'} {one if number == 1 else several}"


def _promise(report: Report) -> str:
    latency, promise = report.latency, report.promise
    if latency is None:
        return ""
    share = latency.within / latency.number
    within = took(round(promise.handover.total_seconds()))
    return (
        f" {share:.0%} of {latency.number} measured handovers took at most {within}; promised are {promise.target:.0%}."
    )


def _funnel(report: Report) -> str:
    steps = [(STEPS[name], number) for name, number in asdict(report.funnel).items()]
    scores = [
        (name, f.crossed, f.handed_over, f.accepted, f.declined, f.converted) for name, f in report.by_score.items()
    ]
    head = ("score", "over the threshold", "handed over", "accepted", "declined", "converted")
    by_score = _table("By score", head, scores) if len(scores) > 1 else ""
    chart = charts.bars("Contacts by step", steps)
    return f"<h2>How far contacts came</h2>{chart}{_table('', ('step', 'number'), steps)}{by_score}"


def _by_week(report: Report) -> str:
    rows = [(monday(start, report.zone), *asdict(funnel).values()) for start, funnel in report.by_week]
    leads = [(monday(start, report.zone), funnel.handed_over) for start, funnel in report.by_week]
    chart = charts.bars("Leads handed over by week", leads)
    return f"<h2>By week</h2>{chart}{_table('Weeks begin on Monday', ('week of', *STEPS.values()), rows)}"


def _reasons(report: Report) -> str:
    rows = [
        (str(code), EXPLANATIONS[code].meaning, now, before, f"{now - before:+d}" if now != before else "0")
        for code, (now, before) in report.reasons.items()
    ]
    head = ("code", "meaning", "now", "before", "change")
    return "<h2>Why contacts are no leads</h2>" + _table("Contacts at the end and at the start of the time", head, rows)


def _latency(report: Report, links: RecordLinks) -> str:
    latency = report.latency
    if latency is None:
        return "<h2>How long a handover takes</h2><p>No lead of this time can be measured.</p>"
    slowest = ", ".join(f"{_contact(contact, links)} ({took(seconds)})" for contact, seconds in latency.slowest)
    return (
        "<h2>How long a handover takes</h2>"
        f"<p>From the threshold to the lead: half within {took(latency.p50)}, 95 % within {took(latency.p95)}, "
        f"the slowest {took(latency.worst)}. A contact that waits for its consent counts from the threshold too.</p>"
        f"<p>The slowest contacts: {slowest}.</p>"
    )


def _contact(contact: str, links: RecordLinks) -> str:
    url = links.contact(contact)
    return f'<a href="{escape(url)}">{escape(contact)}</a>' if url else escape(contact)


def _parked(report: Report, now: datetime) -> str:
    if not report.parked:
        return "<h2>What needs a person</h2><p>Nothing.</p>"
    rows = [
        (str(code), EXPLANATIONS[code].meaning, EXPLANATIONS[code].remedy, parked.count, _age(parked.oldest, now))
        for code, parked in report.parked.items()
    ]
    return "<h2>What needs a person</h2>" + _table("", ("code", "meaning", "what to do", "contacts", "oldest"), rows)


def _age(oldest: datetime | None, now: datetime) -> str:
    return took(round((now - oldest).total_seconds())) if oldest else ""


def _requests(report: Report) -> str:
    sent = report.requests
    return f"<h2>Requests</h2><p>HubSpot {sent['hubspot']}, SAP Sales Cloud {sent['c4c']}.</p>"


def _rules(report: Report) -> str:
    rows = [(f"{since.astimezone(report.zone):%Y-%m-%d %H:%M}", fingerprint) for since, fingerprint in report.rules]
    return "<h2>Rules</h2>" + _table("Rules in force, the oldest first", ("since", "fingerprint"), rows)


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers are right-aligned. Every text is escaped."""
    lines = "".join(f"<tr>{''.join(_cells(row))}</tr>" for row in rows)
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{named}<thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>"


def _cells(row: Sequence[object]) -> Iterator[str]:
    for cell in row:
        number = isinstance(cell, int)
        yield f"<td{' class=n' if number else ''}>{escape(str(cell))}</td>"
