"""A stormy night in full: nothing that the product prints holds a secret or a person's data."""

import re
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from night_stage import Product, free_port, webhook
from running import PROJECT, TIMEOUT
from world.program import Ran
from world.sandbox import Sandbox

pytestmark = pytest.mark.long

Command = Callable[..., Ran]

PERSONAL = ("firstname", "lastname", "email", "phone", "mobilephone", "address", "jobtitle")
"""Properties of seeded contacts whose values must appear nowhere."""

ECHOED = "Jürgen Müller, jm@firma.example, +49 30 1234567, is not valid"
ECHO = {
    "hubspot": {"status": "error", "category": "VALIDATION_ERROR", "message": ECHOED},
    "c4c": {"error": {"code": "X", "message": {"value": "{echo}, 'Jürgen Müller', " + ECHOED.partition(", ")[2]}}},
}
"""Refusals that repeat what was sent; those of C4C really repeat every value of the request."""

STORM = [
    {"system": "hubspot", "action": "status", "status": 429, "headers": {"Retry-After": "1"}, "times": 1},
    {"system": "hubspot", "action": "status", "status": 502, "skip": 2, "times": 1},
    {"system": "hubspot", "action": "html", "skip": 4, "times": 1},
    {"system": "hubspot", "action": "truncate", "skip": 5, "times": 1},
    {"system": "hubspot", "action": "status", "status": 401, "skip": 8, "times": 1},
    {"system": "hubspot", "action": "status", "status": 400, "skip": 10, "times": 1, "body_out": ECHO["hubspot"]},
    {"system": "c4c", "action": "cut_after", "method": "POST", "body": "POST ContactCollection", "times": 1},
    {"system": "c4c", "action": "lock", "times": 2},
    {"system": "c4c", "action": "sap_message_error", "body": "LeadCollection", "times": 2},
    {"system": "c4c", "action": "status", "status": 503, "skip": 6, "times": 2},
    {"system": "c4c", "action": "status", "status": 401, "skip": 8, "times": 1},
    {"system": "c4c", "action": "status", "status": 400, "skip": 10, "times": 4, "body_out": ECHO["c4c"], "echo": True},
]


def people(sandbox: Sandbox) -> Iterator[str]:
    """Personal values of the seed that are long enough to be told from any other text."""
    for contact in sandbox.get("/truth", system="hubspot")["hubspot"]["contacts"]:
        for name in PERSONAL:
            value = (contact["properties"].get(name) or "").strip()
            if len(value) >= 5:
                yield value


REPORTS = [
    ("once", "--until-idle"),
    ("status",),
    ("runs", "--limit", "1000"),
    ("parked", "list"),
    ("verify",),
    ("links", "list"),
    ("check",),
    ("approve",),
    ("resync", "--everything", "--dry-run"),
]
"""Commands whose results name people by id only; each also with --json."""


def storm(product: Product, sandbox: Sandbox, told: list[dict[str, Any]]) -> str:
    """All that the worker prints, serves and posts while every fault of the storm strikes."""
    for fault in STORM:
        sandbox.post("/faults", fault)
    with product.started("run") as worker:
        while not (told and all(fault["fired"] for fault in sandbox.get("/faults"))):
            worker.until("job_started", job="push")
        url = f"http://127.0.0.1:{product.extra['SYNC_METRICS_PORT']}"
        served = [requests.get(f"{url}/{path}", timeout=TIMEOUT).text for path in ("healthz", "readyz", "metrics")]
        worker.process.send_signal(signal.SIGTERM)
        assert worker.ended() == 143
        return "\n".join([*worker.lines, worker.errors(), *served, str(told)])


def personal(text: str, sandbox: Sandbox) -> set[str]:
    """What of the seed, and of what the faults echoed, the text repeats."""
    words = {value for value in people(sandbox) if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)}
    return (
        words | set(re.findall(r"\S+@\S+\.example", text)) | {part for part in ECHOED.split(", ")[:3] if part in text}
    )


def test_a_stormy_run_tells_nothing_about_anybody(product: Product, sandbox: Sandbox, command: Command) -> None:
    sandbox.seed(250, 60)
    often = {"poll": "300ms", "push": "300ms", "scores": "1s", "sweep": "1s"}
    product.configure('takeover_after = "2s"', "[alerts]\nparked = 1", **often)
    with webhook() as (url, told):
        product.extra |= {"SYNC_ALERT_WEBHOOK": url, "SYNC_LOG_LEVEL": "DEBUG", "SYNC_METRICS_PORT": str(free_port())}
        product.extra["SYNC_SHOW_NAMES"] = "0"
        printed = [storm(product, sandbox, told)]
        some = product.query("select contact_id from progress where status = 'parked' limit 1")[0][0]
        reports = [*REPORTS, ("parked", "show", some)]
        lines = [(*report, *form) for report in reports for form in ((), ("--json",))]
        for ran in [command(*line) for line in (*lines, ("health",), ("links", "export"), ("migrate",))]:
            printed += [ran.out, ran.err]
        # What is shown value by value is the answer to who asked for it by name; beside it nothing is.
        simulate = ("simulate", "--rows", "--config", str(PROJECT / "config/examples/group"))
        asked = [command(*arguments) for arguments in (("plan",), ("explain", some), simulate)]
        printed += [ran.err for ran in asked]
        product.extra |= {"C4C_PASSWORD": "wrong-password-77", "HUBSPOT_ACCESS_TOKEN": "pat-wrong"}
        printed += [(refused := command("once")).out, refused.err]
    text = "\n".join(printed)
    assert '"job_failed"' in text
    assert '"contact_parked"' in text
    assert personal(text, sandbox) == set()
    everything = text + "".join(ran.out for ran in asked)
    announced = sandbox.announced
    secrets = [announced["token"], announced["password"], "webhook-secret-1", "wrong-password-77", "pat-wrong"]
    assert [secret for secret in secrets if secret in everything] == []
