"""Rules: every mistake is named with file, key, what was found and what is allowed — all at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from unit_builders import PROJECT, field_map, shipped, with_fields, with_qualification

from sync.config import WorkerConfig, load
from sync.domain.rules import FieldRule, Mapping
from sync.errors import ConfigurationError

WORKER, QUALIFICATION, MAPPING = "worker.toml", "qualification.toml", "mapping.toml"
Edit = tuple[str, str, str]
"""File, text to replace, replacement."""


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the shipped rules with some edits."""

    def edit(*edits: Edit) -> Path:
        directory = tmp_path / "rules"
        shutil.copytree(PROJECT / "config", directory, dirs_exist_ok=True)
        for name, old, new in edits:
            text = (directory / name).read_text(encoding="utf-8")
            assert old in text
            (directory / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        return directory

    return edit


def problems(directory: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        load(directory)
    return raised.value.problems


def appended(file: str, first_line: str, text: str) -> Edit:
    """An edit that puts `text` before a line that stands in the shipped file."""
    return file, first_line, f"{text}\n{first_line}"


# ---- wrong values


@pytest.mark.parametrize(
    ("edit", "key", "said"),
    [
        pytest.param((WORKER, "poll =", "pol ="), "schedule.pol", ["unknown key", "`poll`"], id="misspelled key"),
        pytest.param((WORKER, "[guard]", "[gaurd]"), "gaurd", ["unknown key", "`guard`"], id="misspelled section"),
        pytest.param(
            (WORKER, 'poll = "60s"', 'poll = "60"'), "schedule.poll", ["'60'", '"90s", "15m" or "24h"'], id="no unit"
        ),
        pytest.param((WORKER, 'poll = "60s"', 'poll = "soon"'), "schedule.poll", ["'soon'", '"90s"'], id="no duration"),
        pytest.param((WORKER, 'poll = "60s"', 'poll = "0s"'), "schedule.poll", ["'0s'"], id="no interval at all"),
        pytest.param((WORKER, 'poll = "60s"', "poll = -5"), "schedule.poll", ["-5"], id="a negative interval"),
        pytest.param(
            (WORKER, 'decisions = "365d"', 'decisions = "999999d"'),
            "retention.decisions",
            ["'999999d'", "must be at most 36500d"],
            id="before every calendar",
        ),
        pytest.param(
            (WORKER, 'request_wait = "1s"', "request_wait = -1"),
            "retry.request_wait",
            ["-1", "must not be negative"],
            id="a negative pause",
        ),
        pytest.param(
            (WORKER, "timeout_seconds = 60", "timeout_seconds = inf"),
            "hubspot.timeout_seconds",
            ["inf", "must be at most 3600"],
            id="a time limit without end",
        ),
        pytest.param(
            (WORKER, "frozen_score_days = 14", "frozen_score_days = 9999999999"),
            "hubspot.frozen_score_days",
            ["9999999999", "must be at most 36500"],
            id="days without end",
        ),
        pytest.param((WORKER, 'poll = "60s"', "poll = true"), "schedule.poll", ["true"], id="a truth is no duration"),
        pytest.param(
            (WORKER, 'api = "2026-09"', 'api = "v4"'), "hubspot.api", ["'v4'", "2026-09, v3"], id="unknown choice"
        ),
        pytest.param(
            (WORKER, "parallel = 4            # requests at a time; SAP", "parallel = 12 #"),
            "c4c.parallel",
            ["12", "6"],
            id="too many threads",
        ),
        pytest.param(
            (WORKER, "search_per_second = 5", "search_per_second = 9"),
            "hubspot.search_per_second",
            ["9", "5"],
            id="faster than HubSpot allows",
        ),
        pytest.param(
            (WORKER, "max_creates = 1000", "max_creates = -1"), "guard.max_creates", ["-1", "0"], id="below the least"
        ),
        pytest.param(
            (WORKER, "max_creates = 1000", "max_creates = true"),
            "guard.max_creates",
            ["true", "must be a whole number"],
            id="a truth is no number",
        ),
        pytest.param(
            (WORKER, "search_per_second = 5", 'search_per_second = "4"'),
            "hubspot.search_per_second",
            ["'4'", "must be a number, without quotes"],
            id="a number in quotes",
        ),
        pytest.param(
            (WORKER, "burst_per_10s = 90", 'burst_per_10s = "many"'),
            "hubspot.burst_per_10s",
            ["'many'", "must be a whole number"],
            id="wrong type",
        ),
        pytest.param(
            (QUALIFICATION, "threshold = 75", 'threshold = "many"'),
            "scores.0 (mql).threshold",
            ["'many'", "number"],
            id="a threshold that is no number",
        ),
        pytest.param(
            (QUALIFICATION, "threshold = 75", "treshold = 75\nthreshold = 75"),
            "scores.0 (mql).treshold",
            ["unknown key", "`threshold`"],
            id="misspelled key in a list",
        ),
        pytest.param(
            (QUALIFICATION, 'origin = "002"', 'orign = "002"'),
            "routes.default.orign",
            ["unknown key", "`origin`"],
            id="misspelled key in a named table",
        ),
        pytest.param(
            appended(
                QUALIFICATION, "[consent]", '[filters.fit]\nall = [{ property = "a", one_off = ["x"], known = true }]'
            ),
            "filters.fit.all.0.one_off",
            ["unknown key", "not_in"],
            id="misspelled key in a filter",
        ),
        pytest.param(
            (QUALIFICATION, "rearm_below = 60", "rearm_below = 80"),
            "scores.0 (mql)",
            ["`rearm_below` 80", "`threshold` 75"],
            id="re-arm above the threshold",
        ),
        pytest.param(
            (QUALIFICATION, "threshold = 75", 'threshold = 75\ntiers = ["A1"]'),
            "scores.0 (mql)",
            ["either `threshold`", "`tiers`"],
            id="threshold and tiers",
        ),
        pytest.param(
            (QUALIFICATION, 'route = "default"', 'route = "defualt"'),
            "scores.0 (mql).route",
            ["'defualt'", "`default`"],
            id="unknown route",
        ),
        pytest.param(
            (QUALIFICATION, 'route = "default"', 'filters = ["fit"]'),
            "scores.0 (mql).filters",
            ["'fit'"],
            id="a filter where there are none",
        ),
        pytest.param(
            appended(QUALIFICATION, "[consent]", '[[scores]]\nname = "mql"\nproperty = "x"\nthreshold = 1\n'),
            "scores",
            ["'mql'", "twice"],
            id="two scores of one name",
        ),
        pytest.param(
            (QUALIFICATION, 'name = "mql"', 'name = "m:q"'),
            "scores.0 (m:q).name",
            ["'m:q'"],
            id="a name that breaks the key",
        ),
        pytest.param(
            (QUALIFICATION, "{company.name}: ", "{compny.name}: "),
            "routes.default.lead_name",
            ["compny", "company"],
            id="a placeholder of nothing",
        ),
        pytest.param(
            appended(QUALIFICATION, "[consent]", '[filters.fit]\nall = [{ property = "x" }]'),
            "filters.fit.all.0",
            ["not_in", "at_least"],
            id="a condition that tests nothing",
        ),
        pytest.param(
            appended(QUALIFICATION, "[consent]", '[filters.fit]\nall = [{ property = "x", matches = "(" }]'),
            "filters.fit.all.0",
            ["regular expression"],
            id="a broken regular expression",
        ),
        pytest.param(
            appended(QUALIFICATION, "[consent]", '[filters.fit]\nall = [{ property = "compny.size", known = true }]'),
            "filters.fit",
            ["compny", "company"],
            id="a condition on nothing that exists",
        ),
        pytest.param(
            appended(QUALIFICATION, "[consent]", '[[labels]]\nlabel = "x"\nfields = { FunctonCode = "1" }\n'),
            "labels.0 (x).fields",
            ["`FunctonCode`", "`FunctionCode`"],
            id="a label for a field that does not exist",
        ),
        pytest.param(
            (MAPPING, 'target = "City"', 'target = "Citty"'),
            "account.fields.6",
            ["`Citty`", "CorporateAccount", "`City`"],
            id="unknown target",
        ),
        pytest.param(
            (MAPPING, 'target = "City"', 'target = "ExternalID"'),
            "account.fields.6",
            ["`ExternalID`", "read-only"],
            id="a target that cannot be written",
        ),
        pytest.param(
            (MAPPING, 'source = "company.name", rule', 'source = "compny.name", rule'),
            "account.fields.0",
            ["'compny'", "company"],
            id="a source of nothing",
        ),
        pytest.param(
            (MAPPING, 'source = "city", rule = "c4c_wins"', 'source = "city", rule = "c4c_win"'),
            "account.fields.6 (City).rule",
            ["'c4c_win'", "`c4c_wins`"],
            id="unknown rule",
        ),
        pytest.param(
            (MAPPING, 'transform = "country"', 'transform = "county"'),
            "account.fields.7 (CountryCode).transform",
            ["'county'", "`country`"],
            id="unknown transform",
        ),
        pytest.param(
            (MAPPING, 'source = "city", rule', 'source = "city", value = "Ulm", rule'),
            "account.fields.6",
            ["exactly one of"],
            id="two origins",
        ),
        pytest.param(
            (MAPPING, 'source = "city", rule = "c4c_wins"', 'source = "city"'),
            "account.fields.6 (City).rule",
            ["missing"],
            id="no rule",
        ),
        pytest.param(
            (MAPPING, '["name", "country", "zip"]', '["name", "zip"]'),
            "account.natural_keys.2 (name_country_postal).source",
            ["'zip'", "country"],
            id="half a natural key",
        ),
        pytest.param((MAPPING, "[lead]", "[other]"), "lead", ["missing"], id="a section is missing"),
    ],
)
def test_a_mistake_is_named(edit: Edit, key: str, said: list[str], edited: Callable[..., Path]) -> None:
    found = problems(edited(edit))
    about = [problem for problem in found if f"{edit[0]}: {key}" in problem]
    assert about, found
    assert [word for word in said if word not in about[0]] == [], about


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param((QUALIFICATION, "threshold = 75", 'threshold = "many"'), id="in a list"),
        pytest.param((WORKER, 'poll = "60s"', 'poll = "60"'), id="in a table"),
        pytest.param((MAPPING, 'target = "City"', 'target = "Citty"'), id="in a field"),
        pytest.param((QUALIFICATION, 'origin = "002"', 'orign = "002"'), id="unknown key"),
    ],
)
def test_one_mistake_is_one_problem(edit: Edit, edited: Callable[..., Path]) -> None:
    assert len(problems(edited(edit))) == 1


