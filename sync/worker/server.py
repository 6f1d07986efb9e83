"""HTTP for probes and for Prometheus: /healthz, /readyz and /metrics, if SYNC_METRICS_PORT is set.

An outage of a remote system does not fail a probe, since a restart would not end it. An error of this server becomes a
log line and an answer, not a traceback.
"""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from sync import metrics
from sync.app import App
from sync.domain.codes import Code
from sync.errors import ConfigurationError
from sync.jobs.runner import JOBS, place_of
from sync.log import Event, emit
from sync.state import trouble
from sync.state.store import versions
from sync.worker.gauges import StateGauges
from sync.worker.vitals import Vitals

IDLE = 30.0
"""Seconds that a connection may stay silent before it is closed; each of them holds a thread."""

Answer = tuple[int, str, bytes]
"""Status, content type, body."""


@contextmanager
def serving(app: App, vitals: Vitals) -> Iterator[int | None]:
    """Serves while the block runs; yields the port, or None if no port is set. Raises ConfigurationError."""
    port, host = app.settings.metrics_port, app.settings.metrics_host
    if port is None:
        yield None
        return
    metrics.expect(Event, Code, JOBS)
    gauges = StateGauges(app, vitals)
    metrics.REGISTRY.register(gauges)
    server = _server(host, port, Probes(app, vitals).routes())
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        metrics.REGISTRY.unregister(gauges)


class Probes:
    """The answers to each path."""

    def __init__(self, app: App, vitals: Vitals) -> None:
        self._app, self._vitals = app, vitals

    def routes(self) -> dict[str, Callable[[], Answer]]:
        return {"/healthz": self.healthz, "/readyz": self.readyz, "/metrics": self.metrics}

    def healthz(self) -> Answer:
        """Alive: the loop turns, and every job makes progress."""
        problem = self._vitals.problem()
        return _json(503 if problem else 200, {"alive": problem is None, "problem": problem})

    def readyz(self) -> Answer:
        """Ready: the state file is migrated, and the process works or stands by.

        Without a valid configuration it would not run.
        """
        store = self._app.context.store
        try:
            version, newest = versions(store)
        except (SQLAlchemyError, OSError) as error:
            return _json(503, {"ready": False, "problem": trouble.sentence(error, store.path)})
        if store.replaced:
            return _json(503, {"ready": False, "problem": "the state file was removed or replaced; start again"})
        if self._vitals.state:
            return _json(503, {"ready": False, "problem": self._vitals.state})
        ready = version == newest and self._vitals.ready
        return _json(200 if ready else 503, {"ready": ready, "lease": self._vitals.lease, "state_version": version})

    def metrics(self) -> Answer:
        return 200, CONTENT_TYPE_LATEST, generate_latest(metrics.REGISTRY)


def _json(status: int, document: dict[str, object]) -> Answer:
    return status, "application/json", json.dumps(document).encode()


def _server(host: str, port: int, routes: dict[str, Callable[[], Answer]]) -> ThreadingHTTPServer:
    handler = type("Handler", (_Handler,), {"routes": routes})
    kind = _Server6 if ":" in host else _Server
    try:
        return kind((host, port), handler)
    except OSError as error:
        raise ConfigurationError([f"SYNC_METRICS_PORT: {host} port {port} cannot be used ({error.strerror})"]) from None


class _Server(ThreadingHTTPServer):
    """An HTTP server with one thread for each connection."""

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 (the library's names)
        """Logs an error instead of printing a traceback. A client that left early is not an error."""
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, ConnectionError | TimeoutError):
            emit(Event.PROBE_FAILED, cause=f"{type(error).__name__} at {place_of(error)}")


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD by the table of routes."""

    routes: ClassVar[dict[str, Callable[[], Answer]]] = {}
    timeout = IDLE

    def version_string(self) -> str:
        """The header `Server`, without versions, since those help an attacker only."""
        return "hubspot-c4c-sync"

    def do_GET(self) -> None:
        self.wfile.write(self._head())

    def do_HEAD(self) -> None:
        self._head()

    def _head(self) -> bytes:
        """Sends status and headers; returns the body that belongs to them."""
        status, content_type, body = self._answer()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return body

    def _answer(self) -> Answer:
        path = self.path.split("?")[0]
        route = self.routes.get(path)
        if route is None:
            return _json(404, {"paths": sorted(self.routes)})
        try:
            return route()
        except Exception as error:
            emit(Event.PROBE_FAILED, endpoint=path, cause=f"{type(error).__name__} at {place_of(error)}")
            return _json(500, {"problem": f"a bug: {type(error).__name__}; see the event probe_failed in the log"})

    def log_message(self, *args: object) -> None:
        """Logs nothing: probes come every few seconds."""
