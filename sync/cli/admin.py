"""Commands for the person on call: resync, parked, runs, verify, backup, approve."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from sync import app
from sync.admin import leaving, verify
from sync.admin import resync as resyncing
from sync.admin.resync import Scope
from sync.cli import admin_reports, loads, output
from sync.cli.output import Json
from sync.cli.people import NoNames, named, opened
from sync.domain import moments, numbers
from sync.domain.codes import Code
from sync.errors import ConfigurationError
from sync.jobs.runner import JOBS
from sync.mirror import left_alone, mass_deletion, selection
from sync.reading import reread
from sync.state import belonging, guarding, second_writer, streams
from sync.state import lease as leases
from sync.state.backup import backup as copy
from sync.state.backup import stream
from sync.state.documents import LAST_BACKUP, Duplication, MassDeletion, Renamed, Stopped
from sync.state.store import Store, open_unmigrated
from sync.worker.keeper import working

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
_CodeOption = Annotated[
    str | None,
    typer.Option("--code", metavar="CODE", help="Only with this reason code.", autocompletion=output.one_of(Code)),
]

_ASK_FROM = 1000
"""Above this number of contacts, marking needs --yes or the consent of a person at the terminal."""


def register(cli: typer.Typer) -> None:
    """Adds these commands to the command line."""
    cli.command("resync")(resync)
    cli.command("verify")(_verify)
    cli.command("runs")(runs)
    cli.command("backup")(backup)
    cli.command("approve")(approve)
    cli.add_typer(parked, name="parked")


@contextmanager
def _opened() -> Iterator[Store]:
    _, _, store = app.unconnected()
    try:
        yield store
    finally:
        store.close()


def _now() -> datetime:
    return datetime.now(UTC)


def _worker(store: Store) -> str | None:
    """The process that holds the lease at the moment, or None."""
    with store.reading() as session:
        found = leases.current_holder(session)
    return found.holder if found and leases.is_alive(store) else None


# ---- resync


def resync(
    contact: Annotated[list[str] | None, typer.Option("--contact", metavar="ID", help="These contacts.")] = None,
    company: Annotated[
        list[str] | None, typer.Option("--company", metavar="ID", help="All contacts of these companies.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Contacts changed in HubSpot since then (ISO, UTC).")
    ] = None,
    code: _CodeOption = None,
    everything: Annotated[bool, typer.Option("--everything", help="All contacts.")] = False,
    refetch: Annotated[bool, typer.Option("--refetch", help="Read them from HubSpot again first.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print how many.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Look at contacts again: mark them pending, so that the next push decides and writes what differs."""
    scope = _scope(contact, company, since, code, everything)
    with _opened() as store:
        with store.reading() as session:
            chosen = resyncing.choose(session, scope)
        if chosen.unknown and not chosen.contacts and not refetch:
            ids = ", ".join(chosen.unknown)
            raise ConfigurationError([f"{ids}: not in the mirror; take the id from HubSpot's record URL, or --refetch"])
        worker = _worker(store)
        if refetch:
            number = len(chosen.contacts) + len(chosen.unknown)
            output.complain(loads.refetch_cost(store, app.rules()[1], number, everything=everything))
        if not dry_run:
            _confirm(len(chosen.contacts), everything, yes)
            resyncing.mark(store, scope, chosen, _now(), refetch=refetch)
    if refetch and not dry_run and worker is None and not everything:
        _reread_now()
    document = resyncing.as_document(scope, chosen, marked=not dry_run, refetch=refetch, worker=worker)
    output.show_json(document) if json else admin_reports.print_resync(document)


def _scope(
    contact: list[str] | None, company: list[str] | None, since: str | None, code: str | None, everything: bool
) -> Scope:
    given = [bool(contact), bool(company), since is not None, code is not None, everything]
    if sum(given) != 1:
        raise ConfigurationError(["name exactly one of --contact, --company, --since, --code and --everything"])
    for given_id in (*(contact or ()), *(company or ())):
        if not numbers.identifier(given_id):
            raise ConfigurationError([f"found {given_id!r}, allowed: HubSpot ids, which are numbers"])
    moment = parse_moment(since, "--since") if since is not None else None
    return Scope(tuple(contact or ()), tuple(company or ()), moment, _code(code), everything)


def parse_moment(text: str, option: str) -> datetime:
    """A time in ISO form, UTC if it names no zone. Raises ConfigurationError."""
    found = moments.moment(text)
    if found is None:
        raise ConfigurationError([f"{option}: found {text!r}, allowed: a time such as 2026-11-21T17:00:00Z"])
    return found