def test_all_mistakes_of_all_files_are_said_at_once(edited: Callable[..., Path]) -> None:
    directory = edited(
        (WORKER, "poll =", "pol ="),
        (WORKER, "max_creates = 1000", "max_creates = -1"),
        (QUALIFICATION, 'route = "default"', 'route = "x"'),
        (MAPPING, 'target = "City"', 'target = "Citty"'),
        (MAPPING, 'source = "phone", transform', 'source = "x.phone", transform'),
    )
    found = problems(directory)
    assert [found[n].startswith(str(directory / file)) for n, file in enumerate([WORKER, WORKER, QUALIFICATION])] == [
        True
    ] * 3
    assert len(found) == 5


def test_mistakes_mean_exit_code_2(edited: Callable[..., Path]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(edited((WORKER, "poll =", "pol =")))
    assert raised.value.exit_code == 2
    assert "pol" in str(raised.value)


@pytest.mark.parametrize("name", [WORKER, QUALIFICATION, MAPPING])
def test_a_missing_file_is_named_with_what_to_do(name: str, edited: Callable[..., Path]) -> None:
    directory = edited()
    (directory / name).unlink()
    [found] = problems(directory)
    assert str(directory / name) in found
    assert "SYNC_CONFIG" in found


@pytest.mark.parametrize(
    "content", [pytest.param(b"[schedule\n", id="broken"), pytest.param(b'poll = "\xff"', id="not UTF-8")]
)
def test_what_is_no_toml(content: bytes, edited: Callable[..., Path]) -> None:
    directory = edited()
    (directory / WORKER).write_bytes(content)
    [found] = problems(directory)
    assert found.startswith(f"{directory / WORKER}: not a TOML file")


def test_a_missing_directory_names_all_three_files(tmp_path: Path) -> None:
    assert len(problems(tmp_path / "nowhere")) == 3


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"90s"', timedelta(seconds=90)),
        ('"15m"', timedelta(minutes=15)),
        ('"24h"', timedelta(hours=24)),
        ('"1.5h"', timedelta(minutes=90)),
        ('"7d"', timedelta(days=7)),
        ('"500ms"', timedelta(milliseconds=500)),
        ('"2 m"', timedelta(minutes=2)),
        ("30", timedelta(seconds=30)),
        ("0.5", timedelta(milliseconds=500)),
    ],
)
def test_durations(written: str, expected: timedelta, edited: Callable[..., Path]) -> None:
    assert load(edited((WORKER, 'poll = "60s"', f"poll = {written}"))).worker.schedule.poll == expected


