"""Whole plans: what one contact means for C4C, against a C4C in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit_builders import (
    account,
    associated,
    company,
    contact,
    field_map,
    lead,
    person,
    primary,
    shipped,
    tenant_schema,
    uuid,
    with_fields,
    with_qualification,
)
from unit_world import World, relation

from sync.domain.codes import Code
from sync.domain.marketing import AttributeRule
from sync.domain.rules import Rules
from sync.domain.views import ContactView, Cycle, Label, Owner
from sync.planner.plan import Plan, Tenant, Write, plan
from sync.planner.qualify import qualify
from sync.planner.snapshot import Ask, Record, Snapshot
from sync.rule_files.standard_fields import standard

ACCOUNT, CONTACT, RELATION, LEAD = "CorporateAccount", "Contact", "ContactIsContactPersonFor", "Lead"
SET, CHANNEL = "MarketingPermission", "ChannelPermission"
EVA = uuid("Eva")

ACME = company(domain="acme.example", address="Domplatz 1", zip="50667", city="Köln", country="Germany")
ADA = contact(primary(ACME), firstname="Ada", email="ada@acme.example", jobtitle="CTO", phone="+49 221 1234")


def kinds(writes: list[Write]) -> list[str]:
    return [f"{write.action} {write.entity}" for write in writes]


def bodies(writes: list[Write], entity: str) -> list[dict[str, Any]]:
    """What is sent; a lead's note has a test of its own."""
    sent = [write.body() for write in writes if write.entity == entity]
    return [{name: value for name, value in body.items() if name != "Note"} for body in sent]


def known() -> tuple[Record, Record, Record]:
    """Account, person and their relationship as they stand after a handover of ADA."""
    a = account("A1", HubSpotID_KUT="200", WebSite="acme.example")
    c = person("C1", HubSpotID_KUT="100", Email="ada@acme.example")
    return a, c, relation("2C1", "1A1", ReverseMainIndicator=True)


def handed_over(*leads: Record, **changes: Any) -> World:
    """C4C after earlier handovers with these leads."""
    a, c, r = known()
    world = World([a, c, r, *leads], **changes)
    return world.linked("200", a).linked("100", c, AccountUUID=uuid("A1"))


# ---- everything is new


def test_a_plan_that_knows_nothing_asks_and_writes_nothing() -> None:
    found = plan(ADA, qualify(ADA, shipped()), {}, Snapshot(), shipped(), Tenant(standard()))
    assert {Ask.LEADS_OF, Ask.BY_KEY, Ask.ACCOUNT_BY_DOMAIN} <= {lookup.kind for lookup in found.lookups}
    assert list(found.ready()) == []


def test_what_waits_for_ids_is_shown_and_not_ready() -> None:
    found = World().plan(ADA)
    assert [(w.entity, w.action, w.ready) for w in found.records] == [
        (ACCOUNT, "create", True),
        (CONTACT, "create", False),
        (LEAD, "create", False),
    ]


def test_new_account_then_person_then_lead() -> None:
    writes = World().sync(ADA)
    assert kinds(writes) == [f"create {ACCOUNT}", f"create {CONTACT}", f"create {LEAD}"]


def test_bodies_of_a_first_handover() -> None:
    world = World(employees={"eva@sales.example": EVA})
    eva = Owner("7", "Eva@Sales.example")
    view = contact(
        primary(company(owner=eva, hubspot_owner_id="7", **ACME.properties)),
        owner=eva,
        **(dict(ADA.properties) | {"hubspot_owner_id": "7"}),
    )
    writes = world.sync(view)
    a, c = world.one(ACCOUNT), world.one(CONTACT)
    assert bodies(writes, ACCOUNT) == [
        {
            "HubSpotID_KUT": "200",
            "Name": "Muster GmbH",
            "RoleCode": "BUP002",
            "WebSite": "acme.example",
            "Street": "Domplatz 1",
            "StreetPostalCode": "50667",
            "City": "Köln",
            "CountryCode": "DE",
            "OwnerUUID": EVA,
        }
    ]
    assert bodies(writes, CONTACT) == [
        {
            "HubSpotID_KUT": "100",
            "FirstName": "Ada",
            "LastName": "Muster",
            "Email": "ada@acme.example",
            "Phone": "+49 221 1234",
            "JobTitle": "CTO",
            "AccountUUID": a.fields["UUID"],
            "ContactOwnerUUID": EVA,
        }
    ]
    assert bodies(writes, LEAD) == [
        {
            "HubSpotID_KUT": "100:mql:1",
            "Name": "Muster GmbH: Ada Muster (mql)",
            "HubSpotScore_KUT": "80",
            "AccountPartyUUID": a.fields["UUID"],
            "ContactUUID": c.fields["ContactUUID"],
            "OwnerPartyUUID": EVA,
            "OriginTypeCode": "002",
            "QualificationLevelCode": "03",
        }
    ]


def test_what_touches_one_account_names_it_as_a_lock() -> None:
    world = handed_over(lead(AccountPartyUUID=uuid("A1"), ContactUUID=uuid("C1"), HubSpotScore_KUT="80"))
    view = contact(*ADA.associations, cycles=(FIRST,), **(dict(ADA.properties) | {"lead_score": "90"}))
    writes = world.sync(view)
    assert {write.entity for write in writes} == {ACCOUNT, CONTACT, LEAD}
    assert all(f"{ACCOUNT} A1" in write.locks for write in writes)


