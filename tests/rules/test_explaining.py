"""`explain`, `explain --at`, `simulate` and `check` as people and programs read them."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rules_world import GOOD, MQL, PRIMARY, PROJECT, World, rules

from sync.admin.explain import explain, explain_at
from sync.admin.preview import preview
from sync.cli import main, output
from sync.cli.explained import lines
from sync.contracts import check, property_check
from sync.domain.rules import FieldMap
from sync.domain.views import Association, Company, ContactView, Label, Link
from sync.handover.batch import LinksOf
from sync.hubspot_client import Property
from sync.state.pending import mark_pending

DACH = (
    MQL
    + 'filters = ["Zielgruppe DACH"]\n[filters."Zielgruppe DACH"]\nproperty = "company.country"\nas = "country"\nin = ["DE"]\n'
)
OTHER = Label("USER_DEFINED", 30, "Berater")


@pytest.fixture
def world() -> World:
    made = World()
    made.companies({"7": {"name": "Acme", "country": "Germany"}, "8": {"name": "Beta", "country": "DK"}})
    made.contacts(rules(DACH), {"123": {**GOOD, "lead_score": "82"}})
    made.associate({"123": [("7", PRIMARY), ("8", OTHER)]})
    return made


def story(document: Any) -> str:
    assert document is not None
    return "\n".join(lines(document))


def test_the_chain_is_told_as_a_person_would(world: World) -> None:
    world.push(rules(DACH))
    text = story(explain(world.store, rules(DACH), "123"))
    for part in (
        "lead_score 82 ≥ 75 since 2026-11-21 12:00 UTC",
        "filter 'Zielgruppe DACH' passed",
        "legal basis: Freely given consent from contact",
        "company 7: primary of 2",
        'Company 1 of 2: "Acme" (7), primary; labels: Primary',
        "open, last written 2026-11-21 12:00:00 UTC",
        "next try –",
    ):
        assert part in text
    assert "Lead 1" in text or "Lead 2" in text, "the lead's number in SAP Sales Cloud"


def test_only_the_records_of_this_contact_are_shown_each_with_its_own_number() -> None:
    """HubSpot numbers contacts and companies apart: contact 7 is not company 7."""
    made = World()
    made.companies({"7": {"name": "Acme", "country": "DE"}, "123": {"name": "Beta", "country": "DE"}})
    made.contacts(rules(MQL), {"123": {**GOOD, "lead_score": "82"}, "7": {**GOOD, "lead_score": "90"}})
    made.associate({"123": [("7", PRIMARY)], "7": [("123", PRIMARY)]})
    made.push(rules(MQL))
    found = explain(made.store, rules(MQL), "123")
    assert found is not None
    numbers = {"CorporateAccount": "AccountID", "Contact": "ContactID", "Lead": "ID"}
    own = {("CorporateAccount", "7"), ("Contact", "123"), ("Lead", "123:mql:1")}
    expected = {
        (entity, row["HubSpotID_KUT"]): row[number]
        for entity, number in numbers.items()
        for row in made.c4c.store.rows(entity)
        if (entity, row["HubSpotID_KUT"]) in own
    }
    shown = {(link["entity"], link["key"]): link["number"] for link in found["links"] if link["entity"] in numbers}
    assert shown == expected


def test_contacts_and_companies_with_one_id_do_not_share_links() -> None:
    person, account = Link("Contact", "7", "P", {}), Link("CorporateAccount", "7", "A", {})
    links = LinksOf({(link.entity, link.key): link for link in (person, account)})
    of_7, of_123 = ContactView("7", {}), ContactView("123", {}, (Association(Company("7", {}), frozenset()),))
    assert list(links.of(of_7).values()) == [person]
    assert list(links.of(of_123).values()) == [account]


def test_a_closed_lead_and_one_that_is_gone_are_told(world: World) -> None:
    world.push(rules(DACH))
    lead = world.leads()[0]["ObjectID"]
    world.c4c.store.update("Lead", lead, LifeCycleStatusCode="4")
    _again(world)
    assert " closed," in story(explain(world.store, rules(DACH), "123"))
    world.c4c.store.delete("Lead", lead)
    _again(world)
    assert " gone," in story(explain(world.store, rules(DACH), "123"))


def _again(world: World) -> None:
    with world.store.session() as session:
        mark_pending(session, ["123"], world.now)
    world.push(rules(DACH))


def test_a_past_decision_stays_as_it_was_after_rules_and_data_changed(world: World) -> None:
    world.push(rules(DACH))
    at = world.now
    before = explain_at(world.store, "123", at)
    world.now += timedelta(hours=1)
    stricter = rules(DACH.replace("75", "90"))
    world.contacts(stricter, {"123": {**GOOD, "lead_score": "83"}})
    world.push(stricter)
    assert explain_at(world.store, "123", at) == before
    assert before is not None
    assert (before["code"], before["rules"]) == ("QUALIFIED", rules(DACH).fingerprint)
    assert "lead_score 82 ≥ 75" in story(before)
    now = explain_at(world.store, "123", world.now)
    assert now is not None
    assert (now["code"], now["rules"]) == ("SCORE_BELOW_THRESHOLD", stricter.fingerprint)
    assert now["input"] != before["input"]
    assert explain_at(world.store, "123", at - timedelta(days=1)) is None


def test_what_no_push_has_looked_at_yet_is_told_as_it_holds_now(world: World) -> None:
    world.push(rules(DACH))
    stricter = rules(DACH.replace("75", "90"))
    told = explain(world.store, stricter, "123")
    assert told is not None
    assert (told["code"], told["outdated"]) == ("SCORE_BELOW_THRESHOLD", True)
    assert "Rules or data changed since the last push" in story(told)
    world.push(stricter)
    told = explain(world.store, stricter, "123")
    assert told is not None
    assert (told["code"], told["outdated"]) == ("SCORE_BELOW_THRESHOLD", False)


def test_plan_knows_rules_that_no_run_has_adopted_yet(world: World) -> None:
    world.push(rules(DACH.replace("75", "90")))
    world.c4c.log.clear()
    document = preview(world.context(rules(DACH)))
    assert document["creates"]["Lead"] == 1
    assert world.c4c.log == []


# ---- check

KNOWN = {
    n: Property(n, "string") for n in ("lead_score", "email", "lastname", "firstname", "hs_legal_basis", "country")
}


def test_check_names_file_key_and_nearest_property() -> None:
    found = rules(MQL.replace("lead_score", "lead_scor") + "conditions = [{ property = 'contry', known = true }]")
    findings = {f["where"]: f for f in property_check.unknown_properties(found, KNOWN, {})}
    score = findings["qualification.toml: scores.0 (mql).property"]
    assert score == {
        "severity": "error",
        "where": "qualification.toml: scores.0 (mql).property",
        "text": "`lead_scor` is not a property of contacts; did you mean `lead_score`?",
    }
    condition = findings["qualification.toml: scores.0 (mql).conditions.0"]
    assert (condition["severity"], "did you mean `country`?" in condition["text"]) == ("warning", True)
    assert "mapping.toml: contact.fields.5 (JobTitle)" in findings


def test_check_names_options_that_do_not_exist() -> None:
    industry = {"industry": Property("industry", "enumeration", options=("MACHINERY", "CHEMICALS"))}
    found = rules(MQL + "[filters.x]\nnot = { property = 'company.industry', in = ['machinery', 'CHEMICAL'] }")
    texts = [f["text"] for f in property_check.unknown_options(found, {}, industry)]
    assert texts == ["'CHEMICAL' is not an option of industry; did you mean `CHEMICALS`?"]


CHOICES = {
    name: Property(name, "enumeration", options=options)
    for name, options in {
        "tier": ("A1", "A2", "B1", "C1"),
        "fit": ("High", "Low"),
        "basis": ("Freely given consent", "Not applicable"),
        "state": ("Confirmed", "Pending"),
        "calls": ("yes", "no"),
    }.items()
}
ALLOWED = 'allowed_basis = ["Freely given consent"]\n'
NO_BASIS = 'no_basis = ["Not applicable"]\n'
COUNTED = f"""
[[scores]]
name = "up"
property = "tier"
tiers = ["A1", "A2"]
rearm_tiers = ["C1"]
and = [{{ property = "fit", tiers = ["High"] }}]
[consent]
legal_basis_property = "basis"
{ALLOWED}{NO_BASIS}confirmation_for = ["Freely given consent"]
confirmation_property = "state"
confirmed = ["Confirmed"]
channels = [{{ channel = "TEL", property = "calls", granted = ["yes"], refused = ["no"] }}]
"""


def _missing_options(text: str) -> list[tuple[str, str]]:
    found = property_check.unknown_options(rules(text), CHOICES, {})
    return [(f["where"].removeprefix("qualification.toml: "), f["text"]) for f in found]


@pytest.mark.parametrize(
    ("entry", "wrong", "where", "text"),
    [
        (
            'tiers = ["A1",',
            'tiers = ["A1x",',
            "scores.0 (up).tiers",
            "'A1x' is not an option of tier; did you mean `A1`?",
        ),
        ('["C1"]', '["C11"]', "scores.0 (up).rearm_tiers", "'C11' is not an option of tier; did you mean `C1`?"),
        ('["High"]', '["high"]', "scores.0 (up).and.0.tiers", "'high' is not an option of fit; did you mean `High`?"),
        (
            'd_basis = ["Fr',
            'd_basis = ["Freely given consents", "Fr',
            "consent.allowed_basis",
            "did you mean `Freely given consent`?",
        ),
        ('no_basis = ["Not', 'no_basis = ["Nott', "consent.no_basis", "did you mean `Not applicable`?"),
        (
            f"{ALLOWED}{NO_BASIS}confirmation_for = [",
            f'{NO_BASIS}confirmation_for = ["Freely given consents", ',
            "consent.confirmation_for",
            "did you mean `Freely given consent`?",
        ),
        ('["Confirmed"]', '["Confirmd"]', "consent.confirmed", "did you mean `Confirmed`?"),
        (
            '["yes"]',
            '["yess"]',
            "consent.channels.0 (TEL).granted",
            "'yess' is not an option of calls; did you mean `yes`?",
        ),
        (
            '["no"]',
            '["nein"]',
            "consent.channels.0 (TEL).refused",
            "'nein' is not an option of calls; allowed: yes, no",
        ),
    ],
)
def test_check_names_values_that_never_count(entry: str, wrong: str, where: str, text: str) -> None:
    assert _missing_options(COUNTED) == []
    assert entry in COUNTED
    [(place, said)] = _missing_options(COUNTED.replace(entry, wrong))
    assert (place, text in said) == (where, True)


@pytest.mark.parametrize(
    ("entry", "wrong", "severity"),
    [
        ('["no"]', '["nein"]', "error"),
        ('no_basis = ["Not', 'no_basis = ["Nott', "error"),
        ('confirmation_for = ["Freely given consent"]', 'confirmation_for = ["Freely given consents"]', "error"),
        ('["yes"]', '["ja"]', "warning"),
        ('["Confirmed"]', '["Confirmd"]', "warning"),
    ],
)
def test_a_value_that_would_let_somebody_pass_is_an_error(entry: str, wrong: str, severity: str) -> None:
    """One that would keep somebody back shows itself: nobody is handed over."""
    text = COUNTED.replace(ALLOWED, "")
    assert entry in text
    found = property_check.unknown_options(rules(text.replace(entry, wrong)), CHOICES, {})
    assert [finding["severity"] for finding in found] == [severity]


def test_a_default_that_nobody_wrote_is_no_error() -> None:
    """HubSpot's own value for no basis may be called otherwise in a portal: worth a word, but no mistake of the rules."""
    text = COUNTED.replace(ALLOWED, "").replace(NO_BASIS, "")
    basis = CHOICES | {"basis": Property("basis", "enumeration", options=("Freely given consent", "None"))}
    found = [*property_check.unknown_options(rules(text), basis, {})]
    assert [(f["where"], f["severity"]) for f in found] == [("qualification.toml: consent.no_basis", "warning")]


