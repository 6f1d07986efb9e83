"""Small charts as SVG without script: each has a title, a text for those who do not see it, and figures in it."""

from collections.abc import Sequence
from html import escape

_WIDTH, _ROW, _NAME, _FIGURE = 640, 26, 210, 70
_BAR = _WIDTH - _NAME - _FIGURE


def bars(title: str, rows: Sequence[tuple[str, int]]) -> str:
    """A bar for each row, as long as its number says."""
    most = max((number for _, number in rows), default=0) or 1
    height = _ROW * max(1, len(rows))
    lines = (_bar(n, name, number, most) for n, (name, number) in enumerate(rows))
    described = "; ".join(f"{name}: {number}" for name, number in rows) or "nothing"
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">'
        f"<title>{escape(title)}</title><desc>{escape(described)}</desc>{''.join(lines)}</svg>"
    )


def _bar(n: int, name: str, number: int, most: int) -> str:
    y, width = n * _ROW, round(_BAR * number / most)
    return (
        f'<text x="{_NAME - 8}" y="{y + 17}" text-anchor="end">{escape(name)}</text>'
        f'<rect class="bar" x="{_NAME}" y="{y + 4}" width="{width}" height="{_ROW - 8}"/>'
        f'<text x="{_NAME + width + 6}" y="{y + 17}">{number}</text>'
    )
