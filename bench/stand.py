"""The stand on which the worker is measured: the sandbox in a process of its own, a directory, and the processes to
measure.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from bench.figures import Figures

PROJECT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Bench:
    """How to measure: `pairs` is how often a comparison is repeated."""

    pairs: int = 5

    @contextmanager
    def stand(self, contacts: int = 0, companies: int = 0, *, limits: bool = False) -> Iterator[Stand]:
        """A sandbox with so many records and, unless `limits`, without the vendors' limits of pace."""
        command = [sys.executable, "-m", "sandbox", "--empty", "--die-with-parent"]
        with (
            tempfile.TemporaryDirectory() as directory,
            subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process,
        ):
            assert process.stdout is not None
            try:
                stand = Stand(json.loads(process.stdout.readline()), Path(directory), paced=limits)
                stand.prepare(contacts, companies)
                yield stand
            finally:
                process.terminate()


class Stand:
    """One sandbox, and the state files of the workers that run against it."""

    def __init__(self, announced: dict[str, str], directory: Path, *, paced: bool) -> None:
        self.announced, self.directory, self.paced = announced, directory, paced
        self.config = directory / "config"
        self.advanced = 0.0

    def prepare(self, contacts: int, companies: int) -> None:
        shutil.copytree(PROJECT / "config", self.config, ignore=shutil.ignore_patterns("examples"))
        if contacts or companies:
            self.control("POST", "/seed", {"contacts": contacts, "companies": companies, "seed": 1})
        if not self.paced:
            self.control("PATCH", "/hubspot/settings", {"rate_limits": False, "burst_per_10s": 10_000_000})

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Asks the sandbox's control port."""
        answer = requests.request(method, self.announced["control"] + path, json=body, timeout=600)
        answer.raise_for_status()
        return answer.json()

    def refused(self) -> int:
        """How many requests to HubSpot were answered with 429 since the last measurement began."""
        log = self.control("GET", "/requests/log?system=hubspot")
        return sum(entry["status"] == 429 for entry in log)

    def advance(self, seconds: float) -> None:
        """Moves the sandbox's clock, and that of the workers started from now on."""
        self.control("POST", "/clock", {"advance_seconds": seconds})
        self.advanced += seconds

    def configure(self, file: str, old: str, new: str) -> None:
        """Changes a line of the rules, `worker.toml` for example."""
        path = self.config / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} does not hold {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def environment(self, state: str = "state.db") -> dict[str, str]:
        told = self.announced
        return {
            **os.environ,
            "HUBSPOT_BASE_URL": told["hubspot"],
            "HUBSPOT_ACCESS_TOKEN": told["token"],
            "C4C_BASE_URL": told["c4c"],
            "C4C_USERNAME": told["username"],
            "C4C_PASSWORD": told["password"],
            "SYNC_STATE": str(self.directory / state),
            "SYNC_CONFIG": str(self.config),
            "PYTHONPATH": str(PROJECT),
        }

    def worker(self, work: str, *arguments: object, state: str = "state.db") -> Figures:
        """Measures `bench.works.WORKS[work]` in a process of its own on the state file of that name."""
        options = {"advance": self.advanced, "paced": self.paced}
        command = [sys.executable, "-m", "bench.child", work, json.dumps(options), *map(str, arguments)]
        figures = self.measured(command, state)
        sizes = (path.stat().st_size for path in self.directory.glob(f"{state}*"))
        return replace(figures, state=sum(sizes))

    def script(self, name: str, *arguments: object) -> Figures:
        """Measures a plain script of `bench/` beside the worker."""
        return self.measured([sys.executable, "-m", f"bench.{name}", *map(str, arguments)])

    def command(self, *arguments: str, state: str = "state.db") -> Figures:
        """Measures a command of the product as people start it."""
        return self.measured([sys.executable, "-m", "sync", *arguments], state)

    def measured(self, command: Sequence[str], state: str = "state.db") -> Figures:
        """Runs a process to its end. One of ours reports the finer figures as its last line (`bench.child`)."""
        from bench.figures import Figures

        self.control("DELETE", "/requests")
        log, out = self.directory / "log.txt", self.directory / "out.txt"
        started = time.perf_counter()
        with log.open("wb") as err, out.open("wb") as stdout:
            process = subprocess.Popen(
                command, env=self.environment(state), cwd=self.directory, stdout=stdout, stderr=err
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        if process.returncode not in (0, 4):
            tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise SystemExit(f"{' '.join(command[1:])} ended with {process.returncode}:\n{tail}")
        fine = _report(out.read_text(encoding="utf-8"))
        size = log.stat().st_size
        return Figures(
            cpu=usage.ru_utime + usage.ru_stime,
            wall=wall,
            memory=usage.ru_maxrss * 1024,
            start=fine.get("start", 0.0),
            took=fine.get("took", 0.0),
            written=max(0, fine.get("written", 0) - size),
            log=size,
            log_lines=log.read_bytes().count(b"\n"),
            requests=_requests(self.control("GET", "/requests")),
        )


REPORT = "bench-report: "


def _report(output: str) -> dict[str, Any]:
    last = next((line for line in reversed(output.splitlines()) if line.startswith(REPORT)), None)
    found: dict[str, Any] = json.loads(last.removeprefix(REPORT)) if last else {}
    return found


def _requests(asked: Mapping[str, Any]) -> dict[str, int]:
    """The sandbox's counts as `system method path`."""
    return {
        f"{system} {path}": number
        for system in ("hubspot", "c4c")
        for path, number in sorted(asked.get(system, {}).get("by", {}).items())
    }