def _code(code: str | None) -> str | None:
    if code is not None:
        output.demand_one_of("--code", code, Code)
    return code


def _confirm(number: int, everything: bool, yes: bool) -> None:
    """Asks the person at the terminal. A script must pass --yes instead, so that it never waits for an answer."""
    if yes or not (everything or number > _ASK_FROM):
        return
    if not (sys.stdin.isatty() and output.err.is_terminal):
        raise ConfigurationError([f"{number} contacts would be looked at again; say --yes (or look with --dry-run)"])
    if not typer.confirm(f"Look at {number} contacts again?", err=True):
        raise ConfigurationError(["nothing was marked"])


def _reread_now() -> None:
    """No worker runs, so this process itself reads what is in the refetch queue."""
    with output.progress(None) as report, working(report, "command") as (application, _):
        reread.run(application.context)


# ---- parked

parked = typer.Typer(help="What needs a person: list, show, retry, drop.", no_args_is_help=True)
_Ids = Annotated[list[str] | None, typer.Argument(metavar="[CONTACT_ID]...", help="HubSpot ids.")]
_All = Annotated[bool, typer.Option("--all", help="All parked contacts.")]


@parked.command("list")
def list_parked(code: _CodeOption = None, no_names: NoNames = False, json: Json = False) -> None:
    """List parked contacts with name, company, code, time, detail and remedy, the oldest first (LEFT_ALONE: those left
    alone).
    """
    with opened(no_names=no_names) as found:
        session = found.asking.session
        if _code(code) == Code.LEFT_ALONE:
            rows = [admin_reports.left_alone_row(row) for row in left_alone.everybody(session)]
        else:
            rows = [admin_reports.parked_row(row) for row in selection.parked(session, _code(code))]
        rows = named(found.asking, rows)
    output.show_json(rows) if json else admin_reports.print_parked(rows)


@parked.command()
def show(
    contact_id: Annotated[str, typer.Argument(metavar="CONTACT_ID")], no_names: NoNames = False, json: Json = False
) -> None:
    """Show one parked contact with all that is known about it."""
    with opened(no_names=no_names) as found:
        parked_rows = [row for row in selection.parked(found.asking.session) if row.contact_id == contact_id]
        rows = named(found.asking, [admin_reports.parked_row(row) for row in parked_rows])
    if not rows:
        raise ConfigurationError(
            [f"contact {contact_id} is not parked; `hubspot-c4c-sync explain {contact_id}` shows its state"]
        )
    output.show_json(rows[0]) if json else admin_reports.print_one_parked(rows[0])


@parked.command()
def retry(contact_ids: _Ids = None, code: _CodeOption = None, all: _All = False, json: Json = False) -> None:
    """Try parked contacts again on the normal path.

    Contacts that were left alone are treated like all others from then on.
    """
    with _opened() as store:
        ids = _chosen_parked(store, contact_ids, code, all, with_left_alone=not all)
        resyncing.replay(store, ids, _now())
        worker = _worker(store)
    if json:
        output.show_json({"retried": ids, "worker": worker})
    else:
        admin_reports.print_marked(len(ids), worker)


@parked.command("drop")
def _drop(contact_ids: _Ids = None, code: _CodeOption = None, all: _All = False, json: Json = False) -> None:
    """Take contacts off the list: nothing needs to be done. A change in HubSpot has them looked at again."""
    with _opened() as store:
        ids = _chosen_parked(store, contact_ids, code, all)
        with store.session() as session:
            selection.drop_parked(session, ids)
    output.show_json({"dropped": ids}) if json else output.say(f"{len(ids)} contacts dropped")


@parked.command("leave")
def _leave(
    contact_ids: Annotated[list[str], typer.Argument(metavar="CONTACT_ID...", help="HubSpot ids.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, without personal data.")],
    json: Json = False,
) -> None:
    """Leave contacts alone for good, because sales retired or deleted their records on purpose; later changes are
    ignored.
    """
    with _opened() as store:
        ids = leaving.leave(store, contact_ids, reason, _now())
        worker = _worker(store)
    if json:
        output.show_json({"left_alone": ids, "worker": worker})
    else:
        output.say(f"{len(ids)} contacts left alone; `hubspot-c4c-sync parked retry CONTACT_ID` takes it back")


