"""The commands `export` and `consent`: what is held about a person, and the proof that handovers were allowed."""

import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sync import app
from sync.admin import access_request, consent_report
from sync.admin.erasure import Erasures
from sync.cli import output, spreadsheet
from sync.cli.admin import parse_moment
from sync.cli.output import Json, at, say
from sync.domain.numbers import identifier
from sync.errors import ConfigurationError

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

_Contact = Annotated[str, typer.Argument(metavar="CONTACT_ID", help="HubSpot id of the contact.")]


def register(cli: typer.Typer) -> None:
    """Adds these commands to the command line."""
    cli.command()(export)
    cli.command()(consent)


def export(
    contact_id: _Contact,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="A new file, readable by its owner only.")
    ] = None,
) -> None:
    """Show everything that is held about a person as JSON: each value, where it came from, and where it was sent."""
    settings, configuration, store = app.unconnected()
    with closing(store):
        document = access_request.everything(store, configuration.rules, checked_id(contact_id))
        if document is None:
            erased = Erasures(store, app.tombstones(settings)).explain(contact_id)
            raise ConfigurationError([f"contact {contact_id}: {_NOTHING_LEFT if erased else _NOTHING}"])
    if out is None:
        output.show_json(document)
    else:
        _write(out, output.as_json(document, indent=2))
        say(f"{out}: everything about contact {contact_id}")


_NOTHING = "nothing is held about it; take the id from HubSpot's record URL"
_NOTHING_LEFT = "was erased; nothing is held but keyed hashes, and the certificate"


def _write(path: Path, text: str) -> None:
    try:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except FileExistsError:
        raise ConfigurationError([f"--out: {path} exists already; name a new file"]) from None
    except OSError as error:
        raise ConfigurationError(
            [f"--out: {path} cannot be written ({error.strerror}); check path and rights"]
        ) from None


def consent(
    contact_id: Annotated[
        str | None, typer.Argument(metavar="[CONTACT_ID]", help="HubSpot id of the contact; or --since for all.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="All events since then (ISO, UTC).")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="A CSV file on standard output, for an audit.")] = False,
    json: Json = False,
) -> None:
    """Show what consent was at each handover and each change since: legal basis, source, time, permissions, rules."""
    if (contact_id is None) == (since is None):
        raise ConfigurationError(["name either a CONTACT_ID or --since TIME"])
    start = parse_moment(since, "--since") if since else _BEGINNING
    _, _, store = app.unconnected()
    with closing(store):
        if contact_id:
            _one(consent_report.trail_of(store, checked_id(contact_id)), as_csv, json)
        elif json:
            output.show_json({"since": start.isoformat(), "events": list(consent_report.documents(store, start))})
        elif as_csv:
            spreadsheet.write_rows(consent_report.COLUMNS, consent_report.table_rows(store, start), bom=False)
        else:
            output.table("", consent_report.COLUMNS, consent_report.table_rows(store, start))


def _one(document: output.Document, as_csv: bool, json: bool) -> None:
    if as_csv:
        raise ConfigurationError(["--csv goes with --since TIME; for one contact there is --json"])
    if json:
        output.show_json(document)
        return
    if not document["events"]:
        say(f"contact {document['contact']} was never handed over, or was erased: no consent was noted")
    for event in document["events"]:
        permissions = ", ".join(f"{channel} {said}" for channel, said in sorted(event["permissions"].items()))
        say(f"{at(event['at'])} {event['kind']}: legal basis {event['legal_basis'] or 'none'}")
        say(f"  permissions: {permissions or 'none known'}; by the rules {event['rules']}")
        say(f"  source: {event['source'] or 'unknown'}, {at(event['source_at'], 'at an unknown time')}")


def checked_id(contact_id: str) -> str:
    """The id as it was typed. Raises ConfigurationError if HubSpot has no such ids."""
    if not identifier(contact_id):
        raise ConfigurationError([f"found {contact_id!r}, allowed: a HubSpot id, as in the record's URL: digits only"])
    return contact_id
