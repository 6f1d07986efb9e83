"""A first sync against an independent model of the rules: every lead, and nothing else.

In `make test` of 800 contacts, in `make test-long` of 2,000.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from stage import KEY, Product, duplicates
from truth import LAND, Company, Expected, Lead, Row, World, expected, host, whole_words, words
from warm import Warm
from world.program import Ran
from world.sandbox import Sandbox

from sync.admin.explain import explain
from sync.config import load
from sync.state.store import open_store

ACCOUNT_NAMES = ("Name", "AdditionalName", "AdditionalName2", "AdditionalName3")
LEAD_COMPANY = ("Company", "CompanySecondName", "CompanyThirdName", "CompanyFourthName")
LEAD_TEXTS = (*LEAD_COMPANY, "ContactFirstName", "ContactLastName", "ContactEMail", "ContactPhone", "ContactMobile")
PARKING = {"COMPANY_AMBIGUOUS", "ACCOUNT_AMBIGUOUS", "CONTACT_AMBIGUOUS"}
SIZES = [
    pytest.param({"contacts": 800, "companies": 160, "seed": 2}, id="800"),
    pytest.param({"contacts": 2000, "companies": 400, "seed": 20}, id="2000", marks=pytest.mark.long),
]
MOVES = {"ETag", "ChangedOn", "EntityLastChangedOn", "ChangedBy", "LastChangeDateTime", "LastChangedBy"}
"""What moves on a C4C record although none of its own values does."""


@dataclass
class Outcome:
    """One world before and after its first sync, what the model expected of it, and a second sync."""

    before: World
    after: World
    expected: Expected
    first: Ran
    second: Ran
    second_requests: dict[str, Any]
    product: Product

    @cached_property
    def leads(self) -> dict[str, Row]:
        return {row[KEY]: row for row in self.after.c4c["Lead"]}

    def with_leads(self) -> Iterator[tuple[Lead, Row]]:
        return ((lead, self.leads[lead.key]) for lead in self.expected.leads.values())

    def with_persons(self) -> Iterator[tuple[Lead, Row]]:
        """Leads that have an account, with the contact person that carries the contact's key."""
        return ((lead, self.persons[lead.person.id]) for lead in self.expected.leads.values() if lead.company)

    @cached_property
    def accounts(self) -> dict[str, Row]:
        """By HubSpot company id."""
        return {row[KEY]: row for row in self.after.accounts.values() if row[KEY]}

    @cached_property
    def persons(self) -> dict[str, Row]:
        return {row[KEY]: row for row in self.after.contacts.values() if row[KEY]}

    @cached_property
    def handed_over(self) -> dict[str, Company]:
        """The companies of the leads, by id."""
        return {lead.company.id: lead.company for lead in self.expected.leads.values() if lead.company}


@pytest.fixture(scope="module", params=SIZES)
def outcome(
    request: pytest.FixtureRequest, sandbox: Sandbox, warm: Warm, tmp_path_factory: pytest.TempPathFactory
) -> Outcome:
    product = Product(tmp_path_factory.mktemp("truth"), sandbox.environment(), warm=warm)
    sandbox.reset()
    sandbox.seed(**request.param)
    entangle(sandbox)
    before = World(sandbox.truth())
    first = product.run_well()
    after = World(sandbox.truth())
    sandbox.delete("/requests")
    second = product.run_well()
    requests = sandbox.get("/requests")
    assert World(sandbox.truth()).c4c == after.c4c, "the second run changed something in C4C"
    return Outcome(before, after, expected(before), first, second, requests, product)


def entangle(sandbox: Sandbox) -> None:
    """What the seed does not have: the dead, the merged, records that carry our key or are obsolete."""
    world = World(sandbox.truth())
    leads = list(expected(world).leads.values())
    for lead in leads[:3]:
        sandbox.post(f"/hubspot/contacts/{lead.person.id}/archive")
    sandbox.post(f"/hubspot/contacts/{leads[3].person.id}/erase")
    sandbox.post("/hubspot/contacts/merge", {"primary": leads[4].person.id, "other": leads[5].person.id})
    _known_by_key(sandbox, next(lead for lead in leads[6:] if lead.company and not lead.accounts))
    adopting = [lead for lead in leads[6:] if lead.accounts and not lead.persons and lead.person.get("email")]
    for lead, fields in zip(adopting, ({"StatusCode": "4"}, {KEY: "4711000816"}), strict=False):
        account = world.accounts[lead.accounts[0]]["AccountID"]
        same_mail = {"LastName": "Früher", "Email": lead.person.get("email").upper(), "AccountID": account}
        sandbox.post("/c4c/Contact", same_mail | fields)


