"""Results on standard output, everything else on standard error; tables for people, one JSON document for programs."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from sync import context
from sync.domain.text import clean
from sync.errors import ConfigurationError, SyncError

Document = dict[str, Any]

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]

WIDE = 100_000
"""Columns in a file or a pipe: wide enough that no value is folded; a table is as wide as its cells."""


def console() -> Console:
    """Standard output, as wide as the terminal or the variable COLUMNS."""
    watched = (sys.stdout is not None and sys.stdout.isatty()) or "COLUMNS" in os.environ
    return Console(highlight=False, soft_wrap=True, width=None if watched else WIDE)


out = console()
err = Console(stderr=True, highlight=False, soft_wrap=True)


def as_json(document: Any, indent: int | None = None) -> str:
    """JSON as readable as the encoding of standard output allows; other characters are escaped."""
    readable = (sys.stdout.encoding or "").lower().startswith("utf")
    return json.dumps(document, indent=indent, ensure_ascii=not readable, default=str)


class OneDocument:
    """Remembers whether this process has begun to print its one JSON document."""

    begun = False


def show_json(document: Any) -> None:
    OneDocument.begun = True
    sys.stdout.write(as_json(document, indent=2) + "\n")


def failure_json(failures: Sequence[SyncError]) -> Document:
    """What `--json` prints of failures, under `error`: kind and message of the gravest one, and the problems of all."""
    gravest = max(failures, key=lambda failure: failure.exit_code)
    problems = [problem for failure in failures for problem in _problems(failure)]
    return {"kind": type(gravest).__name__, "message": str(gravest), "problems": problems}


def _problems(failure: SyncError) -> list[str]:
    return failure.problems if isinstance(failure, ConfigurationError) else [str(failure)]


def fail(failure: SyncError) -> None:
    """Prints why the command ended: on standard error, and with `--json` as the document."""
    for problem in _problems(failure):
        complain(problem)
    if "--json" in sys.argv[1:] and not OneDocument.begun:
        show_json({"error": failure_json([failure])})


def stream_json(name: str, rows: Iterable[Document], after: Callable[[], Document] = dict) -> None:
    """One document with the rows under `name`, written one by one so that memory does not grow with their number.

    `after` gives what follows them.
    """
    OneDocument.begun = True
    sys.stdout.write(f'{{\n  "{name}": [')
    for number, row in enumerate(rows):
        sys.stdout.write(("," if number else "") + "\n    " + as_json(row))
    sys.stdout.write("\n  ]" + "".join(f",\n  {json.dumps(k)}: {as_json(v)}" for k, v in after().items()) + "\n}\n")


def say(text: str = "") -> None:
    """Prints a line of a result literally: brackets are not markup, and nothing in it steers the terminal."""
    out.print(clean(text), markup=False)


def at(moment: str | None, never: str = "–") -> str:
    """An ISO time as people read it: to the second, in UTC."""
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else never


def complain(text: str) -> None:
    err.print(text, markup=False)


_PORTION = 500
"""Rows of one table. A longer list continues under a new head, so that memory does not grow with it."""


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a table for people; prints nothing without rows."""
    waiting = iter(rows)
    while portion := list(islice(waiting, _PORTION)):
        shown = Table(title=title or None, title_justify="left", show_edge=False, pad_edge=False)
        for column in columns:
            shown.add_column(column, overflow="fold")
        for row in portion:
            # As text: brackets in values are not markup.
            shown.add_row(*(Text("" if cell is None else _fitting(str(cell))) for cell in row))
        out.print(shown)
        out.print()
        title = ""


_LONGEST = 1000
"""Characters of a cell. A name may have 64 kB."""


def _fitting(text: str) -> str:
    """The text on one line, without what would steer the terminal, and not longer than a person reads."""
    line = " ".join(clean(text).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def one_of(values: Iterable[str]) -> Callable[[str], list[str]]:
    """Completion for a shell: those of the values that begin as typed."""
    known = [str(value) for value in values]

    def offered(incomplete: str) -> list[str]:
        return [value for value in known if value.startswith(incomplete)]

    return offered


def demand_one_of(option: str, value: str, allowed: Iterable[str]) -> None:
    """Raises ConfigurationError if the value of the option is not among the allowed ones."""
    known = [str(one) for one in allowed]
    if value not in known:
        raise ConfigurationError([f"{option}: found {value!r}, allowed: {', '.join(known)}"])


@contextmanager
def progress(enabled: bool | None = None) -> Iterator[context.ShowProgress]:
    """Progress bars on standard error if it is a terminal, else nothing."""
    if not (err.is_terminal if enabled is None else enabled):
        yield context.silent
        return
    amount = TextColumn("{task.completed}{task.fields[of]}")
    times = TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()
    columns = (SpinnerColumn(), TextColumn("{task.description:<16}"), BarColumn(), amount, *times)
    bars = Progress(*columns, console=err, transient=True)
    tasks: dict[str, Any] = {}

    def report(job: str, done: int, total: int | None) -> None:
        if job not in tasks:
            tasks[job] = bars.add_task(job, total=total, of="")
        known = total if total is not None else bars.tasks[tasks[job]].total
        bars.update(tasks[job], completed=done, total=known, of=f" of {known:g}" if known else "")

    with bars:
        yield report