# ---- what is shipped


def test_the_shipped_values_of_the_worker_are_the_defaults() -> None:
    assert load(PROJECT / "config").worker == WorkerConfig()


def test_promised_values_of_the_worker() -> None:
    worker = WorkerConfig()
    assert (worker.hubspot.api, worker.hubspot.index_lag_seconds, worker.hubspot.overlap_minutes) == (
        "2026-09",
        120,
        60,
    )
    assert (worker.c4c.parallel, worker.c4c.batch_operations, worker.guard.max_creates) == (4, 50, 1000)


def test_an_index_lag_of_nothing_and_a_guard_that_is_off_are_allowed(edited: Callable[..., Path]) -> None:
    directory = edited(
        (WORKER, "index_lag_seconds = 120", "index_lag_seconds = 0"), (WORKER, "max_creates = 1000", "max_creates = 0")
    )
    assert load(directory).worker.guard.max_creates == 0


def test_promised_qualification() -> None:
    found = shipped().qualification
    [score] = found.scores
    assert (score.name, score.property, score.threshold, score.rearm_below) == ("mql", "lead_score", 75, 60)
    assert (score.filters, found.filters, found.labels) == ((), {}, ())
    assert found.consent.legal_basis_property == "hs_legal_basis"
    assert found.consent.no_basis == {"Not applicable"}
    assert found.consent.optout_property == "hs_email_optout"


