"""Every construct of `qualification.toml` as a table: the rule, a contact, and what follows."""

from __future__ import annotations

from typing import Any

import pytest
from rules_world import BASIS, MQL, company, contact, labelled, rules

from sync.domain.codes import Code
from sync.domain.decision import Decision
from sync.domain.views import Owner
from sync.planner.facts import Facts, segment
from sync.planner.plan import Tenant, plan
from sync.planner.qualify import qualify
from sync.planner.records.owners import Staff, owner_uuid
from sync.planner.snapshot import Snapshot
from sync.rule_files.standard_fields import standard

AT_7 = {"country": "Deutschland", "zip": "20354", "numberofemployees": "150", "industry": "MACHINERY"}


def decide(view: Any, text: str) -> Any:
    return qualify(view, rules(text))[0]


# ---- conditions

CONDITIONS = [
    ('property = "jobtitle"\nin = ["CEO", "CTO"]', {"jobtitle": "cto"}, True),
    ('property = "jobtitle"\nin = ["CEO"]', {"jobtitle": "Intern;CEO"}, True),
    ('property = "jobtitle"\nin = ["CEO"]', {"jobtitle": "Assistant CEO"}, False),
    ('property = "jobtitle"\nin = ["CEO"]', {}, False),
    ('property = "jobtitle"\nnot_in = ["Intern"]', {"jobtitle": "CEO"}, True),
    ('property = "jobtitle"\nnot_in = ["Intern"]', {"jobtitle": "INTERN"}, False),
    ('property = "jobtitle"\nnot_in = ["Intern"]', {"jobtitle": "CEO;intern"}, False),
    ('property = "jobtitle"\nnot_in = ["Intern"]', {}, True),
    ("property = \"jobtitle\"\nmatches = '(?i)\\bleiter(in)?\\b'", {"jobtitle": "Einkaufs-Leiterin"}, True),
    ("property = \"jobtitle\"\nmatches = '^Leiter$'", {"jobtitle": "Leiterin"}, False),
    ("property = \"jobtitle\"\nmatches = '.*'", {}, False),
    ("property = \"jobtitle\"\nmatches = '^\\pL+$'", {"jobtitle": "Geschäftsführerin"}, True),
    ("property = \"jobtitle\"\nmatches = '(?i)^ÄR'", {"jobtitle": "Ärztin"}, True),
    # With a backtracking engine this one would not end.
    (
        "property = \"jobtitle\"\nmatches = '^(\\w+\\s?)+$'",
        {"jobtitle": "Head of a Very Long Department " * 9 + "!"},
        False,
    ),
    ('property = "fit"\nbetween = [10, 20]', {"fit": "10"}, True),
    ('property = "fit"\nbetween = [10, 20]', {"fit": "20.0"}, True),
    ('property = "fit"\nbetween = [10, 20]', {"fit": "20.1"}, False),
    ('property = "fit"\nbetween = [0, 20]', {}, False),
    ('property = "fit"\nat_least = 10', {"fit": "9.99"}, False),
    ('property = "fit"\nat_most = 10', {"fit": "10"}, True),
    ('property = "fit"\nat_most = 10', {"fit": "nan"}, False),
    ('property = "jobtitle"\nknown = true', {"jobtitle": "  "}, False),
    ('property = "jobtitle"\nknown = true', {"jobtitle": "x"}, True),
    ('property = "jobtitle"\nknown = false', {}, True),
    ('property = "jobtitle"\nknown = false', {"jobtitle": "x"}, False),
    ('property = "contact.jobtitle"\nknown = true\nnot_in = ["x"]', {"jobtitle": "x"}, False),
    ('property = "company.industry"\nin = ["MACHINERY"]', {}, True),
    ('property = "company.country"\nas = "country"\nin = ["DE", "AT"]', {}, True),
    ('property = "company.country"\nin = ["DE"]', {}, False),
    ('property = "country"\nas = "country"\nknown = true', {"country": "Nirgendwo"}, False),
    ('property = "derived.segment"\nin = ["midmarket"]', {}, True),
    ('all = [{ property = "a", known = true }, { property = "b", known = true }]', {"a": "1"}, False),
    ('all = [{ property = "a", known = true }, { property = "b", known = true }]', {"a": "1", "b": "1"}, True),
    ('any = [{ property = "a", known = true }, { property = "b", known = true }]', {"b": "1"}, True),
    ('any = [{ property = "a", known = true }, { property = "b", known = true }]', {}, False),
    ('not = { property = "a", known = true }', {}, True),
    ('not = { any = [{ property = "a", known = true }, { property = "b", known = true }] }', {"b": "1"}, False),
    (
        'all = [{ not = { all = [{ property = "a", known = true }] } }, { property = "b", known = true }]',
        {"b": "1"},
        True,
    ),
]


