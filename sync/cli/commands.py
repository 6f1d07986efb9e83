"""The commands. Each is thin: it builds the objects, calls a job, and prints what came back."""

import sys
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from sync import app, log
from sync.admin import alerts, preview
from sync.admin import status as statuses
from sync.admin.foreseen import foreseen
from sync.cli import admin, channels, erasure, links, loads, output, page, pausing, people, report, reports
from sync.cli.explaining import explain, unknown
from sync.cli.menu import ABOUT
from sync.cli.output import Json
from sync.cli.simulate import simulate
from sync.config import Configuration, WorkerConfig
from sync.config import load as load_rules
from sync.contracts import check as checks
from sync.environment import Environment, Settings
from sync.environment import settings as read_settings
from sync.errors import ConfigurationError, Interrupted, RemoteError, StateError, SyncError
from sync.jobs.housekeeping import will_go
from sync.jobs.runner import JOBS, ONCE, run_jobs, run_until_idle, unexpected
from sync.log import Event, emit
from sync.state.store import HEAD, open_store
from sync.transport import RequestRetry
from sync.worker import upgrading
from sync.worker.keeper import working
from sync.worker.signals import StopSignal

cli = typer.Typer(
    name="hubspot-c4c-sync",
    help=ABOUT,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

cli.add_typer(links.cli, name="links")

_ContactIds = Annotated[
    list[str] | None, typer.Option("--contact", metavar="ID", help="Only this contact; the option may be repeated.")
]


admin.register(cli)
people.register(cli)
report.register(cli)
pausing.register(cli)
erasure.register(cli)
page.register(cli)


def main() -> None:
    """Runs a command; a failure becomes a sentence and an exit code instead of a traceback."""
    channels.prepare()
    try:
        with channels.flushed():
            # This name holds for `python -m sync` too: shell completion knows the program by it.
            cli(prog_name="hubspot-c4c-sync")
    except Exception as error:
        failure = _failure(error)
        # If the output is lost, it was either reported already, or nobody is there to read it.
        with suppress(channels.OutputLost):
            output.fail(failure)
            sys.stdout.flush()
        sys.exit(failure.exit_code)


def _failure(error: Exception) -> SyncError:
    """The failure behind an exception, as one that the command line explains."""
    if isinstance(error, SyncError):
        return error
    if isinstance(error, OSError) and error.filename:
        return ConfigurationError([f"{error.filename}: {error.strerror}; check path and rights"])
    with suppress(ConfigurationError):
        return unexpected(error, app.load_settings().state)
    return unexpected(error, None)


def _configure_log(stream: Any = None) -> None:
    environment = Environment()
    found = read_settings(environment)
    # Next to a progress bar only warnings are useful; SYNC_LOG_LEVEL asks for more.
    quiet = stream is None and output.err.is_terminal and not environment.get("SYNC_LOG_LEVEL")
    log.configure(found.log_format, "WARNING" if quiet else found.log_level, stream or sys.stderr)


def _version(wanted: bool) -> None:
    if wanted:
        output.say(f"hubspot-c4c-sync {metadata.version('hubspot-c4c-sync')}, state version {HEAD}")
        raise typer.Exit


@cli.callback()
def prepare(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Hands marketing qualified leads over from HubSpot to SAP Sales Cloud."""
    _configure_log()


@cli.command("run")
def _run() -> None:
    """Run the worker: all jobs at their intervals until SIGTERM or SIGINT. A second worker waits as standby."""
    _configure_log(sys.stdout)
    stop = StopSignal(notify=lambda signal: emit(Event.WORKER_STOPPING, signal=signal)).install()
    try:
        raise typer.Exit(_work(stop))
    except StateError as error:
        app.tell_unusable(error)
        raise
    except Interrupted:
        raise typer.Exit(stop.exit_code) from None


def _work(stop: StopSignal) -> int:
    # The scheduler and the server are loaded by the worker alone: every other command starts without them.
    from sync.worker.loop import Worker
    from sync.worker.server import serving

    application = app.build(stopping=stop, clock=app.Clock(sleep=stop.sleep), prepare=upgrading.before("worker", stop))
    try:
        worker = Worker(application, stop)
        with serving(application, worker.vitals), page.beside(application):
            return worker.run()
    finally:
        application.close()


@cli.command()
def once(
    jobs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[JOB]...",
            help=f"Jobs to run, in this order: {', '.join(JOBS)}.",
            autocompletion=output.one_of(JOBS),
        ),
    ] = None,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Repeat until nothing is due.")] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Poll from this time on (ISO, UTC): bounds a first load."),
    ] = None,
    json: Json = False,
) -> None:
    """Run poll, scores, sweep and push (or the jobs named) once, and end."""
    names = _job_names(jobs)
    start = admin.parse_moment(since, "--since") if since else None
    with (
        output.progress(None) as report,
        working(report, prepare=partial(upgrading.before, "command")) as (application, stop),
    ):
        cost = loads.prepare(application.context, names, start)
        # For a person; where the log is JSON, the event says the same.
        if cost and (output.err.is_terminal or application.settings.log_format == "console"):
            output.complain(cost)
        results = (run_until_idle if until_idle else run_jobs)(application.context, names)
        document = reports.once_document(application, results)
        if results.failures:
            document["error"] = output.failure_json(results.failures)
        alerts.watch(application.context)
    if json:
        output.show_json(document)
    else:
        reports.print_once(document)
    for failure in results.failures:
        output.complain(str(failure))
    raise typer.Exit(stop.exit_code or results.exit_code)


def _job_names(jobs: list[str] | None) -> list[str]:
    for name in jobs or []:
        if name not in JOBS:
            raise ConfigurationError([f"{name}: not a job; allowed: {', '.join(JOBS)}"])
    return jobs or list(ONCE)


@cli.command("status")
def _status(json: Json = False) -> None:
    """Show backlog, who qualifies and why not, parked contacts with remedy, watermarks, and the last result of each
    job.
    """
    settings, configuration, store = app.state_only()
    with closing(store), output.progress(None) as report:
        document = statuses.status(store, datetime.now(UTC), configuration)
        document["certificate"] = statuses.client_certificate(settings.client_cert, datetime.now(UTC))
        document["retention"] = configuration and will_go(store, configuration.worker.retention, datetime.now(UTC))
        document["foreseen"] = foreseen(store, configuration.rules, report) if configuration else {}
    if configuration is None:
        output.complain("the rule files have mistakes: `hubspot-c4c-sync check --offline` names them")
    output.show_json(document) if json else reports.print_status(document)


cli.command("explain")(explain)


@cli.command("plan")
def _plan(contact: _ContactIds = None, json: Json = False) -> None:
    """Show what the next push would write, field by field; writes nothing."""
    with output.progress(None) as report:
        application = app.build(report)
        try:
            for stranger in preview.unknown_contacts(application.context, contact or []):
                raise unknown(stranger)
            document = preview.preview(application.context, contact or [])
            if application.settings.show_names:
                people.name_companies(application.context, document)
        finally:
            application.close()
    output.show_json(document) if json else reports.print_plan(document)


cli.command()(simulate)


_ONCE_MORE = RequestRetry(attempts=2, wait=1)
"""For `check`, where a person waits for the present state."""


@cli.command()
def check(
    offline: Annotated[
        bool, typer.Option("--offline", help="Check rule files and settings only; contact neither system.")
    ] = False,
    json: Json = False,
) -> None:
    """Check configuration, credentials, HubSpot properties and labels, C4C fields and codes; name every mismatch."""
    failures: list[RemoteError] = []
    if offline:
        settings, configuration = _rules(json)
        document = checks.files(configuration, settings.config)
    else:
        application = app.build(retry=_ONCE_MORE)
        settings = application.settings
        with closing(application):
            document, failures = checks.online(application.context, settings.config, settings.client_cert)
    if failures:
        document["error"] = output.failure_json(failures)
    output.show_json(document) if json else reports.print_check(document)
    if failures:
        raise typer.Exit(max(failure.exit_code for failure in failures))
    if any(finding["severity"] == "error" for finding in document["findings"]):
        raise typer.Exit(2)


def _rules(json: bool) -> tuple[Settings, Configuration]:
    """Settings and rules. With `json`, mistakes in them are printed in the same form as all other findings."""
    try:
        return app.rules(addresses=True)
    except ConfigurationError as error:
        if not json:
            raise
        findings = [{"severity": "error", "where": "rules", "text": problem} for problem in error.problems]
        output.show_json({"findings": findings, "facts": []})
        raise typer.Exit(2) from None


@cli.command()
def migrate() -> None:
    """Bring the state file to this version, after copying it; where there is none, create it."""
    settings = app.load_settings()
    path, known = settings.state, settings.state.exists()
    try:
        schedule = load_rules(settings.config).worker.schedule
    except ConfigurationError:
        schedule = WorkerConfig().schedule
    done = upgrading.upgrade_state(path, schedule, "command", StopSignal().install())
    open_store(path).close()
    if done:
        output.say(f"{path}: brought from version {done.before} to {HEAD}; copy of the former file: {done.copy}")
    else:
        output.say(f"{path}: {'is at' if known else 'created at'} version {HEAD}")


@cli.command()
def health() -> None:
    """Exit 0 while the worker's loop turns, 1 otherwise; for probes."""
    try:
        _, configuration, store = app.state_only()
        worker = configuration.worker if configuration else WorkerConfig()
        problem = statuses.unhealthy(store, worker, datetime.now(UTC))
        store.close()
    except StateError as error:
        problem = str(error)
    if problem:
        output.complain(f"unhealthy: {problem}")
        raise typer.Exit(1)
    output.say("healthy")


@cli.command()
def demo(
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir", help="Where the demo keeps its configuration and state; else .demo beside the state file."
        ),
    ] = None,
    page: Annotated[
        bool, typer.Option("--page", help="Keep sandbox and worker running and serve the page, until Ctrl-C.")
    ] = False,
) -> None:
    """Show the whole thing on an embedded sandbox: three runs, explained."""
    from sync.cli.demo import Demo

    settings = app.load_settings()
    shown = Demo(directory or settings.state.parent / ".demo", settings.config)
    raise typer.Exit(shown.serve() if page else shown.run())
