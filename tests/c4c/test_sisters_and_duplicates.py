"""Several companies of HubSpot for one domain: sisters keep apart, duplicates share one account."""

from __future__ import annotations

import pytest
from c4c_world import World

from sync.state import tables

NORTH = {"domain": "muster.example", "country": "Germany", "zip": "20095"}
SOUTH = {"domain": "muster.example", "country": "Germany", "zip": "80331"}


def account(world: World, name: str, postal: str = "", **fields: str) -> str:
    body = {"Name": name, "RoleCode": "CRM000", "WebSite": "www.muster.example", "CountryCode": "DE", **fields}
    row = world.control.sales_create("CorporateAccount", **body, **({"StreetPostalCode": postal} if postal else {}))
    return str(row["ObjectID"])


def company_of(world: World, object_id: str) -> str:
    return str(world.control.row("CorporateAccount", ObjectID=object_id).get("HubSpotID_KUT") or "")


@pytest.mark.parametrize("first", ["north", "south"])
def test_each_sister_gets_the_account_that_fits_it_best_whatever_the_ids(world: World, first: str) -> None:
    control = world.control
    made = {}
    for which in sorted(("north", "south"), key=lambda one: one != first):
        made[which] = control.company(f"Muster {which}", **(NORTH if which == "north" else SOUTH))
    north = account(world, "Muster north", "20095")
    south = account(world, "Muster south", "80331")
    for which, company in made.items():
        control.contact(company, lastname=which)
    world.sync()
    assert (company_of(world, north), company_of(world, south)) == (made["north"], made["south"])
    assert len(control.rows("CorporateAccount")) == 2


@pytest.mark.parametrize("owner_has_contacts", [True, False])
def test_a_sister_does_not_take_the_account_of_another(world: World, owner_has_contacts: bool) -> None:
    """The account agrees with the other sister in name and place, even if that one has no contact yet."""
    control = world.control
    south = control.company("Muster south", **SOUTH)
    north = control.company("Muster north", **NORTH)
    taken = account(world, "Muster north", "20095")
    control.contact(south)
    if owner_has_contacts:
        control.contact(north, lastname="Herbst")
    world.sync()
    assert company_of(world, taken) == (north if owner_has_contacts else "")
    assert control.row("CorporateAccount", HubSpotID_KUT=south)["Name"] == "Muster south"


def test_two_sisters_that_claim_one_account_equally_wait_together(world: World) -> None:
    control = world.control
    contacts = [control.contact(control.company(name, **NORTH), lastname=name) for name in ("Muster A", "Muster B")]
    account(world, "Muster Group")
    world.sync()
    for contact in contacts:
        progress = world.progress(contact)
        assert (progress.status, progress.code) == ("parked", "ACCOUNT_AMBIGUOUS")
        assert "fit" in (progress.detail or "")
    assert control.rows("Lead") == []


def test_sisters_go_on_when_one_of_them_is_corrected(world: World) -> None:
    """Nothing of the other one changes, and yet the account is its own now."""
    control = world.control
    one, other = (control.company(name, **NORTH) for name in ("Muster A", "Muster B"))
    for company in (one, other):
        control.contact(company, lastname=f"of {company}")
    group = account(world, "Muster Group", "20095")
    world.sync()
    assert control.rows("Lead") == []
    control.call("PATCH", f"/hubspot/companies/{other}", {"properties": {"zip": "80331"}})
    world.sync()
    assert company_of(world, group) == one
    assert control.row("CorporateAccount", HubSpotID_KUT=other)["Name"] == "Muster B"


def test_sisters_wait_for_no_account_that_fits_a_third_one_better(world: World) -> None:
    control = world.control
    south, west, north = (control.company(f"Muster {name}", domain="muster.example") for name in ("S", "W", "N"))
    for company in (south, west):
        control.contact(company, lastname=f"of {company}")
    of_north = account(world, "Muster N")
    world.sync()
    assert company_of(world, of_north) == ""
    assert {row["HubSpotID_KUT"] for row in control.rows("CorporateAccount")} == {"", south, west}
    control.contact(north, lastname="of north")
    world.sync()
    assert company_of(world, of_north) == north