def _known_by_key(sandbox: Sandbox, lead: Lead) -> None:
    """Account and person that an earlier installation wrote: nothing but our key connects them."""
    assert lead.company
    account = sandbox.post("/c4c/CorporateAccount", {"Name": "Altbestand", "RoleCode": "BUP002", KEY: lead.company.id})
    person = {"LastName": "Altbestand", "AccountID": account["AccountID"], KEY: lead.person.id}
    sandbox.post("/c4c/Contact", person)


# ---- the world is worth it


def test_the_world_holds_every_kind_of_case(outcome: Outcome) -> None:
    leads = outcome.expected.leads.values()
    assert len(leads) > len(outcome.expected.codes) / 10
    kinds: dict[str, Callable[[Lead], bool]] = {
        "adopted account": lambda lead: bool(lead.accounts),
        "adopted person": lambda lead: bool(lead.persons),
        "text only": lambda lead: lead.company is None,
        "refused": lambda lead: lead.refused,
        "no owner": lambda lead: outcome.before.unknown_owner(lead.person),
        "further company": lambda lead: len(lead.person.companies) > 1,
    }
    found = {kind: sum(map(is_one, leads)) for kind, is_one in kinds.items()}
    assert min(found.values()) > 0, found
    assert set(outcome.expected.codes.values()) >= {
        "QUALIFIED", "SCORE_MISSING", "SCORE_BELOW_THRESHOLD", "NO_LEGAL_BASIS", "MISSING_LAST_NAME", "NO_COMPANY",
        "COMPANY_AMBIGUOUS", "ACCOUNT_AMBIGUOUS",
    }  # fmt: skip


# ---- leads


def test_every_expected_lead_is_there_once_and_no_other(outcome: Outcome) -> None:
    found = Counter(row[KEY] for row in outcome.after.c4c["Lead"])
    assert found == Counter(lead.key for lead in outcome.expected.leads.values())


def test_no_key_and_no_pair_is_there_twice(outcome: Outcome) -> None:
    assert duplicates(outcome.after.c4c) == []


def test_each_lead_has_the_account_of_its_company(outcome: Outcome) -> None:
    for lead, row in outcome.with_leads():
        account = outcome.accounts[lead.company.id]["UUID"] if lead.company else ""
        assert row["AccountPartyUUID"] == account, lead.key


def test_each_lead_has_its_person(outcome: Outcome) -> None:
    for lead, row in outcome.with_leads():
        person = outcome.persons[lead.person.id]["ContactUUID"] if lead.company else ""
        assert row["ContactUUID"] == person, lead.key


def test_each_lead_has_the_owner_of_its_contact_or_the_one_that_c4c_determines(outcome: Outcome) -> None:
    for lead, row in outcome.with_leads():
        determined = outcome.accounts[lead.company.id]["OwnerUUID"] if lead.company else ""
        wanted = lead.owner or determined
        assert row["OwnerPartyUUID"] == wanted if wanted else row["OwnerPartyUUID"], lead.key


def test_each_lead_has_its_score_name_and_route(outcome: Outcome) -> None:
    for lead, row in outcome.with_leads():
        assert Decimal(row["HubSpotScore_KUT"]) == Decimal(lead.person.get("lead_score")), lead.key
        assert (row["Name"], row["OriginTypeCode"], row["QualificationLevelCode"]) == (lead.name, "002", "03")
        assert row["UserStatusCode"] == "02", "a lead with a level is qualified"


def test_a_lead_without_account_carries_company_and_person_as_text(outcome: Outcome) -> None:
    for lead, row in outcome.with_leads():
        if lead.company:
            assert not any(row[name] for name in LEAD_TEXTS), lead.key
            continue
        person = lead.person
        assert _holds(row, LEAD_COMPANY, words(person.get("company"))), lead.key
        assert _holds(row, ("ContactFirstName", "ContactMiddleName"), words(person.get("firstname"))), lead.key
        assert row["ContactLastName"] == whole_words(person.get("lastname")), lead.key
        assert row["ContactFunctionalTitleName"] == whole_words(person.get("jobtitle")), lead.key
        shown = [saved(name, row[name]) for name in ("ContactEMail", "ContactPhone", "ContactMobile")]
        assert shown == [saved(name, person.get(name)) for name in ("email", "phone", "mobilephone")], lead.key


