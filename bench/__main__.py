"""`python -m bench [SCENARIO …]`: measures, prints a table, and keeps the figures as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bench import page, reading, writing  # noqa: F401
from bench.figures import SCENARIOS, Row, Scenario, as_json, print_table
from bench.stand import PROJECT, Bench


def main() -> int:
    options = _options()
    if options.list:
        for one in SCENARIOS.values():
            print(f"{one.name:14} {one.what}{' (only if named)' if one.heavy else ''}")
        return 0
    rows: list[tuple[str, Row]] = []
    with Bench(options.pairs).stand() as stand:
        rows.append(("calibration", Row("a fixed loop, to compare machines by", stand.script("calibration"))))
    for one in _chosen(options.scenarios):
        print(f"{one.name}: {one.what}", file=sys.stderr, flush=True)
        for row in one.measure(Bench(options.pairs)):
            rows.append((one.name, row))
            # Kept after each step, so that a long run that was cut off has not measured in vain.
            found = [as_json(name, shown) for name, shown in rows]
            options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print_table(rows)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", choices=[*SCENARIOS, []], help=", ".join(SCENARIOS))
    parser.add_argument("--list", action="store_true", help="show the scenarios")
    parser.add_argument("--pairs", type=int, default=5, help="how often a comparison is repeated (default 5)")
    parser.add_argument("--json", type=Path, default=PROJECT / "bench.json", help="where the figures go")
    return parser.parse_args()


def _chosen(names: list[str]) -> list[Scenario]:
    return [SCENARIOS[name] for name in names] or [one for one in SCENARIOS.values() if not one.heavy]


if __name__ == "__main__":
    sys.exit(main())
