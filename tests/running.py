"""The sandbox as a process of its own, and its control port: what every test that uses it starts from."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import structlog

from sync import log

PROJECT = Path(__file__).parents[1]
TIMEOUT = 300
"""Seconds after which a test that waits is taken to hang. Nothing is measured by it: a busy machine may be slow."""

LOOK = 0.02
"""Seconds between two looks: looking without end would take the processor from who is waited for."""


def unkept() -> requests.Session:
    """A session that keeps no connection open.

    A server closes a kept connection after some seconds; a request that it meets just then is lost, and neither a test
    nor the control port can tell whether it had an effect.
    """
    session = requests.Session()
    session.headers["Connection"] = "close"
    return session


def until(holds: Callable[[], object], what: str = "what was waited for") -> None:
    """Returns as soon as it holds: something that another process or thread brings about."""
    end = time.monotonic() + TIMEOUT
    while not holds():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(LOOK)


class Control:
    """The running sandbox: its addresses and credentials, and the control port as methods."""

    def __init__(self, announced: Mapping[str, str]) -> None:
        self.hubspot, self.c4c, self.control = announced["hubspot"], announced["c4c"], announced["control"]
        self.token, self.username, self.password = announced["token"], announced["username"], announced["password"]
        self._session = unkept()

    def call(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        response = self._session.request(method, self.control + path, json=body, params=params, timeout=TIMEOUT)
        assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def get(self, path: str, **params: str) -> Any:
        return self.call("GET", path, **params)

    def post(self, path: str, body: Any = None) -> Any:
        return self.call("POST", path, body)

    def patch(self, path: str, body: Any) -> Any:
        return self.call("PATCH", path, body)

    def put(self, path: str, body: Any) -> Any:
        return self.call("PUT", path, body)

    def delete(self, path: str, body: Any = None) -> Any:
        return self.call("DELETE", path, body)


@contextmanager
def announced(*options: str) -> Iterator[dict[str, str]]:
    """An empty sandbox as long as the context lasts: what it announces when it is ready."""
    command = [sys.executable, "-m", "sandbox", "--empty", "--die-with-parent", *options]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(TIMEOUT)


@contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    """The lines that this process logs meanwhile; they are there when the context has ended."""
    stream, lines = io.StringIO(), list[dict[str, Any]]()
    log.configure(stream=stream)
    try:
        yield lines
    finally:
        lines += map(json.loads, stream.getvalue().splitlines())
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()
