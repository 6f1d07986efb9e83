"""The views of the page at 100,000 contacts: CPU of the answer, and its size. The state is made by SQL."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import requests

from bench import calibration
from bench.figures import Figures, Ratio, Row, scenario
from bench.stand import PROJECT, Bench
from sync import config
from sync.environment import PageSettings
from sync.page.serving import serving
from sync.state.documents import IN_SERVICE
from sync.state.store import open_store

CONTACTS, COMPANIES = 100_000, 25_000
MOST_CPU = 0.08
"""Of the calibration, which takes about 1.2 s where 100 ms were meant."""

MOST_BYTES = 60_000

_FILL = """
CREATE TEMP TABLE n AS
  WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :contacts) SELECT n FROM c;
INSERT INTO company (id, properties, modified_at, unreadable)
  SELECT n, json_object('name', 'Company ' || n, 'domain', 'c' || n || '.example', 'country', 'DE'), ago(0), '[]'
  FROM n WHERE n <= :companies;
INSERT INTO contact
    (id, properties, modified_at, archived, erased, associations_stale, associations_read_at, unreadable)
  SELECT n, json_object('firstname', 'First' || (n % 997), 'lastname', 'Last' || n, 'email', 'p' || n || '@c.example',
    'lead_score', CAST(n % 100 AS TEXT), 'hs_legal_basis', 'Legitimate interest'), ago(0), 0, 0, 0, ago(0), '[]' FROM n;
INSERT INTO association (contact_id, company_id, category, type_id, label)
  SELECT n, 1 + n % :companies, 'HUBSPOT_DEFINED', 1, 'Primary' FROM n;
INSERT INTO progress (contact_id, status, change_seq, attempts, waits, settled_at, code, detail)
  SELECT n, 'done', 1, 0, 0, ago(n % 80000),
    iif(n % 10 = 0, 'QUALIFIED', iif(n % 7 = 0, 'NO_COMPANY', 'SCORE_BELOW_THRESHOLD')), NULL FROM n;
UPDATE progress SET status = 'pending', due_at = ago(0), pending_since = ago(0), code = NULL WHERE contact_id % 150 = 0;
UPDATE progress SET status = 'parked', code = 'C4C_REJECTED', detail = 'Lead: ' || :detail WHERE contact_id % 200 = 0;
INSERT INTO decision (contact_id, decided_at, run_id, code, body, rules_digest, input_digest)
  SELECT n, ago(d * 1440 + n % 1440), 'run', iif(n % 10 = 0, 'QUALIFIED', 'SCORE_BELOW_THRESHOLD'),
    '{"scores": [], "warnings": []}', 'r', 'i' FROM n, (SELECT 60 AS d UNION SELECT 3);
INSERT INTO handover (lead_key, contact_id, score, cycle, object_id, handed_over_at, crossed_at, rearmed, evidence)
  SELECT n || ':mql:1', n, 'mql', 1, 'L' || n, ago(n % 80000), ago(n % 80000 + n % 13), 0, '{}' FROM n WHERE n % 10 = 0;
INSERT INTO crossing (contact_id, score, crossed_at) SELECT contact_id, score, crossed_at FROM handover;
INSERT INTO link (entity, key, hubspot_id, object_id, origin, sent, seen, linked_at, written_at)
  SELECT 'Lead', lead_key, contact_id, object_id, 'created', json_object('Name', 'A name', 'HubSpotScore_KUT', '80'),
    json_object('ID', contact_id, 'LifeCycleStatusCode', '1'), handed_over_at, handed_over_at FROM handover;
INSERT INTO name_word (word, kind, id)
  SELECT 'last' || n, 'contacts', n FROM n UNION ALL SELECT 'first' || (n % 997), 'contacts', n FROM n;
INSERT INTO job_run (run_id, job, started_at, finished_at, ok, counts)
  SELECT 'run', iif(n % 2, 'push', 'poll'), ago((3600 - n) * 12), ago((3600 - n) * 12), 1,
    json_object('pending', n % 50, 'requests', n % 9) FROM n WHERE n <= 3600;
INSERT INTO watermark (stream, complete_until) VALUES ('contacts', ago(1)), ('companies', ago(1));
"""

VIEWS: dict[str, tuple[str, str | None]] = {
    "overview": ("", None),
    "needs a person": ("parked", None),
    "runs": ("runs", None),
    "a contact with a lead": ("contact/50010", None),
    "search: one": ("search", "last50010"),
    "search: a hundred": ("search", "first500"),
    "search: everybody": ("search", "last"),
}


@scenario("page", "every view of the page at 100,000 contacts: CPU and size", heavy=True)
def page(bench: Bench) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        state = Path(name) / "state.db"
        open_store(state).close()
        fill(state)
        settings = PageSettings(port=0, names=True)
        with serving(state, config.load(PROJECT / "config"), settings) as address:
            unit = median(_cpu(calibration.main)[0] for _ in range(3))
            for view, (path, text) in VIEWS.items():
                yield _measured(view, lambda p=path, t=text: _asked(address + p, t), unit, bench.pairs)


def fill(state: Path) -> None:
    """Fills an empty state file."""
    now = datetime.now(UTC)
    values = {"contacts": CONTACTS, "companies": COMPANIES, "detail": "a value that the tenant's list does not have"}
    with closing(sqlite3.connect(state)) as base, base:
        base.create_function("ago", 1, lambda minutes: (now - timedelta(minutes=minutes)).isoformat())
        for statement in _FILL.split(";\n"):
            base.execute(statement, {name: value for name, value in values.items() if f":{name}" in statement})
    store = open_store(state)
    with store.session() as session:
        IN_SERVICE.write(session, now - timedelta(days=365))
    store.close()


def _measured(view: str, ask: Callable[[], int], unit: float, rounds: int) -> Row:
    """The median of several; the first one also compiles statements and is left out."""
    size, started = ask(), time.perf_counter()
    cpu = median(_cpu(ask)[0] for _ in range(max(3, rounds)))
    wall = (time.perf_counter() - started) / max(3, rounds)
    ratios = [Ratio("calibration", cpu / unit, MOST_CPU), Ratio("bytes", size, MOST_BYTES)]
    return Row(view, Figures(cpu=cpu, wall=wall, memory=0), ratios)


def _cpu(action: Callable[[], object]) -> tuple[float, object]:
    """CPU of this process, in which the page is served, with the result."""
    before = time.process_time()
    result = action()
    return time.process_time() - before, result


def _asked(address: str, text: str | None) -> int:
    """The size of the answer."""
    answer = requests.post(address, {"text": text}, timeout=600) if text else requests.get(address, timeout=600)
    answer.raise_for_status()
    return len(answer.content)
