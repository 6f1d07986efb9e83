"""The ten things a naive C4C client gets wrong, each as a test that fails when the care is taken away.

Ranked by the damage they do; the list is that of public write-ups of C4C integrations and of SAP's own guide.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from c4c_world import World

from sync.c4c import odata
from sync.contracts import check
from sync.domain.values import same, wire
from sync.jobs.runner import run_jobs
from sync.mappers.transforms import spread
from sync.state import tables


def keys(world: World, entity: str) -> Counter[str]:
    return Counter(row["HubSpotID_KUT"] for row in world.control.rows(entity) if row["HubSpotID_KUT"])


def ready(world: World, *more: str, **properties: str) -> str:
    """A contact who qualifies, with the client's token fetched already: what is cut is a write."""
    warm_up = world.control.contact(world.control.company("Warm Up"), lastname="Warm")
    world.sync()
    assert warm_up
    return world.control.contact(*more or (world.control.company("Bakery North"),), **properties)


@pytest.mark.parametrize("entity", ["CorporateAccount", "Contact", "Lead"])
def test_1_a_create_whose_answer_is_lost_is_looked_up_by_its_key_and_not_repeated(world: World, entity: str) -> None:
    contact = ready(world)
    world.control.fault("cut_after", method="POST", path=r"\$batch", body=f"POST {entity}Collection")
    world.sync()
    assert set(keys(world, entity).values()) == {1}
    assert world.progress(contact).status == "done"
    assert len(world.control.rows(entity)) == 2
    assert world.control.row("Lead", HubSpotID_KUT=f"{contact}:mql:1")["ExternalID"] == "", "is read-only in C4C"


def test_1_the_key_goes_along_in_the_very_post_that_creates(world: World) -> None:
    """A second request could be lost, and then nothing would tell the record from a stranger's."""
    contact = ready(world)
    world.control.reset_counts()
    world.sync()
    operations = world.control.counts()["operations"]
    assert operations["update"] == {}
    assert keys(world, "Contact")[contact] == 1


def test_2_the_created_record_is_read_from_d_results_so_the_next_run_knows_it(world: World) -> None:
    contact = ready(world)
    world.sync()
    assert odata.one({"d": {"results": {"ObjectID": "A"}}}) == odata.one({"d": {"ObjectID": "A"}})
    for place in ("CorporateAccount", "Contact", "Lead"):
        known = {row["ObjectID"] for row in world.control.rows(place)}
        assert {row.object_id for row in world.table(tables.Link) if row.entity == place} == known
    world.control.change(contact, jobtitle="Baker")
    world.sync()
    assert {len(world.control.rows(place)) for place in ("CorporateAccount", "Contact", "Lead")} == {2}


def test_3_success_by_status_with_an_error_by_header_is_not_believed(world: World) -> None:
    contact = ready(world)
    world.control.fault("sap_message_error", body="POST LeadCollection", times=None)
    world.once("poll", "sweep", "push", until_idle=False)
    assert keys(world, "Lead")[f"{contact}:mql:1"] == 0
    progress = world.progress(contact)
    assert (progress.status, progress.code, progress.attempts) == ("pending", "C4C_REJECTED", 1)
    for _ in range(7):
        world.once("push", until_idle=False)
    assert world.progress(contact).status == "parked", "not for ever"
    world.control.call("DELETE", "/faults")
    world.control.change(contact, jobtitle="Baker")
    world.sync()
    assert keys(world, "Lead")[f"{contact}:mql:1"] == 1


def test_3_a_passing_error_by_header_is_tried_again_by_itself(world: World) -> None:
    contact = ready(world)
    world.control.fault("sap_message_error", body="POST LeadCollection", times=2)
    world.sync()
    assert keys(world, "Lead")[f"{contact}:mql:1"] == 1
    assert world.progress(contact).status == "done"


