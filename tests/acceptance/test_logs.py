"""People appear in logs by id only, and every line says what, when, in which run and job."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from running import until
from stage import Product
from truth import World, expected
from world.program import Ran
from world.sandbox import Sandbox

pytestmark = pytest.mark.long

PERSONAL = ("firstname", "lastname", "email", "phone", "mobilephone", "address")
OUTSIDE_ANY_RUN = ("worker_", "lease_")
"""Events of the worker itself begin so; they belong to no run."""


def personal_values(truth: dict[str, Any]) -> set[str]:
    """Names, addresses and numbers of the people in both systems. Too short a value would be found by chance."""
    found = {row["properties"].get(name, "") for row in truth["hubspot"]["contacts"] for name in PERSONAL}
    found |= {row["properties"].get("phone", "") for row in truth["hubspot"]["companies"]}
    found |= {owner[name] for owner in truth["hubspot"]["owners"] for name in ("email", "firstName", "lastName")}
    for entity, names in (("Contact", ("FirstName", "LastName", "Email", "Phone", "Mobile")), ("Employee", ("Email",))):
        found |= {row[name] for row in truth["c4c"][entity] for name in names}
    return {value for value in found if len(value) > 3}


def leaks(text: str, values: set[str]) -> list[str]:
    """Values that stand in the text as words of their own, in any case if they are addresses."""
    lowered = text.lower()
    suspects = [value for value in values if value in text or ("@" in value and value.lower() in lowered)]
    return [value for value in suspects if "@" in value or re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)]


def secrets(sandbox: Sandbox) -> set[str]:
    return {sandbox.token, sandbox.password}


def lines(*runs: Ran) -> Iterator[dict[str, Any]]:
    return (line for ran in runs for line in ran.log)


@pytest.fixture(scope="module")
def world(sandbox: Sandbox) -> Sandbox:
    sandbox.seed(contacts=120, companies=30, seed=26)
    return sandbox


@dataclass(frozen=True)
class Told:
    """Three runs, and the texts that they left in the state file for people to read."""

    runs: list[Ran]
    texts: list[str]


@pytest.fixture(scope="module")
def runs(told: Told) -> list[Ran]:
    return told.runs


@pytest.fixture(scope="module")
def told(world: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """A run in which much fails, one under other rules that both systems refuse, and one in which all goes well.

    Every error names a person, as a system's error texts may.
    """
    product = Product(tmp_path_factory.mktemp("logs"), world.environment())
    leads = expected(World(world.truth())).leads.values()
    one = next(lead.person for lead in leads if lead.person.get("email"))
    locked = next(lead.key for lead in leads if not lead.company)
    about = f"{one.get('firstname')} {one.get('lastname')} <{one.get('email')}> is wrong"
    hubspot = {"body_out": {"status": "error", "message": about, "category": "VALIDATION_ERROR"}}
    c4c = {"body_out": {"error": {"code": "X", "message": {"lang": "en", "value": about}}}}
    world.patch("/c4c/settings", {"mandatory": {"Lead": ["GroupCode"]}})
    world.fault("c4c", "lock", body=locked, times=None)
    world.fault("c4c", "status", status=400, body="POST CorporateAccountCollection", **c4c)
    world.fault("c4c", "status", status=500, skip=3, **c4c)
    world.fault("hubspot", "status", status=500, **hubspot)
    failing = product.run(SYNC_LOG_LEVEL="DEBUG")
    texts = _texts(product)
    rules = product.config / "qualification.toml"
    rules.write_text(rules.read_text().replace("threshold = 75", "threshold = 74"))
    world.patch("/c4c/settings", {"mandatory": {}})
    world.delete("/faults")
    world.fault("hubspot", "status", status=400, path="owners", **hubspot)
    world.fault("c4c", "status", status=400, path="batch", times=None, **c4c)
    refused = product.run(SYNC_LOG_LEVEL="DEBUG")
    texts += _texts(product)
    world.delete("/faults")
    world.update("contacts", world.truth()["hubspot"]["contacts"][0]["id"], jobtitle="Chief of nothing")
    full = product.run(SYNC_LOG_LEVEL="DEBUG")
    assert (failing.code, refused.code) == (4, 3)
    assert full.code in (0, 4)
    return Told([failing, refused, full], texts)


def _texts(product: Product) -> list[str]:
    details = product.query("select detail from progress where detail is not null")
    errors = product.query("select error from job_run where error is not null")
    return [text for (text,) in (*details, *errors)]


def test_the_runs_have_logged_what_can_be_logged(runs: list[Ran]) -> None:
    events = {line["event"] for line in lines(*runs)}
    assert events >= {
        "job_started", "job_finished", "job_failed", "poll_page", "contact_changed", "contact_synced",
        "contact_not_qualified", "contact_parked", "contact_retry", "lead_handed_over", "rules_changed",
        "request_retried",
    }  # fmt: skip


def test_no_personal_value_and_no_secret_is_in_any_output(world: Sandbox, runs: list[Ran]) -> None:
    values = personal_values(world.truth())
    assert len(values) > 300
    assert [leaks(ran.out + ran.err, values) for ran in runs] == [[], [], []]
    assert not [secret for secret in secrets(world) for ran in runs if secret in ran.out + ran.err]


def test_no_personal_value_is_in_an_error_text(world: Sandbox, told: Told) -> None:
    assert told.texts
    assert leaks("\n".join(told.texts), personal_values(world.truth())) == []


def test_every_line_is_an_event_of_a_run_and_a_job_in_utc(runs: list[Ran]) -> None:
    assert min(len(ran.log) for ran in runs) > 5
    assert {line["event"] for line in lines(*runs) if not _is_complete(line)} == set()


def _is_complete(line: dict[str, Any]) -> bool:
    at = datetime.fromisoformat(line["timestamp"])
    return bool(line["event"] and line.get("run_id") and line.get("job") and at.utcoffset() == timedelta(0))


def test_every_line_on_a_contact_names_it_by_its_id(world: Sandbox, runs: list[Ran]) -> None:
    known = {row["id"] for row in world.truth()["hubspot"]["contacts"]}
    about = [line for line in lines(*runs) if line["event"].startswith("contact_") or "handed_over" in line["event"]]
    assert about
    assert [line for line in about if line["contact"] not in known] == []


def test_a_parked_contact_says_why(runs: list[Ran]) -> None:
    parked = [line for line in lines(*runs) if line["event"] == "contact_parked"]
    assert parked
    assert [line for line in parked if not line.get("cause") or line["level"] != "error"] == []


def test_the_worker_logs_alike_on_standard_output(world: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> None:
    product = Product(tmp_path_factory.mktemp("worker"), world.environment())
    with product.started("run", stdout=product.home / "log") as worker:
        until(lambda: "push" in _finished(worker.stdout.read_text()), "the first push")
        ran = worker.terminate()
    assert leaks(ran.out + ran.err, personal_values(world.truth())) == []
    logged = [json.loads(line) for line in ran.out.splitlines()]
    assert [line for line in logged if not (line["event"].startswith(OUTSIDE_ANY_RUN) or _is_complete(line))] == []
    assert ran.err == ""


def _finished(log: str) -> set[str]:
    """Jobs that are through, by the lines that are complete."""
    whole = log[: log.rfind("\n") + 1].splitlines()
    return {line["job"] for line in map(json.loads, whole) if line["event"] == "job_finished"}
