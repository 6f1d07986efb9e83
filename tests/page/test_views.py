"""The page over real HTTP: what its views show, to whom they show names, and what hostile names do to them: nothing."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests
import trustme
from page_world import CONFIGURATION, HOSTILE, NAMED, Browser, browsing
from people_world import PEOPLE, RULES, crowd
from rules_world import World
from running import logged
from tls import client_files

from sync.page import words
from sync.page.serving import serving

VIEWS = ("", "parked", "parked/COMPANY_AMBIGUOUS", "runs", "contact/101", "contact/104", "contact/201")

HARMLESS = {"html", "head", "meta", "title", "link", "body", "a", "header", "nav", "ul", "li", "main", "footer", "p"}
HARMLESS |= {"h1", "h2", "h3", "section", "div", "table", "thead", "tbody", "tr", "th", "td", "strong", "span", "code"}
HARMLESS |= {"bdi", "form", "label", "input", "button", "details", "summary", "ol", "time"}
HARMLESS |= {"svg", "desc", "rect", "path", "text", "figure", "figcaption"}


class Elements(HTMLParser):
    """The elements of a page with their attributes; `text` is what people read."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def text_of(answer: requests.Response) -> str:
    assert answer.status_code == 200, answer.text
    return " ".join(Elements(answer.text).text.split())


# ---- what is shown


def test_the_overview_shows_everything_in_its_order(named: Browser) -> None:
    text = text_of(named.get())
    assert re.search(r"9 contacts need a person; \d leads? today", text)
    order = ["need a person", "Jobs", "What needs a person", "Backlog and latency", "Funnel and reasons", "Budgets"]
    found = [text.index(part, 60) for part in [*order, "Find a contact", "Runs Started"]]
    assert found == sorted(found)


def test_a_parked_contact_has_its_reason_remedy_age_links_and_command(named: Browser) -> None:
    page = named.get("parked")
    text = text_of(page)
    assert "Several companies are associated and none is primary." in text
    assert "Mark one company as primary in HubSpot." in text
    assert "hubspot-c4c-sync explain 201" in text
    assert "https://app-eu1.hubspot.com/contacts/145/record/0-1/201" in page.text


def test_a_code_that_nothing_is_parked_with_shows_nothing(named: Browser) -> None:
    assert "Nothing." in text_of(named.get("parked/C4C_REJECTED"))
    assert named.get("parked/NO_SUCH_CODE").status_code == 404


def test_a_contact_is_told_in_sentences_with_its_time_line(named: Browser) -> None:
    page = named.get("contact/102")
    text = text_of(page)
    assert "All rules are met: the contact has, or gets, its lead." in text
    assert "Bob Marley" in text
    assert "The score mql reached its threshold." in text
    assert re.search(r"Sales has the lead \d+", text)
    assert re.search(r"Lead \d+: open, handed over", text)
    assert "sapbyd-agent=TAB" in page.text


def test_a_contact_that_is_not_known_gets_a_sentence(named: Browser) -> None:
    for path in ("contact/999", "contact/x", "contact/%3Cb%3E", "nothing", "contact/"):
        answer = named.get(path)
        assert answer.status_code == 404
        assert "<h1>Not found</h1>" in answer.text
        assert "<b>" not in answer.text


def test_views_stay_small(named: Browser) -> None:
    sizes = {view: len(named.get(view).content) for view in VIEWS}
    assert all(size < 60_000 for size in sizes.values()), sizes


# ---- the search


@pytest.mark.parametrize("text", ["anna.schaefer@mueller.example", "Schäfer", "schaefer", "101"])
def test_the_search_leads_to_the_explanation_of_one_contact(named: Browser, text: str) -> None:
    assert "<h1>Contact 101" in named.search(text).text


def test_a_search_that_finds_several_lists_them(named: Browser) -> None:
    text = text_of(named.search("anna"))
    assert "2 contacts." in text
    assert "Anna Schäfer" in text
    assert "Annabel Lee" in text


def test_a_search_that_finds_nobody_says_so(named: Browser, nameless: Browser) -> None:
    assert "Nobody is found." in text_of(named.search("zzzz"))
    assert "Nobody is found. This page shows no names" in text_of(nameless.search("anna"))
    assert "Nothing was typed." in text_of(named.search(" "))


def test_what_is_searched_for_stands_in_no_address(named: Browser) -> None:
    answer = named.search("anna")
    assert (answer.status_code, answer.url) == (200, f"{named.address}search")
    again = named.get("search?text=anna")
    assert (again.status_code, again.headers["location"]) == (303, "/")


