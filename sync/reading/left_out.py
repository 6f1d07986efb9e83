"""Rows of HubSpot without a usable id: they are left out and counted, and an alert names them for a day.

They cannot be requested again, so the watermark passes them.
"""

from collections.abc import Mapping
from datetime import timedelta

from sync import metrics
from sync.context import Context, Counts
from sync.contracts import contract
from sync.log import Event, emit
from sync.state.documents import ROWS_LEFT_OUT

_FOR = timedelta(days=1)
"""How long the alert lasts after the last such row. Later windows no longer contain the row, so its absence shows
nothing.
"""


def note(context: Context) -> Counts:
    """Counts what was left out since the last look, for the job that just ran."""
    found = context.hubspot.left_out.take()
    for kind, rows in found.items():
        metrics.LEFT_OUT.labels(kind).inc(rows)
        emit(Event.ROWS_LEFT_OUT, kind=kind, rows=rows)
    _remember(context, found)
    return {"left_out": sum(found.values())} if found else {}


def _remember(context: Context, found: Mapping[str, int]) -> None:
    with context.store.reading() as session:
        known = ROWS_LEFT_OUT.read(session)
    now = context.now()
    lasting = {kind: at for kind, at in known.items() if now - at < _FOR}
    lasting |= dict.fromkeys(found, now)
    if lasting == known:
        return
    with context.store.session() as session:
        ROWS_LEFT_OUT.write(session, lasting)
        contract.remember_mismatches(
            session, f"hubspot {ROWS_LEFT_OUT.name}", [_text(kind) for kind in sorted(lasting)]
        )


def _text(kind: str) -> str:
    """The same text for each such row, so that there is one alert."""
    shown = "`hubspot-c4c-sync runs` shows how many and when"
    return f"{kind}: HubSpot sent rows without a usable id, and they were left out; {shown}"