def test_a_second_run_writes_nothing() -> None:
    world = World()
    world.sync(ADA)
    again = world.plan(ADA)
    assert {write.action for write in again.records} == {"unchanged"}
    assert again.decisions[0].code is Code.QUALIFIED
    assert "ALREADY_HANDED_OVER" in again.decisions[0].codes


def test_a_lost_memory_creates_nothing_twice() -> None:
    world = World()
    world.sync(ADA)
    world.links.clear()
    assert world.sync(ADA) == []


def test_who_does_not_qualify_is_neither_asked_about_nor_written() -> None:
    below = contact(primary(ACME), lead_score="74")
    found = plan(below, qualify(below, shipped()), {}, Snapshot(), shipped(), Tenant(standard()))
    assert (found.records, found.lookups, found.problem) == ((), frozenset(), None)


def test_a_long_name_is_spread_and_what_is_cut_is_said() -> None:
    long = " ".join(["Gesellschaft"] * 15)
    world = World()
    view = contact(primary(company(name=long)))
    warnings = world.plan(view).warnings
    world.sync(view)
    held = world.one(ACCOUNT)
    names = [held.text(name) for name in ("Name", "AdditionalName", "AdditionalName2", "AdditionalName3")]
    assert names == [" ".join(["Gesellschaft"] * 3)] * 4
    assert [warning.code for warning in warnings] == [Code.VALUE_TOO_LONG]
    assert "Gesellschaft" not in warnings[0].text


# ---- adoption


def test_what_was_there_before_us_is_adopted() -> None:
    a = account("A1", WebSite="http://www.ACME.example/", City="Bonn", Street="")
    c = person("C1", Email="Ada@Acme.example", JobTitle="CEO")
    world = World([a, c, relation("2C1", "1A1", ReverseMainIndicator=True)])
    writes = world.sync(ADA)
    assert kinds(writes) == [f"update {ACCOUNT}", f"update {CONTACT}", f"create {LEAD}"]
    assert bodies(writes, ACCOUNT) == [
        {"HubSpotID_KUT": "200", "Street": "Domplatz 1", "StreetPostalCode": "50667", "CountryCode": "DE"}
    ]
    assert bodies(writes, CONTACT)[0] == {
        "HubSpotID_KUT": "100",
        "FirstName": "Ada",
        "Email": "ada@acme.example",
        "Phone": "+49 221 1234",
        "JobTitle": "CTO",
    }
    assert [write.version for write in writes[:2]] == ["etag-A1", "etag-C1"]


def test_values_on_which_both_agree_are_told() -> None:
    world = World([account("A1", WebSite="acme.example", City="Köln", Street="Am Ring 2")])
    [write] = [w for w in world.plan(ADA).records if w.entity == ACCOUNT]
    assert write.merge_base == {"Name": "Muster GmbH", "WebSite": "acme.example", "City": "Köln"}


def test_another_companys_account_is_not_touched() -> None:
    world = World([account("A1", WebSite="acme.example", HubSpotID_KUT="999")])
    writes = world.sync(ADA)
    assert kinds(writes)[0] == f"create {ACCOUNT}"
    assert all(write.object_id != "A1" for write in writes)


def test_the_same_e_mail_in_another_account_is_another_person() -> None:
    world = World([account("A9"), person("C9", account="1A9", Email="ada@acme.example")])
    assert kinds(world.sync(ADA)) == [f"create {ACCOUNT}", f"create {CONTACT}", f"create {LEAD}"]


TWO_ACCOUNTS = (account("A1", WebSite="acme.example"), account("A2", WebSite="www.acme.example"))
TWO_PERSONS = (known()[0], person("C1", Email="ada@acme.example"), person("C2", Email="ADA@acme.example"))


@pytest.mark.parametrize(
    ("records", "code", "candidates"),
    [
        pytest.param(TWO_ACCOUNTS, Code.ACCOUNT_AMBIGUOUS, ("A1", "A2"), id="two accounts"),
        pytest.param(TWO_PERSONS, Code.CONTACT_AMBIGUOUS, ("C1", "C2"), id="two persons"),
    ],
)
def test_two_candidates_need_a_person(records: tuple[Record, ...], code: Code, candidates: tuple[str, ...]) -> None:
    found = World(list(records)).plan(ADA)
    assert found.problem is not None
    assert found.problem.code is code
    assert all(candidate in found.problem.text for candidate in candidates)
    assert all(write.entity != LEAD for write in found.records)


def test_a_contact_in_doubt_takes_no_other_account_for_its_company() -> None:
    """Sales retired its account, another one would be adopted, and two persons there could be the contact."""
    retired = account("A1", WebSite="acme.example", LifeCycleStatusCode="4")
    persons = (person(f"C{n}", account="1A2", Email="ada@acme.example") for n in range(2))
    world = World([retired, account("A2", WebSite="acme.example"), *persons]).linked("200", retired)
    found = world.plan(ADA)
    assert found.problem is not None
    assert found.problem.code is Code.CONTACT_AMBIGUOUS
    assert [write for write in found.records if write.object_id == "A2"] == []


