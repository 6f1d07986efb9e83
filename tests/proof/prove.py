"""`make prove`: plays random lives of the worker in this machine's memory, and reports whether it kept its promises.

docs/proof.md explains what is played, what is checked, and what is not modelled.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from proof import report
from proof.playing import Played, from_text, play, play_steps, shrunk
from state_files import compile_once, copy_instead_of_migrating

MOST_SHRUNK = 3
"""So many failing lives are made shorter; the others are only named."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1, help="seed of the first life; each further one has the next")
    parser.add_argument("--casts", type=int, default=40, help="histories that share one life of the worker")
    parser.add_argument("--life", type=int, help="play the life with this seed alone")
    parser.add_argument("--steps", help="play this life alone")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser.parse_args()


def prepare() -> None:
    """Once a process: what all lives share."""
    compile_once()
    copy_instead_of_migrating()
    gc.set_threshold(35_000, 20, 20)


def fixed_order(module: str) -> None:
    """Starts this program again if sets have another order at each start; a replay needs the same one."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], environment)


def main() -> int:
    fixed_order("proof.prove")
    options = arguments()
    prepare()
    if options.steps or options.life is not None:
        return alone(options)
    started = time.monotonic()
    played = everything(options, started)
    for one in [one for one in played if one.findings][:MOST_SHRUNK]:
        print(*report.failure(one, shrunk(one)), sep="\n")
    print(*report.summary(played, time.monotonic() - started), sep="\n")
    return int(any(one.findings for one in played))


def alone(options: argparse.Namespace) -> int:
    """One life, with everything that was found in it."""
    one = play_steps(from_text(options.steps), options.casts) if options.steps else play(options.life, options.casts)
    print(*one.findings, f"digest {one.digest}", sep="\n")
    return int(bool(one.findings))


def everything(options: argparse.Namespace, started: float) -> list[Played]:
    lives = -(-options.histories // options.casts)
    seeds = range(options.seed, options.seed + lives)
    played: list[Played] = []
    with ProcessPoolExecutor(options.processes, initializer=prepare) as pool:
        for one in pool.map(partial(play, casts=options.casts), seeds):
            played.append(one)
            failed = f", {len(one.findings)} promises broken: life {one.seed}" if one.findings else ""
            if failed or len(played) % 25 == 0:
                print(f"{len(played)} of {lives} lives after {time.monotonic() - started:.0f} s{failed}", flush=True)
    return played


if __name__ == "__main__":
    sys.exit(main())
