"""The product as an admin runs it: its rule files, its state file, its environment, and how a run ended."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from running import PROJECT, TIMEOUT

from sync.cli import main

OUR_SETTINGS = ("HUBSPOT_", "C4C_", "SYNC_")


@dataclass(frozen=True)
class Ran:
    """How one run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output; anything beside it fails the test."""
        return json.loads(self.out)

    @property
    def counts(self) -> dict[str, Any]:
        return dict(self.document["counts"])

    @property
    def sentences(self) -> str:
        """What standard error holds beside the log: sentences for people."""
        return "\n".join(line for line in self.err.splitlines() if not line.startswith("{"))

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]


@dataclass
class Program:
    """The program in a directory of its own. `settings` lead it to both systems; `extra` is what else a test sets.

    `program`: what Python is started with.
    """

    home: Path
    settings: dict[str, str]
    extra: dict[str, str] = field(default_factory=dict)
    program: tuple[str, ...] = ("-m", "sync")

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        copytree(PROJECT / "config", self.config, dirs_exist_ok=True)

    @property
    def config(self) -> Path:
        return self.home / "config"

    @property
    def state(self) -> Path:
        return self.home / "state.db"

    def variables(self) -> dict[str, str]:
        return {**self.settings, "SYNC_STATE": str(self.state), "SYNC_CONFIG": str(self.config), **self.extra}

    def environment(self, **changes: str | None) -> dict[str, str]:
        """Ours only: nothing that the shell of the developer happens to hold. None removes a setting."""
        outside = {name: value for name, value in os.environ.items() if not name.startswith(OUR_SETTINGS)}
        wanted: dict[str, str | None] = {"PYTHONPATH": str(PROJECT), **self.variables(), **changes}
        return outside | {name: value for name, value in wanted.items() if value is not None}

    def run(self, *arguments: str, **changes: str | None) -> Ran:
        """Runs the program to its end, as a process."""
        ended = subprocess.run(
            [sys.executable, *self.program, *arguments],
            cwd=self.home,
            env=self.environment(**changes),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the state file, read without touching it."""
        with closing(sqlite3.connect(f"file:{self.state}?mode=ro", uri=True)) as connection:
            return connection.execute(sql, values).fetchall()


def typed(*arguments: str) -> Ran:
    """A command as a person types it, in this process and with its environment: the same entry, without the start."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["hubspot-c4c-sync", *arguments]
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = before
    return Ran(int(ended.value.code or 0), out.getvalue(), err.getvalue())
