"""The real client and the real jobs against the sandbox, with a clock that both share and a log that can be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any

from running import PROJECT
from sqlmodel import col, select
from world.sandbox import Sandbox

from sync import config, log
from sync.c4c.client import C4CClient
from sync.c4c_client import C4C
from sync.config import Configuration
from sync.context import Context
from sync.domain.rules import LabelRule, Score
from sync.hubspot_client import HubSpotClient
from sync.jobs.runner import JobResults, run_jobs
from sync.net.credentials import Password
from sync.state import tables
from sync.state.store import Store, open_store
from sync.transport import RequestRetry


class Portal(Sandbox):
    """The sandbox with its HubSpot in view. Ordinary contacts have no score, ordinary companies no web site."""

    def unlimited(self) -> None:
        self.settings(rate_limits=False, burst_per_10s=100_000)

    def settings(self, **changes: Any) -> None:
        self.patch("/hubspot/settings", changes)

    def contact(self, **properties: Any) -> str:
        basis = "Freely given consent from contact"
        return self.made("contacts", {"lastname": "Test", "hs_legal_basis": basis, **properties})

    def company(self, **properties: Any) -> str:
        return self.made("companies", {"name": "Werft GmbH", **properties})

    def change(self, kind: str, record: str, **properties: Any) -> None:
        self.update(kind, record, **properties)

    def label(self, text: str) -> int:
        return int(self.post("/hubspot/labels", {"label": text})["typeId"])

    def fault(self, action: str, **values: Any) -> int:
        return super().fault("hubspot", action, **values)

    def leads(self) -> list[dict[str, Any]]:
        return self.rows("Lead")

    def requests(self) -> dict[str, int]:
        return dict(self.counts("hubspot")["by"])

    # ---- the product

    def client(self, **options: Any) -> HubSpotClient:
        """Without pauses, unless the test brings its own `sleep`."""
        given: dict[str, Any] = {
            "search_per_second": 10_000,
            "burst_per_10s": 100_000,
            "retry": RequestRetry(attempts=4, wait=0.001),
            "sleep": lambda seconds: None,
        }
        return HubSpotClient(self.hubspot, self.token, **given | options)


def rules(
    *,
    scores: Sequence[Score] = (),
    labels: Sequence[LabelRule] = (),
    schedule: dict[str, Any] | None = None,
    **hubspot: Any,
) -> Configuration:
    """The shipped rules with other scores, label rules and settings of the section `hubspot`."""
    shipped = config.load(PROJECT / "config")
    changes: dict[str, Any] = {"labels": tuple(labels)} | ({"scores": tuple(scores)} if scores else {})
    qualification = shipped.rules.qualification.model_copy(update=changes)
    worker = shipped.worker.model_copy(
        update={
            "hubspot": shipped.worker.hubspot.model_copy(update={"index_lag_seconds": 0, **hubspot}),
            "schedule": shipped.worker.schedule.model_copy(update=schedule or {}),
            "c4c": shipped.worker.c4c.model_copy(update={"settle_seconds": 0}),
        }
    )
    digest = hashlib.sha256(repr(qualification).encode()).hexdigest()[:16]
    fresh = shipped.rules.model_copy(update={"qualification": qualification, "fingerprint": digest})
    return replace(shipped, worker=worker, rules=fresh)


@dataclass
class Sync:
    """The product with a state of its own; every `run` is a fresh process as far as HubSpot can tell."""

    portal: Portal
    path: Path
    configuration: Configuration = field(default_factory=rules)
    options: dict[str, Any] = field(default_factory=dict)
    stopping: Any = field(default=lambda: False)
    log_level: str = "INFO"
    written: StringIO = field(default_factory=StringIO)

    def __post_init__(self) -> None:
        log.configure(stream=self.written, level=self.log_level)
        self.store: Store = open_store(self.path / "state.db")
        self.client = self.portal.client(**self.options)

    def context(self) -> Context:
        at = self.portal
        c4c = C4CClient(at.c4c, Password.of(at.username, at.password), sleep=lambda seconds: None)
        return Context(
            store=self.store,
            hubspot=self.client,
            c4c=C4C(c4c),
            config=self.configuration,
            run_id="test",
            now=self.portal.now,
            sleep=lambda seconds: None,
            stopping=self.stopping,
        )

    def run(self, *jobs: str) -> JobResults:
        return run_jobs(self.context(), jobs or ("poll", "scores", "sweep", "push"))

    def good(self, *jobs: str) -> dict[str, Any]:
        """Runs the jobs, none of which may fail."""
        results = self.run(*jobs)
        assert results.failures == []
        return results.jobs

    def restart(self) -> None:
        """Another process: a new client, the same state."""
        self.client = self.portal.client(**self.options)

    def contacts(self) -> dict[str, dict[str, str | None]]:
        """The live contacts of the mirror."""
        of = tables.Contact
        gone = col(of.archived) | col(of.erased) | col(of.merged_into).is_not(None)
        with self.store.reading() as session:
            return dict(session.exec(select(of.id, of.properties).where(~gone)).all())

    def companies(self) -> dict[str, dict[str, str | None]]:
        with self.store.reading() as session:
            return {row.id: row.properties for row in session.exec(select(tables.Company))}

    def pairs(self) -> set[tuple[str, str, int]]:
        with self.store.reading() as session:
            of = tables.Association
            return set(session.exec(select(of.contact_id, of.company_id, of.type_id)).all())

    def row(self, contact: str) -> tables.Contact:
        with self.store.reading() as session:
            found = session.get(tables.Contact, contact)
        assert found is not None
        return found

    def labels_of(self, contact: str) -> set[tuple[str, int]]:
        with self.store.reading() as session:
            rows = session.exec(select(tables.Association).where(tables.Association.contact_id == contact)).all()
        return {(row.company_id, row.type_id) for row in rows}

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in self.written.getvalue().splitlines())
        return [line for line in lines if line["event"] == name]

    def forget_log(self) -> None:
        self.written.truncate(0)
        self.written.seek(0)

    def close(self) -> None:
        self.store.close()