def test_sales_edits_of_an_account_survive_and_hubspots_contact_data_wins() -> None:
    a, c, r = known()
    a = account("A1", HubSpotID_KUT="200", City="Bonn", Name="Muster GmbH")
    c = person("C1", HubSpotID_KUT="100", Email="private@home.example", JobTitle="CEO")
    world = World([a, c, r]).linked("200", a, City="Köln", Name="Muster GmbH")
    world.linked("100", c, Email="ada@acme.example", JobTitle="CTO")
    writes = world.sync(ADA)
    assert "City" not in bodies(writes, ACCOUNT)[0]
    assert bodies(writes, CONTACT)[0]["Email"] == "ada@acme.example"
    assert bodies(writes, CONTACT)[0]["JobTitle"] == "CTO"


def test_one_key_is_never_written_to_a_second_record() -> None:
    """Sales merged two accounts by hand and moved our key to the other one; the link still names the first."""
    first = account("A1", HubSpotID_KUT="")
    second = account("A2", HubSpotID_KUT="200")
    world = World([first, second]).linked("200", first, Name="Muster GmbH")
    world.sync(ADA)
    assert [r.object_id for r in world.all(ACCOUNT) if r.text("HubSpotID_KUT") == "200"] == ["A2"]


def test_after_a_merge_in_hubspot_the_records_are_kept_under_the_new_key() -> None:
    """The state store moved the links of contact 100 to its survivor 300; C4C still shows the old keys."""
    world = handed_over(lead("L1", AccountPartyUUID=uuid("A1"), ContactUUID=uuid("C1"), HubSpotScore_KUT="80"))
    world.links = {(ACCOUNT, "200"): world.links[ACCOUNT, "200"]}
    world.linked("300", world.one(CONTACT)).linked("300:mql:1", world.one(LEAD))
    survivor = contact(primary(ACME), id="300", email="ada@acme.example", cycles=(Cycle("mql", 1),))
    writes = world.sync(survivor)
    assert all(write.action == "update" for write in writes)
    assert world.one(CONTACT).text("HubSpotID_KUT") == "300"
    assert world.one(LEAD).text("HubSpotID_KUT") == "300:mql:1"


# ---- company as text


TEXT_ONLY = contact(
    company="Schmidt & Söhne", firstname="Ada", email="ada@s.example", phone="+49 221 1", mobilephone="+49 151 1234"
)


def test_a_company_that_is_only_a_text_makes_a_lead_without_account_and_person() -> None:
    writes = World().sync(TEXT_ONLY)
    assert kinds(writes) == [f"create {LEAD}"]
    assert bodies(writes, LEAD)[0] == {
        "HubSpotID_KUT": "100:mql:1",
        "Name": "Schmidt & Söhne: Ada Muster (mql)",
        "HubSpotScore_KUT": "80",
        "OriginTypeCode": "002",
        "QualificationLevelCode": "03",
        "Company": "Schmidt & Söhne",
        "ContactFirstName": "Ada",
        "ContactLastName": "Muster",
        "ContactEMail": "ada@s.example",
        "ContactPhone": "+49 221 1",
        "ContactMobile": "+49 151 1234",
    }


def test_a_company_that_is_only_a_text_needs_no_look_up_of_accounts() -> None:
    found = plan(TEXT_ONLY, qualify(TEXT_ONLY, shipped()), {}, Snapshot(), shipped(), Tenant(standard()))
    assert {lookup.kind for lookup in found.lookups} == {Ask.LEADS_OF}


def test_a_nameless_company_is_called_by_its_domain() -> None:
    writes = World().sync(contact(primary(company(name=None, domain="acme.example"))))
    assert bodies(writes, ACCOUNT)[0]["Name"] == "acme.example"
    assert bodies(writes, LEAD)[0]["Name"] == "acme.example: Muster (mql)"


def test_a_lead_with_texts_gets_its_account_when_there_is_one() -> None:
    world = World()
    world.sync(TEXT_ONLY)
    associated_now = contact(primary(ACME), cycles=(Cycle("mql", 1),), **TEXT_ONLY.properties)
    writes = world.sync(associated_now)
    assert kinds(writes) == [f"create {ACCOUNT}", f"create {CONTACT}", f"update {LEAD}"]
    assert bodies(writes, LEAD) == [
        {"AccountPartyUUID": world.one(ACCOUNT).fields["UUID"], "ContactUUID": world.one(CONTACT).fields["ContactUUID"]}
    ]


def test_an_account_that_is_gone_from_hubspot_stays_on_the_lead() -> None:
    world = handed_over(lead(AccountPartyUUID=uuid("A1"), ContactUUID=uuid("C1"), HubSpotScore_KUT="80"))
    assert world.sync(contact(company="Text AG", cycles=(Cycle("mql", 1),))) == []


# ---- further companies


DECIDER = Label("USER_DEFINED", 28, "Decision maker")
LABELS = with_qualification(
    labels=[{"label": "Decision maker", "fields": {"FunctionCode": "0001", "VIPReasonCode": "1"}}]
)


def test_a_further_company_that_is_in_c4c_gets_a_relationship() -> None:
    a, c, r = known()
    world = World([a, c, r, account("A2", HubSpotID_KUT="202", Name="Other AG")])
    view = contact(primary(ACME), associated(company("202", name="Other AG")), email="ada@acme.example")
    writes = world.sync(view)
    assert bodies(writes, RELATION) == [{"ContactID": "2C1", "AccountID": "1A2"}]
    assert world.sync(view) == []


