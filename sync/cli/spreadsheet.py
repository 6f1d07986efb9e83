"""CSV for spreadsheets, row by row: no cell is taken for a formula, and no value moves the cursor of a terminal."""

import csv
import io
import sys
from collections.abc import Iterable, Sequence

from sync.domain.text import clean

_BOM = "\ufeff"
_FORMULA = tuple("=+-@＝＋－＠|%")
"""Beginnings that spreadsheets take for a formula or a command (OWASP, CSV injection), in both widths."""


def write_rows(columns: Sequence[str], rows: Iterable[Sequence[object]], *, bom: bool) -> None:
    """Writes the rows to standard output in UTF-8; with `bom` a mark by which spreadsheets notice it."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(encoding="utf-8", newline="")
    out.write(_BOM if bom else "")
    writer = csv.writer(out, lineterminator="\r\n" if bom else "\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(value) for value in row])


def cell(value: object) -> object:
    """The value as a cell. A text that a spreadsheet would calculate gets an apostrophe in front; a number stays."""
    if not isinstance(value, str):
        return "" if value is None else value
    text = " ".join(clean(value).split())
    return f"'{text}" if text.startswith(_FORMULA) else text
