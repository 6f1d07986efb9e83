"""The guard: nothing is written when a cycle would do too much, and a person lets exactly that plan through."""

from collections import Counter
from collections.abc import Callable

import pytest
from night_stage import Product
from world.program import Ran
from world.sandbox import Sandbox

from sync.config import Guard
from sync.domain.entities import Entity
from sync.handover.guard import Extent, Known, excess

pytestmark = pytest.mark.long

Command = Callable[..., Ran]


@pytest.mark.parametrize(
    ("extent", "limits", "expected"),
    [
        (Extent(Counter(Lead=6, Contact=5)), Guard(max_creates=10), ("creates", 11, 10)),
        (Extent(Counter(Lead=5, Contact=5)), Guard(max_creates=10), None),
        (Extent(Counter(Lead=5000)), Guard(max_creates=0), None),
        (Extent(changes=501), Guard(), ("changes", 501, 500)),
        (Extent(changes=501), Guard(changes_from=1000), None),
        (Extent(changes=501), Guard(max_changed_share=0), None),
        (Extent(changes=501), Guard(max_changed_share=0.6, changes_from=0), None),
        (Extent(withdrawn=51), Guard(max_changed_share=0.5, changes_from=0), ("withdrawals", 51, 50)),
        (Extent(Counter({Entity.RELATION: 10, "Lead": 10})), Guard(max_creates=10), None),
        (Extent(Counter({Entity.RELATION: 11})), Guard(max_creates=10), ("relationships", 11, 10)),
        (Extent(changes=500, relationship_changes=500), Guard(), None),
        (Extent(relationship_changes=501), Guard(), ("relationship changes", 501, 500)),
    ],
)
def test_limits(extent: Extent, limits: Guard, expected: object) -> None:
    assert excess(extent, Known(records=1000, contacts=100, relationships=400), limits) == expected


@pytest.fixture
def tight(product: Product) -> Product:
    product.configure(more="[guard]\nmax_creates = 8\nmax_changed_share = 0.2\nchanges_from = 3")
    return product


def test_too_many_creates_stop_before_the_first_write(tight: Product, sandbox: Sandbox, command: Command) -> None:
    company = sandbox.company("acme")
    ids = [sandbox.contact(company) for _ in range(4)]  # an account, four persons, four leads: nine records
    stopped = command("once", "--json")
    assert stopped.code == 5
    assert sandbox.written() == 0
    assert command("status", "--json").document["pending"] == 4
    digest = command("approve", "--json").document["stopped"]["digest"]
    assert digest in stopped.err
    assert digest in command("status").out
    assert command("approve", "0" * 12).code == 2
    assert command("once").code == 5, "nobody has approved it yet"
    assert command("approve", digest).code == 0
    assert command("once").code == 0
    assert sandbox.lead_keys() == sorted(f"{i}:mql:1" for i in ids)
    assert command("approve", "--json").document["stopped"] is None


def test_an_approval_covers_that_plan_and_no_other(tight: Product, sandbox: Sandbox, command: Command) -> None:
    company = sandbox.company("acme")
    ids = [sandbox.contact(company) for _ in range(4)]
    assert command("once").code == 5
    command("approve", command("approve", "--json").document["stopped"]["digest"])
    for n in range(4):
        sandbox.contact(sandbox.company(f"other-{n}"))
    sandbox.call("PATCH", f"/hubspot/contacts/{ids[0]}", {"properties": {"jobtitle": "CEO"}})
    command("once")
    written = sandbox.lead_keys()
    assert written == sorted(f"{i}:mql:1" for i in ids[1:]), "whose part is as it was approved, and nobody else"
    assert command("once").code == 5


def test_a_stopped_plan_is_not_read_again_and_again(tight: Product, sandbox: Sandbox, command: Command) -> None:
    company = sandbox.company("acme")
    for _ in range(4):
        sandbox.contact(company)
    assert command("once").code == 5
    sandbox.call("DELETE", "/requests")
    assert command("once", "push").code == 5
    assert sandbox.get("/requests")["c4c"]["total"] == 0


def test_raised_limits_let_it_through(tight: Product, sandbox: Sandbox, command: Command) -> None:
    company = sandbox.company("acme")
    for _ in range(4):
        sandbox.contact(company)
    assert command("once").code == 5
    tight.configure(more="[guard]\nmax_creates = 100")
    assert command("once").code == 0
    assert len(sandbox.lead_keys()) == 4


def related(sandbox: Sandbox, contact: str, number: int) -> None:
    """Further companies of the contact that are accounts already."""
    for n in range(number):
        company = sandbox.company(f"further-{n}")
        account = {"Name": f"Further {n}", "RoleCode": "BUP002", "HubSpotID_KUT": company}
        sandbox.post("/c4c/CorporateAccount", account)
        sandbox.call("PUT", "/hubspot/associations", {"contact_id": contact, "company_id": company, "labels": []})