CONSENT = """
[consent]
optout_property = "hs_email_optot"
channels = [{ channel = "TEL", property = "cals", refused = ["no"] }]
"""


def test_a_consent_property_that_does_not_exist_is_an_error() -> None:
    """Every opt-out would be lost without a word."""
    known = KNOWN | {"hs_email_optout": Property("hs_email_optout", "bool"), "calls": CHOICES["calls"]}
    findings = {f["where"]: f for f in property_check.unknown_properties(rules(MQL + CONSENT), known, {})}
    for where, near in (("optout_property", "hs_email_optout"), ("channels.0 (TEL).property", "calls")):
        finding = findings[f"qualification.toml: consent.{where}"]
        assert (finding["severity"], f"did you mean `{near}`?" in finding["text"]) == ("error", True)


RIVAL, PARTNER = Label("USER_DEFINED", 7, "Wettbewerber"), Label("USER_DEFINED", 8, "Partner")
LABELLED = """
[[labels]]
label = "{}"
blocks = "any"
[[labels]]
label = "Partnr"
account = true
"""


@pytest.mark.parametrize(
    ("text", "labels", "pinned", "severity", "said"),
    [
        (
            "Wettbewerbr",
            [RIVAL],
            {},
            "error",
            "is not an association label of the portal; did you mean `Wettbewerber`?",
        ),
        ("Wettbewerber", [RIVAL, replace(RIVAL, type_id=9)], {}, "error", "is the name of 2 labels"),
        ("Wettbewerber", [PARTNER], {"Wettbewerber": ("USER_DEFINED", 7)}, "error", "has vanished"),
        ("Konkurrenz", [RIVAL], {"Konkurrenz": ("USER_DEFINED", 7)}, "warning", "is named 'Wettbewerber' now"),
    ],
)
def test_a_label_that_would_block_and_is_not_there_is_an_error(
    text: str, labels: list[Label], pinned: dict[str, tuple[str, int]], severity: str, said: str
) -> None:
    found = [*check.labels_that_do_not_fit(rules(MQL + LABELLED.format(text)), labels, pinned)]
    assert [(f["severity"], f["where"]) for f in found] == [
        (severity, f"qualification.toml: labels.0 ({text})"),
        ("warning", "qualification.toml: labels.1 (Partnr)"),
    ]
    assert said in found[0]["text"]