def rules_of(section: str) -> dict[str, FieldRule]:
    entity = getattr(shipped().mapping, section)
    return {target: mapped.rule for mapped in entity.fields for target in mapped.target}


def test_promised_field_rules() -> None:
    account, person, lead = rules_of("account"), rules_of("contact"), rules_of("lead")
    describing = ("Name", "AdditionalName3", "WebSite", "Phone", "Street", "StreetPostalCode", "City", "CountryCode")
    assert {account[name] for name in describing} == {FieldRule.C4C_WINS}
    assert {person[name] for name in ("Email", "Phone", "JobTitle", "FirstName", "LastName")} == {
        FieldRule.HUBSPOT_WINS
    }
    texts = ("Company", "CompanyFourthName", "ContactFirstName", "ContactLastName", "ContactEMail")
    assert {lead[name] for name in texts} == {FieldRule.CREATE_ONLY}
    assert lead["HubSpotScore_KUT"] is FieldRule.HUBSPOT_WINS
    assert not any(mapped.may_blank for mapped in shipped().mapping.account.fields)


def test_promised_keys() -> None:
    mapping = shipped().mapping
    keys = [key.kind for key in mapping.account.natural_keys]
    assert keys == ["tax_number", "web_domain", "name_country_postal"]
    external = {mapping.account.external_key, mapping.contact.external_key, mapping.lead.external_key}
    assert external == {"HubSpotID_KUT"}
    assert mapping.contact.email_source == "email"


# ---- what follows from the rules


def test_one_entry_adds_a_property_to_what_is_asked_of_hubspot() -> None:
    rules = with_fields("account", field_map("District", source="state"))
    assert "state" in rules.company_properties()
    rules = with_fields("lead", field_map("AccountCity", source=["company.town", "town"]))
    assert "town" in rules.company_properties()
    assert "town" in rules.contact_properties()


def test_what_the_chain_looks_at_is_asked_of_hubspot() -> None:
    filters = {"fit": {"all": [{"property": "seniority", "known": True}, {"property": "company.size", "at_least": 1}]}}
    rules = with_qualification(filters=filters)
    wanted = {"lead_score", "hs_legal_basis", "hs_email_optout", "lastname", "company", "email", "seniority"}
    assert wanted | {"hubspot_owner_id", "hs_merged_object_ids"} <= set(rules.contact_properties())
    assert {"name", "domain", "website", "tax_number", "country", "zip", "size"} <= set(rules.company_properties())
    assert "firstname" not in rules.company_properties()
    assert not [name for name in rules.contact_properties() if "." in name]


def test_the_digest_names_the_rules_and_not_their_spelling(edited: Callable[..., Path]) -> None:
    same = load(edited((QUALIFICATION, "[consent]", "# a comment\n\n[consent]"))).rules.fingerprint
    tiers = (QUALIFICATION, "threshold = 75\nrearm_below = 60", 'tiers = ["A1", "A2", "B1"]')
    turned = (QUALIFICATION, '["A1", "A2", "B1"]', '["B1", "A2", "A1"]')
    assert same == shipped().fingerprint
    assert load(edited((QUALIFICATION, "threshold = 75", "threshold = 76"))).rules.fingerprint != same
    assert load(edited((MAPPING, 'source = "city"', 'source = "town"'))).rules.fingerprint != same
    assert load(edited(tiers)).rules.fingerprint == load(edited(tiers, turned)).rules.fingerprint != same


def test_rules_can_be_given_as_values() -> None:
    assert Mapping.model_validate(shipped().mapping.model_dump(by_alias=True)) == shipped().mapping