def test_another_web_site_cannot_search(named: Browser) -> None:
    assert named.search("anna", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert named.search("anna", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_an_endless_form_is_refused(named: Browser) -> None:
    assert named.search("x" * 10_000).status_code == 413


# ---- names


def test_without_names_no_view_and_no_search_shows_one(nameless: Browser) -> None:
    shown = [nameless.get(view).text for view in VIEWS] + [nameless.search(t).text for t in ("anna", "101", "mueller")]
    known = {p[key] for p in PEOPLE.values() for key in ("lastname", "firstname", "email") if key in p}
    found = {name for name in [*known, "Mallory", "Söhne", "olga"] for page in shown if name in page}
    assert not found
    assert "Contact 101" in shown[-2]


# ---- hostile names


@pytest.mark.parametrize("view", [*VIEWS, *(f"contact/{contact}" for contact in HOSTILE)])
def test_hostile_names_are_text(named: Browser, view: str) -> None:
    page = named.get(view).text
    found = Elements(page)
    assert found.names <= HARMLESS
    assert not [name for name, _ in found.attributes if name.startswith("on") or name == "style"]
    assert not [value for name, value in found.attributes if name in ("href", "src") and "script:" in value]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", page)
    assert "49{%" not in page


def test_a_text_from_outside_is_one_short_line_of_what_can_be_read() -> None:
    assert words.short("a\x1b[31m\u202eb\n c\x00") == "a[31mb c"
    assert words.short("x" * 65_536) == "x" * 199 + "…"


def test_hostile_searches_are_text(named: Browser) -> None:
    for text in (*HOSTILE.values(), "%", "'; DROP TABLE contact; --", "\x00"):
        answer = named.search(text.encode("utf-8", "replace").decode()[:1000])
        assert answer.status_code == 200
        assert Elements(answer.text).names <= HARMLESS


# ---- beside a writer


def test_the_page_shows_what_a_worker_has_just_written() -> None:
    """The page's connection is open before the worker writes, and while it does."""
    world = crowd()
    with browsing(world) as browser:
        assert "no lead" not in text_of(browser.get("contact/102"))
        with world.store.session() as writing:
            writing.connection().exec_driver_sql("DELETE FROM job_run")
            assert browser.get().status_code == 200
        world.push(RULES)
        assert re.search(r"Sales has the lead \d+", text_of(browser.get("contact/102")))


def test_a_state_file_that_was_replaced_is_opened_again(world: World) -> None:
    other = crowd()
    with browsing(other) as browser:
        assert "<h1>Not found</h1>" in browser.get("contact/201").text
        for name in other.store.path.parent.glob("state.db*"):
            name.unlink()
        with closing(sqlite3.connect(world.store.path)) as source, closing(sqlite3.connect(other.store.path)) as copy:
            source.backup(copy)
        assert "<h1>Contact 201" in browser.get("contact/201").text


def test_a_state_file_of_another_version_is_explained() -> None:
    world = crowd()
    with browsing(world) as browser, closing(sqlite3.connect(world.store.path)) as base, logged() as lines:
        base.execute("UPDATE alembic_version SET version_num = '9999'")
        base.commit()
        answer = browser.get()
        assert answer.status_code == 503
        assert "has state version 9999" in answer.text
    assert [line["event"] for line in lines] == ["page_failed"]


def test_a_bug_says_where_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception's text may hold values."""

    def broken(*_: object) -> None:
        raise ValueError("Anna Schäfer")

    monkeypatch.setattr("sync.page.site.overview.overview", broken)
    with browsing(crowd()) as browser, logged() as lines:
        answer = browser.get()
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"]
    assert "ValueError" in answer.text
    [line] = lines
    assert line["event"] == "page_failed"
    assert line["cause"].startswith("ValueError at ")
    assert "Anna" not in answer.text + str(line)


def test_the_end_of_the_certificate_is_a_trouble(world: World, tmp_path: Path) -> None:
    ended = client_files(trustme.CA().issue_cert("sync@company.example", not_after=world.now - timedelta(1)), tmp_path)
    with serving(world.store.path, CONFIGURATION, NAMED, ended.cert, lambda: world.now) as address:
        assert "CERTIFICATE" in text_of(requests.get(address, timeout=60))


def test_the_page_cannot_write(world: World) -> None:
    from sync.state.store import open_read_only

    store = open_read_only(world.store.path)
    with store.reading() as session, pytest.raises(Exception, match="readonly database"):
        session.connection().exec_driver_sql("DELETE FROM contact")
    store.close()