def test_4_an_edit_by_sales_between_our_read_and_our_write_survives(world: World) -> None:
    contact = ready(world)
    world.sync()
    account = world.control.row("CorporateAccount", Name="Bakery North")
    world.control.change(contact, jobtitle="Baker")
    with world.application() as built:
        run_jobs(built.context, ["poll"])
        c4c, edited = built.c4c, []
        write = c4c.write

        def sales_is_faster(groups: Any) -> Any:
            if not edited:
                edited.append(True)
                person = world.control.row("Contact", HubSpotID_KUT=contact)
                world.control.sales_edit("Contact", person["ObjectID"], DepartmentCode="0003", JobTitle="Chief")
            return write(groups)

        c4c.write = sales_is_faster  # type: ignore[method-assign]
        assert not run_jobs(built.context, ["push"]).failures
    person = world.control.row("Contact", HubSpotID_KUT=contact)
    assert edited
    # The job title belongs to marketing by its rule, and was written over what sales had just entered only after it
    # had been read; the field that nobody mapped is as sales left it.
    assert (person["DepartmentCode"], person["JobTitle"]) == ("0003", "Baker")
    assert account["Name"] == "Bakery North"


def test_4_a_field_of_sales_that_changes_at_the_same_moment_is_theirs(world: World) -> None:
    """Without If-Match the second write would win; with it, it is merged again and finds the field taken."""
    company = world.control.company("Bakery North", phone="+49 40 1000")
    contact = ready(world, company)
    world.sync()
    account = world.control.row("CorporateAccount", HubSpotID_KUT=company)
    world.control.call("PATCH", f"/hubspot/companies/{company}", {"properties": {"phone": "+49 40 2000"}})
    with world.application() as built:
        run_jobs(built.context, ["poll"])
        c4c, edited = built.c4c, []
        write = c4c.write

        def sales_is_faster(groups: Any) -> Any:
            if not edited:
                edited.append(True)
                world.control.sales_edit("CorporateAccount", account["ObjectID"], Phone="+49 40 3000")
            return write(groups)

        c4c.write = sales_is_faster  # type: ignore[method-assign]
        assert not run_jobs(built.context, ["push"]).failures
    assert edited
    assert world.control.row("CorporateAccount", HubSpotID_KUT=company)["Phone"] == "+49 40 3000"
    assert world.progress(contact).status == "done"


def test_4_a_record_that_keeps_changing_is_given_up_after_three_conflicts(world: World) -> None:
    contact = ready(world)
    world.sync()
    person = world.control.row("Contact", HubSpotID_KUT=contact)
    world.control.change(contact, jobtitle="Baker")
    with world.application() as built:
        run_jobs(built.context, ["poll"])
        c4c, tries = built.c4c, []
        write = c4c.write

        def sales_is_always_faster(groups: Any) -> Any:
            tries.append(True)
            world.control.sales_edit("Contact", person["ObjectID"], Building=str(len(tries)))
            return write(groups)

        c4c.write = sales_is_always_faster  # type: ignore[method-assign]
        run_jobs(built.context, ["push"])
    assert len(tries) == 4, "once, and three times again"
    assert (world.progress(contact).status, world.progress(contact).code) == ("pending", "C4C_CONFLICT")
    assert world.progress(contact).attempts == 1


def test_4_no_etag_is_made_up_and_none_is_used_twice(world: World) -> None:
    """A PATCH answers without an ETag, so a record that we changed is read again before its next change."""
    row = {
        "ETag": "/Date(1422997623532)/",
        "__metadata": {"etag": "W/\"datetimeoffset'2015-02-03T21%3A07%3A03.5328420Z'\""},
    }
    assert odata.etag(row) == "W/\"datetimeoffset'2015-02-03T21%3A07%3A03.5328420Z'\""
    control = world.control
    first, second = control.company("Bakery North"), control.company("Mill South")
    control.sales_create("CorporateAccount", Name="Mill South", RoleCode="CRM000", WebSite="mill.example")
    contact = control.contact(first, second)
    world.sync()
    control.associate(contact, second, "Primary")
    control.separate(contact, first)
    control.reset_counts()
    world.sync()
    assert control.counts()["no_op_updates"] == 0
    assert [row["AccountFormattedName"] for row in control.rows("ContactIsContactPersonFor")] == ["Mill South"]


