"""Somebody is found by whatever a person has at hand: an id, a number, an address, a domain, a part of a name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from people_world import RULES, asking, crowd
from rules_world import World

from sync.admin import lists
from sync.mirror import mirrored, name_index
from sync.state.documents import NAME_INDEX


@pytest.fixture(scope="module")
def world() -> World:
    made = crowd()
    made.contacts(RULES, {"109": {"lastname": "Ströme und Wasser"}})
    made.push(RULES)
    return made


def found(world: World, text: str) -> list[str]:
    with asking(world) as asked:
        return [person.contact for person in lists.find(asked, text)]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("101", ["101"]),
        ("anna", ["101", "103"]),
        ("ANNABEL", ["103"]),
        ("schä", ["101"]),
        ("schae", ["101"]),
        ("scha", ["101"]),
        ("anna.schaefer@mueller.example", ["101"]),
        ("ANNA.SCHAEFER@mueller.example", ["101"]),
        ("mueller.example", ["101", "103", "107"]),
        ("https://www.mueller.example/kontakt", ["101", "103", "107"]),
        ("müller", ["101", "103", "107"]),
        ("muller söh", ["101", "103", "107"]),
        ("anna müller", ["101", "103"]),
        ("acme bob", ["102"]),
        ("70", ["101", "103", "107"]),
        ("nnabel", []),
        ("anna acme", []),
        ("ströme und wasser", ["109"]),
        ("stroeme wasser", ["109"]),
        ("strome", ["109"]),
        ("%", []),
        ("_", []),
        ("", []),
        ("' OR 1=1 --", []),
        ("x" * 70_000, []),
    ],
)
def test_the_text_leads_to_these_contacts(world: World, text: str, ids: list[str]) -> None:
    assert found(world, text) == ids


def test_numbers_and_object_ids_of_sap_sales_cloud_lead_to_the_contact(world: World) -> None:
    with asking(world) as asked:
        [anna] = lists.find(asked, "101")
    [lead] = anna.leads
    account = anna.companies[0]
    assert lead.number
    assert account.number
    assert found(world, lead.number) == ["101"]
    assert found(world, lead.object_id) == found(world, lead.object_id.lower()) == ["101"]
    assert found(world, account.number) == ["101", "103", "107"]


def test_without_names_only_ids_and_numbers_are_looked_up(world: World) -> None:
    with asking(world, names=False) as asked:
        assert [p.contact for p in lists.find(asked, "101", by_name=False)] == ["101"]
        assert not list(lists.find(asked, "anna", by_name=False))


def test_a_match_holds_all_that_a_person_wants_to_know(world: World) -> None:
    with asking(world) as asked:
        [anna] = lists.find(asked, "schäfer")
    [lead] = anna.leads
    assert (anna.name, anna.code, anna.score, anna.owner) == ("Anna Schäfer", "QUALIFIED", 80, "Olga@sales.example")
    assert [(c.id, c.name) for c in anna.companies] == [("70", "Müller & Söhne GmbH")]
    assert anna.hubspot_url == "https://app-eu1.hubspot.com/contacts/145/record/0-1/101"
    assert anna.c4c_url
    assert "param.Type=COD_CONTACT_TT" in anna.c4c_url
    assert anna.c4c_url.startswith("https://my000001.crm.ondemand.com/sap/public/byd/runtime?")
    assert lead.owner == "Olga@sales.example", "the employee to whom the lead was given"
    assert lead.account
    assert lead.account.name == "Müller & Söhne GmbH"
    assert (lead.status, lead.latency_seconds, lead.c4c_url) == ("open", 0, None), (
        "leads open only by a type that is set"
    )


def test_the_index_follows_the_mirror_in_the_same_commit() -> None:
    world = crowd()
    fetched = mirrored.Fetched("103", {"firstname": "Zoë", "lastname": "Lee"}, world.now + timedelta(hours=1))
    with world.store.session() as session:
        mirrored.save_contacts(session, [fetched], RULES.qualification.scores, world.now)
        session.rollback()
    assert (found(world, "zoe"), found(world, "annabel")) == ([], ["103"]), "rolled back together"
    with world.store.session() as session:
        mirrored.save_contacts(session, [fetched], RULES.qualification.scores, world.now)
    assert (found(world, "zoe"), found(world, "annabel")) == (["103"], [])


def test_a_person_can_be_taken_out_of_the_index() -> None:
    world = crowd()
    with world.store.session() as session:
        name_index.drop_names(session, "contacts", ["102"])
    assert found(world, "marley") == found(world, "bob@acme.example") == []
    assert "102" in found(world, "acme.example"), "the company is another object"


def test_a_mirror_of_an_earlier_version_is_indexed_once() -> None:
    world = crowd()
    with world.store.session() as session:
        for kind in ("contacts", "companies"):
            name_index.drop_names(session, kind, ["70", "71", *map(str, range(101, 108))])
        NAME_INDEX.write(session, "")
    assert found(world, "marley") == []
    name_index.keep_current(world.store)
    assert found(world, "marley") == ["102"]
    with world.store.session() as session:
        name_index.drop_names(session, "contacts", ["102"])
    name_index.keep_current(world.store)
    assert found(world, "marley") == [], "what is indexed is not indexed again"