def test_the_remedy_for_two_sisters_lets_both_go_on(world: World) -> None:
    control = world.control
    one, other = (control.company(name, **NORTH) for name in ("Muster A", "Muster B"))
    for company in (one, other):
        control.contact(company, lastname=f"of {company}")
    group = account(world, "Muster Group")
    world.sync()
    assert world.cli("links", "set", "CorporateAccount", one, group).code == 0
    world.sync()
    assert company_of(world, group) == one
    assert len(control.rows("Lead")) == 2
    assert control.row("CorporateAccount", HubSpotID_KUT=other)["Name"] == "Muster B"


def test_a_later_key_narrows_what_an_earlier_one_found(world: World) -> None:
    control = world.control
    company = control.company("Muster GmbH", **NORTH)
    control.contact(company)
    right = account(world, "Muster G.m.b.H.", "D-20095")
    account(world, "Muster Holding", "10115")
    world.sync()
    assert company_of(world, right) == company


# ---- duplicates inside HubSpot


def shared(world: World) -> dict[str, str]:
    links = world.table(tables.Link)
    return {link.key: link.object_id for link in links if link.entity == "CorporateAccount" and link.origin == "shared"}


def twice(world: World) -> tuple[list[str], list[str]]:
    """Two companies that agree in domain and name, each with a contact that qualifies."""
    companies = [world.control.company(name, domain="muster.example") for name in ("Muster GmbH", "MUSTER G.m.b.H.")]
    return companies, [world.control.contact(c, lastname=f"of {c}") for c in companies]


def test_duplicates_share_one_account_under_the_lowest_id(world: World) -> None:
    companies, contacts = twice(world)
    world.sync()
    row = world.control.row("CorporateAccount")
    assert row["HubSpotID_KUT"] == companies[0]
    assert shared(world) == {companies[1]: row["ObjectID"]}
    assert {lead["AccountPartyUUID"] for lead in world.control.rows("Lead")} == {row["UUID"]}
    assert len(world.control.rows("Lead")) == len(contacts)
    assert any(w["code"] == "COMPANY_DUPLICATE" for w in world.warnings(contacts[1]))
    assert "everything fits" in world.cli("verify").out
    world.control.reset_counts()
    world.wake_all()
    world.sync()
    assert world.control.counts().get("writes", 0) == 0
    assert len(world.control.rows("CorporateAccount")) == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)], ids=["in order", "the last first"])
def test_being_the_same_is_passed_on(world: World, order: tuple[int, ...]) -> None:
    """The first is the second by domain and name, the second the third by name and place: all three are one."""
    control = world.control
    place = {"country": "Germany", "zip": "20095"}
    chain = [{"domain": "muster.example"}, {"domain": "muster.example", **place}, {"domain": "old.example", **place}]
    made = {n: control.company("Muster", **chain[n]) for n in order}
    for n in order[::2]:
        control.contact(made[n], lastname=f"of {n}")
    world.sync()
    assert len(control.rows("CorporateAccount")) == 1
    assert len(control.rows("Lead")) == 2


def test_a_company_that_shares_an_account_claims_no_other(world: World) -> None:
    control = world.control
    first, second = (control.company("Muster", domain="muster.example") for _ in range(2))
    for company in (first, second):
        control.contact(company, lastname=f"of {company}")
    world.sync()
    sister = control.company("Muster Bau", domain="muster.example")
    free = account(world, "Muster Gruppe")
    control.contact(sister, lastname="Neu")
    world.sync()
    assert company_of(world, free) == sister


def test_a_company_whose_duplicate_has_an_account_claims_no_other(world: World) -> None:
    """Nobody works there, so it shares nothing yet; it would share its duplicate's account, not take a further one."""
    control = world.control
    place = {"country": "Germany", "zip": "20095"}
    holder = control.company("Muster", **place)
    control.company("Muster", domain="muster.example", **place)
    control.contact(holder)
    world.sync()
    sister = control.company("Other", domain="muster.example")
    free = account(world, "Muster")
    control.contact(sister, lastname="Neu")
    world.sync()
    assert company_of(world, free) == sister


def test_what_a_duplicate_finds_is_not_taken_from_the_company_that_it_fits_better(world: World) -> None:
    """By its own properties the first finds nothing; the domain of its duplicate leads to a third company's account."""
    control = world.control
    place = {"country": "Germany", "zip": "20095"}
    first = control.company("Muster", domain="", **place)
    control.company("Muster", domain="muster.example", **place)
    control.company("Muster Bau", domain="muster.example", **place)
    taken = account(world, "Muster Bau", "20095")
    control.contact(first)
    world.sync()
    assert company_of(world, taken) == ""
    assert len(control.rows("CorporateAccount")) == 2