def test_a_further_company_of_a_new_person_waits_for_the_person() -> None:
    world = World([account("A2", HubSpotID_KUT="202")])
    writes = world.sync(contact(primary(ACME), associated(company("202"))))
    assert kinds(writes)[:2] == [f"create {ACCOUNT}", f"create {CONTACT}"]
    assert bodies(writes, RELATION) == [{"ContactID": world.one(CONTACT).text("ContactID"), "AccountID": "1A2"}]


def test_a_further_company_that_is_not_in_c4c_is_not_created() -> None:
    world = World(list(known()))
    home, other = company(domain="acme.example"), company("202", name="Other AG", domain="other.example")
    view = contact(primary(home), associated(other), email="ada@acme.example")
    assert all(write.key != "100:202" for write in world.plan(view).records)
    assert kinds(world.sync(view)) == [f"create {LEAD}"]


def test_a_further_account_is_not_changed() -> None:
    other = account("A2", Name="Other AG", WebSite="other.example", City="Ulm")
    world = World([*known(), other])
    further = company("202", name="Other AG", domain="other.example", city="Bonn")
    writes = world.sync(contact(primary(ACME), associated(further), email="ada@acme.example"))
    assert all(write.object_id != "A2" for write in writes)
    assert bodies(writes, RELATION) == [{"ContactID": "2C1", "AccountID": "1A2"}]


def test_the_account_of_the_lead_gets_its_missing_relationship_as_the_main_one() -> None:
    a, c, _ = known()
    writes = World([a, c]).sync(ADA)
    parties = {"ContactID": "2C1", "AccountID": "1A1", "ReverseMainIndicator": True}
    work_place = {"JobTitle": "CTO", "Email": "ada@acme.example", "Phone": "+49 221 1234"}
    assert bodies(writes, RELATION) == [{**parties, **work_place}]


@pytest.mark.parametrize(
    ("holds", "sent", "expected"),
    [
        pytest.param({}, {}, {"FunctionCode": "0001", "VIPReasonCode": "1"}, id="blank"),
        pytest.param({"FunctionCode": "0009"}, {}, {"VIPReasonCode": "1"}, id="filled by sales"),
        pytest.param({"FunctionCode": "0009"}, {"FunctionCode": "0001"}, {"VIPReasonCode": "1"}, id="sales changed it"),
        pytest.param({"FunctionCode": "0001", "VIPReasonCode": "1"}, {}, None, id="already so"),
    ],
)
def test_a_label_fills_the_relationship(
    holds: dict[str, str], sent: dict[str, str], expected: dict[str, str] | None
) -> None:
    a, c, _ = known()
    row = relation("2C1", "1A1", ReverseMainIndicator=True, **holds)
    world = World([a, c, row], rules=LABELS).linked("100:200", row, **sent)
    writes = world.sync(contact(primary(ACME, DECIDER), email="ada@acme.example"))
    assert bodies(writes, RELATION) == ([expected] if expected else [])


def test_what_the_tenants_field_does_not_hold_is_left_out_with_a_warning() -> None:
    a, c, _ = known()
    short = replace(tenant_schema().entities[RELATION]["FunctionCode"], length=2)
    schema = tenant_schema().without(RELATION, "FunctionCode").with_custom(RELATION, short)
    world = World([a, c, relation("2C1", "1A1", ReverseMainIndicator=True)], rules=LABELS, schema=schema)
    view = contact(primary(ACME, DECIDER), email="ada@acme.example")
    warned = [(w.code, w.text) for w in world.plan(view).warnings]
    assert bodies(world.sync(view), RELATION) == [{"VIPReasonCode": "1"}]
    assert warned == [(Code.VALUE_TOO_LONG, f"{RELATION}.FunctionCode: longer than 2, left out")]


@pytest.mark.parametrize(("length", "holds"), [(255, 255), (20, 20), (0, 255)])
def test_a_marketing_attribute_is_never_cut_silently(length: int, holds: int) -> None:
    """A tenant that names no length for the field is taken to hold what the standard does."""
    item, rules = "BusinessAttributeAssignmentItem", shipped()
    rule = AttributeRule.model_validate({"set": "M", "attribute": "TOPIC", "source": "topic"})
    rules = rules.model_copy(update={"mapping": rules.mapping.model_copy(update={"attributes": (rule,)})})
    value = replace(tenant_schema().entities[item]["BusinessAttributeValue"], length=length)
    schema = tenant_schema().without(item, value.name).with_custom(item, value)
    world = World(list(known()), rules=rules, schema=schema)
    long = contact(primary(ACME), email="ada@acme.example", topic="x" * 300)
    warned = [(w.code, w.text) for w in world.plan(long).warnings]
    world.sync(long)
    assert [r.text(value.name) for r in world.all(item)] == ["x" * holds]
    assert warned == [(Code.VALUE_TOO_LONG, f"attribute TOPIC of set M: longer than {holds}, cut")]
    short = contact(primary(ACME), email="ada@acme.example", topic="x")
    assert world.plan(short).warnings == ()


def test_another_label_fills_nothing() -> None:
    world = World(list(known()), rules=LABELS)
    view = contact(primary(ACME, Label("USER_DEFINED", 29, "Billing")), email="ada@acme.example")
    assert bodies(world.sync(view), RELATION) == []


