"""After the first run: scores, labels, companies, owners and people change, and sales has edited meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, TypeAlias

import pytest
from stage import KEY, Product, duplicates
from warm import Warm
from world.sandbox import Sandbox

pytestmark = pytest.mark.long

Row = dict[str, Any]

SALES = {"anke": "Anke Petersen", "mads": "Mads Kjær"}
CONSENT = "Freely given consent from contact"
LABELS = """
[[labels]]
label = "Decision maker"
fields = { FunctionCode = "0001", VIPReasonCode = "1" }
"""


Story: TypeAlias = Iterator[None]
"""Says `yield` where the program is to run."""


class Life:
    """HubSpot and C4C as people use them, with the program run in between."""

    def __init__(self, sandbox: Sandbox, product: Product) -> None:
        self.sandbox, self.product = sandbox, product
        self._number = count(1)
        self.owners = {name: self.colleague(name, full) for name, full in SALES.items()}
        sandbox.post("/hubspot/labels", {"label": "Decision maker"})

    def colleague(self, name: str, full: str) -> str:
        first, last = full.split()
        mail = f"{name}@vertrieb.example"
        employee = {"Email": mail, "FirstName": first, "LastName": last, "BusinessPartnerFormattedName": full}
        ids = {"EmployeeID": f"E{name}", "BusinessPartnerID": f"BP{name}", "UserID": name.upper()}
        validity = {
            "EmployeeValidityStartDate": "2015-01-01T00:00:00Z",
            "EmployeeValidityEndDate": "9999-12-31T00:00:00Z",
        }
        self.sandbox.post("/c4c/Employee", employee | ids | validity)
        return str(self.sandbox.post("/hubspot/owners", {"email": mail, "firstName": first, "lastName": last})["id"])

    # ---- HubSpot

    def company(self, name: str = "Werft", **properties: str) -> str:
        n = next(self._number)
        facts = {"name": f"{name} {n}", "domain": f"{name.lower()}-{n}.example", "phone": f"+49 30 23125 {n:03}"}
        place = {"city": "Kiel", "zip": "24103", "country": "Germany", "hubspot_owner_id": self.owners["anke"]}
        return str(self.sandbox.post("/hubspot/companies", {"properties": facts | place | properties})["id"])

    def person(self, company: str | None = None, *labels: str, **properties: str) -> str:
        n = next(self._number)
        facts = {"firstname": "Wiebke", "lastname": f"Lorenzen{n}", "email": f"w.lorenzen{n}@werft.example"}
        known = {"lead_score": "80", "hs_legal_basis": CONSENT, "hubspot_owner_id": self.owners["anke"]}
        contact = str(self.sandbox.post("/hubspot/contacts", {"properties": facts | known | properties})["id"])
        if company:
            self.relate(contact, company, "Primary", *labels)
        return contact

    def relate(self, contact: str, company: str, *labels: str) -> None:
        """Labels alone move no time stamp."""
        self.sandbox.put(
            "/hubspot/associations", {"contact_id": contact, "company_id": company, "labels": list(labels)}
        )

    def change(self, contact: str, *, touch: bool = True, **properties: str) -> None:
        self.sandbox.patch(f"/hubspot/contacts/{contact}", {"properties": properties, "touch": touch})

    def change_company(self, company: str, **properties: str) -> None:
        self.sandbox.patch(f"/hubspot/companies/{company}", {"properties": properties})

    # ---- the program

    def run(self) -> None:
        """A sync to idle, after which nothing may be there twice."""
        self.product.run_well()
        assert duplicates(self.sandbox.truth()["c4c"]) == []

    def code(self, contact: str) -> str:
        [(code,)] = self.product.query("select code from progress where contact_id = ?", contact)
        return str(code)

    def cycles(self, contact: str, score: int, *scores: int) -> Story:
        """The score takes these values, with a run after each."""
        for value in (score, *scores):
            self.change(contact, lead_score=str(value))
            yield

    # ---- C4C

    def leads(self, contact: str) -> dict[str, Row]:
        """By what the key has after the contact's id."""
        rows = {row[KEY].partition(":"): row for row in self.sandbox.rows("Lead") if row[KEY]}
        return {rest: row for (stem, _, rest), row in rows.items() if stem == contact}

    def lead(self, contact: str) -> Row:
        return self.leads(contact)["mql:1"]

    def account(self, company: str) -> Row:
        return self._one("CorporateAccount", company)

    def contact(self, contact: str) -> Row:
        return self._one("Contact", contact)

    def _one(self, entity: str, key: str) -> Row:
        [row] = [row for row in self.sandbox.rows(entity) if row[KEY] == key]
        return row

    def relations(self, contact: str) -> dict[str, Row]:
        """By AccountID."""
        person = self.contact(contact)["ContactID"]
        rows = self.sandbox.rows("ContactIsContactPersonFor")
        return {row["AccountID"]: row for row in rows if row["ContactID"] == person}

    def refused(self, contact: str) -> list[tuple[str, str]]:
        person = self.contact(contact)["ContactUUID"]
        sets = [r["ObjectID"] for r in self.sandbox.rows("MarketingPermission") if r["BusinessPartnerUUID"] == person]
        channels = self.sandbox.rows("ChannelPermission")
        return [(row["Channel"], row["Consent"]) for row in channels if row["ParentObjectID"] in sets]

    def edit(self, entity: str, row: Row, **fields: str) -> None:
        """As sales does."""
        self.sandbox.patch(f"/c4c/{entity}/{row['ObjectID']}", fields)

    def act(self, lead: Row, action: str) -> Row:
        """Accept, decline or convert a lead; how it looks then."""
        self.sandbox.post(f"/c4c/leads/{lead['ObjectID']}/{action}")
        return next(row for row in self.sandbox.rows("Lead") if row["ObjectID"] == lead["ObjectID"])


