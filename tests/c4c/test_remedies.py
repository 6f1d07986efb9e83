"""For each reason code a scene: it comes about, the printed remedy is followed, and what it promises happens.

Commands are taken from what the product prints, never typed here.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from c4c_world import World
from world.program import Ran
from world.sandbox import BASIS

from sync.domain.codes import EXPLANATIONS, RETIRED, Code
from sync.handover import handover
from sync.jobs.runner import run_jobs

pytestmark = pytest.mark.long

Scene = Callable[[World], None]
SCENES: dict[str, Scene] = {}
PLAYED: set[Code] = set()
NOTHING = "Nothing to do"


def scene(code: Code) -> Callable[[Scene], Scene]:
    """Registers a scene for the code."""

    def add(played: Scene) -> Scene:
        SCENES[played.__name__] = played
        PLAYED.add(code)
        return played

    return add


# ---- what people read and type


def explained(world: World, contact: str) -> dict[str, Any]:
    return dict(json.loads(world.cli("explain", contact, "--json").out))


def remedy(world: World, contact: str, code: Code, *phrases: str) -> str:
    """The remedy that `explain` prints; the phrases are what the scene then does."""
    text = explained(world, contact)["remedies"][code]
    for phrase in phrases:
        assert phrase in text
    return str(text)


def detail(world: World, contact: str) -> str:
    """The detail of a parked contact, as `parked list` prints it."""
    rows = json.loads(world.cli("parked", "list", "--json").out)
    return next(str(row["detail"]) for row in rows if row["contact"] == contact)


def command(text: str, words: str, **values: str) -> list[str]:
    """The printed command that begins with these words, its placeholders filled."""
    found = [shlex.split(one) for one in re.findall(r"`?hubspot-c4c-sync ([^`\n]+)`?", text)]
    chosen = next(one for one in found if one[: len(words.split())] == words.split())
    filled = [values.get(word, word) for word in chosen]
    assert not [word for word in filled if re.fullmatch(r"[A-Z]+_?(ID|DIGEST)|DIGEST", word)], filled
    return filled


def typed(world: World, text: str, words: str, **values: str) -> Ran:
    """The printed command is run, and not refused."""
    answer = world.cli(*command(text, words, **values))
    assert answer.code == 0, answer.err
    return answer


def leads(world: World) -> set[str]:
    """Ids of the contacts that have a lead."""
    return {row["HubSpotID_KUT"].partition(":")[0] for row in world.control.rows("Lead")}


def ready(world: World, *companies: str, **properties: str) -> str:
    return world.control.contact(*companies or (world.control.company("Bakery North"),), **properties)


# ---- nothing to do


@scene(Code.QUALIFIED)
@scene(Code.ALREADY_HANDED_OVER)
def handed_over_needs_nothing(world: World) -> None:
    contact = ready(world)
    world.sync()
    for code in (Code.QUALIFIED, Code.ALREADY_HANDED_OVER):
        assert remedy(world, contact, code).startswith(NOTHING)
    world.wake_all()
    world.control.reset_counts()
    world.sync()
    assert world.control.counts()["operations"]["create"] == {}
    assert leads(world) == {contact}


@scene(Code.SCORE_BELOW_THRESHOLD)
def a_low_score_needs_nothing(world: World) -> None:
    contact = ready(world, lead_score="74")
    world.sync()
    assert remedy(world, contact, Code.SCORE_BELOW_THRESHOLD).startswith(NOTHING)
    world.control.change(contact, lead_score="75")
    world.sync()
    assert leads(world) == {contact}


@scene(Code.C4C_LOCKED)
def a_locked_record_needs_nothing(world: World) -> None:
    world.control.fault("lock", body="POST LeadCollection", times=None)
    contact = ready(world)
    world.once(until_idle=False)
    assert remedy(world, contact, Code.C4C_LOCKED).startswith(NOTHING)
    world.control.call("DELETE", "/faults")
    world.sync()
    assert leads(world) == {contact}


# ---- a change in HubSpot


@scene(Code.SCORE_MISSING)
def a_missing_score_is_given(world: World) -> None:
    contact = ready(world, lead_score="")
    world.sync()
    remedy(world, contact, Code.SCORE_MISSING, NOTHING, "check that the score in HubSpot is switched on")
    world.control.change(contact, lead_score="80")
    world.sync()
    assert leads(world) == {contact}


@scene(Code.NO_LEGAL_BASIS)
def a_legal_basis_is_recorded(world: World) -> None:
    contact = ready(world, hs_legal_basis="Not applicable")
    world.sync()
    remedy(world, contact, Code.NO_LEGAL_BASIS, "Record the legal basis", "the next poll notices it")
    world.control.change(contact, hs_legal_basis=BASIS)
    world.sync()
    assert leads(world) == {contact}


@scene(Code.ARCHIVED)
def an_archived_contact_is_restored(world: World) -> None:
    contact = ready(world)
    world.sync()
    world.control.call("POST", f"/hubspot/contacts/{contact}/archive")
    world.sync()
    remedy(world, contact, Code.ARCHIVED, "restore it there")
    world.control.call("POST", f"/hubspot/contacts/{contact}/restore")
    world.sync()
    assert explained(world, contact)["code"] == "QUALIFIED"


@scene(Code.MERGED)
def the_survivor_is_looked_at(world: World) -> None:
    company = world.control.company("Bakery North")
    one, other = (ready(world, company, lastname=name) for name in ("Sommer", "Winter"))
    world.sync()
    world.control.call("POST", "/hubspot/contacts/merge", {"primary": one, "other": other})
    world.sync()
    loser = next(i for i in (one, other) if explained(world, i)["code"] == "MERGED")
    text = remedy(world, loser, Code.MERGED, "names its id")
    told = typed(world, text, "explain", CONTACT_ID=loser).out
    survivor = re.findall(r"merged into contact (\d+)", told)[0]
    assert re.match(rf"Contact {survivor}, [^:]+: QUALIFIED", typed(world, text, "explain", CONTACT_ID=survivor).out)


@scene(Code.ERASED)
def an_erased_contact_is_erased_in_c4c_too(world: World) -> None:
    contact = ready(world)
    world.sync()
    world.control.call("POST", f"/hubspot/contacts/{contact}/erase")
    for _ in range(2):
        world.once(until_idle=False)
    text = remedy(world, contact, Code.ERASED, "If erasure was requested and not done yet")
    erased = world.cli(*command(text, "erase", CONTACT_ID=contact, TEXT="asked"), "--yes")
    assert erased.code == 0, erased.err
    assert world.control.row("Contact")["LastName"] != "Sommer"


@scene(Code.MISSING_LAST_NAME)
def a_last_name_is_filled_in(world: World) -> None:
    contact = ready(world, lastname="", email="a@mail.example")
    world.sync()
    remedy(world, contact, Code.MISSING_LAST_NAME, "Fill in the last name in HubSpot")
    world.control.change(contact, lastname="Sommer")
    world.sync()
    assert leads(world) == {contact}


@scene(Code.NO_COMPANY)
def a_company_is_associated_or_named(world: World) -> None:
    one, other = (world.control.contact(lastname=name) for name in ("Sommer", "Winter"))
    world.sync()
    remedy(world, one, Code.NO_COMPANY, "Associate a company in HubSpot", "or fill in the company name of the contact")
    world.control.associate(one, world.control.company("Bakery North"))
    world.control.change(other, company="Mill South")
    world.sync()
    assert leads(world) == {one, other}


@scene(Code.COMPANY_AMBIGUOUS)
def a_company_is_marked_as_primary(world: World) -> None:
    companies = [world.control.company(name) for name in ("Bakery North", "Mill South")]
    contact = world.control.contact()
    for company in companies:
        world.control.associate(contact, company)
    world.once()
    remedy(world, contact, Code.COMPANY_AMBIGUOUS, "Mark one company as primary")
    world.control.associate(contact, companies[1], "Primary")
    world.sync()
    assert world.control.row("CorporateAccount")["HubSpotID_KUT"] == companies[1]
    assert leads(world) == {contact}


@scene(Code.VALUE_TOO_LONG)
def a_long_value_is_shortened(world: World) -> None:
    contact = ready(world, jobtitle="Head of " + "very " * 10 + "important things")
    world.sync()
    remedy(world, contact, Code.VALUE_TOO_LONG, "Shorten the value in HubSpot")
    world.control.change(contact, jobtitle="Head of things")
    world.sync()
    assert world.control.row("Contact")["JobTitle"] == "Head of things"
    assert world.warnings(contact) == []


@scene(Code.VALUE_INVALID)
def an_invalid_value_is_corrected(world: World) -> None:
    contact = ready(world, email="ada at the mill")
    world.sync()
    remedy(world, contact, Code.VALUE_INVALID, "Correct the named property")
    assert "Contact.Email" in str(world.warnings(contact))
    world.control.change(contact, email="ada@mill.example")
    world.sync()
    assert world.control.row("Contact")["Email"] == "ada@mill.example"
    assert world.warnings(contact) == []


@scene(Code.COMPANY_DUPLICATE)
def a_company_held_twice_is_merged(world: World) -> None:
    world.add_rules("mapping", '\n[duplicates]\ncompany = "park"\n')
    companies = [world.control.company(name, domain="mill.example") for name in ("Mill South", "MILL South")]
    contacts = [ready(world, company, lastname=f"Of{company}") for company in companies]
    world.once()
    remedy(world, contacts[0], Code.COMPANY_DUPLICATE, "Merge them in HubSpot; the contacts go on by themselves")
    world.control.call("POST", "/hubspot/companies/merge", {"primary": companies[0], "other": companies[1]})
    world.sync()
    assert leads(world) == set(contacts)
    assert len(world.control.rows("CorporateAccount")) == 1


def a_double(world: World) -> list[str]:
    company = world.control.company("Bakery North")
    contacts = [ready(world, company, lastname=name, email="office@mail.example") for name in ("Sommer", "Winter")]
    world.once()
    return contacts


@scene(Code.CONTACT_DUPLICATE)
def a_person_held_twice_is_merged(world: World) -> None:
    one, other = a_double(world)
    remedy(world, one, Code.CONTACT_DUPLICATE, "Merge them in HubSpot; the surviving contact goes on by itself")
    survivor = world.control.call("POST", "/hubspot/contacts/merge", {"primary": one, "other": other})["id"]
    world.sync()
    assert leads(world) == {survivor}


@scene(Code.CONTACT_DUPLICATE)
def two_persons_with_one_address_are_let_through(world: World) -> None:
    contacts = a_double(world)
    text = remedy(world, contacts[0], Code.CONTACT_DUPLICATE, "under `[duplicates]` in mapping.toml")
    [setting] = re.findall(r"`(contact = [^`]+)`", text)
    world.add_rules("mapping", f"\n[duplicates]\n{setting}\n")
    world.sync()
    assert leads(world) == set(contacts)


@scene(Code.PROPERTY_UNREADABLE)
def a_property_is_restored(world: World) -> None:
    world.add_rules("worker", '\n[schedule]\nsweep = "1ms"\n')
    contact = ready(world)
    world.control.call("DELETE", "/hubspot/properties/contacts/lead_score")
    world.sync()
    text = remedy(world, contact, Code.PROPERTY_UNREADABLE, "Restore the property", "go on by themselves")
    assert "`lead_score` is not a property" in world.cli(*command(text, "check")).out
    score = {"name": "lead_score", "type": "number", "fieldType": "calculation_score"}
    world.control.call("POST", "/hubspot/properties/contacts", score)
    world.control.change(contact, lead_score="90")
    world.sync()
    assert leads(world) == {contact}
    typed(world, text, "resync", CONTACT_ID=contact)


# ---- a decision by a person


def accounts_of_the_bakery(world: World) -> list[str]:
    values = {"RoleCode": "CRM000", "WebSite": "bakery.example"}
    return [
        str(world.control.sales_create("CorporateAccount", Name=n, **values)["ObjectID"]) for n in ("Bakery A", "B")
    ]


@scene(Code.ACCOUNT_AMBIGUOUS)
def one_of_two_accounts_is_named(world: World) -> None:
    company = world.control.company("Bakery North")
    accounts = accounts_of_the_bakery(world)
    contact = ready(world, company)
    world.once()
    text = remedy(world, contact, Code.ACCOUNT_AMBIGUOUS, "goes on by itself")
    assert all(account in typed(world, text, "parked list").out for account in accounts)
    typed(world, text, "links set", COMPANY_ID=company, OBJECT_ID=accounts[1])
    world.sync()
    assert world.control.row("CorporateAccount", ObjectID=accounts[1])["HubSpotID_KUT"] == company
    assert leads(world) == {contact}


@scene(Code.ACCOUNT_AMBIGUOUS)
def an_account_that_the_detail_lists_is_taken(world: World) -> None:
    company = world.control.company("Bakery North")
    accounts = accounts_of_the_bakery(world)
    contact = ready(world, company)
    world.once()
    typed(world, detail(world, contact), "links set", OBJECT_ID=accounts[0])
    world.sync()
    assert leads(world) == {contact}


@scene(Code.ACCOUNT_AMBIGUOUS)
def another_account_follows_an_obsolete_one(world: World) -> None:
    company = world.control.company("Bakery North")
    contact = ready(world, company)
    world.sync()
    world.control.sales_edit(
        "CorporateAccount", world.control.row("CorporateAccount")["ObjectID"], LifeCycleStatusCode="4"
    )
    world.control.change(contact, jobtitle="Miller")
    world.once()
    account = world.control.sales_create("CorporateAccount", Name="Mill", RoleCode="CRM000")
    typed(world, detail(world, contact), "links set", OBJECT_ID=str(account["ObjectID"]))
    world.sync()
    assert world.progress(contact).code == "QUALIFIED"
    assert world.control.row("CorporateAccount", HubSpotID_KUT=company)["ObjectID"] == account["ObjectID"]


@scene(Code.ACCOUNT_AMBIGUOUS)
def a_refused_name_is_shared_as_the_refusal_says(world: World) -> None:
    """The account belongs to another company: by its key in C4C, or because a person named it a moment ago."""
    companies = [world.control.company(name, domain="muster.example") for name in ("Muster A", "Muster B")]
    contacts = [ready(world, company, lastname=f"Of{company}") for company in companies]
    account = str(
        world.control.sales_create("CorporateAccount", Name="Group", RoleCode="CRM000", WebSite="muster.example")[
            "ObjectID"
        ]
    )
    world.once()
    texts = [detail(world, contact) for contact in contacts]
    typed(world, texts[0], "links set")
    refused = world.cli(*command(texts[1], "links set"))
    assert refused.code == 2
    typed(world, refused.err, "links set")
    world.sync()
    assert leads(world) == set(contacts)
    assert [row["ObjectID"] for row in world.control.rows("CorporateAccount")] == [account]


@scene(Code.CONTACT_AMBIGUOUS)
def one_of_two_contact_persons_is_named(world: World) -> None:
    company = world.control.company("Bakery North")
    account = world.control.sales_create("CorporateAccount", Name="B", RoleCode="CRM000", WebSite="bakery.example")
    values = {"Email": "sommer@mail.example", "AccountID": account["AccountID"]}
    persons = [
        str(world.control.sales_create("Contact", LastName=n, **values)["ObjectID"]) for n in ("Sommer", "Winter")
    ]
    contact = ready(world, company)
    world.once()
    text = remedy(world, contact, Code.CONTACT_AMBIGUOUS, "goes on by itself")
    assert all(person in detail(world, contact) for person in persons)
    typed(world, text, "links set", CONTACT_ID=contact, OBJECT_ID=persons[1])
    world.sync()
    assert world.control.row("Contact", HubSpotID_KUT=contact)["ObjectID"] == persons[1]
    assert leads(world) == {contact}


@scene(Code.LEFT_ALONE)
def a_contact_left_alone_is_taken_back(world: World) -> None:
    company = world.control.company("Bakery North")
    contact = ready(world, company)
    world.sync()
    world.control.sales_edit("Contact", world.control.row("Contact")["ObjectID"], StatusCode="4")
    world.control.change(contact, jobtitle="Miller")
    world.once()
    text = remedy(world, contact, Code.CONTACT_AMBIGUOUS, "If sales retired the person on purpose")
    typed(world, text, "parked leave", CONTACT_ID=contact, TEXT="retired")
    world.once()
    back = remedy(world, contact, Code.LEFT_ALONE, NOTHING)
    assert json.loads(world.cli("parked", "list", "--json").out) == []
    typed(world, back, "parked retry", CONTACT_ID=contact)
    world.once()
    assert world.progress(contact).code == "CONTACT_AMBIGUOUS", "back where it was, for a person to say"


@scene(Code.LEAD_CLOSED)
def a_new_lead_starts_after_fall_and_rise(world: World) -> None:
    contact = ready(world)
    world.sync()
    world.control.call("POST", f"/c4c/leads/{world.control.row('Lead')['ObjectID']}/decline")
    world.control.change(contact, jobtitle="Miller")
    world.sync()
    remedy(world, contact, Code.LEAD_CLOSED, NOTHING, "a new lead starts after the score has fallen")
    for score in ("10", "90"):
        world.control.change(contact, lead_score=score)
        world.sync()
    keys = [row["HubSpotID_KUT"] for row in world.control.rows("Lead")]
    assert sorted(keys) == [f"{contact}:mql:1", f"{contact}:mql:2"]


@scene(Code.GUARD_TRIPPED)
def a_held_plan_is_let_through(world: World) -> None:
    world.replace_rule("worker", "max_creates = 0", "max_creates = 2")
    contact = ready(world)
    stopped = world.cli("once")
    assert stopped.code == 5
    text = EXPLANATIONS[Code.GUARD_TRIPPED].remedy
    digest = command(stopped.err, "approve")[1]
    assert digest in typed(world, text, "plan").out + typed(world, text.partition("(")[2], "approve").out
    typed(world, text, "approve", DIGEST=digest)
    assert world.cli("once").code == 0
    assert leads(world) == {contact}


# ---- a change in the rules


FILTER = """
[filters.large]
property = "company.numberofemployees"
at_least = 1000
"""


@scene(Code.FILTERED_OUT)
def the_named_filter_is_corrected(world: World) -> None:
    world.replace_rule("qualification", "threshold = 75", 'threshold = 75\nfilters = ["large"]')
    world.add_rules("qualification", FILTER)
    contact = ready(world, world.control.company("Bakery North", numberofemployees="20"))
    world.sync()
    remedy(world, contact, Code.FILTERED_OUT, "correct the named filter", "in qualification.toml")
    assert "filter 'large'" in world.cli("explain", contact).out
    world.replace_rule("qualification", "at_least = 1000", "at_least = 10")
    world.sync()
    assert leads(world) == {contact}


@scene(Code.CODE_UNKNOWN)
def an_unknown_code_is_corrected(world: World) -> None:
    world.replace_rule("qualification", 'origin = "002"', 'origin = "ZZ9"')
    company = world.control.company("Bakery North")
    contact = ready(world, company)
    world.sync()
    text = remedy(world, contact, Code.CODE_UNKNOWN, "Correct the rules", "new records only")
    assert "'ZZ9'" in world.cli(*command(text, "check")).out
    assert "1 contacts marked" in typed(world, text, "resync").out
    world.replace_rule("qualification", 'origin = "ZZ9"', 'origin = "002"')
    world.sync()
    assert world.warnings(contact) == []
    second = ready(world, company, lastname="Winter")
    world.sync()
    assert world.control.row("Lead", HubSpotID_KUT=f"{second}:mql:1")["OriginTypeCode"] == "002"


TABLE = '{ target = "DepartmentCode", source = "jobtitle", rule = "hubspot_wins", table = { Sales = "0003" } },\n'


@scene(Code.CODE_UNKNOWN)
def a_value_that_the_table_lacks_is_corrected(world: World) -> None:
    place = '    { target = "JobTitle", source = "jobtitle", rule = "hubspot_wins" },\n'
    world.replace_rule("mapping", place, f"{place}    {TABLE}")
    contact = ready(world, jobtitle="Baker")
    world.sync()
    remedy(world, contact, Code.CODE_UNKNOWN, "the value in HubSpot")
    world.control.change(contact, jobtitle="Sales")
    world.sync()
    assert world.control.row("Contact")["DepartmentCode"] == "0003"
    assert world.warnings(contact) == []


def related(world: World) -> tuple[str, list[str]]:
    """A contact who gets a relationship to each of three accounts besides that of the lead."""
    world.replace_rule("worker", "max_creates = 0", "max_creates = 0\nmax_relationships = 2")
    further = [world.control.company(name) for name in ("Mill South", "Dairy West", "Farm East")]
    for company in further:
        world.control.sales_create("CorporateAccount", Name=company, RoleCode="CRM000", HubSpotID_KUT=company)
    contact = ready(world, world.control.company("Bakery North"), *further)
    world.once()
    return contact, further


@scene(Code.TOO_MANY_COMPANIES)
def the_limit_of_relationships_is_raised(world: World) -> None:
    contact, _ = related(world)
    text = remedy(world, contact, Code.TOO_MANY_COMPANIES, "raise `max_relationships` under `[guard]` in worker.toml")
    world.replace_rule("worker", "max_relationships = 2", "max_relationships = 3")
    typed(world, text, "parked retry")
    world.sync()
    assert leads(world) == {contact}
    assert len(world.control.rows("ContactIsContactPersonFor")) == 4


@scene(Code.TOO_MANY_COMPANIES)
def associations_are_removed(world: World) -> None:
    contact, further = related(world)
    text = remedy(world, contact, Code.TOO_MANY_COMPANIES, "Remove associations of the contact in HubSpot")
    for company in further[:2]:
        world.control.separate(contact, company)
    typed(world, text, "parked retry")
    world.sync()
    assert leads(world) == {contact}


# ---- a change in SAP Sales Cloud, or around it


@scene(Code.OWNER_UNKNOWN)
def the_employee_gets_the_owners_address(world: World) -> None:
    owner = world.control.call("POST", "/hubspot/owners", {"email": "new@sales.example"})["id"]
    contact = ready(world, hubspot_owner_id=owner)
    world.sync()
    text = remedy(world, contact, Code.OWNER_UNKNOWN, "same e-mail address in both systems")
    world.control.sales_create("Employee", EmployeeID="E2", BusinessPartnerID="8000000002", Email="new@sales.example")
    assert "1 contacts marked" in typed(world, text, "resync").out
    world.sync()
    assert world.control.row("Contact")["ContactOwnerID"] == "E2"
    assert world.warnings(contact) == []


@scene(Code.C4C_REJECTED)
def a_refused_record_is_corrected(world: World) -> None:
    world.control.settings(mandatory={"Lead": ["GroupCode"]})
    contact = ready(world)
    world.once()
    text = remedy(world, contact, Code.C4C_REJECTED, "correct the record or the rules")
    assert "GroupCode" in typed(world, text, "parked list").out
    world.control.settings(mandatory={})
    typed(world, text, "parked retry")
    world.sync()
    assert leads(world) == {contact}


@scene(Code.C4C_CONFLICT)
def what_goes_back_and_forth_is_corrected(world: World) -> None:
    world.replace_rule("worker", 'longest = "2ms"', 'longest = "2ms"\nattempts = 1')
    contact = ready(world)
    world.sync()
    person = world.control.row("Contact")["ObjectID"]
    world.control.change(contact, jobtitle="Miller")
    with world.application() as built:
        write, tries = built.c4c.write, list[int]()

        def a_workflow_is_faster(groups: Any) -> Any:
            tries.append(len(tries))
            world.control.sales_edit("Contact", person, Building=str(tries))
            return write(groups)

        built.c4c.write = a_workflow_is_faster  # type: ignore[method-assign]
        run_jobs(built.context, ["poll", "push"])
    text = remedy(world, contact, Code.C4C_CONFLICT, "If it is parked", "a workflow in SAP Sales Cloud")
    assert "Contact" in typed(world, text, "parked list").out
    typed(world, text, "parked retry")
    world.sync()
    assert world.control.row("Contact")["JobTitle"] == "Miller"
    assert world.progress(contact).status == "done"


@scene(Code.C4C_UNAVAILABLE)
def an_outage_ends(world: World) -> None:
    contact = ready(world)
    world.control.fault("status", status=503, body="POST CorporateAccountCollection", times=None)
    assert world.once().exit_code == 3
    remedy(world, contact, Code.C4C_UNAVAILABLE, "If it lasts, check the tenant's availability")
    world.control.call("DELETE", "/faults")
    world.sync()
    assert leads(world) == {contact}


@scene(Code.C4C_UNAVAILABLE)
def answers_on_one_record_come_through_again(world: World) -> None:
    world.replace_rule("worker", 'longest = "2ms"', 'longest = "2ms"\nattempts = 1')
    company = world.control.company("Bakery North")
    ready(world, company, lastname="Winter")
    world.sync()
    contact = ready(world, company)
    body = f'"HubSpotID_KUT": "{contact}"'
    world.control.fault("cut_before", method="POST", path=r"\$batch", body=body, times=None)
    ready(world, company, lastname="Herbst")
    world.once()
    assert world.progress(contact).status == "parked"
    text = remedy(world, contact, Code.C4C_UNAVAILABLE, "If the contact is parked")
    world.control.call("DELETE", "/faults")
    typed(world, text, "parked retry")
    world.sync()
    assert contact in leads(world)


@scene(Code.C4C_DENIED)
def an_authorisation_is_granted(world: World) -> None:
    contact = ready(world)
    world.once("poll", "sweep")
    world.control.settings(forbidden=["Lead"])
    assert world.once("push").exit_code == 3
    text = remedy(world, contact, Code.C4C_DENIED, "the services of the communication arrangement")
    assert "read and write access to leads" in world.cli(*command(text, "check")).out
    world.control.settings(forbidden=[])
    world.sync()
    assert leads(world) == {contact}


@scene(Code.C4C_DENIED)
def a_right_to_write_is_granted(world: World) -> None:
    contact = ready(world)
    refusal = '{"error":{"code":"/IWFND/MED/170","message":{"value":"No authorization to access Service"}}}'
    part = f"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n\r\n{refusal}"
    body = f"--r\r\nContent-Type: application/http\r\n\r\n{part}\r\n--r--\r\n"
    world.control.fault(
        "status", method="POST", path=r"\$batch", body="POST LeadCollection", times=None,
        status=202, body_out=body, headers={"content-type": "multipart/mixed; boundary=r"},
    )  # fmt: skip
    world.once()
    assert world.progress(contact).status == "parked"
    text = remedy(world, contact, Code.C4C_DENIED, "If the contact is parked")
    world.control.call("DELETE", "/faults")
    typed(world, text, "parked retry")
    world.sync()
    assert leads(world) == {contact}


@scene(Code.INTERNAL_ERROR)
def a_defect_is_mended(world: World) -> None:
    real = handover.plan
    contact = ready(world)

    def defective(view: Any, *more: Any) -> Any:
        raise KeyError(view.id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handover, "plan", defective)
        world.once()
    assert handover.plan is real
    text = remedy(world, contact, Code.INTERNAL_ERROR, "After an update")
    assert "KeyError at" in " ".join(typed(world, text, "parked list").out.split())
    typed(world, text, "parked retry")
    world.sync()
    assert leads(world) == {contact}


# ---- all of them


@pytest.mark.parametrize("name", SCENES)
def test_what_the_remedy_says_works(world: World, name: str) -> None:
    SCENES[name](world)


def test_every_code_has_a_scene_or_is_retired() -> None:
    assert set(Code) - RETIRED == PLAYED