def test_a_relationship_that_we_made_goes_with_its_association_and_one_of_sales_stays() -> None:
    a, c, r = known()
    second, third = account("A2", HubSpotID_KUT="202"), account("A3", HubSpotID_KUT="203")
    of_sales = relation("2C1", "1A3")
    world = World([a, c, r, second, third, of_sales]).linked("100:203", of_sales)
    home = company(domain="acme.example")
    both = (associated(company("202", name="B AG")), associated(company("203", name="C AG")))
    world.sync(contact(primary(home), *both, email="ada@acme.example"))
    assert {row.text("AccountID") for row in world.all(RELATION)} == {"1A1", "1A2", "1A3"}
    writes = world.sync(contact(primary(home), email="ada@acme.example"))
    assert kinds(writes) == [f"delete {RELATION}"]
    assert {row.text("AccountID") for row in world.all(RELATION)} == {"1A1", "1A3"}


def test_a_relationship_that_sales_deleted_stays_deleted() -> None:
    world = World([*known(), account("A2", HubSpotID_KUT="202")])
    view = contact(primary(ACME), associated(company("202", name="B AG")), email="ada@acme.example")
    world.sync(view)
    world.records = [r for r in world.records if not (r.entity == RELATION and r.text("AccountID") == "1A2")]
    assert world.sync(view) == []


def test_of_two_labels_the_first_rule_wins() -> None:
    rules = with_qualification(
        labels=[
            {"label": "Decision maker", "fields": {"FunctionCode": "0001"}},
            {"label": "Billing", "fields": {"FunctionCode": "0002", "VIPReasonCode": "2"}},
        ]
    )
    a, c, _ = known()
    view = contact(primary(ACME, DECIDER, Label("USER_DEFINED", 29, "Billing")), email="ada@acme.example")
    [body] = bodies(World([a, c], rules=rules).sync(view), RELATION)
    assert (body["FunctionCode"], body["VIPReasonCode"]) == ("0001", "2")


def test_a_label_value_that_does_not_fit_its_field_is_left_out_and_said() -> None:
    rules = with_qualification(labels=[{"label": "Decision maker", "fields": {"EmailInvalidIndicator": "perhaps"}}])
    found = World(list(known()), rules=rules).plan(contact(primary(ACME, DECIDER), email="ada@acme.example"))
    assert [warning.code for warning in found.warnings] == [Code.VALUE_INVALID]


# ---- e-mail permission


OPTED_OUT = contact(primary(ACME), email="ada@acme.example", hs_email_optout="true")


def permission_set() -> Record:
    return Record(SET, "P1", {"BusinessPartnerUUID": uuid("C1")})


def channel(consent: str, name: str = "INT") -> Record:
    return Record(CHANNEL, f"CH-{name}", {"ParentObjectID": "P1", "Channel": name, "Consent": consent})


def permissions(writes: list[Write]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(w.action, w.entity, w.body()) for w in writes if w.entity in (SET, CHANNEL)]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param(
            [permission_set(), channel("1")], [("update", CHANNEL, {"Consent": "2"})], id="given before, refused now"
        ),
        pytest.param([permission_set(), channel("2")], [], id="refused already"),
        pytest.param(
            [permission_set(), channel("1", "Z03")],
            [("create", CHANNEL, {"ParentObjectID": "P1", "Channel": "INT", "Consent": "2"})],
            id="only other channels there",
        ),
        pytest.param(
            [permission_set()],
            [("create", CHANNEL, {"ParentObjectID": "P1", "Channel": "INT", "Consent": "2"})],
            id="no channel yet",
        ),
    ],
)
def test_an_opt_out_becomes_a_refused_permission(records: list[Record], expected: list[Any]) -> None:
    assert permissions(World([*known(), *records]).sync(OPTED_OUT)) == expected


def test_a_permission_set_is_made_where_there_is_none() -> None:
    world = World(list(known()))
    made = permissions(world.sync(OPTED_OUT))
    refused = [{"Channel": "INT", "Consent": "2"}]
    assert made == [("create", SET, {"BusinessPartnerUUID": uuid("C1"), CHANNEL: refused})]
    assert world.one(CHANNEL).fields["ParentObjectID"] == world.one(SET).object_id
    assert world.sync(OPTED_OUT) == []


def test_an_opt_out_of_somebody_new_follows_the_person() -> None:
    world = World()
    writes = kinds(world.sync(contact(primary(ACME), hs_email_optout="true")))
    assert writes.index(f"create {CONTACT}") < writes.index(f"create {SET}")
    assert f"create {LEAD}" in writes
    assert world.one(SET).fields["BusinessPartnerUUID"] == world.one(CONTACT).fields["ContactUUID"]
    assert world.one(CHANNEL).fields["Consent"] == "2"


@pytest.mark.parametrize("value", [None, "false", ""])
def test_without_an_opt_out_permissions_are_left_alone(value: str | None) -> None:
    world = World([*known(), permission_set(), channel("1")])
    view = contact(primary(ACME), email="ada@acme.example", hs_email_optout=value)
    assert permissions(world.sync(view)) == []


def test_an_opt_out_is_not_lost_where_there_is_no_person_to_carry_it() -> None:
    """A lead with texts only: sales must see it on the lead."""
    [write] = World().sync(contact(company="Text AG", hs_email_optout="true"))
    assert "opted out" in write.body()["Note"]


# ---- the note on a lead