def test_a_rule_file_that_nobody_reads_is_named(run: Callable[..., Ran], stricter: Path) -> None:
    shutil.copy(stricter / "qualification.toml", stricter / "qualifcation.toml")
    found = run("check", "--offline", config=stricter)
    assert (found.returncode, found.stderr) == (0, "")
    said = f"warning: {stricter / 'qualifcation.toml'}: this file is not read; did you mean `qualification.toml`?"
    assert said in found.stdout


def test_check_takes_the_usual_confirmations_as_given() -> None:
    """A portal may lack some of HubSpot's own; nobody wrote them into the rules."""
    assert _missing_options(COUNTED.replace('confirmed = ["Confirmed"]', "")) == []


# ---- the commands


@dataclass(frozen=True)
class Ran:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs a command in this process, on the world's state."""

    def command(*arguments: str, config: Path = PROJECT / "config") -> Ran:
        monkeypatch.setenv("SYNC_STATE", str(world.store.path))
        monkeypatch.setenv("SYNC_CONFIG", str(config))
        monkeypatch.setattr(sys, "argv", ["hubspot-c4c-sync", *arguments])
        # Workers of the test runner say how wide their own terminal would be.
        monkeypatch.setattr(output.out, "width", output.WIDE)
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Ran(int(ended.value.code or 0), *capfd.readouterr())

    return command


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    for path in (PROJECT / "config").glob("*.toml"):
        shutil.copy(path, tmp_path)
    text = (tmp_path / "qualification.toml").read_text(encoding="utf-8")
    (tmp_path / "qualification.toml").write_text(text.replace("threshold = 75", "threshold = 90"), encoding="utf-8")
    return tmp_path


