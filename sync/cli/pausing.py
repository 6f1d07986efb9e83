"""The commands `pause` and `resume`: they stop writes to SAP Sales Cloud for a while, and HubSpot is still read."""

from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from sync import app
from sync.cli import output
from sync.cli.output import Json
from sync.log import Event, emit
from sync.state import pausing


def register(cli: typer.Typer) -> None:
    """Adds these commands to the command line."""
    cli.command()(pause)
    cli.command()(resume)


def pause(
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for the status; without personal data.")
    ] = "",
    json: Json = False,
) -> None:
    """Pause writes to SAP Sales Cloud, also of a running worker and across restarts; HubSpot is still read."""
    _, _, store = app.state_only()
    with closing(store), store.session() as session:
        made = pausing.pause(session, reason, datetime.now(UTC))
    emit(Event.WRITES_PAUSED, since=made.since)
    if json:
        output.show_json({"paused": asdict(made)})
    else:
        output.say(f"writes are paused since {output.at(made.since)}; `hubspot-c4c-sync resume` lets them go on")


def resume(json: Json = False) -> None:
    """Let writes to SAP Sales Cloud go on after a pause: the next push hands over what has waited."""
    _, _, store = app.state_only()
    with closing(store), store.session() as session:
        ended = pausing.resume(session)
    if ended:
        emit(Event.WRITES_RESUMED, since=ended.since)
    if json:
        output.show_json({"paused": None, "ended": asdict(ended) if ended else None})
    else:
        output.say("the next push writes again" if ended else "writes were not paused")
