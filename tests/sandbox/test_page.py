"""docs/sandbox.md: what it tells to type works, and its credentials are those that the sandbox takes."""

from __future__ import annotations

import json
import re

from conftest import PROJECT, Sandbox

PAGE = (PROJECT / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_the_credentials_are_the_ones_announced(sandbox: Sandbox) -> None:
    shown = dict(re.findall(r"([A-Z4_]+)=(\S+)", PAGE))
    named = (shown["HUBSPOT_ACCESS_TOKEN"], shown["C4C_USERNAME"], shown["C4C_PASSWORD"])
    assert named == (sandbox.token, sandbox.username, sandbox.password)


def test_every_line_for_the_control_port_does_something(sandbox: Sandbox) -> None:
    company = str(sandbox.post("/hubspot/companies", {"properties": {"name": "Sieben"}})["id"])
    contact = str(sandbox.post("/hubspot/contacts", {"properties": {"lastname": "Nemo"}})["id"])
    lines = re.findall(
        r"^curl (?:-X (\w+) )?\"?\$C(/[^\s\"]+)\"?(?: -d '([^']+)'| -d @(\S+)| +> (\S+))?", PAGE, re.MULTILINE
    )
    assert len(lines) == len(re.findall("^curl ", PAGE, re.MULTILINE))
    files: dict[str, object] = {}
    for method, path, body, read, written in lines:
        ours = body.replace('"51"', f'"{contact}"').replace('"7"', f'"{company}"')
        sent = files[read] if read else json.loads(ours) if ours else None
        files[written] = sandbox.call(method or "GET", path.replace("/51", f"/{contact}"), sent)
    truth = sandbox.get("/truth", system="hubspot")["hubspot"]
    changed = next(row for row in truth["contacts"] if str(row["id"]) == contact)
    assert changed["properties"]["lead_score"] == "90"
    assert [(str(a["contact_id"]), str(a["company_id"])) for a in truth["associations"]] == [(contact, company)]
