"""What is measured, what it is compared with, and how both are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.stand import Bench


@dataclass(frozen=True)
class Figures:
    """What one process cost.

    `cpu` and `wall` in seconds, `start` the part of `cpu` until the work began, `took` the wall of the work; `memory`,
    `written` and `state` in bytes. `written` is what was given to the file system without the log, which has a size of
    its own.
    """

    cpu: float
    wall: float
    memory: int
    start: float = 0.0
    took: float = 0.0
    written: int = 0
    state: int = 0
    log: int = 0
    log_lines: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        return sum(self.requests.values())


@dataclass(frozen=True)
class Ratio:
    """A figure as a multiple of something that was measured or counted beside it; `most` is the target."""

    of: str
    value: float
    most: float | None = None

    @property
    def met(self) -> bool | None:
        return None if self.most is None else self.value <= self.most


@dataclass(frozen=True)
class Row:
    """One step of a scenario."""

    step: str
    figures: Figures
    ratios: Sequence[Ratio] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)


Measure = Callable[[Bench], Iterator[Row]]


@dataclass(frozen=True)
class Scenario:
    """A named measurement. `heavy` ones take minutes and run only if they are named."""

    name: str
    what: str
    measure: Measure
    heavy: bool = False


SCENARIOS: dict[str, Scenario] = {}


def scenario(name: str, what: str, *, heavy: bool = False) -> Callable[[Measure], Measure]:
    """Adds a measurement to the list under this name."""

    def add(measure: Measure) -> Measure:
        SCENARIOS[name] = Scenario(name, what, measure, heavy)
        return measure

    return add


def middle(several: Iterable[Figures]) -> Figures:
    """The run with the median CPU."""
    runs = sorted(several, key=lambda figures: figures.cpu)
    return runs[len(runs) // 2]


def times(mine: Sequence[float], theirs: Sequence[float], of: str, most: float | None = None) -> Ratio:
    """The median of the ratios of pairs that were measured one right after the other."""
    return Ratio(of, median(a / b for a, b in zip(mine, theirs, strict=True)), most)


def as_json(name: str, row: Row) -> dict[str, Any]:
    shown = asdict(row.figures) | {"sent": row.figures.sent}
    ratios = [asdict(ratio) | {"met": ratio.met} for ratio in row.ratios]
    return {"scenario": name, "step": row.step, **shown, "ratios": ratios, **row.notes}


_COLUMNS = ("scenario", "step", "requests", "CPU s", "wall s", "memory", "written", "state", "log lines", "is")


def print_table(rows: Iterable[tuple[str, Row]]) -> None:
    table = Table(*_COLUMNS, box=None, pad_edge=False)
    for name, row in rows:
        table.add_row(name, row.step, *_cells(row))
    Console(width=200, soft_wrap=True).print(table)


def _cells(row: Row) -> Iterator[str]:
    figures = row.figures
    yield f"{figures.sent:,}"
    yield f"{figures.cpu:.2f}"
    yield f"{figures.wall:.1f}"
    for size in (figures.memory, figures.written, figures.state):
        yield f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"
    yield f"{figures.log_lines:,}"
    said = [_said(ratio) for ratio in row.ratios] + [f"{name} {value}" for name, value in row.notes.items()]
    yield "\n".join(said)


def _said(ratio: Ratio) -> str:
    value = f"{ratio.value:.3g} {ratio.of}"
    return value if ratio.most is None else f"{value} (most {ratio.most:g}: {'met' if ratio.met else 'MISSED'})"