Teller = Callable[[Life], Story]
STORIES: dict[str, Teller] = {}


def story(teller: Teller) -> Callable[[dict[str, Exception]], None]:
    """A test that shares the program's runs with all others of its kind; each has people and companies of its own."""
    STORIES[teller.__name__] = teller

    def test(ends: dict[str, Exception]) -> None:
        if teller.__name__ in ends:
            raise ends[teller.__name__]

    test.__name__, test.__doc__ = teller.__name__, teller.__doc__
    return test


@pytest.fixture(scope="module")
def ends(
    request: pytest.FixtureRequest, sandbox: Sandbox, warm: Warm, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Exception]:
    """What went wrong in the stories asked for, by name."""
    asked = {item.name for item in request.session.items} & set(STORIES)
    life = beginning(sandbox, Product(tmp_path_factory.mktemp("life"), sandbox.environment(), warm=warm))
    return tell(life, {name: STORIES[name](life) for name in STORIES if name in asked})


def tell(life: Life, stories: dict[str, Story]) -> dict[str, Exception]:
    """Lets every story go on to its next `yield`, runs the program once, and so on until all have ended."""
    wrong: dict[str, Exception] = {}
    while stories := {name: one for name, one in stories.items() if _goes_on(name, one, wrong)}:
        try:
            life.run()
        except AssertionError as error:
            return wrong | dict.fromkeys(stories, error)
    return wrong


def _goes_on(name: str, one: Story, wrong: dict[str, Exception]) -> bool:
    try:
        next(one)
    except StopIteration:
        return False
    except Exception as error:
        wrong[name] = error
        return False
    return True


def beginning(sandbox: Sandbox, product: Product) -> Life:
    """A world of two colleagues and a label."""
    sandbox.reset()
    rules = product.config / "qualification.toml"
    rules.write_text(rules.read_text() + LABELS)
    return Life(sandbox, product)


@pytest.fixture
def alone(sandbox: Sandbox, forked: Product) -> Life:
    """A world for one test."""
    return beginning(sandbox, forked)


# ---- scores


def _reaches_75(life: Life, *, touch: bool) -> Story:
    contact = life.person(life.company(), lead_score="74.9")
    yield
    assert (life.leads(contact), life.code(contact)) == ({}, "SCORE_BELOW_THRESHOLD")
    life.change(contact, lead_score="75", touch=touch)
    yield
    assert list(life.leads(contact)) == ["mql:1"]
    assert life.code(contact) == "QUALIFIED"


@story
def test_a_contact_that_reaches_75_is_handed_over(life: Life) -> Story:
    yield from _reaches_75(life, touch=True)


@story
def test_a_contact_that_reaches_75_without_a_time_stamp_is_handed_over(life: Life) -> Story:
    yield from _reaches_75(life, touch=False)


