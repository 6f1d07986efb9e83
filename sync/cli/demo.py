"""The demo: the real product against the sandbox in a process of its own, in three runs, with what happened shown."""

import importlib.util
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests
from sqlmodel import col, select

from sync import app, log
from sync.admin.explain import explain
from sync.admin.status import status
from sync.cli import output, page, report, reports
from sync.cli.explained import print_explain
from sync.cli.output import say, table
from sync.context import utc_now
from sync.domain.codes import EXPLANATIONS, Code
from sync.domain.entities import Entity
from sync.errors import ConfigurationError, StateError
from sync.jobs.runner import JOBS, run_until_idle
from sync.mappers.company import company_name
from sync.mirror import loading
from sync.planner.qualify import leading, qualify
from sync.state import tables

CONTACTS, COMPANIES = 500, 120

_WORKER = """# Made by the demo: the sandbox's index does not lag, and nobody else uses its limits.
[hubspot]
index_lag_seconds = 0
search_per_second = 5
burst_per_10s = 190

[c4c]
settle_seconds = 1
"""

_LABELS = """
# Added by the demo, so that a change of labels shows.
[[labels]]
label = "Decision maker"
fields = { FunctionCode = "0001", VIPReasonCode = "1" }
"""


@dataclass
class Demo:
    """Runs in `directory`, on the rules of `config`."""

    directory: Path
    config: Path

    def run(self) -> int:
        """Runs the demo; returns 0 if the third run wrote nothing and the sandbox counted no write either."""
        _need_sandbox()
        self._prepare()
        with _sandbox() as sandbox:
            os.environ.update(self._environment(sandbox))
            control = _Control(sandbox["control"])
            say(f"A sandbox HubSpot with {CONTACTS} contacts and {COMPANIES} companies")
            say("meets a sandbox SAP Sales Cloud.\n")
            self._first_run()
            changed = self._let_things_happen(control)
            self._second_run(control, changed)
            nothing_written = self._third_run(control)
        report.to_file(self._report, since="1d")
        self._look_further(changed)
        return 0 if nothing_written else 1

    def serve(self) -> int:
        """Serves the page on a sandbox and a worker that keep running, until a signal; returns the exit code for it."""
        _need_sandbox()
        self._prepare()
        with _sandbox() as sandbox:
            os.environ.update(self._environment(sandbox))
            say(f"A sandbox HubSpot with {CONTACTS} contacts and {COMPANIES} companies, a sandbox SAP Sales Cloud,")
            say("a worker between them, and its page, with names:\n")
            _run()
            settings, configuration = app.rules()
            wanted = replace(settings.page, port=settings.page.port or page.PORT, names=True)
            log_file = self.directory / "worker.log"
            say(f"(the worker's log: {log_file})")
            with _worker(log_file):
                return page.serve(settings, configuration, wanted)

    def _prepare(self) -> None:
        """A fresh state and a copy of the rules, so that the demo always shows the same."""
        try:
            (self.directory / "config").mkdir(parents=True, exist_ok=True)
            for name in ("mapping.toml", "qualification.toml"):
                text = (self.config / name).read_text(encoding="utf-8")
                (self.directory / "config" / name).write_text(
                    text + (_LABELS if name.startswith("q") else ""), encoding="utf-8"
                )
            (self.directory / "config" / "worker.toml").write_text(_WORKER, encoding="utf-8")
            for old in self.directory.glob("state.db*"):
                old.unlink()
        except OSError as error:
            raise StateError(f"{error.filename}: {error.strerror}; give the demo a directory with --dir") from None

    def _environment(self, sandbox: dict[str, str]) -> dict[str, str]:
        return {
            "HUBSPOT_BASE_URL": sandbox["hubspot"],
            "HUBSPOT_ACCESS_TOKEN": sandbox["token"],
            "C4C_BASE_URL": sandbox["c4c"],
            "C4C_USERNAME": sandbox["username"],
            "C4C_PASSWORD": sandbox["password"],
            **self._paths(),
        }

    @property
    def _report(self) -> Path:
        return self.directory / "report.html"

    def _paths(self) -> dict[str, str]:
        return {"SYNC_STATE": str(self.directory / "state.db"), "SYNC_CONFIG": str(self.directory / "config")}

    # ---- the three runs

    def _first_run(self) -> None:
        say("First run: everything is new.")
        document = _run()
        reports.print_once(document)
        say()
        with _application() as application:
            _show_accounts(application)
            _show_reasons(application)
            say("One yes and one no, explained:\n")
            for code in (Code.QUALIFIED, Code.SCORE_BELOW_THRESHOLD):
                _explain(application, _example(application, code))

    def _let_things_happen(self, control: "_Control") -> "Changed":
        with _application() as application:
            changed = _choose(application)
        say("Now three things happen:")
        control.patch(f"/hubspot/contacts/{changed.crossing}", {"properties": {"lead_score": "88"}, "touch": False})
        say(f"  1. contact {changed.crossing} rises to 88 points, and HubSpot moves no timestamp")
        labels = ["Primary", "Decision maker"]
        pair = {"contact_id": changed.labelled, "company_id": changed.company}
        control.put("/hubspot/associations", {**pair, "labels": labels, "touch": False})
        say(
            f"  2. contact {changed.labelled} becomes decision maker of company {changed.company}: only a label changes"
        )
        control.patch(f"/c4c/CorporateAccount/{changed.account}", {"Phone": _SALES_PHONE})
        control.patch(f"/hubspot/companies/{changed.company}", {"properties": {"phone": "+49 30 1111111"}})
        say("  3. sales corrects the phone number of that company's account, while marketing changes it too\n")
        return changed

    def _second_run(self, control: "_Control", changed: "Changed") -> None:
        say("Second run: just that.")
        reports.print_once(_run())
        phone = control.truth(Entity.ACCOUNT, changed.account)["Phone"]
        verdict = "is left alone" if phone == _SALES_PHONE else "WAS OVERWRITTEN"
        say(f"sales' phone number on the account {verdict}\n")

    def _third_run(self, control: "_Control") -> bool:
        say("Third run: nothing has changed.")
        control.reset_counters()
        document = _run()
        ours = sum(sum(document["counts"][kind].values()) for kind in ("created", "updated"))
        counted = control.writes()
        say(f"{ours} writes; the sandbox counted {counted}\n")
        return ours == counted == 0

    def _look_further(self, changed: "Changed") -> None:
        program = shlex.quote(sys.argv[0])
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in self._paths().items())
        say("Look further (no network needed):")
        for command in ("status", f"explain {changed.crossing}", f"explain {changed.labelled}", "leads", "find mue"):
            say(f"  {settings} {program} {command}")
        say("The page, with a worker at work: make demo-page")
        say("\nThe report for a browser:")
        say(f"  {self._report.resolve().as_uri()}")


