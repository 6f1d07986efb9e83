"""`find`, `contacts`, `leads`, `explain`, `parked list` and `report` as a person, a spreadsheet and a program read them."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from people_world import GOOD, RULES, crowd
from rules_world import PRIMARY, PROJECT, World

from sync import log
from sync.admin import preview
from sync.cli import main, output, people, spreadsheet

HOSTILE = {
    "201": '=HYPERLINK("http://evil.example")',
    "202": "<script>alert(1)</script>",
    "203": "\x1b[31mred\x1b[0m\x07",
    "204": "\u202eevil\u202c",
    "205": "N" * 65_536,
    "206": "@SUM(A1)\r\n-1",
}
SECRETS = ("anna", "schäfer", "müller", "acme", "olga", "marley", "sagan", "@")
"""Parts of names and addresses in the crowd."""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    made = crowd()
    made.contacts(RULES, {i: {**GOOD, "lastname": name, "company": name} for i, name in HOSTILE.items()})
    # Parked: two companies and none of them primary.
    both = [(company, type(PRIMARY)("HUBSPOT_DEFINED", 279)) for company in ("70", "71")]
    made.contacts(RULES, {"108": {**GOOD, "firstname": "Pia", "lastname": "Zwei"}})
    made.associate({"108": both})
    made.push(RULES)
    return made


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A command sends the log to its own standard error, which is gone afterwards."""
    yield
    log.configure("json", "ERROR", sys.__stderr__)