@pytest.mark.parametrize(
    ("view", "says"),
    [
        pytest.param(ADA, ["contact 100", "mql: 80 points, 75", "Freely given consent", "company 200"], id="all"),
        pytest.param(contact(company="Text AG"), ["noted as text"], id="company as text"),
        pytest.param(contact(primary(ACME), hs_email_optout="true"), ["opted out"], id="opted out"),
    ],
)
def test_the_note_tells_sales_why(view: ContactView, says: list[str]) -> None:
    world = World()
    world.sync(view)
    note = world.one(LEAD).text("Note")
    assert [words for words in says if words not in note] == []


def test_the_note_in_german_and_only_of_a_new_lead() -> None:
    route = shipped().qualification.routes["default"].model_dump() | {"language": "de"}
    world = World(rules=with_qualification(routes={"default": route}))
    world.sync(ADA)
    assert "Vom Marketing übergeben" in world.one(LEAD).text("Note")
    assert world.sync(contact(*ADA.associations, **(dict(ADA.properties) | {"lead_score": "90"})))[0].body().keys() == {
        "HubSpotScore_KUT"
    }


# ---- the life of a lead


def decided(found: Plan) -> Code:
    [decision] = found.decisions
    return decision.code


def lead_writes(writes: list[Write]) -> list[tuple[str, str]]:
    return [(write.action, write.key) for write in writes if write.entity == LEAD]


FIRST, REARMED = Cycle("mql", 1), Cycle("mql", 1, rearmed=True)
AGAIN = {"AccountPartyUUID": uuid("A1"), "ContactUUID": uuid("C1"), "HubSpotScore_KUT": "80"}


@pytest.mark.parametrize(
    ("leads", "cycles", "code", "expected"),
    [
        pytest.param([], (), Code.QUALIFIED, [("create", "100:mql:1")], id="the first crossing"),
        pytest.param([lead(**AGAIN)], (FIRST,), Code.QUALIFIED, [], id="open"),
        pytest.param([lead(**AGAIN)], (), Code.QUALIFIED, [], id="open, and our memory is lost"),
        pytest.param([lead(**AGAIN)], (REARMED,), Code.QUALIFIED, [], id="open and re-armed: still the same"),
        pytest.param([lead(status="3", **AGAIN)], (REARMED,), Code.QUALIFIED, [], id="accepted and re-armed"),
        pytest.param([lead(status="6")], (FIRST,), Code.LEAD_CLOSED, [], id="converted"),
        pytest.param([lead(status="4")], (FIRST,), Code.LEAD_CLOSED, [], id="declined"),
        pytest.param([lead(status="6")], (), Code.LEAD_CLOSED, [], id="converted, and our memory is lost"),
        pytest.param(
            [lead(status="6")], (REARMED,), Code.QUALIFIED, [("create", "100:mql:2")], id="converted and re-armed"
        ),
        pytest.param([], (FIRST,), Code.LEAD_CLOSED, [], id="deleted in C4C"),
        pytest.param([], (REARMED,), Code.QUALIFIED, [("create", "100:mql:2")], id="deleted and re-armed"),
        pytest.param(
            [lead(status="6"), lead("L2", "100:mql:2", **AGAIN)],
            (REARMED, Cycle("mql", 2)),
            Code.QUALIFIED,
            [],
            id="the second is open",
        ),
        pytest.param(
            [lead(status="6"), lead("L2", "100:mql:2", "4")],
            (REARMED, Cycle("mql", 2)),
            Code.LEAD_CLOSED,
            [],
            id="the second is closed, the first one's re-arming does not count",
        ),
        pytest.param(
            [lead(status="6"), lead("L2", "100:mql:2", "4")],
            (REARMED, Cycle("mql", 2, rearmed=True)),
            Code.QUALIFIED,
            [("create", "100:mql:3")],
            id="the third",
        ),
        pytest.param(
            [lead(status="6"), lead("L2", "100:mql:10", **AGAIN)], (), Code.QUALIFIED, [], id="cycles are numbers"
        ),
        pytest.param([lead(key="100:other:1")], (), Code.QUALIFIED, [("create", "100:mql:1")], id="of another score"),
        pytest.param([], (Cycle("other", 1),), Code.QUALIFIED, [("create", "100:mql:1")], id="cycle of another score"),
    ],
)
def test_cycles(leads: list[Record], cycles: tuple[Cycle, ...], code: Code, expected: list[tuple[str, str]]) -> None:
    world = handed_over(*leads)
    view = contact(primary(ACME), email="ada@acme.example", cycles=cycles)
    assert decided(world.plan(view)) is code
    assert lead_writes(world.sync(view)) == expected


def test_a_closed_lead_is_not_touched_whatever_changed() -> None:
    world = handed_over(lead(status="6", HubSpotScore_KUT="76", AccountPartyUUID=uuid("A9")))
    writes = world.sync(contact(primary(ACME), email="ada@acme.example", lead_score="99", cycles=(FIRST,)))
    assert lead_writes(writes) == []


def test_an_open_lead_follows_the_score_and_keeps_its_texts() -> None:
    world = handed_over(lead(Name="Sales' own title", **(AGAIN | {"HubSpotScore_KUT": "76.0000"})))
    writes = world.sync(contact(primary(ACME), email="ada@acme.example", lead_score="90", cycles=(FIRST,)))
    assert bodies(writes, LEAD) == [{"HubSpotScore_KUT": "90"}]


