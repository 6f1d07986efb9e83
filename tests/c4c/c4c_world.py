"""A world for tests of the C4C half: the sandbox as a process, the product in this one, and both truths at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from running import PROJECT
from sqlmodel import select
from world.program import Ran, typed
from world.sandbox import QUALIFIES, Sandbox, announced

from sync import app
from sync.jobs.runner import JobResults, run_jobs, run_until_idle
from sync.log import configure
from sync.mirror import mirrored
from sync.state import decisions, tables
from sync.state.pending import mark_pending

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


class Control(Sandbox):
    """The sandbox with its C4C in view, and ordinary people who have an e-mail address."""

    def fault(self, action: str, **values: Any) -> int:
        return super().fault("c4c", action, **values)

    def settings(self, **values: Any) -> None:
        self.patch("/c4c/settings", values)

    def contact(self, *companies: str, **properties: str) -> str:
        last = properties.get("lastname", QUALIFIES["lastname"])
        named = {"firstname": "Ada", "email": f"{last.lower()}@mail.example"}
        return super().contact(*companies, **{**named, **properties})

    def change(self, contact: str, **properties: str) -> None:
        self.update("contacts", contact, **properties)


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
        paths = {"SYNC_STATE": str(directory / "state.db"), "SYNC_CONFIG": str(directory / "config")}
        self.environment = {**control.environment(), **paths, "SYNC_ERASURE_KEY": "0123456789abcdef" * 2}
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
        with self.application() as built, built.context.store.reading() as session:
            last = decisions.at(session, contact)
        assert last is not None
        return list(last.body["warnings"])

    def cli(self, *arguments: str) -> Ran:
        """A command as a person types it, in this process."""
        return typed(*arguments)