def test_the_second_of_two_duplicates_may_come_first(world: World) -> None:
    companies, contacts = twice(world)
    world.control.change(contacts[0], lead_score="10")
    world.sync()
    assert world.control.row("CorporateAccount")["HubSpotID_KUT"] == companies[0], "the lowest id"
    world.control.change(contacts[0], lead_score="90")
    world.sync()
    assert len(world.control.rows("CorporateAccount")) == 1
    assert len(world.control.rows("Lead")) == 2


def test_a_duplicate_that_has_its_account_already_keeps_it_for_all(world: World) -> None:
    control = world.control
    first = control.company("Later", domain="muster.example")
    second = control.company("Muster GmbH", domain="muster.example")
    control.contact(second)
    world.sync()
    control.call("PATCH", f"/hubspot/companies/{first}", {"properties": {"name": "Muster GmbH"}})
    control.contact(first, lastname="Herbst")
    world.sync()
    row = control.row("CorporateAccount")
    assert row["HubSpotID_KUT"] == second
    assert shared(world) == {first: row["ObjectID"]}


def test_a_shared_account_is_found_again_after_the_state_is_lost(world: World) -> None:
    companies, _ = twice(world)
    world.sync()
    for file in world.directory.glob("state.db*"):
        file.unlink()
    world.sync()
    row = world.control.row("CorporateAccount")
    assert shared(world) == {companies[1]: row["ObjectID"]}
    assert len(world.control.rows("Lead")) == 2


def test_what_is_known_of_a_duplicate_finds_the_account_too(world: World) -> None:
    control = world.control
    first = control.company("Muster GmbH", domain="muster.example")
    control.company("Muster GmbH", domain="muster.example", zip="24103", country="DE")
    found = account(world, "MUSTER G.m.b.H.", "24103", WebSite="")
    control.contact(first)
    world.sync()
    assert company_of(world, found) == first
    assert len(control.rows("CorporateAccount")) == 1


def test_a_duplicate_does_not_take_the_account_of_a_sister(world: World) -> None:
    """The sister has no contact yet, and the lowest id of the duplicates neither."""
    control = world.control
    first = control.company("Muster GmbH", domain="muster.example")
    second = control.company("MUSTER G.m.b.H.", domain="muster.example")
    control.company("Muster South", domain="muster.example")
    south = account(world, "Muster South")
    control.contact(second)
    world.sync()
    assert company_of(world, south) == ""
    assert control.row("CorporateAccount", HubSpotID_KUT=first)["Name"] == "Muster GmbH"


def test_duplicates_wait_where_the_rules_say_so(world: World) -> None:
    world.add_rules("mapping", '\n[duplicates]\ncompany = "park"\n')
    companies, contacts = twice(world)
    world.sync()
    assert [world.progress(contact).code for contact in contacts] == ["COMPANY_DUPLICATE"] * 2
    assert world.control.rows("CorporateAccount") == []
    merged = world.control.call("POST", "/hubspot/companies/merge", {"primary": companies[0], "other": companies[1]})
    world.sync()
    assert world.control.row("CorporateAccount")["HubSpotID_KUT"] == merged["id"]
    assert len(world.control.rows("Lead")) == 2


def test_who_waits_goes_on_when_the_other_company_gets_its_own_name(world: World) -> None:
    world.add_rules("mapping", '\n[duplicates]\ncompany = "park"\n')
    companies, contacts = twice(world)
    world.sync()
    assert world.progress(contacts[0]).code == "COMPANY_DUPLICATE"
    world.control.call("PATCH", f"/hubspot/companies/{companies[1]}", {"properties": {"name": "Muster Süd GmbH"}})
    world.sync()
    assert sorted(row["HubSpotID_KUT"] for row in world.control.rows("CorporateAccount")) == sorted(companies)


def test_duplicates_get_an_account_each_where_the_rules_say_so(world: World) -> None:
    world.add_rules("mapping", '\n[duplicates]\ncompany = "create"\n')
    companies, _ = twice(world)
    found = account(world, "Muster GmbH")
    world.sync()
    assert company_of(world, found) == companies[0]
    assert sorted(row["HubSpotID_KUT"] for row in world.control.rows("CorporateAccount")) == sorted(companies)