@story
def test_the_score_of_an_open_lead_follows_and_its_name_stays(life: Life) -> Story:
    contact = life.person(life.company())
    yield
    before = life.lead(contact)
    life.change(contact, lead_score="96", lastname="Umbenannt")
    yield
    after = life.lead(contact)
    assert float(after["HubSpotScore_KUT"]) == 96
    assert after["Name"] == before["Name"]
    assert life.contact(contact)["LastName"] == "Umbenannt"


@story
def test_an_open_lead_shows_the_fallen_score_and_nothing_else_changes(life: Life) -> Story:
    contact = life.person(life.company())
    yield
    before = life.lead(contact)
    yield from life.cycles(contact, 40)
    after = life.lead(contact)
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"HubSpotScore_KUT", "ETag", "EntityLastChangedOn", "LastChangeDateTime"}
    assert after["HubSpotScore_KUT"] == "40.000000"
    assert life.code(contact) == "SCORE_BELOW_THRESHOLD"


# ---- cycles


@story
def test_a_converted_lead_a_fall_below_60_and_a_rise_give_a_second_lead(life: Life) -> Story:
    contact = life.person(life.company())
    yield
    closed = life.act(life.lead(contact), "convert")
    yield from life.cycles(contact, 59, 75)
    assert list(life.leads(contact)) == ["mql:1", "mql:2"]
    assert life.lead(contact) == closed
    assert life.leads(contact)["mql:2"]["AccountPartyUUID"] == closed["AccountPartyUUID"]


@story
def test_a_fall_to_60_and_a_rise_give_no_second_lead(life: Life) -> Story:
    contact = life.person(life.company())
    yield
    closed = life.act(life.lead(contact), "convert")
    yield from life.cycles(contact, 60, 90)
    assert life.leads(contact) == {"mql:1": closed}
    assert life.code(contact) == "LEAD_CLOSED"


@story
def test_a_declined_lead_is_never_touched(life: Life) -> Story:
    contact = life.person(company := life.company())
    yield
    declined = life.act(life.lead(contact), "decline")
    life.change(contact, lead_score="99", hubspot_owner_id=life.owners["mads"])
    life.change_company(company, name="Ganz anders")
    yield
    assert life.leads(contact) == {"mql:1": declined}
    assert life.code(contact) == "LEAD_CLOSED"


@story
def test_a_crossing_before_the_lead_was_closed_starts_no_second_cycle(life: Life) -> Story:
    """Fallen and risen again under the open lead; since it was closed the score has crossed nothing."""
    contact = life.person(life.company())
    yield
    yield from life.cycles(contact, 50, 80)
    closed = life.act(life.lead(contact), "convert")
    life.change(contact, jobtitle="Werkleiterin")
    yield
    assert life.leads(contact) == {"mql:1": closed}


# ---- companies and labels


@story
def test_a_label_alone_fills_the_fields_of_the_relationship(life: Life) -> Story:
    contact = life.person(company := life.company())
    yield
    life.relate(contact, company, "Primary", "Decision maker")
    yield
    [relation] = life.relations(contact).values()
    assert (relation["FunctionCode"], relation["VIPReasonCode"]) == ("0001", "1")


@story
def test_a_new_primary_company_moves_the_open_lead(life: Life) -> Story:
    contact = life.person(old := life.company())
    yield
    new = life.company()
    life.relate(contact, old)
    life.relate(contact, new, "Primary")
    yield
    assert life.lead(contact)["AccountPartyUUID"] == life.account(new)["UUID"]
    assert set(life.relations(contact)) == {life.account(company)["AccountID"] for company in (old, new)}
    assert list(life.leads(contact)) == ["mql:1"]


@story
def test_an_accepted_lead_stays_where_sales_accepted_it(life: Life) -> Story:
    contact = life.person(old := life.company())
    yield
    life.act(life.lead(contact), "accept")
    life.relate(contact, old)
    life.relate(contact, life.company(), "Primary")
    life.change(contact, lead_score="88")
    yield
    assert life.lead(contact)["AccountPartyUUID"] == life.account(old)["UUID"]
    assert float(life.lead(contact)["HubSpotScore_KUT"]) == 88


