"""One measured process: `python -m bench.child WORK OPTIONS [ARGUMENT …]`.

The product is built as its own command line builds it. Only its clock is ours: it can be moved, and waits for nothing
unless the pace is what is measured.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.stand import REPORT
from bench.works import WORKS, Clock
from sync import app, log


def main(work: str, options: str, *arguments: str) -> None:
    given = json.loads(options)
    log.configure(level="INFO")
    clock = Clock(given["advance"])
    waits = time.sleep if given["paced"] else clock.skip
    application = app.build(clock=app.Clock(now=clock.now, sleep=waits, monotonic=clock.monotonic))
    start = time.process_time()
    began, before = time.perf_counter(), _written()
    try:
        WORKS[work](application, clock, *arguments)
    finally:
        took = time.perf_counter() - began
        application.close()
    print(REPORT + json.dumps({"start": start, "written": _written() - before, "took": took}), flush=True)


def _written() -> int:
    """Bytes that this process gave to files so far; 0 where the system does not count them.

    What goes through a socket is not among them.
    """
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))


if __name__ == "__main__":
    main(*sys.argv[1:])
