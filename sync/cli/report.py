"""The command `report`: how the handover goes, for marketing and managers."""

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from sync.admin import report as reporting
from sync.admin.report import Promise, Report
from sync.cli import output, report_html
from sync.cli.output import Json, say, table
from sync.cli.people import Opened, opened, took
from sync.config import WorkerConfig
from sync.domain.codes import EXPLANATIONS
from sync.errors import ConfigurationError

_EXAMPLES = """
The last four weeks as a file that a browser opens:

    hubspot-c4c-sync report --since 4w --html report.html
"""

_WEEK = timedelta(days=7)


def register(cli: typer.Typer) -> None:
    """Adds the command to the command line."""
    cli.command("report", epilog=_EXAMPLES)(_report)


def _report(
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="From then on: 7d, 2026-11-21, or an ISO time.")
    ] = "7d",
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Up to then; now if left out.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write one HTML file.")] = None,
    json: Json = False,
) -> None:
    """Report how many contacts came how far, why the others did not, how fast the handover is, and what needs a person.

    Without names: contacts appear by their ids.
    """
    if html and json:
        raise ConfigurationError(["give either --html or --json"])
    with opened(no_names=True) as found:
        made = _made(found, since, until)
        if html:
            _write(html, report_html.page(made, found.asking.links, found.now))
            say(f"{html}: written; open it in a browser")
        elif json:
            output.show_json(reporting.to_json(made, found.now))
        else:
            _print(made, found.now)


def _made(found: Opened, since: str, until: str | None) -> Report:
    start, end = found.moment(since, "--since"), found.moment(until, "--until") or found.now
    assert start is not None
    if start >= end:
        raise ConfigurationError([f"--since: found {since!r}, allowed: a time before the report's end"])
    return reporting.report(found.asking, start, end, _promise(found.configuration.worker))


def _promise(worker: WorkerConfig) -> Promise:
    """The promise of `[slo]` in worker.toml."""
    return Promise(worker.slo.handover, worker.slo.target)


def to_file(file: Path, since: str) -> None:
    """Writes the report from `since` up to now as HTML. Raises ConfigurationError."""
    with opened(no_names=True) as found:
        _write(file, report_html.page(_made(found, since, None), found.asking.links, found.now))


def _write(file: Path, text: str) -> None:
    """Writes the file whole or not at all. Raises ConfigurationError."""
    beside = file.with_name(f".{file.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        raise ConfigurationError([f"{file}: cannot be written ({error.strerror}); name another file"]) from None


def _print(report: Report, now: datetime) -> None:
    zone = report.zone
    start, end = (f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (report.since, report.until))
    say(f"From {start} to {end} ({zone})")
    say(report_html.in_one_sentence(report))
    say()
    steps = report_html.STEPS
    table("How far contacts came", ("step", "number"), [(steps[n], v) for n, v in asdict(report.funnel).items()])
    weeks = [(reporting.monday(week, zone), *asdict(funnel).values()) for week, funnel in report.by_week]
    table("By week, from Monday", ("week of", *steps.values()), weeks)
    scores = [
        (name, f.crossed, f.handed_over, f.accepted, f.declined, f.converted) for name, f in report.by_score.items()
    ]
    table(
        "By score",
        ("score", *(steps[n] for n in ("crossed", "handed_over", "accepted", "declined", "converted"))),
        scores,
    )
    reasons = [(c, n, f"{n - b:+d}" if n != b else "", EXPLANATIONS[c].meaning) for c, (n, b) in report.reasons.items()]
    table("Why contacts are no leads", ("code", "contacts", "change", "meaning"), reasons)
    if report.latency:
        slowest = [(contact, took(seconds)) for contact, seconds in report.latency.slowest]
        table("The slowest handovers", ("contact", "took"), slowest)
    parked = [(c, p.count, _age(p.oldest, now), EXPLANATIONS[c].remedy) for c, p in report.parked.items()]
    table("What needs a person", ("code", "contacts", "oldest", "what to do"), parked)
    say(f"requests: HubSpot {report.requests['hubspot']}, SAP Sales Cloud {report.requests['c4c']}")
    for since, fingerprint in report.rules:
        say(f"rules {fingerprint} since {since.astimezone(zone):%Y-%m-%d %H:%M}")


def _age(oldest: datetime | None, now: datetime) -> str:
    return took(round((now - oldest).total_seconds())) if oldest else ""