@pytest.mark.parametrize(("text", "properties", "passes"), CONDITIONS)
def test_condition(text: str, properties: dict[str, str], passes: bool) -> None:
    view = contact(labelled(company(**AT_7), "Primary"), **properties)
    found = decide(view, f"{MQL}filters = ['Ziel']\n[filters.Ziel]\n{text}")
    assert found.code is (Code.QUALIFIED if passes else Code.FILTERED_OUT)
    assert any("'Ziel'" in reason.text for reason in found.reasons), "the filter's name is the reason"


def test_filters_build_upon_each_other_and_name_the_inner_reason() -> None:
    text = (
        MQL + 'filters = ["Ziel"]\n[filters.Ziel]\nall = [{ filter = "DACH" }, { not = { filter = "Test" } }]\n'
        '[filters.DACH]\nproperty = "company.country"\nas = "country"\nin = ["DE"]\n'
        "[filters.Test]\nproperty = \"email\"\nmatches = '@example'"
    )
    at_home = labelled(company(**AT_7), "Primary")
    assert decide(contact(at_home), text).qualified
    tested = decide(contact(at_home, email="x@example.com"), text)
    assert against(tested) == ["filter 'Ziel': not 'Test' is asked for"]
    abroad = labelled(company(country="Dänemark"), "Primary")
    assert against(decide(contact(abroad), text)) == ["filter 'Ziel': 'DACH' (company.country is not one of DE)"]


def against(decision: Decision) -> list[str]:
    return [reason.text for reason in decision.reasons if reason.code is not Code.QUALIFIED]


def test_reasons_hold_no_values_of_people() -> None:
    found = decide(contact(email="erika@example.com"), f"{MQL}conditions = [{{ property = 'email', in = ['x'] }}]")
    assert found.code is Code.FILTERED_OUT
    assert "erika" not in " ".join(reason.text for reason in found.reasons)


# ---- scores

SCORES = [
    ({"lead_score": "75"}, Code.QUALIFIED),
    ({"lead_score": "74.9"}, Code.SCORE_BELOW_THRESHOLD),
    ({"lead_score": ""}, Code.SCORE_MISSING),
    ({"lead_score": "inf"}, Code.SCORE_MISSING),
]


@pytest.mark.parametrize(("properties", "code"), SCORES)
def test_threshold(properties: dict[str, str], code: Code) -> None:
    assert decide(contact(**properties), MQL).code is code


COMBINED = [
    ({"lead_score": "75", "fit": "40"}, Code.QUALIFIED),
    ({"lead_score": "75", "fit": "39"}, Code.SCORE_BELOW_THRESHOLD),
    ({"lead_score": "74", "fit": "90"}, Code.SCORE_BELOW_THRESHOLD),
    ({"lead_score": "75"}, Code.SCORE_MISSING),
]


@pytest.mark.parametrize(("properties", "code"), COMBINED)
def test_combined_scores(properties: dict[str, str], code: Code) -> None:
    assert decide(contact(**properties), f'{MQL}and = [{{ property = "fit", threshold = 40 }}]').code is code


def test_tier_labels_are_a_set() -> None:
    text = '[[scores]]\nname = "t"\nproperty = "tier"\ntiers = ["A1", "A2"]\n'
    codes = [decide(contact(tier=tier), text).code for tier in ("A1", "A2", "B1", "")]
    assert codes == [Code.QUALIFIED, Code.QUALIFIED, Code.SCORE_BELOW_THRESHOLD, Code.SCORE_MISSING]


def test_one_contact_yields_a_lead_for_each_score() -> None:
    text = (
        MQL
        + '[[scores]]\nname = "upsell"\nproperty = "tier"\ntiers = ["A1"]\nroute = "upsell"\n[routes.default]\n[routes.upsell]\n'
    )
    found = rules(text)
    view = contact(tier="A1", lead_score="80")
    planned = plan(view, qualify(view, found), {}, answered_by_nothing(view, found), found, Tenant(standard()))
    leads = {write.key: write.body() for write in planned.records if write.entity == "Lead"}
    assert set(leads) == {"123:mql:1", "123:upsell:1"}
    assert "(mql)" in leads["123:mql:1"]["Name"]
    assert "(upsell)" in leads["123:upsell:1"]["Name"]