@story
def test_a_lead_that_sales_moved_stays_there(life: Life) -> Story:
    contact = life.person(old := life.company())
    other = life.person(theirs := life.company())
    yield
    assert life.lead(other)
    life.edit("Lead", life.lead(contact), AccountPartyID=life.account(theirs)["AccountID"])
    life.relate(contact, old)
    life.relate(contact, life.company(), "Primary")
    yield
    assert life.lead(contact)["AccountPartyUUID"] == life.account(theirs)["UUID"]


@story
def test_a_further_company_becomes_a_relationship_once_it_is_an_account(life: Life) -> Story:
    contact = life.person(company := life.company())
    life.relate(contact, further := life.company())
    yield
    assert set(life.relations(contact)) == {life.account(company)["AccountID"]}
    life.person(further)
    yield
    assert set(life.relations(contact)) == {life.account(one)["AccountID"] for one in (company, further)}


# ---- fields


@story
def test_what_sales_edited_stays_and_the_rest_follows_hubspot(life: Life) -> Story:
    life.person(company := life.company())
    yield
    account = life.account(company)
    life.edit("CorporateAccount", account, Phone="+49 431 1", Name="Werft am Kanal")
    life.change_company(company, phone="+49 431 2", name="Werft am Meer", city="Eckernförde", zip="24340")
    yield
    after = life.account(company)
    assert (after["Phone"], after["Name"]) == ("+49 431 1", "Werft am Kanal")
    assert (after["City"], after["StreetPostalCode"]) == ("Eckernförde", "24340")


@story
def test_hubspot_wins_on_a_person(life: Life) -> Story:
    contact = life.person(life.company(), jobtitle="Leiterin Einkauf")
    yield
    life.edit("Contact", life.contact(contact), JobTitle="Chefin", Phone="+49 431 3")
    life.change(contact, phone="+49 431 4")
    yield
    after = life.contact(contact)
    assert (after["JobTitle"], after["Phone"]) == ("Leiterin Einkauf", "+49 431 4")


@story
def test_a_value_that_goes_missing_blanks_nothing(life: Life) -> Story:
    contact = life.person(company := life.company(), mobilephone="+49 170 1")
    yield
    life.change(contact, mobilephone="", jobtitle="Meisterin")
    life.change_company(company, city="")
    yield
    assert life.contact(contact)["Mobile"] == "+49 170 1"
    assert life.account(company)["City"] == "Kiel"


@story
def test_a_long_name_is_split_at_a_word_and_a_short_one_empties_the_rest(life: Life) -> Story:
    names = ("Name", "AdditionalName", "AdditionalName2", "AdditionalName3")
    life.person(company := life.company())
    yield
    life.change_company(company, name="Gesellschaft für angewandte Verfahrenstechnik Kiel mbH & Co. KG")
    yield
    account = life.account(company)
    parts = ["Gesellschaft für angewandte", "Verfahrenstechnik Kiel mbH & Co. KG", "", ""]
    assert [account[name] for name in names] == parts
    life.change_company(company, name="Verfahrenstechnik Kiel")
    yield
    account = life.account(company)
    assert [account[name] for name in names] == ["Verfahrenstechnik Kiel", "", "", ""]


# ---- consent and owners


@story
def test_a_later_opt_out_becomes_a_refused_permission(life: Life) -> Story:
    contact = life.person(life.company())
    yield
    assert life.refused(contact) == []
    life.change(contact, hs_email_optout="true")
    yield
    assert life.refused(contact) == [("INT", "2")]


@story
def test_a_new_owner_takes_over_what_sales_has_not_given_away(life: Life) -> Story:
    contact = life.person(life.company())
    given_away = life.person(life.company())
    yield
    life.edit("Lead", life.lead(given_away), OwnerPartyID="BPmads")
    jette = life.colleague("jette", "Jette Holm")
    for one in (contact, given_away):
        life.change(one, hubspot_owner_id=jette)
    yield
    assert life.lead(contact)["OwnerPartyName"] == "Jette Holm"
    assert life.contact(contact)["ContactOwnerID"] == "Ejette"
    assert life.lead(given_away)["OwnerPartyName"] == "Mads Kjær"


# ---- life and death in HubSpot


