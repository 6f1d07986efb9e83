"""Serves the page over HTTP: in a thread, on a socket that is open before anything is announced."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from sync.config import Configuration
from sync.context import utc_now
from sync.environment import PageSettings
from sync.errors import ConfigurationError

_CONNECTIONS = 100
"""At once; more are refused, so that nobody takes the worker's memory."""


@contextmanager
def serving(
    path: Path,
    configuration: Configuration,
    settings: PageSettings,
    certificate: Path | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Iterator[str]:
    """Serves while the block runs; yields the address. `certificate`: that for SAP Sales Cloud, if there is one.

    Raises ConfigurationError, StateError.
    """
    demand_installed()
    # Only here: without the extra, and for every other command, these are not loaded.
    import uvicorn

    from sync.page.answers import State
    from sync.page.door import Patience
    from sync.page.site import application

    state = State(path, configuration, settings.names, certificate)
    state.opened()
    listening = _listening(settings)
    config = uvicorn.Config(
        application(state, settings, now, Patience()),
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        # Failures become events of our own; an access log would say who looked at whom.
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), name="page", daemon=True)
    thread.start()
    try:
        yield _address(settings.host, listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
        state.close()


def demand_installed() -> None:
    """Raises ConfigurationError if the libraries of the page are not installed."""
    missing = [name for name in ("jinja2", "starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            [f"the page needs {', '.join(missing)}: install them with `pip install 'hubspot-c4c-sync[page]'`"]
        )


def _listening(settings: PageSettings) -> socket.socket:
    """An open socket: who reads the address may connect at once."""
    port = settings.port or 0
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, port), family=family, backlog=128)
    except OSError as error:
        raise ConfigurationError(
            [f"SYNC_PAGE_PORT: {settings.host} port {port} cannot be used ({error.strerror}); choose another one"]
        ) from None


def _address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
