"""A fixed piece of work beside which CPU figures can be compared between machines: `python -m bench.calibration`.

It parses and writes a contact's JSON and keeps rows in SQLite, as the worker does.
"""

from __future__ import annotations

import json
import sqlite3

ROUNDS = 100_000


def main() -> None:
    text = json.dumps({"id": "1001", "properties": {f"property_{n}": f"value {n}" for n in range(20)}})
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, text TEXT)")
    for n in range(ROUNDS):
        base.execute("INSERT INTO row VALUES (?, ?)", (n, json.dumps(json.loads(text))))
    assert base.execute("SELECT count(*) FROM row").fetchone() == (ROUNDS,)


if __name__ == "__main__":
    main()
