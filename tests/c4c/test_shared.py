"""Two HubSpot ids for one record of C4C: after sales merged two of ours, and where a person says so."""

from __future__ import annotations

import json

import pytest
from c4c_world import World

from sync.state import tables

pytestmark = pytest.mark.long


def merge(world: World, entity: str, loser: str, survivor: str) -> str:
    """Sales merges two records, by key; the ObjectID of the one that lives on."""
    control = world.control
    ids = [control.row(entity, HubSpotID_KUT=key)["ObjectID"] for key in (loser, survivor)]
    control.call("POST", "/c4c/merge", {"entity": entity, "from": ids[0], "into": ids[1]})
    return str(ids[1])


def shared(world: World) -> dict[tuple[str, str], str]:
    return {(x.entity, x.key): x.object_id for x in world.table(tables.Link) if x.origin == "shared"}


def two_sisters(world: World) -> tuple[list[str], list[str]]:
    companies = [world.control.company(name, domain="muster.example") for name in ("Muster A", "Muster B")]
    contacts = [world.control.contact(c, lastname=f"Of{n}") for n, c in enumerate(companies)]
    world.sync()
    return companies, contacts


def test_after_sales_merged_two_accounts_the_contacts_of_both_go_on(world: World) -> None:
    companies, contacts = two_sisters(world)
    control = world.control
    survivor = merge(world, "CorporateAccount", companies[1], companies[0])
    for contact in contacts:
        control.change(contact, jobtitle="Miller")
    world.sync()
    assert [world.progress(contact).code for contact in contacts] == ["QUALIFIED"] * 2
    assert shared(world) == {("CorporateAccount", companies[1]): survivor}
    account = control.row("CorporateAccount", ObjectID=survivor)
    assert account["HubSpotID_KUT"] == companies[0]
    assert {lead["AccountPartyUUID"] for lead in control.rows("Lead")} == {account["UUID"]}
    control.call("PATCH", f"/hubspot/companies/{companies[1]}", {"properties": {"phone": "+49 40 1234567"}})
    world.sync()
    assert not control.row("CorporateAccount", ObjectID=survivor).get("Phone"), "its own company describes it"
    verified = world.cli("verify", "--json")
    assert [entry["key"] for entry in json.loads(verified.out)["shared"]] == [companies[1]]
    assert verified.code == 0, verified.out


def test_after_sales_merged_two_persons_both_contacts_go_on(world: World) -> None:
    world.add_rules("mapping", '\n[duplicates]\ncontact = "create"\n')
    control = world.control
    company = control.company("Bakery North")
    contacts = [control.contact(company, lastname=name, email="office@mail.example") for name in ("Sommer", "Winter")]
    world.sync()
    survivor = merge(world, "Contact", contacts[1], contacts[0])
    for contact in contacts:
        control.change(contact, lead_score="90")
    world.sync()
    assert [world.progress(contact).code for contact in contacts] == ["QUALIFIED"] * 2
    person = control.row("Contact", ObjectID=survivor)
    assert person["LastName"] == "Sommer", "its own contact describes it"
    assert {lead["ContactUUID"] for lead in control.rows("Lead")} == {person["ContactUUID"]}
    control.change(contacts[1], hs_email_optout="true")
    world.sync()
    assert [row["Consent"] for row in control.rows("ChannelPermission")] == ["2"], "the refusal reaches the person"


@pytest.mark.parametrize("state_lost", [False, True])
def test_when_marketing_merges_them_too_the_survivor_takes_the_record_over(world: World, state_lost: bool) -> None:
    """Whatever id HubSpot keeps: the record carries the key of an id that was merged away."""
    companies, contacts = two_sisters(world)
    control = world.control
    survivor = merge(world, "CorporateAccount", companies[1], companies[0])
    merged = control.call("POST", "/hubspot/companies/merge", {"primary": companies[1], "other": companies[0]})["id"]
    if state_lost:
        (world.directory / "state.db").unlink()
    world.sync()
    assert control.row("CorporateAccount", ObjectID=survivor)["HubSpotID_KUT"] == merged
    assert [world.progress(contact).code for contact in contacts] == ["QUALIFIED"] * 2
    assert len(control.rows("CorporateAccount")) == 2
    assert len(control.rows("Lead")) == 2


