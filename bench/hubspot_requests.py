"""How many requests to HubSpot a first load, an idle cycle and a full sweep of labels take, with CPU and memory.

Run by hand: `python bench/hubspot_requests.py [--large]`; `--large` takes 100,000 contacts and some minutes.
CPU and memory are the product's own; the sandbox is another process.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from sync import config, log
from sync.admin import forecast
from sync.c4c.client import C4CClient
from sync.c4c_client import C4C
from sync.context import Context
from sync.hubspot_client import HubSpotClient
from sync.jobs.runner import run_jobs
from sync.net.credentials import Password
from sync.state.store import open_store

PROJECT = Path(__file__).parents[1]
LIMITS = {"first load of 10,000 + 2,000": 90, "idle cycle": 3, "full sweep of 100,000": 105}


class Bench:
    """The product against a sandbox whose clock can be moved."""

    def __init__(self, announced: dict[str, str], directory: Path) -> None:
        self.announced, self.offset = announced, 0.0
        self.hubspot = self._client()
        self.context = Context(
            store=open_store(directory / "state.db"),
            hubspot=self.hubspot,
            c4c=C4C(C4CClient(announced["c4c"], Password.of(announced["username"], announced["password"]))),
            config=config.load(PROJECT / "config"),
            run_id="bench",
            now=lambda: datetime.now(UTC) + timedelta(seconds=self.offset),
        )

    def _client(self) -> HubSpotClient:
        # The pace is what the account allows; here the work itself is measured.
        told = self.announced
        return HubSpotClient(told["hubspot"], told["token"], search_per_second=1e6, burst_per_10s=10_000_000)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, self.announced["control"] + path, json=body, timeout=600)
        answer.raise_for_status()
        return answer.json()

    def seed(self, contacts: int, companies: int) -> None:
        self.control("POST", "/seed", {"contacts": contacts, "companies": companies, "seed": 1})
        self.control("PATCH", "/hubspot/settings", {"rate_limits": False, "burst_per_10s": 10_000_000})

    def advance(self, seconds: float) -> None:
        self.control("POST", "/clock", {"advance_seconds": seconds})
        self.offset += seconds

    def jobs(self, *names: str) -> Callable[[], None]:
        def run() -> None:
            results = run_jobs(self.context, names)
            assert not results.failures, results.failures

        return run

    def measure(self, what: str, work: Callable[[], None], limit: str | None = None) -> None:
        self.control("DELETE", "/requests")
        cpu, started = time.process_time(), time.perf_counter()
        work()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - started
        asked = self.control("GET", "/requests")["hubspot"]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        allowed = f" of {LIMITS[limit]} allowed" if limit else ""
        print(f"{what}: {asked['total']} requests{allowed}; CPU {cpu:.1f} s, wall {wall:.1f} s, peak {peak:.0f} MiB")
        for path, number in sorted(asked["by"].items()):
            print(f"    {number:5} {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="100,000 contacts for the idle cycle and the full sweep")
    large = parser.parse_args().large
    log.configure(level="ERROR")
    command = [sys.executable, "-m", "sandbox", "--empty", "--die-with-parent"]
    with (
        tempfile.TemporaryDirectory() as directory,
        subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            run(Bench(json.loads(process.stdout.readline()), Path(directory)), large)
        finally:
            process.terminate()


def run(bench: Bench, large: bool) -> None:
    contacts, companies = (100_000, 20_000) if large else (10_000, 2_000)
    bench.seed(contacts, companies)

    def first_load() -> None:
        print(forecast.announced(bench.context))
        bench.jobs("poll", "scores", "sweep")()

    known = None if large else "first load of 10,000 + 2,000"
    bench.measure(f"first load of {contacts:,} contacts and {companies:,} companies", first_load, known)
    bench.measure("idle cycle (poll, scores)", bench.jobs("poll", "scores"), "idle cycle")
    bench.advance(24 * 3600 + 1)
    bench.jobs("poll")()
    known = "full sweep of 100,000" if large else None
    bench.measure(f"full sweep of the labels of {contacts:,} contacts", bench.jobs("sweep"), known)
    bench.measure("sweep of those that matter", bench.jobs("sweep"))


if __name__ == "__main__":
    main()