_SALES_PHONE = "+49 40 9999 000"


@dataclass(frozen=True, slots=True)
class Changed:
    """The contacts and the company to which the three events happen."""

    crossing: str
    labelled: str
    company: str
    account: str


def _run() -> dict[str, Any]:
    with output.progress() as report:
        application = app.build(report)
        try:
            results = run_until_idle(application.context, list(JOBS))
            if results.failures:
                raise results.failures[0]
            return reports.once_document(application, results)
        finally:
            application.close()


@contextmanager
def _application() -> Iterator[app.App]:
    application = app.build()
    try:
        yield application
    finally:
        application.close()


def _show_accounts(application: app.App) -> None:
    """Shows what was handed over, by account."""
    with application.context.store.reading() as session:
        ids = [handover.contact_id for handover in session.exec(select(tables.Handover))]
        chosen = _company_names(loading.views(session, ids), application)
    names = sorted(set(chosen), key=lambda name: (-chosen.count(name), name))
    rows = [(name, chosen.count(name)) for name in names]
    table(f"Handed over: {len(ids)} leads on {len(rows)} accounts, the first ten", ("account", "leads"), rows[:10])


def _company_names(views: dict[str, Any], application: app.App) -> list[str]:
    rules = application.context.config.rules
    decisions = [leading(qualify(view, rules)) for view in views.values()]
    shared = rules.mapping.account.shared_domains
    named = [company_name(d.company, shared) if d.company else None for d in decisions]
    return [name or "(company text only)" for name in named]


