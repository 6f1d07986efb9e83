"""`check` where something stands in the way: each system by itself, by host and setting, and our certificate."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme
from night_stage import Product, free_port
from tls import bundle, client_files, front, proxy, server_context
from world.program import Ran
from world.sandbox import Sandbox

Command = Callable[..., Ran]
HUBSPOT, C4C = "api.company.example", "my1.company.example"


def checked(command: Command, code: int) -> Any:
    ran = command("check", "--json")
    assert ran.code == code, ran.out
    return json.loads(ran.out)


def errors(document: Any) -> list[tuple[str, str]]:
    return [(found["where"], found["text"]) for found in document["findings"] if found["severity"] == "error"]


def test_the_tenant_is_checked_although_hubspot_does_not_answer(product: Product, command: Command) -> None:
    port = free_port()
    product.extra["HUBSPOT_BASE_URL"] = f"http://127.0.0.1:{port}"
    document = checked(command, 3)
    [(where, text)] = errors(document)
    assert where == "HubSpot"
    assert f"127.0.0.1:{port}: the connection was refused; check HUBSPOT_BASE_URL and the firewall" in text
    assert any(fact.startswith("lead status") for fact in document["facts"])
    assert document["error"]["kind"] == "Unavailable"


def test_the_portal_is_checked_although_the_tenant_does_not_answer(
    product: Product, command: Command, sandbox: Sandbox
) -> None:
    port = free_port()
    product.extra["C4C_BASE_URL"] = f"http://127.0.0.1:{port}"
    qualification = product.home / "config" / "qualification.toml"
    text = qualification.read_text(encoding="utf-8")
    qualification.write_text(text.replace("lead_score", "no_such_score"), encoding="utf-8")
    found = dict(errors(checked(command, 3)))
    assert f"127.0.0.1:{port}: the connection was refused; check C4C_BASE_URL" in found.pop("SAP Sales Cloud")
    assert any("no_such_score" in text for text in found.values())


def test_who_waits_for_check_waits_for_two_tries_at_most(product: Product, command: Command, sandbox: Sandbox) -> None:
    fault = sandbox.post("/faults", {"system": "hubspot", "action": "status", "status": 503, "times": 9})
    document = checked(command, 3)
    assert [where for where, _ in errors(document)] == ["HubSpot"]
    [struck] = [one for one in sandbox.get("/faults") if one["id"] == fault["id"]]
    assert struck["fired"] == 2


def test_both_systems_that_do_not_answer_are_named(product: Product, command: Command) -> None:
    product.extra |= {name: f"http://127.0.0.1:{free_port()}" for name in ("HUBSPOT_BASE_URL", "C4C_BASE_URL")}
    assert [where for where, _ in errors(checked(command, 3))] == ["HubSpot", "SAP Sales Cloud"]


def test_a_refused_password_is_sent_once_and_does_not_hide_the_portal(
    product: Product, command: Command, sandbox: Sandbox
) -> None:
    product.extra["C4C_PASSWORD"] = "wrong-password-7"
    [(where, text)] = errors(checked(command, 3))
    assert (where, "401" in text, "wrong-password-7" in text) == ("SAP Sales Cloud", True, False)
    assert [entry["status"] for entry in sandbox.get("/requests/log", system="c4c")] == [401]


def test_both_systems_behind_a_companys_proxy_and_authority(
    product: Product, command: Command, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names lead somewhere in the proxy alone; the certificates are of an authority that only the company knows."""
    authority = trustme.CA()
    ports = {name: urlsplit(sandbox.announced[name]).port or 0 for name in ("hubspot", "c4c")}
    with (
        front(server_context(authority, HUBSPOT), ports["hubspot"]) as hubspot,
        front(server_context(authority, C4C), ports["c4c"]) as c4c,
        proxy({f"{HUBSPOT}:443": hubspot.port, f"{C4C}:443": c4c.port}, "it:secret-1") as between,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://it:secret-1@127.0.0.1:{between.port}")
        product.extra |= {"HUBSPOT_BASE_URL": f"https://{HUBSPOT}", "C4C_BASE_URL": f"https://{C4C}"}
        unknown = checked(command, 3)
        assert all("SYNC_CA_BUNDLE" in text for _, text in errors(unknown))
        product.extra["SYNC_CA_BUNDLE"] = bundle(authority, tmp_path / "ca.pem")
        assert errors(checked(command, 0)) == []
        monkeypatch.setenv("HTTPS_PROXY", f"http://it:secret-2@127.0.0.1:{between.port}")
        refused = errors(checked(command, 3))
    assert [where for where, _ in refused] == ["HubSpot", "SAP Sales Cloud"]
    assert all("did not accept user name and password (407)" in text for _, text in refused)
    assert not any("secret" in text for _, text in refused)


@pytest.mark.parametrize(
    ("days", "severity", "said"),
    [(10, "warning", "the certificate expires in "), (-1, "error", "the certificate expired on ")],
)
def test_the_end_of_our_certificate_is_in_check_and_status(
    days: int, severity: str, said: str, product: Product, command: Command, tmp_path: Path
) -> None:
    until = datetime.now(UTC) + timedelta(days=days)
    files = client_files(trustme.CA().issue_cert("sync@company.example", not_after=until), tmp_path)
    product.extra |= {"C4C_CLIENT_CERT": str(files.cert), "C4C_CLIENT_KEY": str(files.key)}
    # The sandbox knows no certificates and refuses it.
    document = checked(command, 3)
    [found] = [finding for finding in document["findings"] if finding["where"] == "C4C_CLIENT_CERT"]
    assert (found["severity"], found["text"].startswith(said)) == (severity, True)
    shown = json.loads(command("status", "--json").out)["certificate"]
    assert shown["expires_at"] == until.replace(microsecond=0).isoformat()
    assert f"CERTIFICATE: {files.cert} {shown['problem']}" in command("status").out


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("C4C_BASE_URL", "nonsense", "C4C_BASE_URL: is not a web address; write it as https://host"),
        ("C4C_BASE_URL", "https://my 1.crm", "C4C_BASE_URL: is not a web address; write it as https://host"),
        ("C4C_BASE_URL", "https://my1..crm", "C4C_BASE_URL: is not a web address; write it as https://host"),
        ("HUBSPOT_BASE_URL", "ftp://x", "HUBSPOT_BASE_URL: is not a web address; write it as https://host"),
        ("C4C_CLIENT_CERT", "/nowhere.pem", "C4C_CLIENT_CERT: names a file that cannot be read; check path and rights"),
        ("SYNC_CA_BUNDLE", "/nowhere.pem", "SYNC_CA_BUNDLE: names a file that cannot be read; check path and rights"),
    ],
)
def test_without_a_network_addresses_and_files_are_looked_at(
    name: str, value: str, said: str, product: Product, command: Command
) -> None:
    product.extra[name] = value
    ran = command("check", "--offline")
    assert ran.code == 2
    assert said in ran.err


def test_without_a_network_no_credentials_are_needed(product: Product, command: Command) -> None:
    product.extra |= dict.fromkeys(("HUBSPOT_ACCESS_TOKEN", "C4C_BASE_URL", "C4C_USERNAME", "C4C_PASSWORD"), "")
    assert command("check", "--offline").code == 0