def test_simulate_as_json_and_as_tables(run: Callable[..., Ran], stricter: Path) -> None:
    found = run("simulate", "--config", str(PROJECT / "config"), "--json", config=stricter)
    assert (found.returncode, found.stderr) == (0, "")
    document = json.loads(found.stdout)
    assert (document["entering"], document["leaving"]) == (["123"], [])
    assert {record["entity"] for record in document["changed"]} == {"CorporateAccount", "Contact", "Lead"}
    lead = next(record for record in document["changed"] if record["entity"] == "Lead")
    assert lead["fields"]["HubSpotScore_KUT"] == {"from": None, "to": "82", "rule": "hubspot_wins"}
    assert lead["fields"]["ContactUUID"]["to"] == "(of the new Contact 123)"
    assert document["warnings"][0]["text"].startswith("no run has read the tenant yet")
    shown = run("simulate", "--config", str(PROJECT / "config"), "--rows", config=stricter)
    assert "entering 1, leaving 0, records that change 3" in shown.stdout
    assert re.search(r"^create Lead +123:mql:1 +│ HubSpotID_KUT +│ +│ 123:mql:1 +│ key", shown.stdout, re.MULTILINE)
    assert re.search(r"│ HubSpotScore_KUT +│ +│ 82 +│ hubspot_wins", shown.stdout)


