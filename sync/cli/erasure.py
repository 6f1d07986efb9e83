"""The command `erase`: removes a person everywhere, or says what is left to do; `--lift` takes it back."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from sync import app
from sync.admin.erasure import Erasures
from sync.cli import output, person
from sync.cli.output import Document, Json, say
from sync.config import Configuration
from sync.errors import ConfigurationError, LeaseHeld
from sync.privacy import erasing
from sync.worker.keeper import working
from sync.worker.signals import StopSignal

_LOOK_AGAIN = 0.5
"""Seconds between two looks at what the worker has done."""


def register(cli: typer.Typer) -> None:
    """Adds the commands on what is held about one person."""
    cli.command()(erase)
    person.register(cli)


def erase(
    contact_id: Annotated[str, typer.Argument(metavar="CONTACT_ID", help="HubSpot id of the contact.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, without personal data.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    lift: Annotated[
        bool, typer.Option("--lift", help="Take it back: the person consented anew and may be stored again.")
    ] = False,
    json: Json = False,
) -> None:
    """Erase a person here and in SAP Sales Cloud, with a certificate; exit 4 while something is left to do."""
    person.checked_id(contact_id)
    if lift and dry_run:
        raise ConfigurationError(["--lift writes, and has no --dry-run; leave one of them out"])
    if lift:
        _lift(contact_id, reason, json)
        return
    with _erasures() as (erasures, _):
        if dry_run:
            if reason:
                erasures.check_reason(contact_id, reason)
            shown = erasures.preview(contact_id)
            output.show_json(shown) if json else _print_preview(shown)
            return
        would_go = erasures.previewed(contact_id, reason)
    _confirm(would_go, yes)
    document = _carried_out(contact_id, reason)
    output.show_json(document) if json else _print_certificate(document)
    raise typer.Exit(4 if document["to_do"] else 0)


@contextmanager
def _erasures() -> Iterator[tuple[Erasures, Configuration]]:
    settings, configuration, store = app.unconnected()
    with closing(store):
        yield Erasures(store, app.tombstones(settings), configuration.rules), configuration


def _lift(contact_id: str, reason: str, json: bool) -> None:
    with _erasures() as (erasures, _):
        lifted = erasures.lift(contact_id, reason, datetime.now(UTC))
    if json:
        output.show_json({"contact": contact_id, "lifted": lifted})
    else:
        say(f"{lifted} tombstones taken back; the next run reads contact {contact_id} from HubSpot again")


def _confirm(document: Document | None, yes: bool) -> None:
    """Shows what goes, and asks the person at the terminal. A script must pass --yes instead."""
    if yes or document is None:
        return
    if not (sys.stdin.isatty() and output.err.is_terminal):
        raise ConfigurationError(["an erasure cannot be undone; say --yes (or look with --dry-run)"])
    for line in _preview_lines(document):
        output.complain(line)
    if not typer.confirm("Erase this person?", err=True):
        raise ConfigurationError(["nothing was erased"])


def _carried_out(contact_id: str, reason: str) -> Document:
    """Does it in this process; or, if a worker is at work, has the worker do it, and waits."""
    try:
        with output.progress(None) as report, working(report, "command") as (application, _):
            context = application.context
            erasing.take_in(context)
            erasures = Erasures(context.store, context.tombstones, context.config.rules)
            asked = erasures.ask(contact_id, reason, context.now())
            if not isinstance(asked, str):
                return asked
            erasing.carry_out(context)
            return erasures.outcome(asked)[0]
    except LeaseHeld:
        return _done_by_the_worker(contact_id, reason)


def _done_by_the_worker(contact_id: str, reason: str) -> Document:
    stop = StopSignal().install()
    with _erasures() as (erasures, configuration):
        asked = erasures.ask(contact_id, reason, datetime.now(UTC))
        if not isinstance(asked, str):
            return asked
        longest = configuration.worker.schedule.push + timedelta(minutes=1)
        output.complain(f"recorded; the worker does it at its next push (within {longest.total_seconds():g} s)")
        until = datetime.now(UTC) + longest
        document, done = erasures.outcome(asked)
        while not done and datetime.now(UTC) < until:
            if stop.wait(_LOOK_AGAIN):
                raise stop.interrupted("stopped by a signal; the erasure is recorded, and the worker carries it out")
            document, done = erasures.outcome(asked)
        return document


# ---- for people


def _print_preview(document: Document) -> None:
    for line in _preview_lines(document):
        say(line)


def _preview_lines(document: Document) -> Iterator[str]:
    yield f"Contact {document['contact']}: nothing was erased yet"
    for row in document["c4c"]:
        yield f"  {_named(row)}: {row['result']}"
    yield f"  Rows here: {_counts(document['removed'])}"
    for entry in document["to_do"]:
        yield f"  To do afterwards: {entry['text']}"


def _print_certificate(document: Document) -> None:
    say(f"Erased at {output.at(document['at'])} by {document['by']}: {document['reason']}")
    say(f"  Contact {document['contact_hash']} (keyed hash)")
    say(f"  Rows here: {_counts(document['removed'])}")
    for row in document["c4c"]:
        say(f"  {_named(row)}: {row['result']}")
    for entry in document["to_do"]:
        say(f"  TO DO: {entry['text']}")


def _named(row: dict[str, Any]) -> str:
    return f"{row['entity']} {row['number'] or row['object_id']}"


def _counts(removed: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(removed.items())) or "none"