def _show_reasons(application: app.App) -> None:
    document = status(application.context.store, utc_now())
    counted = sorted(document["done"].items(), key=lambda item: -item[1])
    others = [(c, n, EXPLANATIONS[Code(c)].meaning) for c, n in counted if c != Code.QUALIFIED]
    table("Not handed over", ("code", "contacts", "meaning"), others)
    parked = [(c, n, EXPLANATIONS[Code(c)].remedy) for c, n in document["parked"].items()]
    table("Parked: a person is needed", ("code", "contacts", "what to do"), parked)


def _example(application: app.App, code: Code) -> str:
    with application.context.store.reading() as session:
        return (
            session.exec(
                select(tables.Progress.contact_id)
                .where(tables.Progress.code == code)
                .order_by(tables.Progress.contact_id)
            ).first()
            or ""
        )


def _explain(application: app.App, contact: str) -> None:
    found = explain(application.context.store, application.context.config.rules, contact)
    if found:
        print_explain(found)
        say()


def _choose(application: app.App) -> Changed:
    """A contact below the threshold that meets every other rule, and one that was handed over and has only the label
    Primary.
    """
    with application.context.store.reading() as session:
        below = _with_code(session, Code.SCORE_BELOW_THRESHOLD)
        crossing = next(i for i, view in below.items() if _would_qualify(view))
        for contact, view in _with_code(session, Code.QUALIFIED).items():
            if len(view.associations) == 1 and view.associations[0].is_primary:
                company = view.associations[0].company
                link = session.get(tables.Link, (Entity.ACCOUNT, company.id))
                if link and "Phone" in link.sent:
                    return Changed(crossing, contact, company.id, link.object_id)
    raise ConfigurationError(["the sandbox has no contact that the demo can use; run it with the shipped rules"])


def _with_code(session: Any, code: Code) -> dict[str, Any]:
    of = select(tables.Progress.contact_id).where(col(tables.Progress.code) == code)
    return loading.views(session, sorted(session.exec(of)))


def _would_qualify(view: Any) -> bool:
    primary = any(association.is_primary for association in view.associations)
    basis = view.get("hs_legal_basis")
    return bool(primary and view.get("lastname") and basis and basis != "Not applicable")


class _Control:
    """The sandbox's control port."""

    def __init__(self, url: str) -> None:
        self._url = url

    def patch(self, path: str, body: dict[str, Any]) -> None:
        requests.patch(self._url + path, json=body, timeout=30).raise_for_status()

    def put(self, path: str, body: dict[str, Any]) -> None:
        requests.put(self._url + path, json=body, timeout=30).raise_for_status()

    def truth(self, entity: str, object_id: str) -> dict[str, Any]:
        found = requests.get(f"{self._url}/truth?system=c4c&entities={entity}", timeout=30).json()
        row: dict[str, Any] = next(row for row in found["c4c"][entity] if row["ObjectID"] == object_id)
        return row

    def reset_counters(self) -> None:
        requests.delete(self._url + "/requests", timeout=30).raise_for_status()

    def writes(self) -> int:
        operations = requests.get(self._url + "/requests", timeout=30).json()["c4c"]["operations"]
        return sum(sum(operations[kind].values()) for kind in ("create", "update", "delete"))


def _need_sandbox() -> None:
    if not all(importlib.util.find_spec(name) for name in ("sandbox", "starlette", "uvicorn")):
        raise ConfigurationError(
            ["the demo needs the sandbox, which the image and the wheel leave out; run `make demo` in a checkout"]
        )
    log.configure("json", "ERROR")


@contextmanager
def _sandbox() -> Iterator[dict[str, str]]:
    """The sandbox in a process of its own, for as long as the demo lasts."""
    size = ["--contacts", str(CONTACTS), "--companies", str(COMPANIES), "--die-with-parent"]
    command = [sys.executable, "-m", "sandbox", *size]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise ConfigurationError(["the sandbox did not start; run `python -m sandbox` to see why"])
            yield json.loads(line)
        finally:
            process.terminate()
            process.wait(timeout=10)


@contextmanager
def _worker(log_file: Path) -> Iterator[None]:
    """A worker in a process of its own; it has neither page nor probes."""
    environment = {**os.environ, "SYNC_PAGE_PORT": "", "SYNC_METRICS_PORT": ""}
    command = [sys.executable, "-m", "sync", "run"]
    with (
        open(log_file, "w", encoding="utf-8") as out,
        subprocess.Popen(command, env=environment, stdout=out) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)
