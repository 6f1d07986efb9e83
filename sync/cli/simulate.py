"""The command `simulate`: what other rules would change, as a summary, a table or one JSON document."""

import json as jsons
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from sync import app, config
from sync.admin.people import Asking
from sync.admin.simulate import Simulated
from sync.admin.simulate import simulate as compare
from sync.cli import output, people
from sync.cli.output import say, table
from sync.domain.codes import EXPLANATIONS, Code
from sync.errors import ConfigurationError

_PORTION = 500
"""Contacts whose companies are looked up at a time."""

_SHOWN = 20
"""Rows of a list that people see without `--rows`."""


def simulate(
    directory: Annotated[Path, typer.Option("--config", metavar="DIR", help="Directory of the other rule files.")],
    rows: Annotated[
        bool, typer.Option("--rows", help="Show every row instead of the first ones of each list.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Compare other rules with those in force, over the whole mirror. Uses no network and writes nothing."""
    if not directory.is_dir():
        raise ConfigurationError(
            [f"--config: {directory} is not a directory; name one that holds the three rule files"]
        )
    other = config.load(directory)
    settings, configuration, store = app.unconnected()
    with closing(store):
        with output.progress(None) as report:
            outcome = compare(store, configuration.rules, other.rules, other.worker.guard, report)
        with closing(outcome), store.reading() as session:
            asking = Asking(session, configuration.rules, names=settings.show_names)
            _print_json(outcome) if json else _print(outcome, asking, None if rows else _SHOWN)


_FIELDS = ("record", "field", "now in C4C", "will be", "rule")


def _lists(outcome: Simulated) -> dict[str, Iterable[Any]]:
    spool = outcome.spool
    return {
        "entering": (contact for contact, _, _ in spool.moved("entering")),
        "leaving": (contact for contact, _, _ in spool.moved("leaving")),
        "changed": spool.changed(),
        "dropped": spool.dropped(),
        "warnings": spool.warnings(),
    }


def _print_json(outcome: Simulated) -> None:
    """Row by row, so that a long document needs no more memory than a short one."""
    output.OneDocument.begun = True
    out = sys.stdout
    out.write("{\n")
    for name, value in outcome.summary().items():
        out.write(f"  {jsons.dumps(name)}: {output.as_json(value)},\n")
    for n, (name, items) in enumerate(_lists(outcome).items()):
        out.write(f"{',' if n else ''}  {jsons.dumps(name)}: [")
        for m, item in enumerate(items):
            out.write(("," if m else "") + "\n    " + output.as_json(item))
        out.write("]\n")
    out.write("}\n")


def _print(outcome: Simulated, asking: Asking, limit: int | None) -> None:
    summary = outcome.summary()
    counts = summary["counts"]
    say(f"{summary['contacts']} contacts under rules {summary['rules']['now']} and {summary['rules']['then']}")
    say(
        f"entering {counts['entering']}, leaving {counts['leaving']}, records that change {counts['changed']}, "
        f"no longer written {counts['dropped']}"
    )
    say(f"the next run would create {_named(summary['creates'])}; update {_named(summary['updates'])}")
    if summary["deletes"]:
        say(f"it would delete {_named(summary['deletes'])}")
    say()
    lists = _lists(outcome)
    warnings = outcome.spool.grouped_warnings()
    table("Warnings", ("code", "what", "contacts", "such as"), _first(warnings, limit))
    for direction in ("entering", "leaving"):
        moved = _with_companies(asking, _first(outcome.spool.moved(direction), limit))
        table(_title(direction.capitalize(), counts[direction], limit), ("contact", "company", "now", "then"), moved)
    for name, meaning in (("changed", "Written under the other rules"), ("dropped", "No longer written")):
        records = _field_rows(_first(lists[name], limit))
        table(_title(meaning, counts[name], limit), _FIELDS, records)
    codes = {**summary["decisions"]["now"], **summary["decisions"]["then"]}
    table("Decided", ("code", "now", "then", "meaning"), [_code_row(code, summary["decisions"]) for code in codes])
    say(
        "Offline: nothing was written and neither system was contacted; "
        "edits made in SAP since the last run are not included"
    )


def _with_companies(asking: Asking, moved: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str | None, ...]]:
    """The rows with the companies of their contacts, where names may be shown."""
    rows = iter(moved)
    while portion := list(islice(rows, _PORTION)):
        names = people.company_names_of(asking, [contact for contact, _, _ in portion])
        yield from ((contact, names.get(contact), now, then) for contact, now, then in portion)


def _first(items: Iterable[Any], limit: int | None) -> Iterator[Any]:
    for n, item in enumerate(items):
        if limit is not None and n >= limit:
            return
        yield item


def _title(name: str, number: int, limit: int | None) -> str:
    return name if limit is None or number <= limit else f"{name} (the first {limit} of {number}; --rows shows all)"


def _named(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {entity}" for entity, number in counts.items()) or "nothing"


def _code_row(code: str, decisions: dict[str, dict[str, int]]) -> tuple[str, int, int, str]:
    return code, decisions["now"].get(code, 0), decisions["then"].get(code, 0), EXPLANATIONS[Code(code)].meaning


def _field_rows(records: Iterable[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """One row for each field; the record is named in the first one only."""
    for record in records:
        named = f"{record['action']} {record['entity']} {record['key']}"
        if not record["fields"]:
            yield named, "", "", "", ""
        for field, change in record["fields"].items():
            yield named, field, change["from"], change["to"], change["rule"]
            named = ""
