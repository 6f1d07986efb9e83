"""Peak memory and CPU of `simulate` at 10,000 and at 100,000 contacts: `python bench/simulate.py [SMALL LARGE]`.

Each size is measured in a process of its own, on a mirror of which a third qualifies and is handed over already, under
rules that make a third come and the rest change. What matters is the ratio of the peaks: it must stay near 1.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from sync import config
from sync.admin.simulate import simulate
from sync.contracts.tenant import assumed
from sync.contracts.tenant_memory import remember_tenant
from sync.domain.rules import Rules
from sync.domain.views import Label
from sync.mirror import association_rows, mirrored
from sync.planner.plan import Tenant
from sync.state import tables
from sync.state.store import Store, open_store

PROJECT = Path(__file__).parents[1]
NOW = datetime(2026, 11, 21, tzinfo=UTC)
SIZES = (10_000, 100_000)
MEASURE = "--measure"
PORTION = 5_000


def changed_rules(directory: Path) -> Rules:
    """The shipped rules with a lower threshold and another job title."""
    for name in ("worker", "qualification", "mapping"):
        text = (PROJECT / "config" / f"{name}.toml").read_text(encoding="utf-8")
        text = text.replace("threshold = 75", "threshold = 65").replace(
            'source = "jobtitle", rule = "hubspot_wins"',
            'source = "jobtitle", transform = "upper", rule = "hubspot_wins"',
        )
        (directory / f"{name}.toml").write_text(text, encoding="utf-8")
    return config.load(directory).rules


def fill(store: Store, rules: Rules, size: int) -> None:
    """A mirror with a company for four contacts, each of them also at the next one; scores spread evenly.

    The highest third is handed over, but for every tenth company, which becomes an account under the other rules.
    """
    companies = range(size // 4 + 1)
    with store.session() as session:
        remember_tenant(session, Tenant(assumed(rules)))
        rows = [mirrored.Fetched(str(n), {"name": f"Company {n}", "country": "DE"}, NOW) for n in companies]
        mirrored.save_companies(session, rows, NOW)
        session.add_all(account(n) for n in companies if n % 10)
    for start in range(0, size, PORTION):
        numbers = range(start, min(start + PORTION, size))
        with store.session() as session:
            rows = [mirrored.Fetched(str(n), contact(n), NOW) for n in numbers]
            mirrored.save_contacts(session, rows, rules.qualification.scores, NOW)
            association_rows.save_associations(session, {str(n): frozenset(pairs(n)) for n in numbers}, NOW)
            session.add_all(row for n in numbers if handed_over(n) for row in handover(n))


def handed_over(n: int) -> bool:
    return n % 3 == 0 and n // 4 % 10 != 0


def contact(n: int) -> dict[str, str]:
    points = (80 if n // 4 % 10 else 70, 70, 30)[n % 3]
    basis = "Freely given consent from contact"
    return {"lead_score": str(points), "lastname": f"Name {n}", "jobtitle": "Buyer", "hs_legal_basis": basis}


def pairs(n: int) -> list[tuple[str, Label]]:
    primary = (str(n // 4), Label("HUBSPOT_DEFINED", 1, "Primary"))
    return [primary, *((str(company), Label("HUBSPOT_DEFINED", 279)) for company in (n // 4, n // 4 + 1))]


def account(n: int) -> tables.Link:
    ids = {"UUID": f"A{n}", "AccountID": f"A{n}", "LifeCycleStatusCode": "2"}
    sent = {"Name": f"Company {n}", "CountryCode": "DE"}
    return tables.Link(
        entity="CorporateAccount", key=str(n), hubspot_id=str(n), object_id=f"A{n}", sent=sent, observed=ids
    )


def handover(n: int) -> list[tables.Base]:
    """What the handover of contact `n` left behind."""
    company = n // 4
    made = {
        "Contact": (str(n), {"LastName": f"Name {n}", "JobTitle": "Buyer", "AccountUUID": f"A{company}"}),
        "Lead": (f"{n}:mql:1", {"Name": f"Company {company}: Name {n} (mql)", "HubSpotScore_KUT": "80"}),
        "ContactIsContactPersonFor": (f"{n}:{company}", {"ContactID": f"C{n}", "AccountID": f"A{company}"}),
    }
    ids = {"Contact": {"ContactUUID": f"C{n}", "ContactID": f"C{n}", "StatusCode": "2"}, "Lead": {"ID": str(n)}}
    lead = tables.Handover(
        lead_key=f"{n}:mql:1", contact_id=str(n), score="mql", cycle=1, object_id=f"Lead{n}", handed_over_at=NOW
    )
    return [
        lead,
        *(
            tables.Link(entity=e, key=key, hubspot_id=str(n), object_id=f"{e}{n}", sent=sent, observed=ids.get(e, {}))
            for e, (key, sent) in made.items()
        ),
    ]


def measure(size: int) -> dict[str, float]:
    """One simulation, in this process."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        now, then = config.load(PROJECT / "config").rules, changed_rules(directory)
        store = open_store(directory / "state.db")
        if os.fork() == 0:  # filling must not count towards the peak
            fill(store, now, size)
            os._exit(0)
        os.wait()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, cpu = time.perf_counter(), time.process_time()
        outcome = simulate(store, now, then)
        counts = outcome.summary()["counts"]
        rows = sum(1 for _ in outcome.spool.changed())
        outcome.close()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds, spent = time.perf_counter() - started, time.process_time() - cpu
        store.close()
    return {
        "contacts": size,
        **counts,
        "rows": rows,
        "seconds": round(seconds, 1),
        "cpu_ms_per_contact": round(1000 * spent / size, 2),
        "start_mb": round(before / 1024, 1),
        "peak_mb": round(peak / 1024, 1),
    }


def main(sizes: tuple[int, ...]) -> None:
    peaks = []
    for size in sizes:
        command = [sys.executable, __file__, MEASURE, str(size)]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        result = json.loads(found.stdout.splitlines()[-1])
        print(", ".join(f"{name} {value}" for name, value in result.items()), flush=True)
        peaks.append(result["peak_mb"])
    print(f"peak memory at {sizes[-1]:,} contacts is {peaks[-1] / peaks[0]:.2f} times that at {sizes[0]:,}")


if __name__ == "__main__":
    if sys.argv[1:2] == [MEASURE]:
        print(json.dumps(measure(int(sys.argv[2]))))
    else:
        main(tuple(int(size) for size in sys.argv[1:]) or SIZES)