def answered_by_nothing(view: Any, found: Any) -> Snapshot:
    """A C4C that holds nothing."""
    target = Snapshot()
    while lookups := plan(view, qualify(view, found), {}, target, found, Tenant(standard())).lookups:
        for question in lookups:
            target.learn(question, ())
    return target


# ---- routes

ROUTES = (
    MQL
    + 'route = "dach"\nroutes = [\n{ when = { property = "company.country", as = "country", in = ["DK"] }, route = "nordics" },\n'
    '{ when = { property = "derived.segment", in = ["large enterprise"] }, route = "key" }]\n'
    "[routes.dach]\n[routes.nordics]\n[routes.key]\n[routes.partner]\n"
    '[[labels]]\nlabel = "Partner"\nroute = "partner"\n'
)
ROUTED = [
    ({"country": "Danmark"}, ["Primary"], "nordics"),
    ({"country": "Danmark", "numberofemployees": "9000"}, ["Primary"], "nordics"),
    ({"country": "DE", "numberofemployees": "9000"}, ["Primary"], "key"),
    ({"country": "DE"}, ["Primary"], "dach"),
    ({"country": "Danmark"}, ["Primary", "Partner"], "partner"),
]


@pytest.mark.parametrize(("properties", "labels", "route"), ROUTED)
def test_route(properties: dict[str, str], labels: list[str], route: str) -> None:
    assert decide(contact(labelled(company(**properties), *labels)), ROUTES).route == route


def test_a_label_on_another_company_does_not_route() -> None:
    view = contact(labelled(company("7"), "Primary"), labelled(company("8"), "Partner"))
    assert decide(view, ROUTES).route == "dach"


def test_a_route_fills_the_lead() -> None:
    text = (
        MQL
        + '[routes.default]\nlead_name = "{company.name} {derived.segment} {route.name}"\norigin = "010"\nqualification_level = "03"\npriority = "1"\ngroup = "0001"\n'
    )
    found = rules(text)
    view = contact(labelled(company(numberofemployees="120"), "Primary"))
    planned = plan(view, qualify(view, found), {}, answered_by_nothing(view, found), found, Tenant(standard()))
    lead = next(write.body() for write in planned.records if write.entity == "Lead")
    assert lead["Name"] == "Firma 7 midmarket default"
    assert [lead[n] for n in ("OriginTypeCode", "QualificationLevelCode", "PriorityCode", "GroupCode")] == [
        "010",
        "03",
        "1",
        "0001",
    ]


# ---- labels

CHOICE = (
    MQL + '[[labels]]\nlabel = "Hauptstandort"\naccount = true\n[[labels]]\nlabel = "Niederlassung"\naccount = true\n'
)
CHOSEN = [
    ([("7", ["Primary"]), ("8", [])], "7"),
    ([("7", ["Primary"]), ("8", ["Hauptstandort"])], "8"),
    ([("7", ["Primary"]), ("8", ["Niederlassung"]), ("9", ["Hauptstandort"])], "9"),
    ([("7", []), ("8", ["Niederlassung"])], "8"),
    ([("7", ["Primary", "Hauptstandort"]), ("8", ["Hauptstandort"])], "7"),
    ([("7", []), ("8", [])], Code.COMPANY_AMBIGUOUS),
    ([("7", ["Primary"]), ("8", ["Hauptstandort"]), ("9", ["Hauptstandort"])], Code.COMPANY_AMBIGUOUS),
]


@pytest.mark.parametrize(("held", "expected"), CHOSEN)
def test_label_makes_a_company_the_account(held: list[tuple[str, list[str]]], expected: Any) -> None:
    found = decide(contact(*(labelled(company(i), *labels) for i, labels in held)), CHOICE)
    assert (found.company.id if found.company else found.code) == expected


BLOCKED = [
    ("any", ["Primary"], ["Competitor"], Code.FILTERED_OUT),
    ("account", ["Primary"], ["Competitor"], Code.QUALIFIED),
    ("account", ["Primary", "Competitor"], [], Code.FILTERED_OUT),
    ("any", ["Primary"], ["Consultant"], Code.QUALIFIED),
]


@pytest.mark.parametrize(("blocks", "at_7", "at_8", "code"), BLOCKED)
def test_label_blocks(blocks: str, at_7: list[str], at_8: list[str], code: Code) -> None:
    view = contact(labelled(company("7"), *at_7), labelled(company("8"), *at_8))
    found = decide(view, f'{MQL}[[labels]]\nlabel = "Competitor"\nblocks = "{blocks}"\n')
    assert found.code is code
    assert any("'Competitor'" in reason.text for reason in found.reasons)


