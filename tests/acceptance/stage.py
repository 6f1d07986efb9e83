"""The stage of the acceptance tests: the sandbox as one process, the product as another, and nothing between them."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from typing import Any

from running import PROJECT, TIMEOUT
from warm import Warm
from world.sandbox import Sandbox, announced

PROGRAM = Path(sys.executable).with_name("hubspot-c4c-sync")
IDLE = ("once", "--until-idle", "--json")
OUR_SETTINGS = ("HUBSPOT_", "C4C_", "SYNC_")

QUICK = {
    "jitter": '"0s"',
    "index_lag_seconds": "0",
    "search_per_second": "5",
    "burst_per_10s": "250",
    "settle_seconds": "0",
    "request_wait": '"10ms"',
}
"""Values of worker.toml that only make a test wait; the rest is as shipped."""


@contextmanager
def running_sandbox() -> Iterator[Sandbox]:
    with announced() as started:
        yield Sandbox(started)


@dataclass(frozen=True)
class Ran:
    """How one run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output; anything beside it fails the test."""
        return dict(json.loads(self.out))

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
class Product:
    """The program as an admin runs it: its rule files, its state file, its environment."""

    home: Path
    settings: dict[str, str]
    warm: Warm | None = None
    config: Path = field(init=False)
    state: Path = field(init=False)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.config, self.state = self.home / "config", self.home / "state.db"
        copytree(PROJECT / "config", self.config, dirs_exist_ok=True)
        self.configure(**QUICK)

    def configure(self, **values: str) -> None:
        """Set keys of worker.toml to TOML values."""
        path = self.config / "worker.toml"
        text = path.read_text()
        for name, value in values.items():
            text, found = re.subn(rf"(?m)^{name} = [^#\n]*", f"{name} = {value} ", text)
            assert found == 1, f"worker.toml: {name} stands there {found} times"
        path.write_text(text)

    def environment(self, **changes: str | None) -> dict[str, str]:
        """Ours only: nothing that the shell of the developer happens to hold. None removes a setting."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OUR_SETTINGS)}
        paths = {"SYNC_STATE": str(self.state), "SYNC_CONFIG": str(self.config)}
        wanted: dict[str, str | None] = {**self.settings, **paths, **changes}
        return kept | {name: value for name, value in wanted.items() if value is not None}

    def run(self, *arguments: str, **changes: str | None) -> Ran:
        """Runs the program to its end; without arguments a sync to idle."""
        if self.warm:
            return self.prepared(*arguments, **changes).go()
        command = [str(PROGRAM), *(arguments or IDLE)]
        ended = subprocess.run(
            command, env=self.environment(**changes), capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def run_well(self, *arguments: str) -> Ran:
        """A sync to idle that must succeed: 0, or 4 with parked records."""
        ran = self.run(*arguments)
        assert ran.code in (0, 4), ran.err[-3000:]
        return ran

    def prepared(self, *arguments: str, **changes: str | None) -> Prepared:
        """The program before its first instruction, so that its pid is known before it does anything."""
        assert self.warm
        return Prepared(self.warm, self.warm.spawn(arguments or IDLE, self.environment(**changes)))

    @contextmanager
    def started(self, *arguments: str, stdout: Path) -> Iterator[Started]:
        """The program as a process that goes on by itself, its standard output in a file."""
        with (
            stdout.open("w") as out,
            subprocess.Popen(
                [str(PROGRAM), *arguments], env=self.environment(), stdout=out, stderr=subprocess.PIPE, text=True
            ) as process,
        ):
            try:
                yield Started(process, stdout)
            finally:
                if process.poll() is None:
                    process.kill()

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the state file, read without touching it."""
        with closing(sqlite3.connect(f"file:{self.state}?mode=ro", uri=True)) as connection:
            return connection.execute(sql, values).fetchall()

    def explain(self, contact_id: str) -> dict[str, Any]:
        return self.run("explain", contact_id, "--json").document


@dataclass
class Prepared:
    """A process that waits for its `go`."""

    warm: Warm
    pid: int

    def go(self) -> Ran:
        return Ran(*self.warm.go())


@dataclass
class Started:
    """A running process."""

    process: subprocess.Popen[str]
    stdout: Path

    def said(self) -> list[str]:
        """The events that it has logged on standard output."""
        whole_lines = self.stdout.read_text().rpartition("\n")[0]
        return [json.loads(line)["event"] for line in whole_lines.splitlines()]

    def terminate(self) -> Ran:
        """Asks it to end, as a container's host does."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> Ran:
        """Returns when it has."""
        _, err = self.process.communicate(timeout=TIMEOUT)
        return Ran(self.process.returncode, self.stdout.read_text(), err)


KEY = "HubSpotID_KUT"


def duplicates(c4c: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[tuple[str, str]]:
    """Everything that may be in C4C only once and is there twice: (entity, key)."""
    keyed = [(entity, row[KEY]) for entity, rows in c4c.items() for row in rows if row.get(KEY)]
    persons = [("relation", f"{r['ContactID']} at {r['AccountID']}") for r in c4c["ContactIsContactPersonFor"]]
    sets = [("permission set", row["BusinessPartnerUUID"]) for row in c4c["MarketingPermission"]]
    channels = [("channel", f"{row['ParentObjectID']} {row['Channel']}") for row in c4c["ChannelPermission"]]
    found = [*keyed, *persons, *sets, *channels]
    return sorted({one for one in found if found.count(one) > 1}) if len(set(found)) < len(found) else []


def leads(sandbox: Sandbox) -> set[str]:
    """Keys of the leads that are there."""
    return {row[KEY] for row in sandbox.rows("Lead")}
