"""Asks the worker of this machine by its own port whether it is well: probes come every minute, and must cost little.

Only what Python itself brings is imported: the whole program takes a second of processor time to load.
"""

import http.client
import json
import sys

from sync.environment import Environment

LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where a server that listens on all interfaces is reached from here."""

TIMEOUT = 10.0
"""Seconds."""


def answered(environment: Environment) -> int | None:
    """Says whether the worker is well and returns the exit code; None if no worker answers, or none has a port."""
    port, host = environment.get("SYNC_METRICS_PORT"), environment.get("SYNC_METRICS_HOST") or "127.0.0.1"
    try:
        problem = _problem(LOCAL.get(host, host), int(port or ""))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    if problem:
        sys.stderr.write(f"unhealthy: {problem}\n")
        return 1
    sys.stdout.write("healthy\n")
    return 0


def _problem(host: str, port: int) -> str | None:
    """What `/healthz` names as wrong, or None. Raises OSError, HTTPException, or what a strange answer raises."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        problem: str | None = json.loads(connection.getresponse().read())["problem"]
        return problem
    finally:
        connection.close()
