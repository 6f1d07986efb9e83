"""Who is who: random companies and persons on both sides are put together, and the outcome is compared with a model.

No stranger's record is taken, no second one made where a clerk would have recognised the first, and every doubt is
parked with its code. The model (`who_is_who_model`) knows nothing of the product.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import who_is_who_model as model
from c4c_world import Control
from c4c_world import World as HttpWorld
from examples import examples
from hypothesis import HealthCheck, Phase, given
from who_is_who_model import Adopt, Answer, Create, Expected, Use
from who_is_who_story import CANDIDATES, Account, CompanyChanges, Contact, Person, SalesRetires, Story, stories
from who_is_who_worlds import InProcess, Life, OverHttp, Place

Row = dict[str, Any]


@examples(10, long=40, explore=600, suppress_health_check=list(HealthCheck), print_blob=True)
@given(stories())
def test_everybody_is_who_a_clerk_would_say(story: Story) -> None:
    """`make test-long PROFILE=explore` tries 600 new stories in about four minutes of processor time. The long form
    tries few, since Hypothesis draws constants from the code: each change of it, wherever, brings other stories.
    """
    live(story, InProcess())


BAU, SITE, HIGH = "Müller Bau GmbH", "müller.example", {"lead_score": CANDIDATES}
BRITISH, VIENNESE = {"country": "GB", "zip": "SW1A 1AA"}, {"country": "AT", "zip": "1010"}
TWINS = (Person({"LastName": "Sommer", "Email": "bo@x.example"}),) * 2
RENAMED = CompanyChanges(0, {"name": "Ærø Skibe ApS", "domain": "skibe.example"})
BOTH = (Account({"Name": BAU, "WebSite": SITE}, TWINS), Account({"Name": "Ærø Skibe ApS", "WebSite": "skibe.example"}))
SETTLED = {
    "who waits has taken no account: the company is corrected, and gets the one that fits it now": Story(
        ("60",),
        ({"name": BAU, "domain": SITE},),
        (Contact(0, {**HIGH, "email": "bo@x.example"}),),
        BOTH,
        ((RENAMED, Contact(0, HIGH)),),
    ),
    "who waits shares no account: the company turns out to be no duplicate": Story(
        ("60", "47"),
        ({"name": BAU, "domain": SITE}, {"name": BAU, "domain": SITE}),
        (Contact(1, HIGH), Contact(0, {**HIGH, "email": "bo@x.example"})),
        BOTH,
        ((RENAMED, Contact(0, HIGH)),),
    ),
    "a sister whose account sales retired claims one again": Story(
        ("60", "87"),
        ({"name": BAU, "domain": SITE}, {"name": "Ærø Skibe ApS", "domain": SITE}),
        (Contact(0, HIGH),),
        (),
        (
            (
                SalesRetires("CorporateAccount", 0),
                Account({"Name": "Meyer & Söhne KG", "WebSite": SITE}),
                Contact(1, HIGH),
            ),
        ),
    ),
    "the first of some duplicates is in doubt where all of them together are not": Story(
        ("34", "50", "102", "85"),
        (
            {"name": BAU, "domain": SITE},
            {"name": BAU, "domain": SITE, **BRITISH},
            {"name": BAU, "domain": SITE, "zip": "24103"},
            {"name": "Ærø Skibe ApS", "domain": SITE},
        ),
        (Contact(0, HIGH),),
        (
            Account({"Name": BAU, "CountryCode": "GB", "StreetPostalCode": "SW1A 1AA"}),
            Account({"Name": "Müller Bau Süd GmbH", "WebSite": SITE, "CountryCode": "DE", "StreetPostalCode": "24103"}),
        ),
    ),
    "who comes first gets an account that one claims by its domain, another by its place": Story(
        ("30", "37"),
        ({"name": BAU, "domain": SITE, "zip": "1010"}, {"name": BAU, **VIENNESE}),
        (Contact(1, HIGH), Contact(0, HIGH)),
        (Account({"Name": BAU, "WebSite": SITE, "CountryCode": "AT", "StreetPostalCode": "1010"}),),
    ),
    "what two sisters leave that claim a better account equally is given to neither": Story(
        ("35", "73"),
        (
            {"name": "Aeroe Skibe ApS", "domain": SITE, **BRITISH},
            {"name": "Müller Bau Süd GmbH", "domain": SITE, **BRITISH},
        ),
        (Contact(0, HIGH), Contact(1, HIGH)),
        (
            Account({"Name": BAU, "WebSite": SITE, "StreetPostalCode": "SW1A 1AA"}),
            Account({"Name": BAU, "WebSite": SITE}),
        ),
    ),
    "a postal code is the same in small letters": Story(
        ("7",),
        ({"name": BAU, **BRITISH},),
        (Contact(0, HIGH),),
        (Account({"Name": BAU, "CountryCode": "GB", "StreetPostalCode": "sw1a1aa"}),),
    ),
}


@pytest.mark.parametrize("name", SETTLED)
def test_what_was_once_in_dispute_is_settled(name: str) -> None:
    """Stories on which product and model did not agree, with what was found to be right."""
    live(SETTLED[name], InProcess())


@examples(
    3,
    long=10,
    explore=30,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(stories(runs=2))
def test_everybody_is_the_same_over_http(
    announcement: dict[str, str], tmp_path_factory: pytest.TempPathFactory, story: Story
) -> None:
    control = Control(announcement)
    control.call("POST", "/reset")
    control.call("PATCH", "/hubspot/settings", {"rate_limits": False})
    control.call("POST", "/hubspot/properties/companies", {"name": "hs_country_region_code"})
    control.sales_create("Employee", EmployeeID="E1", BusinessPartnerID="8000000001", Email="someone@sales.example")
    with pytest.MonkeyPatch.context() as environment:
        live(story, OverHttp(HttpWorld(control, tmp_path_factory.mktemp("world"), environment)))


def live(story: Story, place: Place) -> None:
    """Lives a story run by run, and compares after each."""
    life = Life(place)
    life.begin(story)
    for happening in ((), *story.later):
        for change in happening:
            life.happen(change)
        before, leads_before = life.sides(), place.rows("Lead")
        due = [key for key, properties in life.contacts.items() if properties["lead_score"] == CANDIDATES]
        right = model.expected(before, due)
        place.run()
        Outcome(before, life, leads_before).compare(right)


class Outcome:
    """What a run did, in the words of the model."""

    def __init__(self, before: model.Sides, life: Life, leads_before: list[Row]) -> None:
        self.before, self.life = before, life
        self.accounts, self.persons = life.place.rows("CorporateAccount"), life.place.rows("Contact")
        self.leads = {row["HubSpotID_KUT"].split(":")[0]: row for row in life.place.rows("Lead")}
        self.leads_before = {row["HubSpotID_KUT"].split(":")[0] for row in leads_before}
        self.progress = life.place.progress()

    def compare(self, right: dict[str, Expected]) -> None:
        self.nobody_is_there_twice()
        self.only_free_records_were_taken()
        assert self.leads.keys() <= right.keys(), "a lead of somebody below the threshold"
        for key, answers in right.items():
            self.is_right(key, answers)
        self.nothing_else_was_done(right)
        self.life.parked = {key: code for key, (status, code) in self.progress.items() if status == "parked"}

    def nobody_is_there_twice(self) -> None:
        for rows in (self.accounts, self.persons):
            keys = Counter(model.key_of(row) for row in rows if model.key_of(row) and not model.obsolete(row))
            assert [key for key, n in keys.items() if n > 1] == [], "two living records with one key"

    def only_free_records_were_taken(self) -> None:
        """A record that carries the key of another is never taken, an obsolete one neither."""
        for rows, before in ((self.accounts, self.before.accounts), (self.persons, self.before.persons)):
            now = {row["ObjectID"]: row for row in rows}
            for row in before:
                key, after = model.key_of(row), model.key_of(now[row["ObjectID"]])
                if model.obsolete(row):
                    assert after in (key, ""), f"an obsolete record was taken: {row}"
                elif key:
                    assert after == key, f"the record of {key} was taken by {after}"

    def is_right(self, key: str, right: Expected) -> None:
        status, code = self.progress[key]
        if status == "parked":
            # Nobody looks again at what is parked before it changes, whatever sales did meanwhile.
            waits = self.life.parked.get(key) == code
            assert waits or code in right.codes(), f"contact {key} is parked as {code}; right: {right}"
            assert key in self.leads_before or key not in self.leads, f"contact {key} is parked and has a new lead"
            return
        assert status == "done", f"contact {key}: {status} {code}"
        assert right.may_go_on(), f"contact {key} went on; right: {right}"
        account, person = self.account_of(key), self.person_of(key)
        if self.life.state_lost and key in self.leads_before and isinstance(account, Use):
            # Nothing says any longer that we chose the account of this lead, so it stays where it is.
            return
        assert account in right.account, f"contact {key}: account {account}; right: {right.account}"
        assert person in right.person[account], f"contact {key}: person {person}; right: {right.person[account]}"
        self.remember(key)

    def remember(self, key: str) -> None:
        """Which record of another id is shared."""
        company = self.life.employer[key]
        account = self.lead_s(key, "AccountPartyUUID", "UUID", self.accounts)
        person = self.lead_s(key, "ContactUUID", "ContactUUID", self.persons)
        if model.key_of(account) != company:
            self.life.shares[company] = account["ObjectID"]
        if model.key_of(person) != key:
            self.life.shared_persons[key] = person["ObjectID"]

    def lead_s(self, key: str, named: str, uuid: str, rows: list[Row]) -> Row:
        """The record that the contact's lead names."""
        return next(row for row in rows if row[uuid] == self.leads[key][named])

    def account_of(self, key: str) -> Answer:
        return told(self.lead_s(key, "AccountPartyUUID", "UUID", self.accounts), self.before.accounts)

    def person_of(self, key: str) -> Answer:
        return told(self.lead_s(key, "ContactUUID", "ContactUUID", self.persons), self.before.persons)

    def nothing_else_was_done(self, right: dict[str, Expected]) -> None:
        accounts = {answer for found in right.values() for answer in found.account}
        persons = {answer for found in right.values() for of in found.person.values() for answer in of}
        for rows, before, meant in (
            (self.accounts, self.before.accounts, accounts),
            (self.persons, self.before.persons, persons),
        ):
            done = {told(row, before) for row in rows}
            assert {answer for answer in done if not isinstance(answer, Use)} <= meant


def told(row: Row, before: Any) -> Answer:
    """What happened to a record since."""
    old = next((r for r in before if r["ObjectID"] == row["ObjectID"]), None)
    key = model.key_of(row)
    if old is None:
        return Create(key)
    return Adopt(row["ObjectID"], key) if key and model.key_of(old) != key else Use(row["ObjectID"])