def test_simulate_with_the_same_rules_changes_nothing(run: Callable[..., Ran]) -> None:
    document = json.loads(run("simulate", "--config", str(PROJECT / "config"), "--json").stdout)
    assert [document[name] for name in ("entering", "leaving", "changed")] == [[], [], []]


def test_simulate_refuses_a_wrong_directory_and_wrong_rules(
    run: Callable[..., Ran], stricter: Path, tmp_path: Path
) -> None:
    missing = run("simulate", "--config", str(tmp_path / "nowhere"))
    assert (missing.returncode, "not a directory" in missing.stderr) == (2, True)
    (stricter / "qualification.toml").write_text("scores = 3", encoding="utf-8")
    wrong = run("simulate", "--config", str(stricter))
    assert (wrong.returncode, "qualification.toml: scores: found 3" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("config", ["config", "config/examples/group"])
def test_both_configurations_pass_check_offline(run: Callable[..., Ran], config: str) -> None:
    found = run("check", "--offline", config=PROJECT / config)
    assert (found.returncode, "everything fits" in found.stdout) == (0, True)


# ---- wrong input

PAST = datetime(2024, 3, 1, 12, tzinfo=UTC)


def test_a_wrong_log_level_is_a_sentence(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNC_LOG_LEVEL", "LOUD")
    found = run("status")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == "SYNC_LOG_LEVEL: found 'LOUD', allowed: DEBUG, INFO, WARNING, ERROR\n"


def test_programs_read_mistakes_in_the_rules_as_findings(run: Callable[..., Ran], stricter: Path) -> None:
    (stricter / "mapping.toml").write_text("[account]\n", encoding="utf-8")
    found = run("check", "--offline", "--json", config=stricter)
    assert found.returncode == 2
    findings = json.loads(found.stdout)["findings"]
    assert {finding["severity"] for finding in findings} == {"error"}
    assert any("mapping.toml" in finding["text"] for finding in findings)


def test_a_recorded_decision_needs_no_rule_files(run: Callable[..., Ran], world: World, stricter: Path) -> None:
    world.now = PAST
    world.push(rules())
    (stricter / "mapping.toml").write_text("broken", encoding="utf-8")
    at = f"{world.now:%Y-%m-%dT%H:%M:%SZ}"
    found = run("explain", "123", "--at", at, config=stricter)
    assert (found.returncode, found.stderr) == (0, "")
    assert "by the rules and the data of that time" in found.stdout
    assert run("explain", "123", config=stricter).returncode == 2


@pytest.mark.parametrize(
    ("at", "said"),
    [("2999-01-01", "allowed: a time in the past"), ("2020-01-01", "the first is of 2024-03-01 12:00:00 UTC")],
)
def test_a_time_without_a_decision_is_explained(run: Callable[..., Ran], world: World, at: str, said: str) -> None:
    world.now = PAST
    world.push(rules())
    found = run("explain", "123", "--at", at)
    assert found.returncode == 2
    assert said in found.stderr


def test_an_empty_otherwise_leaves_only_the_unknown_out(world: World) -> None:
    """Codes are compared with the tenant's lists; the empty one writes nothing and need not be there."""
    table = FieldMap.model_validate(
        {"target": "TitleCode", "source": "x", "table": {"mr": "0002"}, "otherwise": "", "rule": "fill_blank"}
    )
    assert table.constants() == ("0002",)
