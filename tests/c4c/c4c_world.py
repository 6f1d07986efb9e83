"""A world for tests of the C4C half: the sandbox as a process, the product in this one, and both truths at hand."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from running import PROJECT, TIMEOUT, announced, unkept
from sqlmodel import select

from sync import app
from sync.cli import main
from sync.jobs.runner import JobResults, run_jobs, run_until_idle
from sync.log import configure
from sync.mirror import mirrored
from sync.state import tables
from sync.state.pending import mark_pending

BASIS = "Legitimate interest – prospect/lead"

WORKER = """
[hubspot]
index_lag_seconds = 0
search_per_second = 5
burst_per_10s = 190
[c4c]
settle_seconds = 0
[guard]
max_creates = 0
max_changed_share = 0
[retry]
first = "1ms"
longest = "2ms"
request_wait = "1ms"
"""

Truth = dict[str, list[dict[str, Any]]]


class Control:
    """The sandbox's control port."""

    def __init__(self, announced: dict[str, str]) -> None:
        self.addresses = announced
        self._session = unkept()

    def call(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        url = self.addresses["control"] + path
        response = self._session.request(method, url, json=body, params=params, timeout=TIMEOUT)
        assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def truth(self, *entities: str) -> Truth:
        return dict(self.call("GET", "/truth", system="c4c", entities=",".join(entities))["c4c"])

    def rows(self, entity: str) -> list[dict[str, Any]]:
        return self.truth(entity)[entity]

    def row(self, entity: str, **fields: Any) -> dict[str, Any]:
        """The only row with these values."""
        found = [r for r in self.rows(entity) if all(r.get(name) == value for name, value in fields.items())]
        assert len(found) == 1, f"{len(found)} rows of {entity} with {fields}"
        return found[0]

    def fault(self, action: str, **values: Any) -> int:
        return int(self.call("POST", "/faults", {"system": "c4c", "action": action, **values})["id"])

    def fired(self, fault: int) -> int:
        """How often the fault struck."""
        return next(int(one["fired"]) for one in self.call("GET", "/faults") if one["id"] == fault)

    def settings(self, **values: Any) -> None:
        self.call("PATCH", "/c4c/settings", values)

    def sales_create(self, entity: str, **fields: Any) -> dict[str, Any]:
        return dict(self.call("POST", f"/c4c/{entity}", fields))

    def sales_edit(self, entity: str, object_id: str, **fields: Any) -> None:
        self.call("PATCH", f"/c4c/{entity}/{object_id}", fields)

    def sales_delete(self, entity: str, object_id: str) -> None:
        self.call("DELETE", f"/c4c/{entity}/{object_id}")

    def company(self, name: str = "Bakery North", **properties: str) -> str:
        body = {"properties": {"name": name, "domain": f"{name.split()[0].lower()}.example", **properties}}
        return str(self.call("POST", "/hubspot/companies", body)["id"])

    def contact(self, *companies: str, **properties: str) -> str:
        """A contact who qualifies; the first company is the primary one."""
        last = properties.get("lastname", "Sommer")
        fields = {
            "firstname": "Ada",
            "lastname": last,
            "email": f"{last.lower()}@mail.example",
            "lead_score": "82",
            "hs_legal_basis": BASIS,
            **properties,
        }
        contact = str(self.call("POST", "/hubspot/contacts", {"properties": fields})["id"])
        for place, company in enumerate(companies):
            self.associate(contact, company, *(["Primary"] if place == 0 else []))
        return contact

    def change(self, contact: str, **properties: str) -> None:
        self.call("PATCH", f"/hubspot/contacts/{contact}", {"properties": properties})

    def associate(self, contact: str, company: str, *labels: str) -> None:
        body = {"contact_id": contact, "company_id": company, "labels": list(labels)}
        self.call("PUT", "/hubspot/associations", body)

    def separate(self, contact: str, company: str) -> None:
        self.call("DELETE", "/hubspot/associations", {"contact_id": contact, "company_id": company})

    def counts(self) -> dict[str, Any]:
        return dict(self.call("GET", "/requests")["c4c"])

    def reset_counts(self) -> None:
        self.call("DELETE", "/requests")


@contextmanager
def sandbox_process() -> Iterator[Control]:
    """A sandbox of one's own."""
    with announced() as started:
        yield Control(started)


class World:
    """The product against one empty sandbox, with a state file and rules of its own."""

    def __init__(self, control: Control, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.control = control
        self.directory = directory
        self.environment = {
            "HUBSPOT_BASE_URL": control.addresses["hubspot"],
            "HUBSPOT_ACCESS_TOKEN": control.addresses["token"],
            "C4C_BASE_URL": control.addresses["c4c"],
            "C4C_USERNAME": control.addresses["username"],
            "C4C_PASSWORD": control.addresses["password"],
            "SYNC_STATE": str(directory / "state.db"),
            "SYNC_CONFIG": str(directory / "config"),
        }
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        (directory / "config").mkdir()
        for name in ("mapping.toml", "qualification.toml"):
            (directory / "config" / name).write_text((PROJECT / "config" / name).read_text())
        (directory / "config" / "worker.toml").write_text(WORKER)
        configure("json", "ERROR")

    def add_rules(self, name: str, text: str) -> None:
        """Adds tables at the end of a rule file."""
        path = self.directory / "config" / f"{name}.toml"
        path.write_text(path.read_text() + text)

    def replace_rule(self, name: str, old: str, new: str) -> None:
        path = self.directory / "config" / f"{name}.toml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    @contextmanager
    def application(self) -> Iterator[app.App]:
        """The composed product; it never really sleeps."""
        built = app.build(clock=app.Clock(sleep=lambda _: None))
        try:
            yield built
        finally:
            built.close()

    def once(self, *jobs: str, until_idle: bool = True) -> JobResults:
        with self.application() as built:
            if until_idle:
                return run_until_idle(built.context, list(jobs or ("poll", "sweep", "push")))
            return run_jobs(built.context, list(jobs or ("poll", "sweep", "push")))

    def sync(self) -> JobResults:
        """One complete run that must succeed."""
        results = self.once()
        assert not results.failures, results.failures
        return results

    def wake_all(self) -> None:
        """Everybody is looked at again, as after `resync --everything`."""
        with self.application() as built, built.context.store.session() as session:
            mark_pending(session, mirrored.all_ids(session), built.context.now())

    def table(self, table: type[Any]) -> Sequence[Any]:
        with self.application() as built, built.context.store.reading() as session:
            return list(session.exec(select(table)).all())

    def progress(self, contact: str) -> tables.Progress:
        return next(row for row in self.table(tables.Progress) if row.contact_id == contact)

    def warnings(self, contact: str) -> list[dict[str, str]]:
        rows = [row for row in self.table(tables.Decision) if row.contact_id == contact]
        return list(rows[-1].body["warnings"])

    def cli(self, *arguments: str) -> Answer:
        """A command as a person types it, in this process."""
        out, err = io.StringIO(), io.StringIO()
        before, sys.argv = sys.argv, ["hubspot-c4c-sync", *arguments]
        try:
            with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
                main()
        finally:
            sys.argv = before
        return Answer(int(ended.value.code or 0), out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str
