"""The stage of the acceptance tests: the sandbox as one process, the product as another, and nothing between them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from running import TIMEOUT
from warm import Warm
from world.program import Program, Ran
from world.sandbox import Sandbox, announced

PROGRAM = Path(sys.executable).with_name("hubspot-c4c-sync")
IDLE = ("once", "--until-idle", "--json")

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


@dataclass
class Product(Program):
    """The program with the shipped rules. `warm`: forked from this interpreter instead of started."""

    warm: Warm | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.configure(**QUICK)

    def configure(self, **values: str) -> None:
        """Set keys of worker.toml to TOML values."""
        path = self.config / "worker.toml"
        text = path.read_text()
        for name, value in values.items():
            text, found = re.subn(rf"(?m)^{name} = [^#\n]*", f"{name} = {value} ", text)
            assert found == 1, f"worker.toml: {name} stands there {found} times"
        path.write_text(text)

    def run(self, *arguments: str, **changes: str | None) -> Ran:
        """Runs the program to its end; without arguments a sync to idle."""
        wanted = arguments or IDLE
        return self.prepared(*wanted, **changes).go() if self.warm else super().run(*wanted, **changes)

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

    def explain(self, contact_id: str) -> dict[str, Any]:
        return dict(self.run("explain", contact_id, "--json").document)


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