@pytest.fixture
def command(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setenv("SYNC_STATE", str(world.store.path))
    monkeypatch.setenv("SYNC_CONFIG", str(Path(PROJECT) / "config"))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hubspot-c4c-sync", *words])
        monkeypatch.setattr(output, "out", output.console())
        monkeypatch.setattr(output, "err", type(output.err)(stderr=True, highlight=False, soft_wrap=True))
        monkeypatch.setattr(output.OneDocument, "begun", False)
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return run


Command = Callable[..., Any]


def document(command: Command, *words: str) -> Any:
    code, out, _ = command(*words, "--json")
    assert code == 0
    return json.loads(out)


# ---- one command for each question


def test_the_lead_of_an_address(command: Command) -> None:
    [match] = document(command, "find", "anna.schaefer@mueller.example")["matches"]
    assert list(match) == [
        *("contact", "name", "companies", "code", "score", "leads", "hubspot_url", "c4c_url"),
    ]
    [lead] = match["leads"]
    assert {"key", "number", "object_id", "status"} <= set(lead)
    code, out, _ = command("find", "anna.schaefer@mueller.example")
    assert code == 0
    assert f"Lead {lead['number']}, open, handed over" in out
    assert "https://app-eu1.hubspot.com/contacts/145/record/0-1/101" in out


def test_everybody_of_one_company(command: Command) -> None:
    assert [m["contact"] for m in document(command, "find", "mueller.example")["matches"]] == [
        "101",
        "103",
        "107",
        "108",
    ]


def test_a_limited_search_says_how_many_there_are(command: Command) -> None:
    assert "2 of 4 contacts; --limit shows more" in command("find", "mueller.example", "--limit", "2")[1]
    assert command("find", "mueller.example")[1].endswith("4 contacts\n")
    assert command("find", "schäfer")[1].endswith("1 contact\n")


def test_who_lacks_nothing_but_consent_as_csv(command: Command) -> None:
    code, out, _ = command("contacts", "--code", "NO_LEGAL_BASIS", "--alone", "--csv")
    head, *rows = csv.reader(io.StringIO(out))
    assert code == 0
    assert ",".join(head) == "contact,name,company,score,code,since,lead,owner,hubspot_url,c4c_url"
    assert [row[:5] for row in rows] == [["104", "Carl Sagan", "Acme Ltd", "77", "NO_LEGAL_BASIS"]]
    assert rows[0][6] == rows[0][7] == "", "absent values are empty"


def test_who_is_just_below_the_threshold(command: Command) -> None:
    found = document(command, "contacts", "--min", "60", "--max", "74")
    assert [c["contact"] for c in found["contacts"]] == ["103"]
    assert found["total"] == 1
    assert {"contact", "name", "companies", "code", "score", "since", "lead", "owner"} <= set(found["contacts"][0])


def test_the_leads_of_a_time_with_owner_and_latency(command: Command) -> None:
    found = document(command, "leads", "--since", "2026-11-20", "--status", "open")
    first = found["leads"][0]
    columns = ["key", "contact", "number", "object_id", "account", "owner", "crossed_at", "handed_over_at"]
    assert {*columns, "latency_seconds", "status"} <= set(first)
    out = command("leads", "--since", "2026-11-20", "--csv")[1]
    assert out.splitlines()[0] == ",".join([*columns, "latency_seconds", "status"])
    assert document(command, "leads", "--until", "2026-11-20") == {"leads": [], "total": 0}


@pytest.mark.parametrize("text", ["101", "anna.schaefer@mueller.example", "schäfer anna"])
def test_a_text_that_means_one_contact_is_explained(command: Command, text: str) -> None:
    found = document(command, "explain", text)
    assert (found["contact"], found["code"], found["name"]) == ("101", "QUALIFIED", "Anna Schäfer")
    assert "Contact 101, Anna Schäfer: QUALIFIED" in command("explain", text)[1]
    assert document(command, "explain", text, "--no-names").keys().isdisjoint({"name", "owner"})


def test_a_text_that_means_several_is_not_explained_and_not_repeated(command: Command) -> None:
    code, out, err = command("explain", "anna")
    assert (code, out) == (2, "")
    assert "2 contacts fit: 101, 103; name one by its id" in err
    assert "anna" not in err.lower()


def test_a_name_that_nobody_has_appears_in_no_message(command: Command) -> None:
    code, _, err = command("explain", "Geheimrat")
    assert code == 2
    assert "no contact fits" in err
    assert "Geheimrat" not in err
    assert command("find", "Geheimrat")[1] == "nobody is found; a name is found by the beginnings of its words\n"


def test_parked_contacts_are_named(command: Command) -> None:
    [row] = document(command, "parked", "list")
    assert (row["contact"], row["name"], row["company_name"]) == ("108", "Pia Zwei", "Müller & Söhne GmbH; Acme Ltd")
    assert (
        "Contact 108, Pia Zwei, Müller & Söhne GmbH; Acme Ltd: COMPANY_AMBIGUOUS" in command("parked", "show", "108")[1]
    )


# ---- who may see what


@pytest.mark.parametrize("way", ["option", "setting"])
@pytest.mark.parametrize(
    "words",
    [
        ["find", "mueller.example"],
        ["contacts", "--max", "99"],
        ["leads"],
        ["explain", "101"],
        ["parked", "list"],
        ["parked", "show", "108"],
    ],
    ids=" ".join,
)
def test_names_can_be_hidden(command: Command, words: list[str], way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every form; the search itself still finds by names."""
    hide = ["--no-names"] if way == "option" else []
    if way == "setting":
        monkeypatch.setenv("SYNC_SHOW_NAMES", "0")
    forms = [[], ["--json"], ["--csv"]] if words[0] in ("contacts", "leads") else [[], ["--json"]]
    for form in forms:
        code, out, _ = command(*words, *hide, *form)
        assert code == 0
        assert out
        assert [secret for secret in SECRETS if secret in out.lower()] == []


def test_a_report_names_nobody(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    command("report", "--since", "2026-11-20", "--html", str(file))
    for text in (
        file.read_text("utf-8"),
        *(command("report", "--since", "2026-11-20", *form)[1] for form in ([], ["--json"])),
    ):
        assert [secret for secret in SECRETS if secret in text.lower().replace("@media", "")] == []


# ---- the report


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_html_report_is_one_file_without_script(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    assert command("report", "--since", "2026-11-20", "--until", "2026-11-23", "--html", str(file))[0] == 0
    page, tags = file.read_text("utf-8"), _Tags()
    tags.feed(page)
    names = [tag for tag, _ in tags.found]
    assert not {"script", "link", "img", "iframe", "object"} & set(names)
    assert not [a for _, a in tags.found if "src" in a or any(name.startswith("on") for name in a)]
    assert {a["href"] for tag, a in tags.found if tag == "a"} == {
        f"https://app-eu1.hubspot.com/contacts/145/record/0-1/{i}" for i in re.findall(r"record/0-1/(\d+)", page)
    }
    charts = re.findall(r'<svg role="img".*?</svg>', page)
    assert len(charts) == 2
    assert all("<title>" in chart and "<desc>" in chart for chart in charts), "a text for those who do not see them"
    assert list(tmp_path.iterdir()) == [file], "written whole, without a remainder"


def test_a_report_that_cannot_be_written_ends_with_2(command: Command, tmp_path: Path) -> None:
    code, _, err = command("report", "--html", str(tmp_path / "none" / "report.html"))
    assert code == 2
    assert "cannot be written" in err


def test_the_report_for_people_says_it_in_a_sentence(command: Command) -> None:
    out = command("report", "--since", "2026-11-20", "--until", "2026-11-23")[1]
    assert "From 2026-11-20 00:00 to 2026-11-23 00:00 (Europe/Berlin)" in out, "in the portal's time zone"
    assert "; 1 contact needs a person." in out
    assert "NO_LEGAL_BASIS" in out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["report", "--since", "yesterday"], "--since: found 'yesterday'"),
        (["report", "--since", "2026-11-22", "--until", "2026-11-21"], "a time before the report's end"),
        (["report", "--html", "x", "--json"], "either --html or --json"),
        (["contacts", "--code", "NONSENSE"], "--code: found 'NONSENSE', allowed: QUALIFIED"),
        (["contacts", "--alone"], "--alone goes with --code"),
        (["contacts", "--score", "sql"], "--score: found 'sql', allowed: mql"),
        (["contacts", "--sort", "size"], "--sort: found 'size', allowed: contact, score, since, name"),
        (["contacts", "--csv", "--json"], "either --csv or --json"),
        (["contacts", "--bom"], "--bom goes with --csv"),
        (["leads", "--bom", "--json"], "--bom goes with --csv"),
        (["leads", "--status", "won"], "--status: found 'won', allowed: open, accepted"),
        (["leads", "--since", "999999w"], "--since: found '999999w'"),
    ],
)
def test_wrong_options_end_with_2_and_say_what_is_allowed(command: Command, words: list[str], problem: str) -> None:
    code, _, err = command(*words)
    assert code == 2
    assert problem in " ".join(err.split())


# ---- hostile names


@pytest.mark.parametrize("contact", sorted(HOSTILE))
def test_hostile_names_are_harmless_in_a_terminal(command: Command, contact: str) -> None:
    for words in (["find", contact], ["contacts", "--sort", "name"], ["explain", contact], ["leads"]):
        out = command(*words)[1]
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", out)


def test_no_cell_is_a_formula(command: Command) -> None:
    out = command("contacts", "--csv")[1]
    rows = list(csv.reader(io.StringIO(out)))
    assert len(rows) == 15
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [row[1] for row in rows if row[0] == "201"] == ['\'=HYPERLINK("http://evil.example")']
    assert [row[1] for row in rows if row[0] == "206"] == ["'@SUM(A1) -1"], "one line for each contact"


def test_numbers_stay_numbers_in_csv() -> None:
    assert [spreadsheet.cell(value) for value in (-5, 1.5, None, "ok", "-x")] == [-5, 1.5, "", "ok", "'-x"]


def test_a_mark_for_spreadsheets_comes_first_where_it_is_asked_for(command: Command) -> None:
    plain, marked = (command("contacts", "--csv", *more)[1] for more in ([], ["--bom"]))
    assert not plain.startswith("\ufeff")
    assert marked.startswith("\ufeffcontact,")
    assert marked.endswith("\r\n")


# ---- plan and simulate


def test_a_plan_names_companies_and_counts_decisions() -> None:
    made = crowd()
    context = made.context(RULES)
    document = preview.preview(context)
    assert document["decided"] == {
        "QUALIFIED": 2,
        "NO_LEGAL_BASIS": 2,
        "SCORE_BELOW_THRESHOLD": 1,
        "SCORE_MISSING": 1,
        "MISSING_LAST_NAME": 1,
    }
    people.name_companies(context, document)
    named = {(row["entity"], row["key"]): row["company_name"] for row in document["records"]}
    assert (
        named["CorporateAccount", "70"]
        == named["Contact", "101"]
        == named["Lead", "101:mql:1"]
        == "Müller & Söhne GmbH"
    )


@pytest.mark.parametrize("shown", [True, False])
def test_a_simulation_names_companies_unless_names_are_hidden(
    command: Command, tmp_path: Path, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(Path(PROJECT) / "config", tmp_path / "config")
    file = tmp_path / "config/qualification.toml"
    file.write_text(file.read_text("utf-8").replace("threshold = 75", "threshold = 62"), "utf-8")
    if not shown:
        monkeypatch.setenv("SYNC_SHOW_NAMES", "0")
    out = command("simulate", "--config", str(tmp_path / "config"))[1]
    entering = out.partition("Entering")[2].partition("\n\n")[0]
    assert "103" in entering
    assert ("Müller & Söhne GmbH" in entering) is shown
    assert out.index("Entering") < out.index("Decided"), "it ends with the table of decisions"
