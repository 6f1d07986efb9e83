"""How many requests a handover costs: `python bench/handover.py [LEADS] [ACCOUNTS]` from the project's root.

Counted by the sandbox: HTTP requests to SAP Sales Cloud, look-ups, CSRF and start-up checks included. CPU is the
product's own.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests"), str(PROJECT / "tests" / "c4c")]

from c4c_world import World, sandbox_process  # noqa: E402
from crowd import crowd  # noqa: E402


def main(leads: int = 1000, accounts: int = 400) -> None:
    with (
        sandbox_process() as control,
        tempfile.TemporaryDirectory() as directory,
        pytest.MonkeyPatch.context() as patch,
    ):
        world = World(control, Path(directory), patch)
        with world.application() as built:
            crowd(built, leads, accounts)
        for title in ("first handover", "nothing due", "everybody looked at again"):
            control.reset_counts()
            started = time.process_time()
            results = world.once("push")
            _show(title, leads, control.counts(), time.process_time() - started, bool(results.failures))
            if title == "nothing due":
                world.wake_all()


def _show(title: str, leads: int, counts: dict[str, object], seconds: float, failed: bool) -> None:
    total = int(str(counts["total"]))
    print(f"{title}: {total} requests, {total / leads:.3f} a lead, CPU {seconds:.1f} s{', FAILED' if failed else ''}")
    print(f"  at most {counts['max_parallel']} at a time, {counts['no_op_updates']} updates that changed nothing")
    print(f"  {counts['operations']}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
