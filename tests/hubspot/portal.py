"""The real client and the real jobs against the sandbox, with a clock that both share and a log that can be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import requests
from running import PROJECT, TIMEOUT, unkept
from sqlmodel import col, select

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


@dataclass
class Portal:
    """The sandbox, and what a test does in it. `offset` is how far its clock is ahead of the real one, in seconds."""

    announced: dict[str, str]
    offset: float = 0.0
    session: requests.Session = field(default_factory=unkept)

    # ---- control

    def call(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        url = self.announced["control"] + path
        response = self.session.request(method, url, json=body, params=params, timeout=TIMEOUT)
        assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def reset(self) -> None:
        self.call("POST", "/reset")
        self.call("PATCH", "/hubspot/settings", {"rate_limits": False, "burst_per_10s": 100_000})
        self.offset = 0.0

    def seed(self, contacts: int, companies: int, **more: int) -> None:
        self.call("POST", "/seed", {"contacts": contacts, "companies": companies, "seed": 1, **more})
        self.call("PATCH", "/hubspot/settings", {"rate_limits": False, "burst_per_10s": 100_000})

    def settings(self, **changes: Any) -> None:
        self.call("PATCH", "/hubspot/settings", changes)

    def advance(self, seconds: float) -> None:
        self.call("POST", "/clock", {"advance_seconds": seconds})
        self.offset += seconds

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def contact(self, **properties: Any) -> str:
        values = {"lastname": "Test", "hs_legal_basis": "Freely given consent from contact", **properties}
        return str(self.call("POST", "/hubspot/contacts", {"properties": values})["id"])

    def company(self, **properties: Any) -> str:
        values = {"name": "Werft GmbH", **properties}
        return str(self.call("POST", "/hubspot/companies", {"properties": values})["id"])

    def change(self, kind: str, record: str, *, touch: bool = True, **properties: Any) -> None:
        self.call("PATCH", f"/hubspot/{kind}/{record}", {"properties": properties, "touch": touch})

    def associate(self, contact: str, company: str, *labels: str) -> None:
        body = {"contact_id": contact, "company_id": company, "labels": list(labels)}
        self.call("PUT", "/hubspot/associations", body)

    def label(self, text: str) -> int:
        return int(self.call("POST", "/hubspot/labels", {"label": text})["typeId"])

    def fault(self, action: str, **values: Any) -> int:
        return int(self.call("POST", "/faults", {"system": "hubspot", "action": action, **values})["id"])

    def fired(self) -> int:
        return sum(fault["fired"] for fault in self.call("GET", "/faults"))

    def truth(self) -> dict[str, Any]:
        return dict(self.call("GET", "/truth", system="hubspot")["hubspot"])

    def leads(self) -> list[dict[str, Any]]:
        return list(self.call("GET", "/truth", system="c4c", entities="Lead")["c4c"]["Lead"])

    def c4c(self, entity: str) -> list[dict[str, Any]]:
        return list(self.call("GET", "/truth", system="c4c", entities=entity)["c4c"][entity])

    def requests(self) -> dict[str, int]:
        return dict(self.call("GET", "/requests")["hubspot"]["by"])

    def forget_requests(self) -> None:
        self.call("DELETE", "/requests")

    # ---- the product

    def client(self, **options: Any) -> HubSpotClient:
        """Without pauses, unless the test brings its own `sleep`."""
        given: dict[str, Any] = {
            "search_per_second": 10_000,
            "burst_per_10s": 100_000,
            "retry": RequestRetry(attempts=4, wait=0.001),
            "sleep": lambda seconds: None,
        }
        return HubSpotClient(self.announced["hubspot"], self.announced["token"], **given | options)


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
        told = self.portal.announced
        c4c = C4CClient(told["c4c"], Password.of(told["username"], told["password"]), sleep=lambda seconds: None)
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