def test_several_scores_are_several_leads_on_one_account() -> None:
    rules = with_qualification(
        scores=[
            {"name": "mql", "property": "lead_score", "threshold": 75},
            {"name": "fit", "property": "fit_tier", "tiers": ["A1"]},
        ]
    )
    writes = World(rules=rules).sync(contact(primary(ACME), fit_tier="A1"))
    assert kinds(writes) == [f"create {ACCOUNT}", f"create {CONTACT}", f"create {LEAD}", f"create {LEAD}"]
    assert {key for _, key in lead_writes(writes)} == {"100:mql:1", "100:fit:1"}


# ---- another primary company


NEW_HOME = company("201", name="New AG", domain="new.example")
MOVED = contact(primary(NEW_HOME), associated(ACME), email="ada@acme.example", cycles=(FIRST,))


def moving(status: str, *records: Record, holds: str = "A1") -> World:
    own = lead(status=status, **(AGAIN | {"AccountPartyUUID": uuid(holds)}))
    world = handed_over(own, *records)
    return world.linked("100:mql:1", own, **AGAIN)


THERE = account("A2", HubSpotID_KUT="201", Name="New AG")


@pytest.mark.parametrize(
    ("world", "account_of_lead"),
    [
        pytest.param(moving("2", THERE), "A2", id="an open lead moves"),
        pytest.param(moving("1", THERE), "A2", id="a lead just created moves"),
        pytest.param(moving("3", THERE), "A1", id="an accepted lead stays"),
        pytest.param(moving("6", THERE), "A1", id="a closed lead stays"),
        pytest.param(moving("2", THERE, account("A9"), holds="A9"), "A9", id="sales chose another account"),
    ],
)
def test_a_new_primary_company(world: World, account_of_lead: str) -> None:
    world.sync(MOVED)
    assert world.one(LEAD).fields["AccountPartyUUID"] == uuid(account_of_lead)
    assert world.one(LEAD).fields["ContactUUID"] == uuid("C1")


def merged_away(*, status: str = "2", obsolete: bool = True, remembered: bool = False) -> World:
    """A lead on the account A9 and with the person C9, both perhaps merged away; ours are A1 and C1."""
    code = "4" if obsolete else "2"
    own = lead(status=status, **(AGAIN | {"AccountPartyUUID": uuid("A9"), "ContactUUID": uuid("C9")}))
    world = handed_over(own, account("A9", LifeCycleStatusCode=code), person("C9", "1A9", StatusCode=code))
    return world.linked("100:mql:1", own, **AGAIN) if remembered else world


@pytest.mark.parametrize(
    ("world", "follows"),
    [
        pytest.param(merged_away(), True, id="our memory is lost: from the obsolete ones to those that live"),
        pytest.param(merged_away(obsolete=False), False, id="sales may have chosen living ones"),
        pytest.param(merged_away(remembered=True), False, id="sales chose them, as we remember"),
        pytest.param(merged_away(status="3"), False, id="an accepted lead is left to sales"),
    ],
)
def test_a_lead_follows_from_obsolete_parties(world: World, follows: bool) -> None:
    world.sync(contact(primary(ACME), email="ada@acme.example", cycles=(FIRST,)))
    fields = world.one(LEAD).fields
    expected = ("A1", "C1") if follows else ("A9", "C9")
    assert (fields["AccountPartyUUID"], fields["ContactUUID"]) == tuple(map(uuid, expected))


def by_number() -> Rules:
    """The shipped rules, with the parties of a lead named by number."""
    rules = shipped()
    left = [f for f in rules.mapping.lead.fields if f.target not in (("AccountPartyUUID",), ("ContactUUID",))]
    numbers = (
        field_map("AccountPartyID", source="company.account_number", rule="c4c_wins"),
        field_map("ContactID", source="contact.contact_number", rule="c4c_wins"),
    )
    lead_map = rules.mapping.lead.model_copy(update={"fields": (*left, *numbers)})
    return rules.model_copy(update={"mapping": rules.mapping.model_copy(update={"lead": lead_map})})


@pytest.mark.parametrize("obsolete", [True, False])
def test_a_lead_whose_parties_are_named_by_number_follows_too(obsolete: bool) -> None:
    world = merged_away(obsolete=obsolete)
    world.rules = by_number()
    world.one(LEAD).fields.update(AccountPartyID="1A9", ContactID="2C9")  # type: ignore[attr-defined]
    home = company(domain="acme.example", account_number="1A1")
    world.sync(contact(primary(home), email="ada@acme.example", contact_number="2C1", cycles=(FIRST,)))
    fields = world.one(LEAD).fields
    assert (fields["AccountPartyID"], fields["ContactID"]) == (("1A1", "2C1") if obsolete else ("1A9", "2C9"))


def test_an_accepted_lead_keeps_parties_that_are_named_by_number() -> None:
    world = merged_away(status="3")
    world.rules = by_number()
    world.one(LEAD).fields.update(AccountPartyID="1A9", ContactID="2C9")  # type: ignore[attr-defined]
    home = company(domain="acme.example", account_number="1A1")
    writes = world.sync(contact(primary(home), email="ada@acme.example", contact_number="2C1", cycles=(FIRST,)))
    assert [body for body in bodies(writes, LEAD) if {"AccountPartyID", "ContactID"} & body.keys()] == []