# ---- segments

SEGMENTS = [
    ({"annualrevenue": "49999999", "numberofemployees": "99"}, "small business"),
    ({"annualrevenue": "50000000", "numberofemployees": "5"}, "midmarket"),
    ({"annualrevenue": "1000", "numberofemployees": "100"}, "midmarket"),
    ({"annualrevenue": "500000000", "numberofemployees": "2000"}, "midmarket"),
    ({"annualrevenue": "500000001", "numberofemployees": "3"}, "large enterprise"),
    ({"annualrevenue": "3", "numberofemployees": "2001"}, "large enterprise"),
    ({"numberofemployees": "99"}, "small business"),
    ({"annualrevenue": "60000000"}, "midmarket"),
    ({}, None),
    ({"annualrevenue": "unknown"}, None),
]


@pytest.mark.parametrize(("properties", "expected"), SEGMENTS)
def test_segment(properties: dict[str, str], expected: str | None) -> None:
    assert segment(company(**properties), rules().qualification.segments) == expected


def test_no_company_no_segment() -> None:
    assert segment(None, rules().qualification.segments) is None


# ---- consent

DOUBLE_OPT_IN = f'{MQL}[consent]\nconfirmation_for = ["{BASIS}"]\n'
CONSENT = [
    (MQL, {"hs_legal_basis": "Not applicable"}, Code.NO_LEGAL_BASIS),
    (MQL, {"hs_legal_basis": f"Not applicable;{BASIS}"}, Code.QUALIFIED),
    (MQL, {"hs_legal_basis": BASIS, "hs_email_optout": "true"}, Code.QUALIFIED),
    (f'{MQL}[consent]\nallowed_basis = ["{BASIS}"]\n', {"hs_legal_basis": BASIS}, Code.QUALIFIED),
    (
        f'{MQL}[consent]\nallowed_basis = ["{BASIS}"]\n',
        {"hs_legal_basis": "Performance of a contract"},
        Code.NO_LEGAL_BASIS,
    ),
    (DOUBLE_OPT_IN, {}, Code.NO_LEGAL_BASIS),
    (DOUBLE_OPT_IN, {"hs_emailconfirmationstatus": "Confirmation Pending"}, Code.NO_LEGAL_BASIS),
    (DOUBLE_OPT_IN, {"hs_emailconfirmationstatus": "Confirmed due to form"}, Code.QUALIFIED),
    (DOUBLE_OPT_IN, {"hs_legal_basis": f"{BASIS};Performance of a contract"}, Code.QUALIFIED),
]


@pytest.mark.parametrize(("text", "properties", "code"), CONSENT)
def test_consent(text: str, properties: dict[str, str], code: Code) -> None:
    assert decide(contact(**properties), text).code is code


STOP = f"{MQL}[consent]\nstop_updates_when_withdrawn = true\n"


@pytest.mark.parametrize(
    ("text", "handed_over", "optout", "stops"),
    [
        (STOP, True, "true", True),
        (STOP, True, "false", False),
        (STOP, False, "true", False),
        (MQL, True, "true", False),
    ],
)
def test_withdrawn_consent_stops_updates_if_so_configured(
    text: str, handed_over: bool, optout: str, stops: bool
) -> None:
    found = rules(text)
    view = contact(handed_over=handed_over, hs_email_optout=optout)
    planned = plan(view, qualify(view, found), {}, answered_by_nothing(view, found), found, Tenant(standard()))
    assert (planned.decisions[0].code is Code.ALREADY_HANDED_OVER) == stops
    assert (
        not [write for write in planned.records if write.entity in ("CorporateAccount", "Contact", "Lead")]
    ) == stops


# ---- owners

PEOPLE = {f"{name}@x.example": name.upper() for name in ("anna", "bo", "cilla", "nord", "big", "owner")}
OWNERS = """
[owners.r]
order = ["territory", "company_owner", "contact_owner", "round_robin"]
round_robin = ["anna@x.example", "Bo@x.example", "cilla@x.example"]
territories = [
    { segment = "large enterprise", owner = "big@x.example" },
    { country = "DE", postal = ["2", "30-31"], owner = "nord@x.example" },
    { country = "GB", postal = ["SW1"], owner = "gone@x.example" },
]
"""
OWNED = [
    ({"country": "DE", "zip": "20354"}, {}, "NORD", 0),
    ({"country": "Germany", "zip": "31999"}, {}, "NORD", 0),
    ({"country": "DE", "zip": "32000", "hubspot_owner_id": "1"}, {}, "OWNER", 0),
    ({"country": "DK", "zip": "20354", "hubspot_owner_id": "1"}, {}, "OWNER", 0),
    ({"numberofemployees": "3000", "country": "DE", "zip": "2"}, {}, "BIG", 0),
    ({"country": "UK", "zip": "sw 1a 1aa", "hubspot_owner_id": "1"}, {}, "OWNER", 1),
    ({"hubspot_owner_id": "2"}, {"hubspot_owner_id": "1"}, "OWNER", 1),
]