@story
def test_an_archived_contact_is_left_alone_and_comes_back(life: Life) -> Story:
    contact = life.person(life.company())
    yield
    before = life.lead(contact), life.contact(contact)
    life.sandbox.post(f"/hubspot/contacts/{contact}/archive")
    yield
    assert life.code(contact) == "ARCHIVED"
    life.sandbox.post(f"/hubspot/contacts/{contact}/restore")
    yield
    assert life.code(contact) == "QUALIFIED"
    assert (life.lead(contact), life.contact(contact)) == before


@story
def test_an_erased_contact_is_believed_at_the_second_look(life: Life) -> Story:
    contact = life.person(life.company())
    yield
    before = life.lead(contact)
    life.sandbox.post(f"/hubspot/contacts/{contact}/erase")
    yield
    yield
    assert life.code(contact) == "ERASED"
    assert life.lead(contact) == before


@story
def test_a_merged_contact_keeps_its_lead_and_person_under_the_new_id(life: Life) -> Story:
    contact, other = life.person(company := life.company()), life.person(company, lead_score="10")
    yield
    lead, person = life.lead(contact), life.contact(contact)
    survivor = life.sandbox.post("/hubspot/contacts/merge", {"primary": contact, "other": other})["id"]
    yield
    assert life.lead(survivor)["ObjectID"] == lead["ObjectID"]
    assert life.contact(survivor)["ObjectID"] == person["ObjectID"]
    assert (life.leads(contact), life.leads(other)) == ({}, {})
    assert life.code(survivor) == "QUALIFIED"


@story
def test_a_contact_that_was_merged_away_is_explained_as_merged(life: Life) -> Story:
    contact, other = life.person(company := life.company()), life.person(company, lead_score="10")
    yield
    life.sandbox.post("/hubspot/contacts/merge", {"primary": contact, "other": other})
    yield
    assert [life.product.explain(gone)["code"] for gone in (contact, other)] == ["MERGED", "MERGED"]


@story
def test_two_merged_contacts_with_leads_give_no_third(life: Life) -> Story:
    contact, other = life.person(company := life.company()), life.person(company)
    yield
    leads = {life.lead(contact)["ObjectID"], life.lead(other)["ObjectID"]}
    persons = {life.contact(contact)["ObjectID"], life.contact(other)["ObjectID"]}
    survivor = life.sandbox.post("/hubspot/contacts/merge", {"primary": contact, "other": other})["id"]
    yield
    assert life.lead(survivor)["ObjectID"] in leads
    assert life.contact(survivor)["ObjectID"] in persons
    account = life.account(company)
    of_account = [row["ObjectID"] for row in life.sandbox.rows("Lead") if row["AccountPartyUUID"] == account["UUID"]]
    assert set(of_account) == leads


@story
def test_a_merged_company_keeps_its_account_under_the_new_id(life: Life) -> Story:
    contact = life.person(company := life.company())
    other = life.company()
    yield
    account = life.account(company)
    survivor = life.sandbox.post("/hubspot/companies/merge", {"primary": company, "other": other})["id"]
    yield
    assert life.account(survivor)["ObjectID"] == account["ObjectID"]
    assert life.lead(contact)["AccountPartyUUID"] == account["UUID"]


# ---- the state file is not the truth


def lose_state(alone: Life) -> None:
    for file in alone.product.home.glob("state.db*"):
        file.unlink()


def test_a_lost_state_file_costs_nothing_that_c4c_knows(alone: Life) -> None:
    """C4C's keys tell a new state file what there is."""
    people = [alone.person(alone.company()) for _ in range(3)]
    alone.change(people[0], hs_email_optout="true")
    alone.run()
    alone.act(alone.lead(people[1]), "convert")
    alone.edit("CorporateAccount", alone.sandbox.rows("CorporateAccount")[2], Phone="+49 431 5")
    before = alone.sandbox.truth()["c4c"]
    lose_state(alone)
    alone.run()
    assert alone.sandbox.truth()["c4c"] == before


def test_a_second_cycle_starts_although_the_state_file_was_lost(alone: Life) -> None:
    contact = alone.person(alone.company())
    alone.run()
    closed = alone.act(alone.lead(contact), "convert")
    lose_state(alone)
    alone.run()
    assert alone.leads(contact) == {"mql:1": closed}
    for _ in alone.cycles(contact, 50, 80):
        alone.run()
    assert list(alone.leads(contact)) == ["mql:1", "mql:2"]
    assert alone.lead(contact) == closed