def test_a_new_primary_company_that_is_not_in_c4c_yet() -> None:
    world = moving("2")
    writes = world.sync(MOVED)
    assert f"create {ACCOUNT}" in kinds(writes)
    [made] = [r for r in world.all(ACCOUNT) if r.text("HubSpotID_KUT") == "201"]
    assert world.one(LEAD).fields["AccountPartyUUID"] == made.fields["UUID"]


def test_a_person_who_moves_gets_a_relationship_with_the_new_account() -> None:
    writes = moving("2", THERE).sync(MOVED)
    assert {"ContactID": "2C1", "AccountID": "1A2"}.items() <= bodies(writes, RELATION)[0].items()


def test_the_main_account_follows_the_primary_company_until_sales_moves_it() -> None:
    assert bodies(moving("2", THERE).sync(MOVED), RELATION)[0]["ReverseMainIndicator"] is True
    world = moving("2", THERE, account("A9"), relation("2C1", "1A9", ReverseMainIndicator=True))
    old = relation("2C1", "1A1")
    world.records = [old if r.object_id == old.object_id else r for r in world.records]
    world.linked("100:200", old, ReverseMainIndicator=True)
    assert bodies(world.sync(MOVED), RELATION) == [{"ContactID": "2C1", "AccountID": "1A2"}]


def test_an_accepted_lead_still_follows_the_score() -> None:
    world = moving("3", THERE)
    view = contact(primary(NEW_HOME), email="ada@acme.example", lead_score="95", cycles=(FIRST,))
    assert bodies(world.sync(view), LEAD) == [{"HubSpotScore_KUT": "95"}]


# ---- owner


def owned(by: str | None, **rest: Any) -> ContactView:
    return contact(primary(ACME), owner=Owner("7", by), hubspot_owner_id="7", **rest)


@pytest.mark.parametrize(
    ("view", "owner", "codes"),
    [
        pytest.param(owned("eva@sales.example"), EVA, [], id="known"),
        pytest.param(owned("EVA@Sales.example"), EVA, [], id="in any case"),
        pytest.param(owned("tom@sales.example"), None, [Code.OWNER_UNKNOWN], id="no employee"),
        pytest.param(owned(None), None, [Code.OWNER_UNKNOWN], id="without e-mail"),
        pytest.param(contact(primary(ACME), hubspot_owner_id="7"), None, [Code.OWNER_UNKNOWN], id="not in HubSpot"),
        pytest.param(contact(primary(ACME)), None, [], id="nobody owns the contact"),
    ],
)
def test_owner(view: ContactView, owner: str | None, codes: list[Code]) -> None:
    world = World(employees={"eva@sales.example": EVA})
    found = world.plan(view)
    world.sync(view)
    assert world.one(LEAD).fields.get("OwnerPartyUUID") == owner
    assert world.one(CONTACT).fields.get("ContactOwnerUUID") == owner
    assert [warning.code for warning in found.warnings] == codes
    assert decided(found) is Code.QUALIFIED


def test_an_unknown_owner_is_named_by_id_only() -> None:
    [warning] = World().plan(owned("eva@sales.example")).warnings
    assert "7" in warning.text
    assert "eva" not in warning.text


def test_an_owner_whose_address_two_valid_employees_share_is_called_that() -> None:
    world = World(shared=frozenset({"eva@sales.example"}))
    [warning] = world.plan(owned("Eva@sales.example")).warnings
    assert warning.code is Code.OWNER_UNKNOWN
    assert "owner 7 has an e-mail address that several valid employees share" in warning.text
    assert "eva" not in warning.text.lower()


def test_an_owner_whom_sales_chose_stays() -> None:
    tom = uuid("Tom")
    own = lead(OwnerPartyUUID=tom, **AGAIN)
    world = handed_over(own, employees={"eva@sales.example": EVA}).linked("100:mql:1", own, OwnerPartyUUID=EVA)
    world.sync(owned("eva@sales.example", email="ada@acme.example", cycles=(FIRST,)))
    assert world.one(LEAD).fields["OwnerPartyUUID"] == tom


# ---- fields by one entry in the rules


@pytest.mark.parametrize(
    ("section", "mapped", "entity", "expected"),
    [
        pytest.param("account", field_map("District", source="state"), ACCOUNT, "NRW", id="account"),
        pytest.param("contact", field_map("Department", source="department"), CONTACT, "IT", id="contact"),
        pytest.param(
            "contact",
            field_map("BusinessAddressCity", source="company.city"),
            CONTACT,
            "Köln",
            id="contact, of company",
        ),
        pytest.param("lead", field_map("AccountCity", source="company.city"), LEAD, "Köln", id="lead, of company"),
        pytest.param("lead", field_map("Note", template="{score.name}/{jobtitle}"), LEAD, "mql/CTO", id="lead"),
    ],
)
def test_one_entry_adds_a_field(section: str, mapped: Any, entity: str, expected: str) -> None:
    rules = with_fields(section, mapped)
    [snapshot] = mapped.target
    world = World(rules=rules)
    assert world.schema.field(entity, snapshot) is not None
    home = company(**(dict(ACME.properties) | {"state": "NRW"}))
    world.sync(contact(primary(home), department="IT", jobtitle="CTO"))
    assert world.one(entity).fields.get(snapshot) == expected
