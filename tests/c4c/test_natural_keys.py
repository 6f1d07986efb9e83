"""What sales had before is recognised, not created again — and strangers are not taken for it."""

from __future__ import annotations

import json

import pytest
from c4c_world import World

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    "site", ["http://WWW.bakery.example/contact?x=1", "Bakery.Example", "https://bakery.example", "BAKERY.EXAMPLE"]
)
def test_an_account_is_recognised_by_its_web_domain_however_it_is_spelled(world: World, site: str) -> None:
    company = world.control.company("Bakery North", domain="bakery.example")
    world.control.sales_create("CorporateAccount", Name="Other name", RoleCode="CRM000", WebSite=site)
    world.control.contact(company)
    world.sync()
    account = world.control.row("CorporateAccount")
    assert (account["HubSpotID_KUT"], account["RoleCode"], account["WebSite"]) == (company, "CRM000", site)


def test_an_account_is_recognised_by_name_country_and_postal_code(world: World) -> None:
    company = world.control.company("Bakery North", domain="", zip="24103", country="Deutschland")
    here, there = (
        world.control.sales_create(
            "CorporateAccount", Name="Bakery North", RoleCode="CRM000", CountryCode="DE", StreetPostalCode=code
        )
        for code in ("24103", "24104")
    )
    world.control.contact(company)
    world.sync()
    assert world.control.row("CorporateAccount", HubSpotID_KUT=company)["ObjectID"] == here["ObjectID"]
    assert world.control.row("CorporateAccount", ObjectID=there["ObjectID"])["HubSpotID_KUT"] == ""


def test_a_record_of_another_key_and_an_obsolete_one_are_no_candidates(world: World) -> None:
    company = world.control.company("Bakery North", domain="bakery.example")
    for fields in ({"HubSpotID_KUT": "999"}, {"LifeCycleStatusCode": "4"}):
        world.control.sales_create("CorporateAccount", Name="X", RoleCode="CRM000", WebSite="bakery.example", **fields)
    world.control.contact(company)
    world.sync()
    assert len(world.control.rows("CorporateAccount")) == 3
    assert world.control.row("CorporateAccount", HubSpotID_KUT=company)["RoleCode"] == "BUP002"


def test_a_contact_is_recognised_by_address_within_the_account_only(world: World) -> None:
    company = world.control.company("Bakery North", domain="bakery.example")
    account, elsewhere = (
        world.control.sales_create("CorporateAccount", Name="B", RoleCode="CRM000", WebSite=site)
        for site in ("bakery.example", "mill.example")
    )
    for of in (account, elsewhere):
        world.control.sales_create(
            "Contact", LastName="Old", Email="SOMMER@Mail.example", AccountID=of["AccountID"], JobTitle="Owner"
        )
    contact = world.control.contact(company)
    world.sync()
    adopted = world.control.row("Contact", HubSpotID_KUT=contact)
    assert (adopted["AccountID"], adopted["JobTitle"], adopted["LastName"]) == (account["AccountID"], "Owner", "Sommer")
    assert len(world.control.rows("Contact")) == 2


def test_two_people_of_one_address_are_named_and_nobody_is_chosen(world: World) -> None:
    company = world.control.company("Bakery North", domain="bakery.example")
    account = world.control.sales_create("CorporateAccount", Name="B", RoleCode="CRM000", WebSite="bakery.example")
    twins = [
        world.control.sales_create("Contact", LastName="S", Email="sommer@mail.example", AccountID=account["AccountID"])
        for _ in range(2)
    ]
    contact = world.control.contact(company)
    world.once()
    progress = world.progress(contact)
    assert (progress.status, progress.code) == ("parked", "CONTACT_AMBIGUOUS")
    assert all(twin["ObjectID"] in str(progress.detail) for twin in twins)
    assert f"links set Contact {contact}" in str(progress.detail)
    assert world.cli("links", "set", "Contact", contact, twins[0]["ContactID"]).code == 0
    world.sync()
    assert world.control.row("Contact", HubSpotID_KUT=contact)["ObjectID"] == twins[0]["ObjectID"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("gmail.com", "gmail.com"),
        ("facebook.com", "https://www.facebook.com/bicycles"),
        ("linkedin.com", "https://de.linkedin.com/company/bicycles"),
        ("de.linkedin.com", "https://de.linkedin.com/company/bicycles"),
        ("sites.google.com", "https://sites.google.com/view/bicycles"),
        ("ebay.de", "www.ebay.de/str/bicycles"),
    ],
)
def test_a_domain_that_thousands_share_takes_nobody_s_account(world: World, ours: str, theirs: str) -> None:
    painter = world.control.company("Painter Brush", domain=ours, website=f"https://{ours}/painter")
    dealer = world.control.sales_create("CorporateAccount", Name="Bicycles", RoleCode="CRM000", WebSite=theirs)
    contact = world.control.contact(painter)
    world.sync()
    assert world.control.row("CorporateAccount", ObjectID=dealer["ObjectID"])["HubSpotID_KUT"] == ""
    account = world.control.row("CorporateAccount", HubSpotID_KUT=painter)
    assert (account["Name"], account["RoleCode"]) == ("Painter Brush", "BUP002")
    assert world.control.row("Contact", HubSpotID_KUT=contact)["AccountID"] == account["AccountID"]
    assert world.control.row("Lead")["AccountPartyUUID"] == account["UUID"]
    said = json.loads(world.cli("explain", contact, "--json").out)["scores"][0]["reasons"]
    note = f"company {painter}: domain {ours} is shared by many; not used to find its account"
    assert note in [reason["text"] for reason in said]