def test_5_long_names_are_split_at_words_and_never_cut_silently(world: World) -> None:
    name = "Vereinigte Norddeutsche Backwaren und Feinkost Handelsgesellschaft mit beschränkter Haftung"
    company = world.control.company(name, domain="long.example")
    contact = world.control.contact(company, jobtitle="Head of " + "very " * 10 + "important things")
    world.sync()
    account = world.control.row("CorporateAccount")
    parts = [account[field] for field in ("Name", "AdditionalName", "AdditionalName2", "AdditionalName3")]
    assert all(len(part) <= 40 for part in parts)
    assert " ".join(part for part in parts if part) == name
    assert spread(name, [40] * 4)[1] is False
    person = world.control.row("Contact")
    assert len(person["JobTitle"]) <= 40
    assert {w["code"] for w in world.warnings(contact)} == {"VALUE_TOO_LONG"}


def test_6_a_lead_that_sales_closed_is_never_written_again(world: World) -> None:
    contact = ready(world)
    world.sync()
    lead = world.control.row("Lead", HubSpotID_KUT=f"{contact}:mql:1")
    for action in ("accept", "convert"):
        world.control.call("POST", f"/c4c/leads/{lead['ObjectID']}/{action}")
    world.control.change(contact, lead_score="95", jobtitle="Baker")
    world.sync()
    assert world.control.counts()["closed_lead_writes"] == 0
    assert world.control.row("Lead", ObjectID=lead["ObjectID"])["HubSpotScore_KUT"] == "82.000000"
    assert world.control.row("Contact", HubSpotID_KUT=contact)["JobTitle"] == "Baker", "the person goes on"
    assert world.progress(contact).code == "LEAD_CLOSED"


def test_6_the_status_follows_from_the_level_and_the_read_only_score_is_not_written(world: World) -> None:
    contact = ready(world)
    world.sync()
    lead = world.control.row("Lead", HubSpotID_KUT=f"{contact}:mql:1")
    assert (lead["UserStatusCode"], lead["QualificationLevelCode"]) == ("02", "03")
    assert lead["HubSpotScore_KUT"] == "82.000000"


def test_7_owners_are_named_by_uuid_which_is_the_same_on_account_contact_and_lead(world: World) -> None:
    """By number it would be EmployeeID on an account, and BusinessPartnerID on a lead."""
    control = world.control
    owner = control.call("POST", "/hubspot/owners", {"email": "SOMEONE@sales.example"})["id"]
    company = control.company("Bakery North", hubspot_owner_id=owner)
    control.contact(company, hubspot_owner_id=owner)
    world.sync()
    employee = control.row("Employee")
    assert control.row("CorporateAccount")["OwnerID"] == employee["EmployeeID"] == "E1"
    assert control.row("Contact")["ContactOwnerID"] == "E1"
    assert control.row("Lead")["OwnerPartyID"] == employee["BusinessPartnerID"] == "8000000001"


def test_7_uuids_are_sent_in_upper_case() -> None:
    lower = "00163e03-a070-1ee2-88ba-37fb8f5f50a9"
    assert wire(lower, "Guid") == lower.upper()
    assert odata.guid_literal(lower) == f"guid'{lower.upper()}'"
    assert same(lower, lower.upper())