def test_one_contact_with_very_many_companies_stops_nobody_else(
    product: Product, sandbox: Sandbox, command: Command
) -> None:
    """Twelve relationships stand for the thousand of a consultant whom somebody associated with every customer."""
    product.configure(more="[guard]\nmax_creates = 10\nmax_relationships = 5")
    many, other = (sandbox.contact(sandbox.company(name)) for name in ("acme", "other"))
    related(sandbox, many, 12)
    assert command("once", "poll", "sweep").code == 0
    planned = command("plan", "--json").document
    assert [(entry["contact"], entry["code"]) for entry in planned["parked"]] == [(many, "TOO_MANY_COMPANIES")]
    assert command("once").code == 4
    assert sandbox.lead_keys() == [f"{other}:mql:1"]
    [parked] = command("parked", "list", "--json").document
    assert (parked["contact"], parked["code"]) == (many, "TOO_MANY_COMPANIES")
    assert "12 relationships" in parked["detail"]
    product.configure(more="[guard]\nmax_creates = 12\nmax_relationships = 12")
    assert command("parked", "retry", "--code", "TOO_MANY_COMPANIES").code == 0
    assert command("once").code == 0
    assert f"{many}:mql:1" in sandbox.lead_keys()
    contacts = {row["HubSpotID_KUT"]: row["ContactID"] for row in sandbox.rows("Contact")}
    rows = [row for row in sandbox.rows(Entity.RELATION) if row["ContactID"] == contacts[many]]
    assert len(rows) == 13, "that of the lead's account, and the twelve"


@pytest.fixture
def six(tight: Product, sandbox: Sandbox, command: Command) -> list[str]:
    """Six contacts handed over, three in each cycle."""
    ids = []
    for n in range(2):
        company = sandbox.company(f"acme-{n}")
        ids += [sandbox.contact(company) for _ in range(3)]
        assert command("once").code == 0
    sandbox.call("DELETE", "/requests")
    return ids


def change(sandbox: Sandbox, ids: list[str], **properties: str) -> None:
    for contact in ids:
        sandbox.call("PATCH", f"/hubspot/contacts/{contact}", {"properties": properties})


def test_many_withdrawals_stop(six: list[str], sandbox: Sandbox, command: Command) -> None:
    """Such as a legal basis that somebody emptied everywhere by mistake."""
    change(sandbox, six, hs_legal_basis="")
    stopped = command("once")
    assert stopped.code == 5
    assert "6 contacts that were handed over would no longer qualify" in stopped.err
    assert command("status", "--json").document["pending"] == 6, "not even the decision is taken"
    command("approve", command("approve", "--json").document["stopped"]["digest"])
    assert command("once").code == 0
    assert command("status", "--json").document["done"] == {"NO_LEGAL_BASIS": 6}


def test_many_changes_stop(six: list[str], sandbox: Sandbox, command: Command) -> None:
    change(sandbox, six, jobtitle="Wrong import")
    stopped = command("once")
    assert stopped.code == 5
    assert "6 known records would be changed" in stopped.err
    assert sandbox.written() == 0


def test_few_changes_pass(six: list[str], sandbox: Sandbox, command: Command) -> None:
    change(sandbox, six[:3], jobtitle="CEO")
    assert command("once").code == 0
    assert sandbox.written() == 3


# ---- too many gone at once


@pytest.fixture
def gone(product: Product, sandbox: Sandbox, command: Command) -> list[str]:
    """Twelve contacts handed over, of whom HubSpot then knows nothing."""
    company = sandbox.company("acme")
    ids = [sandbox.contact(company) for _ in range(12)]
    assert command("once").code == 0
    for contact in ids:
        sandbox.post(f"/hubspot/contacts/{contact}/erase")
    return ids


def erased(product: Product) -> list[str]:
    return sorted(contact for (contact,) in product.query("select id from contact where erased"))


def test_many_contacts_gone_are_believed_by_a_person_only(gone: list[str], command: Command, product: Product) -> None:
    for _ in range(3):
        stopped = command("once", "scores")
        assert stopped.code == 5
    assert erased(product) == []
    [doubted] = command("approve", "--json").document["disappearances"]
    assert doubted["contacts"] == sorted(gone)
    digest = doubted["digest"]
    assert f"approve {digest}" in stopped.err
    assert digest in command("status").out
    assert "guard" in command("status", "--json").document["alerts"]
    assert command("approve", digest).code == 0
    assert command("once", "scores").code == 0
    assert erased(product) == [], "as for a single one, the first sighting proves nothing"
    assert command("once", "scores").code == 0
    assert erased(product) == sorted(gone)
    assert command("status", "--json").document["alerts"] == {}


def test_confirmed_are_those_contacts_and_no_others(
    gone: list[str], command: Command, sandbox: Sandbox, product: Product
) -> None:
    assert command("once", "scores").code == 5
    assert command("approve", command("approve", "--json").document["disappearances"][0]["digest"]).code == 0
    company = sandbox.company("other")
    others = [sandbox.contact(company) for _ in range(12)]
    assert command("once", "poll").code == 0
    for contact in others:
        sandbox.post(f"/hubspot/contacts/{contact}/erase")
    for _ in range(2):
        assert command("once", "scores").code == 5
    assert erased(product) == []
    assert command("approve", "--json").document["disappearances"][0]["contacts"] == sorted(others)


def test_contacts_that_are_there_again_need_nobody(gone: list[str], command: Command, sandbox: Sandbox) -> None:
    """A token that saw less than before, and was mended."""
    assert command("once", "scores").code == 5
    sandbox.reset()
    company = sandbox.company("acme")
    for _ in gone:
        sandbox.contact(company)
    assert command("once", "scores").code == 0
    assert command("status", "--json").document["alerts"] == {}
    assert "GUARD" not in command("status").out