def saved(field: str, value: str) -> str:
    """What C4C's own spelling on saving leaves the same: an address in any case, the digits of a phone number."""
    return value.lower() if "mail" in field.lower() else re.sub(r"[^+\d]", "", value)


# ---- accounts


def test_an_account_that_fits_is_adopted_and_only_else_created(outcome: Outcome) -> None:
    claims = _claims(outcome, lambda lead: (lead.company.id, lead.accounts) if lead.company else None)
    _check_claims(claims, outcome.accounts, set(outcome.before.accounts))


def test_no_account_is_there_that_no_lead_needs(outcome: Outcome) -> None:
    fresh = [row for object_id, row in outcome.after.accounts.items() if object_id not in outcome.before.accounts]
    assert {row[KEY] for row in fresh} <= set(outcome.handed_over)


def test_a_new_account_is_a_prospect_with_the_facts_of_its_company(outcome: Outcome) -> None:
    for company in outcome.handed_over.values():
        row = outcome.accounts[company.id]
        if row["ObjectID"] in outcome.before.accounts:
            continue
        assert row["RoleCode"] == "BUP002"
        assert {name: row[name] for name in _facts(company)} == _facts(company), company.id
        assert _holds(row, ACCOUNT_NAMES, words(company.name)), company.id
        assert row["OwnerUUID"] == (outcome.before.owner_of(company) or ""), company.id


def test_an_adopted_account_keeps_what_sales_wrote_and_gets_what_was_blank(outcome: Outcome) -> None:
    for company in outcome.handed_over.values():
        row = outcome.accounts[company.id]
        old = outcome.before.accounts.get(row["ObjectID"])
        if old is None:
            continue
        wanted = {name: old[name] or value for name, value in _facts(company).items()}
        kept = {name: old[name] for name in (*ACCOUNT_NAMES, "RoleCode", "LifeCycleStatusCode")}
        assert {name: row[name] for name in wanted | kept} == wanted | kept, company.id
        assert row["OwnerUUID"] == (old["OwnerUUID"] or outcome.before.owner_of(company) or ""), company.id


def test_a_new_account_has_the_country_of_its_company_in_any_of_its_spellings(outcome: Outcome) -> None:
    fresh = {
        company.id: company
        for company in outcome.handed_over.values()
        if outcome.accounts[company.id]["ObjectID"] not in outcome.before.accounts
    }
    lands = {company.get("country"): outcome.accounts[key]["CountryCode"] for key, company in fresh.items()}
    assert lands == {spelled: LAND[spelled.lower()] for spelled in lands}


def _facts(company: Company) -> dict[str, str]:
    return {
        "WebSite": company.get("website") or company.get("domain"),
        "Phone": company.get("phone"),
        "Street": company.get("address"),
        "StreetPostalCode": company.get("zip"),
        "City": company.get("city"),
    }


# ---- contact persons


def test_a_person_with_the_same_mailbox_in_the_account_is_adopted_and_only_else_created(outcome: Outcome) -> None:
    claims = _claims(outcome, lambda lead: (lead.person.id, lead.persons) if lead.company else None)
    _check_claims(claims, outcome.persons, set(outcome.before.contacts))


def test_no_person_is_there_that_no_lead_needs(outcome: Outcome) -> None:
    fresh = [row for object_id, row in outcome.after.contacts.items() if object_id not in outcome.before.contacts]
    assert {row[KEY] for row in fresh} == {
        lead.person.id for lead, row in outcome.with_persons() if row["ObjectID"] not in outcome.before.contacts
    }


def test_a_person_has_the_values_of_the_contact(outcome: Outcome) -> None:
    """HubSpot wins; what HubSpot does not know blanks nothing."""
    for lead, row in outcome.with_persons():
        old = outcome.before.contacts.get(row["ObjectID"], defaultdict(str))
        for field, source in (("Email", "email"), ("Phone", "phone"), ("Mobile", "mobilephone")):
            assert saved(field, row[field]) == saved(field, lead.person.get(source) or old[field]), (lead.key, field)
        assert row["JobTitle"] == (whole_words(lead.person.get("jobtitle")) or old["JobTitle"]), lead.key
        first, last = words(lead.person.get("firstname")), words(lead.person.get("lastname"))
        assert _holds(row, ("FirstName", "MiddleName"), (first or old["FirstName"])), lead.key
        assert _holds(row, ("LastName", "AdditionalFamilyName"), last), lead.key


