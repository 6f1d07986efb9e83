"""The sandbox as a process of its own, and its control port: what every test that uses it starts from."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

PROJECT = Path(__file__).parents[1]
TIMEOUT = 60


class Control:
    """The running sandbox: its addresses and credentials, and the control port as methods."""

    def __init__(self, announced: Mapping[str, str]) -> None:
        self.hubspot, self.c4c, self.control = announced["hubspot"], announced["c4c"], announced["control"]
        self.token, self.username, self.password = announced["token"], announced["username"], announced["password"]
        self._session = requests.Session()

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
