"""`make prove-defects`: builds each defect of `defects.py` into the product, and plays lives until it is found."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from proof.defects import DEFECTS, built_in
from proof.evidence import Finding
from proof.playing import play
from proof.prove import fixed_order, prepare

CASTS = 8
BOUND = 60
"""Lives of eight histories each; a defect that none of them shows is not found."""


@dataclass(frozen=True)
class Hunt:
    """How a defect was found: after how many lives, and by which broken promise."""

    name: str
    lives: int
    finding: Finding | None


def hunt(name: str, seed: int, bound: int) -> Hunt:
    """Plays lives with this defect until a promise breaks. An exception that ends the life is found as well."""
    with built_in(name):
        for lives in range(1, bound + 1):
            try:
                found = play(seed + lives - 1, CASTS).findings
            except Exception as error:
                found = [Finding("broken", "it goes on", type(error).__name__)]
            if found:
                return Hunt(name, lives, found[0])
    return Hunt(name, bound, None)


def main() -> int:
    fixed_order("proof.prove_defects")
    parser = argparse.ArgumentParser(prog="make prove-defects", description=__doc__)
    parser.add_argument("--bound", type=int, default=BOUND)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=list(DEFECTS), choices=list(DEFECTS))
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    started, hunts = time.monotonic(), list[Hunt]()
    with ProcessPoolExecutor(options.processes, initializer=prepare) as pool:
        for one in pool.map(partial(hunt, seed=options.seed, bound=options.bound), options.only):
            hunts.append(one)
            said = f"{one.finding.kind}: {one.finding.promise}" if one.finding else "NOT FOUND"
            print(f"{one.name.replace('_', ' '):<60}{one.lives * CASTS:>6} histories   {said}", flush=True)
    missed = [one.name for one in hunts if one.finding is None]
    print(f"{len(hunts) - len(missed)} of {len(hunts)} defects found in {time.monotonic() - started:.0f} s")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