def test_a_shared_domain_names_no_account(world: World) -> None:
    nameless = world.control.company("Gmail.com", domain="gmail.com")
    world.control.contact(nameless, company="Painter Brush")
    world.sync()
    assert world.control.rows("CorporateAccount") == []
    assert world.control.row("Lead")["Company"] == "Painter Brush"


def test_the_rules_add_domains_that_many_share(world: World) -> None:
    world.replace_rule("mapping", "natural_keys = [", 'shared_domains = ["franchise.example"]\nnatural_keys = [')
    branch = world.control.company("Kiel Branch", domain="kiel.franchise.example")
    sales = world.control.sales_create(
        "CorporateAccount", Name="Bremen Branch", RoleCode="CRM000", WebSite="kiel.franchise.example"
    )
    world.control.contact(branch)
    world.sync()
    assert world.control.row("CorporateAccount", ObjectID=sales["ObjectID"])["HubSpotID_KUT"] == ""
    assert world.control.row("CorporateAccount", HubSpotID_KUT=branch)["Name"] == "Kiel Branch"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param(("Bäckerei Nord GmbH", "24103"), ("BAECKEREI NORD G.m.b.H.", "24103"), id="umlaut and legal form"),
        pytest.param(("Bäckerei Nord GmbH", "D-24103"), ("Bäckerei Nord GmbH", "24103"), id="our country in front"),
        pytest.param(("Bäckerei Nord GmbH", "24103"), ("Bäckerei Nord GmbH", "D 24103"), id="their country in front"),
        pytest.param(("Ba\u0308ckerei\xa0Nord\u200b GmbH", "24103"), ("Bäckerei Nord GmbH", "24103"), id="unseen"),
        pytest.param(("Meyer & Co. KG", "1067"), ("Meyer und Co KG", "01067"), id="a zero that a sheet took away"),
    ],
)
def test_name_and_place_are_the_same_at_a_glance(world: World, ours: tuple[str, str], theirs: tuple[str, str]) -> None:
    company = world.control.company(ours[0], domain="", zip=ours[1], country="Deutschland (DE)")
    sales = world.control.sales_create(
        "CorporateAccount", Name=theirs[0], RoleCode="CRM000", CountryCode="DE", StreetPostalCode=theirs[1]
    )
    world.control.contact(company)
    world.sync()
    assert world.control.row("CorporateAccount")["ObjectID"] == sales["ObjectID"]
    assert world.control.row("CorporateAccount")["HubSpotID_KUT"] == company


def test_another_legal_form_is_another_company(world: World) -> None:
    company = world.control.company("Bakery North GmbH", domain="", zip="24103", country="DE")
    world.control.sales_create(
        "CorporateAccount", Name="Bakery North AG", RoleCode="CRM000", CountryCode="DE", StreetPostalCode="24103"
    )
    world.control.contact(company)
    world.sync()
    assert world.control.row("CorporateAccount", HubSpotID_KUT=company)["Name"] == "Bakery North GmbH"
    assert len(world.control.rows("CorporateAccount")) == 2


