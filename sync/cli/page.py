"""The command `page`, and the page that a worker serves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import typer

from sync import app
from sync.app import App
from sync.cli import output
from sync.config import Configuration
from sync.domain.numbers import whole
from sync.environment import INTERFACES, PageSettings, Settings
from sync.errors import ConfigurationError
from sync.page.serving import serving
from sync.worker.signals import StopSignal

PORT = 8321
"""Where the page is, if nothing says otherwise."""


def register(cli: typer.Typer) -> None:
    """Adds the command to the command line."""
    cli.command("page")(_page)


def _page(
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="ADDRESS", help=f"Instead of SYNC_PAGE_HOST: one of {', '.join(INTERFACES)}."),
    ] = None,
    port: Annotated[
        str | None,
        typer.Option("--port", metavar="PORT", help=f"Instead of SYNC_PAGE_PORT ({PORT}); 0 for any free one."),
    ] = None,
) -> None:
    """Serve the page for a browser, beside a worker or without one. It shows the state file and changes nothing."""
    settings, configuration = app.rules()
    wanted = settings.page
    if host is not None:
        output.demand_one_of("--host", host, INTERFACES)
        wanted = replace(wanted, host=host)
    wanted = replace(wanted, port=_number(port) if port is not None else wanted.port or PORT)
    if exposed := wanted.exposed():
        raise ConfigurationError([exposed])
    raise typer.Exit(serve(settings, configuration, wanted))


def serve(settings: Settings, configuration: Configuration, wanted: PageSettings) -> int:
    """Serves until a signal comes; returns the exit code for it. The address is a line of standard output."""
    stop = StopSignal().install()
    if wanted.token:
        wanted.token.conceal()
    with serving(settings.state, configuration, wanted, settings.client_cert) as address:
        output.say(address)
        output.out.file.flush()
        output.complain("press Ctrl-C to end")
        stop.wait()
    return stop.exit_code


def _number(port: str) -> int:
    number = whole(port)
    if number is None or not 0 <= number < 65536:
        raise ConfigurationError([f"--port: found {port!r}, allowed: a port number, or 0 for any free one"])
    return number


@contextmanager
def beside(application: App) -> Iterator[None]:
    """Serves the page while the worker runs, if SYNC_PAGE_PORT is set. Raises ConfigurationError."""
    settings = application.settings
    if settings.page.port is None:
        yield
        return
    if settings.page.token:
        settings.page.token.conceal()
    configuration, now = application.context.config, application.clock.now
    with serving(settings.state, configuration, settings.page, settings.client_cert, now):
        yield
