"""The list of commands that `--help` shows, without loading the program behind them: that takes several times longer.

A test holds it against the program itself.
"""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from sync.cli import channels
from sync.errors import SyncError

COMMANDS = {
    "resync": "Look at contacts again: mark them pending, so that the next push decides and writes what differs.",
    "verify": "Compare mirror, links and SAP Sales Cloud: missing, extra, drifted, duplicate.",
    "runs": "Show what ran, the newest first: when, how long, how it ended, what it did.",
    "backup": "Copy the state file while it is in use: complete and consistent, readable by its owner only.",
    "approve": "Show what is held back (a plan, contacts reported missing, a second writer), or let exactly "
    "one of these go on by its digest.",
    "find": "Find contacts by a HubSpot id, a number or ObjectID of SAP Sales Cloud, an e-mail address, a "
    "web domain, or the beginnings of words of a person's or company's name.",
    "contacts": "List contacts: who has which score, what was decided and since when, which lead and owner they have.",
    "leads": "List the leads that were handed over, the newest first: account, owner, how long it took, what "
    "became of them.",
    "report": "Report how many contacts came how far, why the others did not, how fast the handover is, and "
    "what needs a person.",
    "pause": "Pause writes to SAP Sales Cloud, also of a running worker and across restarts; HubSpot is still read.",
    "resume": "Let writes to SAP Sales Cloud go on after a pause: the next push hands over what has waited.",
    "erase": "Erase a person here and in SAP Sales Cloud, with a certificate; exit 4 while something is left to do.",
    "export": "Show everything that is held about a person as JSON: each value, where it came from, and where "
    "it was sent.",
    "consent": "Show what consent was at each handover and each change since: legal basis, source, time, "
    "permissions, rules.",
    "page": "Serve the page for a browser, beside a worker or without one.",
    "run": "Run the worker: all jobs at their intervals until SIGTERM or SIGINT.",
    "once": "Run poll, scores, sweep and push (or the jobs named) once, and end.",
    "status": "Show backlog, who qualifies and why not, parked contacts with remedy, watermarks, and the last "
    "result of each job.",
    "explain": "Explain the whole decision on one contact: scores, consent, company, links, last write, next try.",
    "plan": "Show what the next push would write, field by field; writes nothing.",
    "simulate": "Compare other rules with those in force, over the whole mirror.",
    "check": "Check configuration, credentials, HubSpot properties and labels, C4C fields and codes; name "
    "every mismatch.",
    "migrate": "Bring the state file to this version, after copying it; where there is none, create it.",
    "health": "Exit 0 while the worker's loop turns, 1 otherwise; for probes.",
    "demo": "Show the whole thing on an embedded sandbox: three runs, explained.",
    "links": "Show, save, and name pairs of HubSpot id and SAP Sales Cloud record.",
    "parked": "What needs a person: list, show, retry, drop.",
}
"""The first sentence of each command, in the order in which they are listed."""


def show() -> None:
    """Prints the list and ends the process."""
    channels.prepare()
    try:
        with channels.flushed():
            _cli()(prog_name="hubspot-c4c-sync")
    except SyncError as lost:
        sys.stderr.write(f"{lost}\n")
        sys.exit(lost.exit_code)


def _cli() -> typer.Typer:
    cli = typer.Typer(help=ABOUT, rich_markup_mode=None)
    cli.callback()(_options)
    for name, sentence in COMMANDS.items():
        cli.command(name, help=sentence)(_nothing())
    return cli


ABOUT = "Hands marketing qualified leads over from HubSpot to SAP Sales Cloud."


def _options(_: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    """What stands before a command."""


def _nothing() -> Callable[[], None]:
    """A command that is listed and never run."""
    return lambda: None