def test_a_person_belongs_to_the_account_and_the_owner(outcome: Outcome) -> None:
    for lead, row in outcome.with_persons():
        assert lead.company
        old = outcome.before.contacts.get(row["ObjectID"], defaultdict(str))
        assert row["AccountID"] == outcome.accounts[lead.company.id]["AccountID"], lead.key
        assert row["ContactOwnerUUID"] == (old["ContactOwnerUUID"] or lead.owner or ""), lead.key


def test_a_person_is_related_to_all_its_companies_that_are_in_c4c(outcome: Outcome) -> None:
    relations: dict[str, dict[str, bool]] = defaultdict(dict)
    for row in outcome.after.c4c["ContactIsContactPersonFor"]:
        relations[row["ContactID"]][row["AccountID"]] = row["ReverseMainIndicator"]
    for lead, row in outcome.with_persons():
        assert lead.company
        main = outcome.accounts[lead.company.id]["AccountID"]
        further = {account for company in lead.person.companies if (account := _account_of(outcome, company))}
        assert relations[row["ContactID"]] == {account: account == main for account in {main, *further}}, lead.key


def _account_of(outcome: Outcome, company: Company) -> str | None:
    """The account of a further company, if it has just one in the end."""
    if company.id in outcome.accounts:
        return str(outcome.accounts[company.id]["AccountID"])
    found = outcome.after.accounts_for(company)
    return str(outcome.after.accounts[found[0]]["AccountID"]) if len(found) == 1 else None


def test_an_opt_out_becomes_a_refused_permission_and_nothing_else_does(outcome: Outcome) -> None:
    person_of = {row["ContactUUID"]: row[KEY] for row in outcome.after.contacts.values()}
    holder = {
        row["ObjectID"]: person_of[row["BusinessPartnerUUID"]] for row in outcome.after.c4c["MarketingPermission"]
    }
    channels = [
        (holder[r["ParentObjectID"]], r["Channel"], r["Consent"]) for r in outcome.after.c4c["ChannelPermission"]
    ]
    wanted = [(lead.person.id, "INT", "2") for lead in outcome.expected.leads.values() if lead.refused]
    assert sorted(channels) == sorted(wanted)
    assert sorted(holder.values()) == sorted(person for person, _, _ in wanted)


# ---- nobody else


def test_what_is_obsolete_or_carries_another_key_stays_as_it_is(outcome: Outcome) -> None:
    ours = set(outcome.handed_over) | {lead.person.id for lead in outcome.expected.leads.values()}
    accounts = [row for row in outcome.before.accounts.values() if row["LifeCycleStatusCode"] == "4"]
    contacts = [row for row in outcome.before.contacts.values() if row["StatusCode"] == "4"]
    everybody = [*outcome.before.accounts.values(), *outcome.before.contacts.values()]
    foreign = [row for row in everybody if row[KEY] and row[KEY] not in ours]
    assert min(map(len, (accounts, contacts, foreign))) > 0
    now = outcome.after.accounts | outcome.after.contacts
    for row in (*accounts, *contacts, *foreign):
        assert now[row["ObjectID"]] == row


def test_records_of_nobody_stay_as_they_are(outcome: Outcome) -> None:
    """A new relationship moves the change date of the person, and of nothing else."""
    now = outcome.after.accounts | outcome.after.contacts
    for object_id, row in (outcome.before.accounts | outcome.before.contacts).items():
        if now[object_id][KEY] == row[KEY]:
            moved = {name for name, value in now[object_id].items() if value != row[name]} - MOVES
            assert not moved or row[KEY] in outcome.accounts | outcome.persons, (object_id, moved)


# ---- reasons


def test_parked_contacts_are_those_of_the_rules(outcome: Outcome) -> None:
    wanted = Counter(code for code in outcome.expected.codes.values() if code in PARKING)
    status = outcome.product.run("status", "--json").document
    assert status["parked"] == wanted
    assert status["pending"] == 0
    assert outcome.first.code == 4
    assert outcome.first.counts["parked"] == wanted.total()


