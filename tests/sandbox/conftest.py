"""Starts the sandbox as a process of its own, once a test module, and speaks to its control port."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

PROJECT = Path(__file__).parents[2]
TIMEOUT = 20


class Sandbox:
    """The running sandbox: its addresses and credentials, and the control port as methods."""

    def __init__(self, announced: dict[str, str]) -> None:
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

    def delete(self, path: str, body: Any = None) -> Any:
        return self.call("DELETE", path, body)

    def reset(self) -> None:
        self.post("/reset")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """An empty sandbox; seed it with `sandbox.post("/seed", {...})`."""
    command = [sys.executable, "-m", "sandbox", "--empty", "--die-with-parent"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Sandbox(json.loads(process.stdout.readline()))
        finally:
            process.terminate()
            process.wait(TIMEOUT)