@pytest.mark.parametrize("primary", [0, 1])
@pytest.mark.parametrize("by", ["sales", "the rules"])
def test_when_marketing_merges_companies_that_share_an_account_it_is_kept_up_to_date(
    world: World, by: str, primary: int
) -> None:
    """The remedy of COMPANY_DUPLICATE: afterwards the survivor owns the account, and its changes arrive."""
    control = world.control
    if by == "sales":
        companies, contacts = two_sisters(world)
        survivor = merge(world, "CorporateAccount", companies[1], companies[0])
    else:
        companies = [control.company("Bakery North", domain="muster.example") for _ in range(2)]
        contacts = [control.contact(company, lastname=f"Of{n}") for n, company in enumerate(companies)]
        world.sync()
        survivor = str(control.row("CorporateAccount")["ObjectID"])
    for contact in contacts:
        control.change(contact, jobtitle="Miller")
    world.sync()
    assert shared(world) == {("CorporateAccount", companies[1]): survivor}
    pair = {"primary": companies[primary], "other": companies[1 - primary]}
    merged = control.call("POST", "/hubspot/companies/merge", pair)["id"]
    world.sync()
    control.call("PATCH", f"/hubspot/companies/{merged}", {"properties": {"phone": "+49 40 1234567"}})
    world.sync()
    account = control.row("CorporateAccount", ObjectID=survivor)
    assert (account["HubSpotID_KUT"], account["Phone"]) == (merged, "+49 40 1234567")
    assert not shared(world)


def test_a_person_can_say_that_two_ids_stand_for_one_record(world: World) -> None:
    """The remedy that a refusal prints is the one that works."""
    control = world.control
    one, other = control.company("Bakery North"), control.company("Quite Another Name")
    control.contact(one)
    contact = control.contact(other, lastname="Herbst")
    world.sync()
    closed = control.row("CorporateAccount", HubSpotID_KUT=other)["ObjectID"]
    control.sales_edit("CorporateAccount", closed, LifeCycleStatusCode="4")
    control.change(contact, jobtitle="Miller")
    world.sync()
    assert world.progress(contact).code == "ACCOUNT_AMBIGUOUS"
    kept = control.row("CorporateAccount", HubSpotID_KUT=one)["ObjectID"]
    refused = world.cli("links", "set", "account", other, kept)
    assert refused.code == 2
    remedy = refused.err.split("run `hubspot-c4c-sync ")[1].split("`")[0]
    assert world.cli(*remedy.split()).code == 0
    world.sync()
    assert world.progress(contact).code == "QUALIFIED"
    assert shared(world) == {("CorporateAccount", other): kept}
    file = world.directory / "pairs.csv"
    file.write_text(world.cli("links", "export").out)
    assert world.cli("links", "import", str(file)).code == 0
    assert shared(world) == {("CorporateAccount", other): kept}


def test_what_a_merge_in_hubspot_leaves_over_is_listed(world: World) -> None:
    companies, _ = two_sisters(world)
    merged = world.control.call("POST", "/hubspot/companies/merge", {"primary": companies[0], "other": companies[1]})
    world.sync()
    listed = json.loads(world.cli("verify", "--json").out)["left_over"]
    assert [(entry["entity"], merged["id"] in entry["text"]) for entry in listed] == [("CorporateAccount", True)]
    assert listed[0]["number"]


def test_an_account_with_a_key_that_no_company_of_ours_has_is_a_stranger_s(world: World) -> None:
    """Somebody closed our account; another one of the same domain carries a key that HubSpot does not know."""
    control = world.control
    company = control.company("Muster A", domain="muster.example")
    contact = control.contact(company)
    world.sync()
    old = control.row("CorporateAccount")["ObjectID"]
    control.sales_create(
        "CorporateAccount", Name="Muster South", RoleCode="CRM000", WebSite="www.muster.example", HubSpotID_KUT="4711"
    )
    control.sales_edit("CorporateAccount", old, LifeCycleStatusCode="4")
    control.change(contact, jobtitle="Miller")
    world.sync()
    assert (world.progress(contact).status, world.progress(contact).code) == ("parked", "ACCOUNT_AMBIGUOUS")
    assert shared(world) == {}
