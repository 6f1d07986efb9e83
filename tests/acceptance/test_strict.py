"""The program as shipped against the strict front: a first sync, changes, commands, and no violation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import Product, leads
from strictly import nothing_violated, strict_sandbox
from warm import Warm
from world.sandbox import Sandbox

BASIS = "Legitimate interest – prospect/lead"

ODD = (
    'O\'Neil "Ace" & Söhne + Co. #1/2? 50%',
    "Star*Tec",
    "Gesellschaft für außerordentlich umfangreiche Bezeichnungen und Benennungen mit beschränkter Haftung " * 3,
    "Werft 🚢 GmbH",
    "Werft\r\nNord\tGmbH\u2028",
    "--batch_1\r\n--batch_1--",
    "Werft\x00 Nord\x0b\x1f GmbH\x7f\ufffe",
)
"""Texts that an encoding, a grammar or a length gets wrong."""


@pytest.fixture(scope="module")
def announced() -> Iterator[dict[str, str]]:
    with strict_sandbox() as started:
        yield started


@pytest.fixture
def sandbox(announced: dict[str, str]) -> Iterator[Sandbox]:
    """Empty, and without a violation when the test has ended."""
    strict = Sandbox(announced)
    strict.reset()
    with nothing_violated(announced):
        yield strict


@pytest.fixture
def product(sandbox: Sandbox, warm: Warm, tmp_path: Path) -> Product:
    return Product(tmp_path, sandbox.environment(), warm=warm)


@pytest.mark.parametrize("api", ["2026-09", pytest.param("v3", marks=pytest.mark.long)])
def test_a_first_sync_and_the_changes_after_it(api: str, sandbox: Sandbox, product: Product) -> None:
    sandbox.seed(contacts=30, companies=10, seed=4)
    product.configure(api=f'"{api}"')
    assert product.run("check").code == 0
    created = product.run_well().counts["created"]
    assert created["Lead"] == len(leads(sandbox)) > 0
    change_everything(sandbox)
    product.run_well("once", "poll", "scores", "sweep", "push", "--json")
    product.run("resync", "--everything", "--refetch", "--yes")
    product.run_well()


def change_everything(sandbox: Sandbox) -> None:
    """Edits, a merge, an archived and an erased contact, a lead that sales closed."""
    contacts = [row["id"] for row in sandbox.truth()["hubspot"]["contacts"] if not row["archived"]]
    for number, contact in enumerate(contacts):
        sandbox.patch(f"/hubspot/contacts/{contact}", {"properties": {"jobtitle": f"Buyer {number}"}})
    sandbox.post("/hubspot/contacts/merge", {"primary": contacts[0], "other": contacts[1]})
    sandbox.post(f"/hubspot/contacts/{contacts[2]}/archive")
    sandbox.post(f"/hubspot/contacts/{contacts[3]}/erase")


@pytest.mark.long
def test_commands_that_ask_both_systems(sandbox: Sandbox, product: Product) -> None:
    sandbox.seed(contacts=20, companies=8, seed=3)
    product.run_well()
    contact = sandbox.truth()["hubspot"]["contacts"][0]["id"]
    for command in ("check", "plan --json", "verify --json", "verify --repair --json", "status --json"):
        assert product.run(*command.split()).code in (0, 4), command
    assert product.run("explain", contact, "--json").code == 0


def test_odd_texts_arrive_or_are_parked_and_break_no_rule(sandbox: Sandbox, product: Product) -> None:
    for text in ODD:
        company = sandbox.post("/hubspot/companies", {"properties": odd_company(text)})["id"]
        contact = sandbox.post("/hubspot/contacts", {"properties": odd_contact(text)})["id"]
        sandbox.put("/hubspot/associations", {"contact_id": contact, "company_id": company, "labels": ["Primary"]})
    product.run_well()
    statuses = [status for (status,) in product.query("SELECT status FROM progress")]
    assert len(statuses) == len(ODD)
    assert set(statuses) <= {"done", "parked"}
    assert leads(sandbox)


def odd_company(text: str) -> dict[str, str]:
    names = ("name", "address", "address2", "city", "zip", "phone", "website", "domain", "description", "tax_number")
    return {**dict.fromkeys(names, text), "country": "Germany"}


def odd_contact(text: str) -> dict[str, str]:
    names = ("firstname", "lastname", "jobtitle", "phone", "mobilephone", "company", "city", "address", "zip")
    return {**dict.fromkeys(names, text), "email": "a+b'c@firm.example", "lead_score": "82", "hs_legal_basis": BASIS}