def _chosen_parked(
    store: Store, contact_ids: list[str] | None, code: str | None, everything: bool, *, with_left_alone: bool = False
) -> list[str]:
    if sum((bool(contact_ids), code is not None, everything)) != 1:
        raise ConfigurationError(["name contact ids, or --code, or --all"])
    with store.reading() as session:
        known = [row.contact_id for row in selection.parked(session, _code(code))]
        if with_left_alone and code in (None, Code.LEFT_ALONE):
            known += [row.contact_id for row in left_alone.everybody(session) if row.contact_id not in known]
    strangers = [i for i in contact_ids or () if i not in known]
    if strangers:
        raise ConfigurationError(
            [f"{', '.join(strangers)}: not parked; `hubspot-c4c-sync parked list` shows who is parked"]
        )
    return [i for i in known if contact_ids is None or not contact_ids or i in contact_ids]


# ---- runs, verify, backup, approve


def runs(
    job: Annotated[
        str | None,
        typer.Option("--job", metavar="JOB", help="Only of this job.", autocompletion=output.one_of(JOBS)),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many.")] = 20,
    json: Json = False,
) -> None:
    """Show what ran, the newest first: when, how long, how it ended, what it did."""
    if job is not None:
        output.demand_one_of("--job", job, JOBS)
    with _opened() as store, store.reading() as session:
        rows = [admin_reports.run_row(row) for row in streams.recent_runs(session, limit, job)]
    output.show_json(rows) if json else admin_reports.print_runs(rows)


def _verify(
    repair: Annotated[
        bool, typer.Option("--repair", help="Link what is ours; mark what the next push can repair.")
    ] = False,
    json: Json = False,
) -> None:
    """Compare mirror, links and SAP Sales Cloud: missing, extra, drifted, duplicate. Exit 4 if something is left."""
    with output.progress(None) as report:
        application = app.build(report)
        try:
            found = verify.verify(application.context)
            marked, linked = verify.repair(application.context, found) if repair else (None, None)
        finally:
            application.close()
    document = {**found.to_json(), "marked": marked, "linked": linked}
    output.show_json(document) if json else admin_reports.print_verify(document)
    left = found.beyond_repair() if repair else found.total()
    raise typer.Exit(4 if left else 0)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file; - for standard output.", allow_dash=True)],
) -> None:
    """Copy the state file while it is in use: complete and consistent, readable by its owner only."""
    settings, _ = app.rules()
    # Before an upgrade the file may be older than this program. Copying it works with any tables.
    with closing(open_unmigrated(settings.state)) as store:
        size = _streamed(store.path) if str(file) == "-" else copy(store.path, file)
        # The copy is good even if the state file (on a full disk, for example) cannot record that it was made.
        with suppress(SQLAlchemyError), store.session() as session:
            LAST_BACKUP.write(session, datetime.now(UTC))
    (output.complain if str(file) == "-" else output.say)(f"{file}: {size} bytes")


def _streamed(state: Path) -> int:
    """Copies to the descriptor, past our `sys.stdout`: that one ignores a reader that left early, which here means a
    broken copy.
    """
    if sys.stdout.isatty():
        raise ConfigurationError(["the copy is binary and not for a terminal; send it to a file with `> FILE`"])
    sys.stdout.flush()
    with open(sys.stdout.fileno(), "wb", closefd=False) as raw:
        return stream(state, raw)


def approve(
    digest: Annotated[
        str | None, typer.Argument(metavar="[DIGEST]", help="As printed where the guard stopped it.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what is held back (a plan, contacts reported missing, a second writer), or let exactly one of these go on by
    its digest.
    """
    with _opened() as store, store.session() as session:
        held = _approved(session, digest) if digest else _held_back(session)
    document = admin_reports.guard_document(held.plan, held.gone, held.second, held.renamed, approved=bool(digest))
    output.show_json(document) if json else admin_reports.print_guard(document)


@dataclass(frozen=True)
class _HeldBack:
    """What waits for a person, or was approved just now."""

    plan: Stopped | None
    gone: list[MassDeletion]
    second: Duplication | None
    renamed: Renamed | None


def _held_back(session: Session) -> _HeldBack:
    second, renamed = second_writer.last_finding(session), belonging.doubted_name(session)
    return _HeldBack(guarding.last_stopped(session), mass_deletion.doubtful_sets(session), second, renamed)


def _approved(session: Session, digest: str) -> _HeldBack:
    now = _now()
    plan, gone = guarding.approve(session, digest, now), mass_deletion.confirm(session, digest, now)
    second, renamed = second_writer.approve_twins(session, digest, now), belonging.approve_name(session, digest)
    if not any((plan, gone, second, renamed)):
        raise ConfigurationError(
            [
                f"{digest}: nothing with this digest is held back; "
                "`hubspot-c4c-sync approve` without a digest shows what is"
            ]
        )
    return _HeldBack(plan, [gone] if gone else [], second, renamed)
