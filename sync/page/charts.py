"""Charts as SVG, made here: no script, no style from elsewhere. Each has a title and its figures as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from markupsafe import Markup, escape

_WIDTH, _HEIGHT, _FOOT, _HEAD = 640, 180, 22, 18


@dataclass(frozen=True, slots=True)
class Column:
    """One moment of a chart over time. `label` stands under it, if not empty; `values` side by side, `text` says it."""

    label: str
    values: tuple[int, ...]
    text: str


def columns(name: str, title: str, unit: str, rows: Sequence[Column], series: Sequence[str] = ()) -> Markup:
    """A chart over time, with a caption. `name` is its id on the page; `unit` says what the highest column shows,
    `series` what columns side by side show.
    """
    most = max(chain.from_iterable(row.values for row in rows), default=0)
    width = _WIDTH / max(1, len(rows))
    drawn = Markup("").join(_column(n * width, width, row, most or 1) for n, row in enumerate(rows))
    described = "; ".join(row.text for row in rows if any(row.values)) or "nothing"
    top = Markup('<text x="0" y="12">{} {}</text>').format(most, unit)
    line = Markup('<path class="axis" d="M0 {0}.5H{1}"/>').format(_HEIGHT - _FOOT, _WIDTH)
    return Markup("<figure><figcaption>{}{}</figcaption>{}</figure>").format(
        title, _legend(series), _svg(name, title, described, top + line + drawn)
    )


def _legend(series: Sequence[str]) -> Markup:
    """A small square of its colour before the name of each series."""
    square = Markup(
        '<svg class="key" aria-hidden="true" viewBox="0 0 10 10"><rect class="bar s{}" width="10" height="10"/></svg>'
    )
    named = Markup(", ").join(square.format(n) + escape(name) for n, name in enumerate(series))
    return Markup(": ") + named if series else Markup("")


def _svg(name: str, title: str, described: str, inside: Markup) -> Markup:
    return Markup(
        '<svg role="img" viewBox="0 0 {width} {height}" aria-labelledby="{name}-title {name}-text">'
        '<title id="{name}-title">{title}</title><desc id="{name}-text">{described}</desc>{inside}</svg>'
    ).format(width=_WIDTH, height=_HEIGHT, name=name, title=title, described=described, inside=inside)


def _column(x: float, width: float, row: Column, most: int) -> Markup:
    room, bar = _HEIGHT - _FOOT - _HEAD, width * 0.8 / max(1, len(row.values))
    bars = Markup("").join(
        Markup('<rect class="bar s{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            n, x + width * 0.1 + n * bar, _HEIGHT - _FOOT - height, bar, height
        )
        for n, value in enumerate(row.values)
        if (height := max(1.0, room * value / most) if value else 0.0)
    )
    if not row.label:
        return bars
    return bars + Markup('<text x="{:.1f}" y="{}">{}</text>').format(x, _HEIGHT - 6, escape(row.label))


def share(part: int, whole: int) -> Markup:
    """A bar as long as this share of a row; the number beside it says the same, so it is hidden from screen readers."""
    filled = round(100 * part / whole) if whole else 0
    return Markup(
        '<svg class="share" aria-hidden="true" viewBox="0 0 100 10" preserveAspectRatio="none">'
        '<rect class="bar s0" x="0" y="0" width="{}" height="10"/></svg>'
    ).format(filled)
