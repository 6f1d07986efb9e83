"""`simulate` keeps nothing for each contact; peaks at large sizes are measured by bench/simulate.py, whose world this is."""

from __future__ import annotations

import gc
import importlib.util
from pathlib import Path

import pytest
from rules_world import PROJECT, new_store

from sync import config
from sync.admin.simulate import simulate

pytestmark = pytest.mark.long

SPEC = importlib.util.spec_from_file_location("bench_simulate", PROJECT / "bench" / "simulate.py")
assert SPEC is not None
assert SPEC.loader is not None
bench = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(bench)


CONTACTS, PORTION = 400, 25


def test_no_contact_leaves_anything_behind(tmp_path: Path) -> None:
    """Objects that live between two portions: from the first half of the pass to its end there is no one more."""
    now, then = config.load(PROJECT / "config").rules, bench.changed_rules(tmp_path)
    store = new_store()
    bench.fill(store, now, CONTACTS)
    alive: list[int] = []

    def count(*_: object) -> None:
        gc.collect()
        alive.append(len(gc.get_objects()))

    outcome = simulate(store, now, then, progress=count, portion=PORTION)
    counts = outcome.summary()["counts"]
    assert counts["entering"] > CONTACTS // 4
    assert sum(1 for _ in outcome.spool.changed()) == counts["changed"] > CONTACTS
    outcome.close()
    store.close()
    assert len(alive) == CONTACTS // PORTION
    later = CONTACTS // 2
    # A few caches fill and empty in turn; what stays behind raises the peak.
    first, second = max(alive[: len(alive) // 2]), max(alive[len(alive) // 2 :])
    assert second - first < later, f"less than one object for each of {later} contacts: {alive}"
