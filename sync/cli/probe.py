"""Asks the worker of this machine, by its own port, whether it is well. Probes come every minute and must cost little.

This module imports the standard library only: the whole program takes a second of processor time to load."""

import http.client
import json
import sys

from sync.environment import Environment

_LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""The address at which this machine reaches a server that listens on all interfaces."""

_TIMEOUT = 10.0
"""Seconds."""


def is_answered(environment: Environment) -> int | None:
    """Prints whether the worker is well and returns the exit code. None if no worker answers, or it has no port."""
    port, host = environment.get("SYNC_METRICS_PORT"), environment.get("SYNC_METRICS_HOST") or "127.0.0.1"
    try:
        problem = _problem(_LOCAL.get(host, host), int(port or ""))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    if problem:
        sys.stderr.write(f"unhealthy: {problem}\n")
        return 1
    sys.stdout.write("healthy\n")
    return 0


def _problem(host: str, port: int) -> str | None:
    """The problem that `/healthz` names, or None. Raises OSError, HTTPException, or what a strange answer causes."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        problem: str | None = json.loads(connection.getresponse().read())["problem"]
        return problem
    finally:
        connection.close()
