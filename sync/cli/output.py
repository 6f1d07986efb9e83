"""Results on standard output, everything else on standard error; tables for people, one JSON document for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from sync.jobs import context

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def show_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")


def say(text: str = "") -> None:
    """A line of a result, as it is: brackets are no markup."""
    out.print(text, markup=False)


def complain(text: str) -> None:
    err.print(text, markup=False)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table for people; nothing where there are no rows."""
    if not rows:
        return
    shown = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for column in columns:
        shown.add_column(column)
    for row in rows:
        shown.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(shown)
    out.print()


def one_of(values: Iterable[str]) -> Callable[[str], list[str]]:
    """What a shell offers while somebody types one of these values."""
    known = [str(value) for value in values]

    def offered(incomplete: str) -> list[str]:
        return [value for value in known if value.startswith(incomplete)]

    return offered


@contextmanager
def progress(enabled: bool | None = None) -> Iterator[context.Progress]:
    """Progress bars on standard error while a person watches it; silent otherwise."""
    if not (err.is_terminal if enabled is None else enabled):
        yield context.silent
        return
    amount = TextColumn("{task.completed}{task.fields[of]}")
    columns = (SpinnerColumn(), TextColumn("{task.description:<16}"), BarColumn(), amount, TimeElapsedColumn())
    bars = Progress(*columns, console=err, transient=True)
    tasks: dict[str, Any] = {}

    def report(job: str, done: int, total: int | None) -> None:
        if job not in tasks:
            tasks[job] = bars.add_task(job, total=total, of="")
        known = total if total is not None else bars.tasks[tasks[job]].total
        bars.update(tasks[job], completed=done, total=known, of=f" of {known:g}" if known else "")

    with bars:
        yield report
