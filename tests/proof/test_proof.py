"""A slice of `make prove`, always the same lives; and a life can be played again, made shorter and written down."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from proof import histories
from proof.playing import as_text, from_text
from proof.shrinking import reduced, shortest
from running import PROJECT, TIMEOUT

HERE = Path(__file__).parent
QUIET = ("broken 0", "lost 0", "duplicate 0", "unlawful 0", "leaks 0")


def prove(*options: str) -> subprocess.CompletedProcess[str]:
    """`make prove` with these options, in one process."""
    paths = os.pathsep.join((str(PROJECT), str(HERE.parent)))
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-m", "proof.prove", "--processes", "1", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False)


def test_every_promise_is_kept_in_some_lives() -> None:
    ran = prove("--histories", "16", "--casts", "8", "--seed", "1")
    assert tuple(ran.stdout.splitlines()[-5:]) == QUIET, ran.stdout + ran.stderr
    assert ran.returncode == 0


@pytest.mark.long
def test_every_promise_is_kept_in_many_lives() -> None:
    ran = prove("--histories", "40", "--casts", "8", "--seed", "1")
    assert tuple(ran.stdout.splitlines()[-5:]) == QUIET, ran.stdout + ran.stderr


def test_a_life_is_played_again_byte_for_byte() -> None:
    steps = as_text(histories.life(5, 2))
    first, again = prove("--casts", "2", "--life", "5"), prove("--casts", "2", "--steps", steps)
    assert "digest" in first.stdout, first.stderr
    assert again.stdout == first.stdout


@pytest.mark.parametrize("seed", range(20))
def test_a_life_is_written_down_and_read_again(seed: int) -> None:
    life = histories.life(seed, 5)
    assert from_text(as_text(life)) == life


@pytest.mark.parametrize("seed", range(20))
def test_each_history_has_thirty_events_and_a_trouble_that_strikes(seed: int) -> None:
    life = histories.life(seed, 3)
    for cast in range(3):
        events = [one for one in life if isinstance(one, histories.Happens) and one.cast == cast]
        assert len(events) >= histories.EVENTS_OF_A_HISTORY
    sure = [one for one in life if isinstance(one, histories.Works)][1]
    assert [trouble.nth for trouble in sure.troubles] in ([1], [2])


# ---- made shorter


@pytest.mark.parametrize("wanted", [{3}, {0, 19}, {4, 5, 6, 17}])
def test_only_what_is_needed_is_kept(wanted: set[int]) -> None:
    assert reduced(range(20), lambda some: wanted <= set(some)) == sorted(wanted)


def test_casts_that_do_not_matter_are_left_out_first() -> None:
    life, tries = histories.life(1, 30), []

    def breaks(steps: histories.Life) -> bool:
        tries.append(len(steps))
        return any(isinstance(one, histories.Happens) and one.cast == 11 for one in steps)

    assert [one.cast for one in shortest(life, breaks) if isinstance(one, histories.Happens)] == [11]
    assert len(tries) < 100


# ---- the judge


@pytest.mark.parametrize("module", ["checker", "at_rest", "along_the_way", "evidence", "journal"])
def test_the_judge_knows_nothing_of_the_product(module: str) -> None:
    imported = {name for path in _with_imports(HERE / f"{module}.py") for name in _imports(path)}
    assert not [name for name in imported if name.split(".")[0] == "sync"]


def _with_imports(path: Path) -> set[Path]:
    """The module and everything of this directory that it imports."""
    found, waiting = {path}, [path]
    while waiting:
        for name in _imports(waiting.pop()):
            inner = HERE / f"{name.removeprefix('proof.').split('.')[0]}.py"
            if name.startswith("proof.") and inner.exists() and inner not in found:
                found.add(inner)
                waiting.append(inner)
    return found


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
