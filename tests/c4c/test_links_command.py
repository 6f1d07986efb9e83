"""`links`: pairs that a person names are checked against C4C before they are believed."""

from __future__ import annotations

import csv
import io

from c4c_world import World

from sync.state import tables


def test_imported_pairs_are_adopted_instead_of_created_twice(world: World) -> None:
    control = world.control
    company = control.company("Bakery North")
    contact = control.contact(company)
    account = control.sales_create("CorporateAccount", Name="Spelled quite otherwise", RoleCode="CRM000")
    person = control.sales_create("Contact", LastName="Sommer", AccountID=account["AccountID"])
    lead = control.sales_create("Lead", Name="Met at the fair", AccountPartyID=account["AccountID"])
    file = world.directory / "pairs.csv"
    file.write_text(
        "entity,key,object_id\n"
        f"CorporateAccount,{company},{account['AccountID']}\n"
        f"contact,{contact},{person['ObjectID'].lower()}\n"
        f"Lead,{contact},{lead['ID']}\n",
        encoding="utf-8-sig",
    )
    world.cli("migrate")
    answer = world.cli("links", "import", str(file))
    assert answer.code == 0, answer.err
    world.sync()
    assert control.row("CorporateAccount")["HubSpotID_KUT"] == company
    assert control.row("Contact")["HubSpotID_KUT"] == contact
    assert control.row("Lead")["HubSpotID_KUT"] == f"{contact}:mql:1"


def test_what_c4c_does_not_confirm_is_refused_by_line_and_the_rest_is_kept(world: World) -> None:
    control = world.control
    good, taken, old, both = (
        control.sales_create("CorporateAccount", Name=name, RoleCode="CRM000", **fields)
        for name, fields in (
            ("A", {}),
            ("B", {"HubSpotID_KUT": "777"}),
            ("C", {"LifeCycleStatusCode": "4"}),
            ("D", {}),
        )
    )
    file = world.directory / "pairs.csv"
    lines = [
        ("CorporateAccount", "1", good["AccountID"]),
        ("CorporateAccount", "2", taken["AccountID"]),
        ("CorporateAccount", "3", old["ObjectID"]),
        ("CorporateAccount", "4", "99999999"),
        ("CorporateAccount", "5", both["ObjectID"]),
        ("CorporateAccount", "6", both["AccountID"]),
    ]
    file.write_text("object_id,entity,hubspot_id\n" + "".join(f"{i},{e},{k}\n" for e, k, i in lines))
    answer = world.cli("links", "import", str(file))
    assert answer.code == 2
    refused = answer.err.splitlines()
    for line, why in ((3, "carries the key 777"), (4, "is obsolete"), (5, "has no CorporateAccount 99999999")):
        assert any(f"line {line}:" in text and why in text for text in refused), refused
    assert sum("claimed by 5 and 6" in text for text in refused) == 2, "one record is never two companies"
    exported = list(csv.DictReader(io.StringIO(world.cli("links", "export").out)))
    assert exported == [{"entity": "CorporateAccount", "key": "1", "object_id": good["ObjectID"]}]


def test_lines_that_cannot_be_pairs_are_all_named_and_nothing_is_read(world: World) -> None:
    file = world.directory / "pairs.csv"
    file.write_text(
        "entity,key,object_id\nProduct,1,2\nContact,abc,3\nLead,12:other:1,4\nContact,5,\nContact,6\nContact\n"
    )
    world.control.reset_counts()
    answer = world.cli("links", "import", str(file))
    assert answer.code == 2
    assert [line.split(":")[0] for line in answer.err.splitlines()] == [f"line {n}" for n in range(2, 8)]
    assert world.control.counts()["total"] == 0
    file.write_text("a,b\n1,2\n")
    assert "entity,key,object_id" in world.cli("links", "import", str(file)).err


def test_export_can_be_imported_into_an_empty_state(world: World) -> None:
    world.control.contact(world.control.company(), hs_email_optout="true")
    world.sync()
    exported = world.cli("links", "export").out
    assert exported.splitlines()[0] == "entity,key,object_id"
    assert len(exported.splitlines()) == 4
    assert "ChannelPermission" in world.cli("links", "list").out
    file = world.directory / "pairs.csv"
    file.write_text(exported)
    (world.directory / "state.db").unlink()
    assert world.cli("links", "import", str(file)).code == 0
    assert world.cli("links", "export").out == exported


def test_importing_exported_pairs_again_changes_nothing(world: World) -> None:
    """Also of a lead that sales has closed: what was read of it stays known, so that no second one is created."""
    company = world.control.company()
    contact, declined = (world.control.contact(company, lastname=name) for name in ("Sommer", "Winter"))
    world.sync()
    closed = world.control.row("Lead", HubSpotID_KUT=f"{declined}:mql:1")
    world.control.sales_edit("Lead", closed["ObjectID"], LifeCycleStatusCode="4")
    world.wake_all()
    world.sync()
    file = world.directory / "pairs.csv"
    file.write_text(world.cli("links", "export").out)
    known = {(row.entity, row.key): row.model_dump() for row in world.table(tables.Link)}
    held = world.control.tables("CorporateAccount", "Contact", "Lead")
    answer = world.cli("links", "import", str(file))
    assert answer.code == 0, answer.err
    assert {(row.entity, row.key): row.model_dump() for row in world.table(tables.Link)} == known
    world.sync()
    assert {(row.entity, row.key): row.model_dump() for row in world.table(tables.Link)} == known
    assert world.control.tables("CorporateAccount", "Contact", "Lead") == held
    assert {world.progress(one).code for one in (contact, declined)} == {"QUALIFIED", "LEAD_CLOSED"}


def test_a_forgotten_pair_is_found_again_by_its_key(world: World) -> None:
    company = world.control.company()
    contact = world.control.contact(company)
    world.sync()
    assert world.cli("links", "forget", "account", company).code == 0
    assert world.cli("links", "forget", "account", company).code == 2
    world.control.change(contact, jobtitle="Baker")
    world.sync()
    assert len(world.control.rows("CorporateAccount")) == 1
    assert f"CorporateAccount,{company}," in world.cli("links", "export").out
