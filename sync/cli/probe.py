"""Asks the worker of this machine, by its own port, whether it is well. Probes come every minute and must cost little.

This module imports the standard library only: the whole program takes a second of processor time to load."""

import http.client
import json
import os
import sys
from pathlib import Path
from typing import Protocol


class Variables(Protocol):
    """Where the settings come from (`sync.environment.Environment`)."""

    def get(self, name: str) -> str | None: ...


class ProcessVariables:
    """The variables of this process, without complaints: the program itself makes them if no worker answers."""

    def get(self, name: str) -> str | None:
        """The value of `name`, or the content of the file that `name_FILE` names."""
        path = os.environ.get(f"{name}_FILE", "").strip()
        try:
            found = Path(path).read_text(encoding="utf-8") if path else os.environ.get(name, "")
        except (OSError, ValueError):
            return None
        return found.strip() or None


_LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""The address at which this machine reaches a server that listens on all interfaces."""

_TIMEOUT = 10.0
"""Seconds."""


def is_answered(environment: Variables) -> int | None:
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
