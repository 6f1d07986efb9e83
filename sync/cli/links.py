"""The command `links`: shows and edits the pairs of HubSpot id and C4C record."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from sync import app
from sync.cli import output
from sync.cli.output import Json
from sync.domain.entities import Entity
from sync.errors import ConfigurationError
from sync.handover import links
from sync.planner.keyed_fields import NUMBERS

cli = typer.Typer(help="Show, save, and name pairs of HubSpot id and SAP Sales Cloud record.", no_args_is_help=True)

_EntityName = Annotated[
    str,
    typer.Argument(
        metavar="ENTITY",
        help=f"{', '.join(NUMBERS)} (or company, account, contact, lead).",
        autocompletion=output.one_of(NUMBERS),
    ),
]
_KeyText = Annotated[str, typer.Argument(metavar="KEY", help="HubSpot id; for a lead CONTACT_ID:SCORE:CYCLE.")]


@cli.command("list")
def list_(
    entity: Annotated[
        str | None,
        typer.Option("--entity", metavar="ENTITY", help="Only this entity.", autocompletion=output.one_of(Entity)),
    ] = None,
    json: Json = False,
) -> None:
    """List all pairs, those of relationships, permissions and attributes included."""
    kinds = [_kind(entity)] if entity else []
    _, _, store = app.unconnected()
    found = links.pair_rows(store, kinds)
    store.close()
    shown = [
        {
            "entity": row.entity,
            "key": row.key,
            "object_id": row.object_id,
            "origin": row.origin,
            "last_written": row.written_at.isoformat() if row.written_at else None,
        }
        for row in found
    ]
    if json:
        output.show_json({"links": shown})
    else:
        # Lines, not a table: ids are there to be copied and searched for, so none is ever shortened.
        for pair in shown:
            output.say("  ".join(value or "never written" for value in pair.values()))


@cli.command()
def export(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Standard output if left out.")] = None,
) -> None:
    """Write the pairs of accounts, contacts and leads as CSV with the header entity,key,object_id."""
    _, _, store = app.unconnected()
    found = links.pair_rows(store, tuple(NUMBERS))
    store.close()
    if file is None:
        links.write_csv(sys.stdout, found)
        return
    with _opened(file, "w") as target:
        number = links.write_csv(target, found)
    output.say(f"{file}: {number} pairs")


@cli.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV; - for standard input.")], json: Json = False
) -> None:
    """Read pairs from CSV (entity,key,object_id) and keep those that SAP Sales Cloud confirms.

    object_id may be the ObjectID or the number that people see.
    """
    application = app.build()
    try:
        rules = application.context.config.rules
        if str(file) == "-":
            pairs = links.read_csv(sys.stdin, rules)
        else:
            with _opened(file, "r") as source:
                pairs = links.read_csv(source, rules)
        _report(links.keep_pair(application.context, pairs), json)
    finally:
        application.close()


@cli.command("set")
def set_(
    entity: _EntityName,
    key: _KeyText,
    object_id: Annotated[str, typer.Argument(metavar="OBJECT_ID", help="ObjectID, or the number that people see.")],
    share: Annotated[
        bool, typer.Option("--share", help="The record carries the key of another HubSpot id; both stand for it.")
    ] = False,
    json: Json = False,
) -> None:
    """Name the record for a HubSpot id, for example where several match; the contacts concerned are looked at again."""
    application = app.build()
    try:
        try:
            pair = links.pair(entity, key, object_id, application.context.config.rules)
        except ValueError as error:
            raise ConfigurationError([str(error)]) from None
        _report(links.keep_pair(application.context, [pair], share=share), json)
    finally:
        application.close()


@cli.command("forget")
def _forget(entity: _EntityName, key: _KeyText, json: Json = False) -> None:
    """Forget a pair; nothing changes in SAP Sales Cloud, and the record is looked up again when it is needed."""
    name = _kind(entity)
    _, _, store = app.unconnected()
    known = links.forget(store, name, key)
    store.close()
    if not known:
        raise ConfigurationError([f"{name} {key}: no such pair; `hubspot-c4c-sync links list` shows all"])
    output.show_json({"entity": name, "key": key}) if json else output.say(f"{name} {key}: forgotten")


def _kind(name: str) -> str:
    """The kind of record that a person named. Raises ConfigurationError."""
    known = {str(entity).lower(): str(entity) for entity in Entity} | links.NAMES
    if name.lower() not in known:
        raise ConfigurationError([f"entity: found {name!r}, allowed: {', '.join(Entity)}"])
    return known[name.lower()]


def _report(found: links.Imported, json: bool) -> None:
    if json:
        shown = {"kept": found.kept, "new": found.new, "refused": found.refused, "unread": found.unread}
        output.show_json(shown)
    else:
        output.say(f"{found.kept} pairs confirmed by SAP Sales Cloud and kept, {found.new} of them new")
    for pair in found.unread:
        output.complain(
            f"{pair}: HubSpot has shown no record with this id yet; check it. The pair takes effect once it is read"
        )
    for problem in found.refused:
        output.complain(problem)
    if found.refused:
        raise typer.Exit(2)


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[TextIO]:
    try:
        # utf-8-sig: spreadsheet programs put a byte order mark in front.
        with path.open(mode, encoding="utf-8-sig" if mode == "r" else "utf-8", newline="") as file:
            yield file  # type: ignore[misc]
    except UnicodeDecodeError:
        raise ConfigurationError([f"{path}: is not UTF-8; save it as CSV UTF-8"]) from None
    except OSError as error:
        done = "read" if mode == "r" else "written"
        raise ConfigurationError([f"{path}: cannot be {done} ({error.strerror}); check path and rights"]) from None