def test_sisters_with_one_domain_are_no_duplicates(world: World) -> None:
    control = world.control
    for name, place in (("Muster A", NORTH), ("Muster B", SOUTH)):
        control.contact(control.company(name, **place), lastname=name)
    world.sync()
    assert sorted(row["Name"] for row in control.rows("CorporateAccount")) == ["Muster A", "Muster B"]
    assert shared(world) == {}


# ---- a person twice


def test_a_person_whom_hubspot_holds_twice_waits_before_anything_is_created(world: World) -> None:
    control = world.control
    company = control.company("Bakery North")
    one = control.contact(company, email="Ada@Mail.example")
    other = control.contact(company, lastname="Sommer-Winter", email="ada@mail.example")
    world.sync()
    assert [world.progress(i).code for i in (one, other)] == ["CONTACT_DUPLICATE"] * 2
    assert control.rows("CorporateAccount") == []
    survivor = control.call("POST", "/hubspot/contacts/merge", {"primary": one, "other": other})["id"]
    world.sync()
    assert control.row("Contact")["HubSpotID_KUT"] == survivor
    assert len(control.rows("Lead")) == 1


@pytest.mark.parametrize("written", ["mailto:ada@mail.example", "<Ada@Mail.example>", "n/a; ada@mail.example"])
def test_a_person_twice_is_seen_in_every_spelling_of_the_address(world: World, written: str) -> None:
    company = world.control.company("Bakery North")
    twice = [world.control.contact(company, lastname=text, email=text) for text in ("ada@mail.example", written)]
    world.sync()
    assert [world.progress(i).code for i in twice] == ["CONTACT_DUPLICATE"] * 2


def test_two_persons_without_an_address_are_two(world: World) -> None:
    company = world.control.company("Bakery North")
    for name in ("Sommer", "Winter"):
        world.control.contact(company, lastname=name, email="n/a")
    world.sync()
    assert sorted(row["LastName"] for row in world.control.rows("Contact")) == ["Sommer", "Winter"]


def test_a_person_twice_is_seen_at_two_companies_that_are_one(world: World) -> None:
    companies = [world.control.company(name, domain="muster.example") for name in ("Muster GmbH", "MUSTER G.m.b.H.")]
    twice = [world.control.contact(company, email="ada@mail.example") for company in companies]
    world.sync()
    assert [world.progress(i).code for i in twice] == ["CONTACT_DUPLICATE"] * 2


def test_somebody_handed_over_goes_on_when_a_double_appears(world: World) -> None:
    control = world.control
    company = control.company("Bakery North")
    one = control.contact(company, email="ada@mail.example")
    world.sync()
    double = control.contact(company, email="ADA@mail.example")
    control.change(one, jobtitle="Miller")
    world.sync()
    assert world.progress(double).code == "CONTACT_DUPLICATE"
    assert control.row("Contact")["JobTitle"] == "Miller"


def test_a_double_that_does_not_qualify_holds_nobody_up(world: World) -> None:
    control = world.control
    company = control.company("Bakery North")
    one = control.contact(company, email="ada@mail.example")
    control.contact(company, email="ADA@mail.example", hs_legal_basis="")
    world.sync()
    assert world.progress(one).code == "QUALIFIED"


def test_two_persons_with_one_address_where_the_rules_say_so(world: World) -> None:
    world.add_rules("mapping", '\n[duplicates]\ncontact = "create"\n')
    control = world.control
    company = control.company("Bakery North")
    for name in ("Sommer", "Winter"):
        control.contact(company, lastname=name, email="office@mail.example")
    world.sync()
    assert sorted(row["LastName"] for row in control.rows("Contact")) == ["Sommer", "Winter"]


def test_a_person_goes_on_when_its_double_gets_another_address(world: World) -> None:
    control = world.control
    company = control.company("Bakery North")
    one, other = (control.contact(company, lastname=text, email=text) for text in ("a@mail.example", "A@mail.example"))
    world.sync()
    assert [world.progress(i).code for i in (one, other)] == ["CONTACT_DUPLICATE"] * 2
    control.change(other, email="b@mail.example")
    world.sync()
    assert sorted(row["Email"].lower() for row in control.rows("Contact")) == ["a@mail.example", "b@mail.example"]