def test_the_portal_s_own_country_code_goes_before_the_name(world: World) -> None:
    company = world.control.company(
        "Bakery North", domain="", zip="24103", country="Schleswig-Holstein", hs_country_code="DE"
    )
    sales = world.control.sales_create(
        "CorporateAccount", Name="Bakery North", RoleCode="CRM000", CountryCode="DE", StreetPostalCode="24103"
    )
    other = world.control.company("Mill South", country="Schleswig-Holstein", hs_country_code="DE")
    world.control.contact(company)
    world.control.contact(other, lastname="Winter")
    world.sync()
    assert world.control.row("CorporateAccount", HubSpotID_KUT=company)["ObjectID"] == sales["ObjectID"]
    assert world.control.row("CorporateAccount", HubSpotID_KUT=other)["CountryCode"] == "DE"


def test_what_nobody_can_see_is_no_content_and_makes_no_difference(world: World) -> None:
    company = world.control.company("Bakery\u200b North\xad", zip="\u200b24103", city="\u2060")
    contact = world.control.contact(company, jobtitle="\ufeff", firstname="A\u200dda\x00", company="\u200b")
    world.sync()
    account, person = world.control.row("CorporateAccount"), world.control.row("Contact")
    assert (account["Name"], account["StreetPostalCode"], account["City"]) == ("Bakery North", "24103", "")
    assert (person["FirstName"], person["JobTitle"]) == ("Ada", "")
    before = world.progress(contact).change_seq
    world.control.change(contact, firstname="Ada\u200b", jobtitle="\u200e")
    world.control.reset_counts()
    world.sync()
    assert world.progress(contact).change_seq == before
    assert world.control.counts()["total"] == 0


def test_a_further_address_of_the_contact_counts(world: World) -> None:
    company = world.control.company("Bakery North", domain="bakery.example")
    account = world.control.sales_create("CorporateAccount", Name="B", RoleCode="CRM000", WebSite="bakery.example")
    old = world.control.sales_create(
        "Contact", LastName="Sommer", Email="Old@Mail.example", AccountID=account["AccountID"]
    )
    contact = world.control.contact(company, hs_additional_emails="other@mail.example;old@mail.example")
    world.sync()
    assert world.control.row("Contact")["ObjectID"] == old["ObjectID"]
    assert world.control.row("Contact")["HubSpotID_KUT"] == contact


def test_fragments_are_repaired_or_left_out_with_a_warning(world: World) -> None:
    company = world.control.company("Bakery North", website="info@bakery.example", phone="4.94012E+11")
    contact = world.control.contact(
        company, email="mailto:<Ada@Mail.example>; second@mail.example", phone="n/a", mobilephone="-"
    )
    world.sync()
    account, person = world.control.row("CorporateAccount"), world.control.row("Contact")
    assert (account["WebSite"], account["Phone"]) == ("bakery.example", "")
    assert (person["Email"], person["Phone"], person["Mobile"]) == ("ada@mail.example", "", "")
    said = {
        warning["text"].partition(":")[0] for warning in world.warnings(contact) if warning["code"] == "VALUE_INVALID"
    }
    assert {"CorporateAccount.WebSite", "CorporateAccount.Phone", "Contact.Phone", "Contact.Mobile"} <= said


def test_an_adoption_is_named_before_and_after_it_happens(world: World) -> None:
    control = world.control
    contact = control.contact(control.company("Bakery North", domain="bakery.example"))
    account = control.sales_create(
        "CorporateAccount", Name="Bakery", RoleCode="CRM000", WebSite="https://www.bakery.example"
    )
    person = control.sales_create(
        "Contact", LastName="Sommer", Email="SOMMER@mail.example", AccountID=account["AccountID"]
    )
    world.once("poll", "sweep", until_idle=False)
    planned = json.loads(world.cli("plan", "--json").out)["records"]
    adopted = {r["entity"]: (r["adopts"]["number"], r["adopts"]["by"]) for r in planned if "adopts" in r}
    assert adopted == {
        "CorporateAccount": (account["AccountID"], "web domain"),
        "Contact": (person["ContactID"], "e-mail address"),
    }
    assert f"adopts {account['AccountID']}, found by web domain" in world.cli("plan").out
    world.sync()
    world.wake_all()
    world.sync()
    links = json.loads(world.cli("explain", contact, "--json").out)["links"]
    found = {link["entity"]: link["adopted_by"] for link in links}
    assert (found["CorporateAccount"], found["Contact"], found["Lead"]) == ("web domain", "e-mail address", None)
    assert "found by web domain" in world.cli("explain", contact).out
