"""One state, one portal, one tenant: another one stops with a sentence instead of mixing two worlds."""

from collections.abc import Callable

import pytest
from night_stage import Product
from world.program import Ran
from world.sandbox import Sandbox

from sync.contracts.belongs import tenant_host

Command = Callable[..., Ran]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://my000000.crm.ondemand.com", "my000000.crm.ondemand.com"),
        ("https://MY000000.crm.ondemand.com:443/", "my000000.crm.ondemand.com"),
        ("http://127.0.0.1:18002", "127.0.0.1"),
    ],
)
def test_a_tenant_is_known_by_its_host(url: str, name: str) -> None:
    assert tenant_host(url) == name


@pytest.fixture
def synced(sandbox: Sandbox, command: Command) -> str:
    """A contact that was handed over; the state knows both sides."""
    contact = sandbox.contact(sandbox.company("acme"))
    assert command("once").code == 0
    return contact


def test_the_status_names_portal_and_tenant(synced: str, command: Command) -> None:
    assert command("status", "--json").document["belongs_to"] == {"portal": "145000001", "tenant": "127.0.0.1"}
    assert "HubSpot portal 145000001 to the tenant 127.0.0.1" in command("status").out


def another_portal(sandbox: Sandbox) -> None:
    sandbox.call("PATCH", "/hubspot/settings", {"portal_id": 7})


def test_another_portal_is_not_read(synced: str, product: Product, sandbox: Sandbox, command: Command) -> None:
    another_portal(sandbox)
    sandbox.contact(sandbox.company("stranger"))
    before = product.query("SELECT count(*) FROM contact")
    stopped = command("once")
    assert stopped.code == 2
    assert "was read from HubSpot portal 145000001, and the token belongs to portal 7" in stopped.err
    assert command("resync", "--contact", synced, "--refetch").code == 2
    assert product.query("SELECT count(*) FROM contact") == before
    sandbox.call("PATCH", "/hubspot/settings", {"portal_id": 145_000_001})
    assert command("once").code == 0


def test_a_worker_ends_with_2_on_another_portal(synced: str, product: Product, sandbox: Sandbox) -> None:
    another_portal(sandbox)
    product.configure(poll="1s", push="1s", schedule='takeover_after = "4s"')
    with product.started("run") as running:
        assert running.ended() == 2
        assert "the token belongs to portal 7" in running.errors()


def test_a_portal_that_does_not_tell_its_id_is_read(sandbox: Sandbox, command: Command) -> None:
    sandbox.fault("hubspot", "status", path="account-info/v3/details", status=403, times=None)
    contact = sandbox.contact(sandbox.company("acme"))
    assert command("once").code == 0
    assert sandbox.lead_keys() == [f"{contact}:mql:1"]
    assert command("status", "--json").document["belongs_to"]["portal"] is None


def test_another_tenant_is_not_written_until_a_person_says_that_it_is_the_same(
    synced: str, product: Product, sandbox: Sandbox, command: Command
) -> None:
    product.extra["C4C_BASE_URL"] = sandbox.announced["c4c"].replace("127.0.0.1", "localhost")
    for line in ("once", "plan", "verify", "check", "run"):
        stopped = command(line)
        assert stopped.code == 2
        assert "its records are in the tenant 127.0.0.1, and C4C_BASE_URL names localhost" in stopped.err
    shown = command("approve", "--json").document["tenant_renamed"]
    assert (shown["tenant"], shown["approved"]) == ("localhost", False)
    assert f"hubspot-c4c-sync approve {shown['digest']}" in stopped.err
    assert command("approve", shown["digest"]).code == 0
    assert command("approve", "--json").document["tenant_renamed"] is None
    assert command("once").code == 0
    assert command("status", "--json").document["belongs_to"]["tenant"] == "localhost"


def test_corrected_settings_end_the_doubt(synced: str, product: Product, sandbox: Sandbox, command: Command) -> None:
    product.extra["C4C_BASE_URL"] = "https://my1.crm.ondemand.example"
    assert command("once").code == 2
    del product.extra["C4C_BASE_URL"]
    assert command("once").code == 0
    assert command("approve", "--json").document["tenant_renamed"] is None