@pytest.fixture(scope="module")
def explained(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """What `explain` says of everybody who qualifies, of the parked, and of every tenth of the others."""
    codes = outcome.expected.codes
    others = [contact for contact, code in codes.items() if code not in PARKING | {"QUALIFIED"}]
    rules = load(outcome.product.config).rules
    with closing(open_store(outcome.product.state)) as store:
        return {contact: explain(store, rules, contact) for contact in [*(set(codes) - set(others)), *others[::10]]}


def test_every_contact_ends_with_the_code_of_the_rules(outcome: Outcome) -> None:
    found = outcome.product.query("select contact_id, code, status from progress")
    assert {contact: code for contact, code, _ in found} == outcome.expected.codes
    assert {contact for contact, code, status in found if status == "parked"} == {
        contact for contact, code in outcome.expected.codes.items() if code in PARKING
    }
    assert {status for _, _, status in found} == {"done", "parked"}


def test_explain_names_the_code_of_the_rules(outcome: Outcome, explained: dict[str, dict[str, Any]]) -> None:
    assert len(explained) > len(outcome.expected.codes) / 5
    assert {contact: found["code"] for contact, found in explained.items()} == {
        contact: outcome.expected.codes[contact] for contact in explained
    }
    for found in explained.values():
        assert found["code"] in found["codes"]
        assert found["meaning"]
        assert found["remedy"]


def test_what_was_cut_and_an_unknown_owner_are_warnings(outcome: Outcome, explained: dict[str, dict[str, Any]]) -> None:
    for contact, lead in outcome.expected.leads.items():
        codes = explained[contact]["codes"]
        assert ("VALUE_TOO_LONG" in codes) == _is_cut(lead), contact
        owners = [lead.person, lead.company] if lead.company else [lead.person]
        assert ("OWNER_UNKNOWN" in codes) == any(map(outcome.before.unknown_owner, owners)), contact


def _is_cut(lead: Lead) -> bool:
    one_field = ["jobtitle"] if lead.company else ["jobtitle", "lastname"]
    spread = (lead.company_name, lead.person.get("firstname"), lead.person.get("lastname"))
    return any(len(lead.person.get(name)) > 40 for name in one_field) or any(
        len(word) > 40 for text in spread for word in text.split()
    )


@pytest.mark.parametrize("code", ["QUALIFIED", "COMPANY_AMBIGUOUS", "SCORE_MISSING"])
def test_the_command_explains_a_contact(outcome: Outcome, code: str) -> None:
    contact = next(contact for contact, found in outcome.expected.codes.items() if found == code)
    found = outcome.product.explain(contact)
    assert (found["contact"], found["code"]) == (contact, code)
    assert code in found["codes"]


# ---- again


def test_a_second_run_writes_nothing_and_reads_little(outcome: Outcome) -> None:
    c4c = outcome.second_requests["c4c"]
    assert (c4c["operations"]["create"], c4c["operations"]["update"], c4c["operations"]["delete"]) == ({}, {}, {})
    assert c4c["total"] == 0
    assert outcome.second_requests["hubspot"]["total"] <= 15
    counts = outcome.second.counts
    assert (counts["changed"], counts["created"], counts["updated"]) == (0, {}, {})


# ---- small things


def _holds(row: Row, names: tuple[str, ...], text: str) -> bool:
    """Whether the text is spread over these fields, broken between words; only a longer word is broken inside."""
    parts = [row[name] for name in names if row[name]]
    if max(map(len, text.split()), default=0) > 40:
        parts, text = ["".join(parts).replace(" ", "")], text.replace(" ", "")
    return " ".join(parts) == words(text) and all(len(row[name]) <= 40 for name in names)


Claim = tuple[str, tuple[str, ...]] | None


def _claims(outcome: Outcome, of: Callable[[Lead], Claim]) -> dict[str, tuple[str, ...]]:
    """HubSpot id -> existing records that fit."""
    return dict(claim for lead in outcome.expected.leads.values() if (claim := of(lead)))


def _check_claims(claims: dict[str, tuple[str, ...]], now: dict[str, Row], existed: set[str]) -> None:
    """What fits one id is adopted by it; what fits several by just one of them; who finds nothing gets a new record."""
    wanted_by: dict[str, set[str]] = defaultdict(set)
    for key, fitting in claims.items():
        for object_id in fitting:
            wanted_by[object_id].add(key)
        assert now[key]["ObjectID"] in fitting or now[key]["ObjectID"] not in existed, key
    adopted = {row["ObjectID"]: key for key, row in now.items()}
    for object_id, keys in wanted_by.items():
        assert adopted.get(object_id) in keys, object_id


def test_hosts_are_compared_as_people_spell_them() -> None:
    spellings = ("https://www.Shop.Example/de?x=1", "shop.example", "HTTP://SHOP.EXAMPLE", "www.shop.example:80")
    assert {host(spelling) for spelling in spellings} == {"shop.example"}
    assert host("none") == ""


def test_the_model_takes_no_part_of_the_product() -> None:
    model = Path(__file__).with_name("truth.py").read_text()
    assert not re.search(r"^\s*(from|import) sync", model, re.MULTILINE)