def test_8_never_more_requests_at_a_time_than_configured_nor_two_on_one_account(world: World) -> None:
    control = world.control
    world.replace_rule("worker", "settle_seconds = 0", "settle_seconds = 0\nparallel = 3\nbatch_operations = 5")
    companies = [control.company(f"Firm{n} Trading", domain=f"firm{n}.example") for n in range(6)]
    for n in range(24):
        control.contact(companies[n % 6], companies[(n + 1) % 6], lastname=f"P{n}")
    control.settings(latency_seconds=0.01)
    with world.application() as built:
        run_jobs(built.context, ["poll", "sweep"])
        locked: list[Any] = []
        c4c = built.c4c
        write = c4c.write

        def watched(groups: Any) -> Any:
            results = write(groups)
            locked.extend(result for group in results for result in group if type(result).__name__ == "Locked")
            return results

        c4c.write = watched  # type: ignore[method-assign]
        assert not run_jobs(built.context, ["push"]).failures
    assert locked == [], "C4C refuses a second write to an account while the first is under way"
    assert 1 < control.counts()["max_parallel"] <= 3
    assert len(control.rows("Lead")) == 24


def test_9_values_with_signs_find_their_record_and_wildcards_match_nobody_else(world: World) -> None:
    control = world.control
    stranger = control.sales_create(
        "CorporateAccount", Name="Stranger", RoleCode="CRM000", CountryCode="DE", StreetPostalCode="12345"
    )
    known = control.sales_create(
        "CorporateAccount", Name="O'Neil & Söhne + Co", RoleCode="CRM000", CountryCode="DE", StreetPostalCode="12345"
    )
    company = control.company("O'Neil & Söhne + Co", domain="", zip="12345", country="Germany")
    starred = control.company("*", domain="", zip="1*", country="Germany")
    control.contact(company, lastname="D'Arc", email="jeanne+d'arc@mail.example")
    control.contact(starred, lastname="Star", email="*@mail.example")
    world.sync()
    assert control.row("CorporateAccount", ObjectID=known["ObjectID"])["HubSpotID_KUT"] == company
    assert control.row("CorporateAccount", ObjectID=stranger["ObjectID"])["HubSpotID_KUT"] == ""
    assert len(control.rows("CorporateAccount")) == 3


def test_9_what_does_not_fit_one_page_is_read_to_the_end(world: World) -> None:
    control = world.control
    control.settings(page_size=3)
    company = control.company("Bakery North")
    account = control.sales_create("CorporateAccount", Name="B", RoleCode="CRM000", WebSite="bakery.example")
    for n in range(10):
        control.sales_create("Contact", LastName=f"P{n}", Email=f"p{n}@mail.example", AccountID=account["AccountID"])
    contacts = [control.contact(company, lastname=f"P{n}") for n in range(10)]
    world.sync()
    assert len(control.rows("Contact")) == 10, "everyone was recognised, also beyond the first page"
    assert set(keys(world, "Contact")) == set(contacts)


def test_10_a_token_that_expires_at_any_time_costs_nothing(world: World) -> None:
    control = world.control
    control.settings(csrf_expires_after=1)
    contacts = [
        control.contact(control.company(f"Firm{n} X", domain=f"firm{n}.example"), lastname=f"P{n}") for n in range(8)
    ]
    world.sync()
    assert set(keys(world, "Contact")) == set(contacts)
    assert set(keys(world, "Contact").values()) == {1}


def test_10_a_code_that_the_tenant_does_not_know_closes_its_field_and_is_named(world: World) -> None:
    """The whole record would be refused for it."""
    world.replace_rule("qualification", 'origin = "002"', 'origin = "WEB"')
    world.control.contact(world.control.company())
    world.sync()
    assert world.control.row("Lead")["OriginTypeCode"] == ""
    with world.application() as built:
        findings = check.online(built.context, built.settings.config)[0]["findings"]
    assert any("Lead.OriginTypeCode" in finding["text"] for finding in findings)


def test_10_a_blank_consent_never_resets_what_was_given(world: World) -> None:
    control = world.control
    contact = ready(world, hs_email_optout="true")
    world.sync()
    control.change(contact, hs_email_optout="")
    world.sync()
    assert [row["Consent"] for row in control.rows("ChannelPermission")] == ["2"]