@pytest.mark.parametrize(("at_company", "at_contact", "expected", "unknown"), OWNED)
def test_owner(at_company: dict[str, str], at_contact: dict[str, str], expected: str, unknown: int) -> None:
    known = {"1": Owner("1", "Owner@x.example"), "2": Owner("2", "left@x.example")}
    of = company(owner=known.get(at_company.get("hubspot_owner_id", "")), **at_company)
    view = contact(labelled(of, "Primary"), owner=known.get(at_contact.get("hubspot_owner_id", "")), **at_contact)
    found = rules(MQL + OWNERS)
    dealt = owner_uuid(found.qualification.owners["r"], view.id, Facts(view, of, found), Staff(PEOPLE))
    assert (dealt.uuid, len(dealt.unknown)) == (expected, unknown)
    assert "@" not in " ".join(dealt.unknown)


def deal(key: str, people: dict[str, str]) -> str | None:
    found = rules(MQL + OWNERS)
    return owner_uuid(found.qualification.owners["r"], key, Facts(contact(), None, found), Staff(people)).uuid


def test_round_robin_is_even_stable_and_moves_only_the_share_of_who_left() -> None:
    keys = [str(n) for n in range(600)]
    before = {key: deal(key, PEOPLE) for key in keys}
    assert before == {key: deal(key, PEOPLE) for key in keys}
    shares = [sum(who == name for who in before.values()) for name in ("ANNA", "BO", "CILLA")]
    assert min(shares) > 150
    after = {key: deal(key, {a: u for a, u in PEOPLE.items() if u != "BO"}) for key in keys}
    assert {key for key in keys if after[key] != before[key]} == {key for key in keys if before[key] == "BO"}


def test_the_routes_owner_rule_owns_the_lead_and_an_owner_source_the_account() -> None:
    mapping = """
[account]
fields = [
    { target = "Name", source = "name", rule = "c4c_wins" },
    { target = "RoleCode", value = "BUP002", rule = "create_only" },
    { target = "OwnerUUID", source = "owner.manager", rule = "c4c_wins" },
]
[contact]
fields = [{ target = "LastName", source = "lastname", rule = "hubspot_wins" }]
[lead]
closed_status = ["4"]
accepted_status = ["3"]
fields = [{ target = "OwnerPartyUUID", source = "c4c.owner_uuid", rule = "c4c_wins" }]
"""
    text = MQL + '[routes.default]\nowner = "r"\n[owners.manager]\norder = ["company_owner"]\n' + OWNERS
    found = rules(text, mapping)
    view = contact(
        labelled(company(owner=Owner("9", "x@x.example"), hubspot_owner_id="9", country="DE", zip="20000"), "Primary")
    )
    tenant = Tenant(standard(), PEOPLE)
    target = Snapshot()
    while lookups := plan(view, qualify(view, found), {}, target, found, tenant).lookups:
        for question in lookups:
            target.learn(question, ())
    planned = plan(view, qualify(view, found), {}, target, found, tenant)
    bodies = {write.entity: write.body() for write in planned.records}
    assert bodies["Lead"]["OwnerPartyUUID"] == "NORD"
    assert "OwnerUUID" not in bodies["CorporateAccount"]
    assert [warning.code for warning in planned.warnings] == [Code.OWNER_UNKNOWN]


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ('in = ["DE", "AT", "CH", "DK", "NL", "BE", "FR"]', "x is not one of AT, BE, CH, DE, DK, FR, …"),
        ('not_in = ["other"]', "x is one of other"),
        ("matches = '^a'", "x does not match '^a'"),
        ("between = [1, 2.5]", "x is not at least 1 and at most 2.5"),
        ("at_least = 7", "x is not at least 7"),
    ],
)
def test_a_condition_says_what_it_asks_for_and_never_what_it_found(test: str, said: str) -> None:
    text = f'{MQL}filters = ["F"]\n[filters.F]\nproperty = "x"\n{test}\n'
    assert against(decide(contact(x="other"), text)) == [f"filter 'F': {said}"]
