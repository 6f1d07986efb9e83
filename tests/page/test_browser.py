"""The page in a real browser: Debian's Chromium, driven by Playwright, with what a screen reader stumbles over found by
axe. Scripts are switched off where people look, since the page needs none; axe is one itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from page_world import Browser
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium): the page was not seen in a browser"
)

VIEWS = {
    "overview": "",
    "needs a person": "parked",
    "one code": "parked/COMPANY_AMBIGUOUS",
    "runs": "runs",
    "a lead": "contact/102",
    "no lead": "contact/104",
    "a hostile name": "contact/201",
    "an endless name": "contact/207",
    "nothing": "nothing",
}

Theme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--disable-gpu"])
        yield launched
        launched.close()


class Window:
    """A page of the browser; `foreign`: requests that went elsewhere, `complaints`: what the browser complained of."""

    def __init__(self, page: Page, site: Browser) -> None:
        self.page, self.site = page, site
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._asked)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(self.site.address):
            self.foreign.append(request.url)

    def open(self, path: str) -> None:
        self.page.goto(self.site.address + path)


@contextmanager
def window(chromium: Chromium, site: Browser, theme: Theme = "light", **given: Any) -> Iterator[Window]:
    context = chromium.new_context(color_scheme=theme, **given)
    try:
        yield Window(context.new_page(), site)
    finally:
        context.close()


@pytest.fixture(scope="module")
def plain(chromium: Chromium, named: Browser) -> Iterator[Window]:
    """Without JavaScript."""
    with window(chromium, named, java_script_enabled=False) as opened:
        yield opened


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_asks_nobody_else_and_makes_no_complaint(plain: Window, view: str) -> None:
    plain.complaints.clear()
    plain.open(VIEWS[view])
    assert plain.page.locator("h1").count() == 1
    assert plain.page.title().endswith("HubSpot to SAP Sales Cloud")
    assert plain.foreign == []
    # The status 404 of an address that leads nowhere is itself a complaint of the browser.
    assert [text for text in plain.complaints if "404" not in text] == []


def test_the_search_works_by_keyboard_and_without_javascript(plain: Window) -> None:
    plain.open("")
    plain.page.get_by_role("searchbox").fill("anna")
    plain.page.keyboard.press("Enter")
    plain.page.get_by_role("heading", name="Found", exact=True).wait_for()
    assert plain.page.url == f"{plain.site.address}search", "the address says nothing of what was searched for"
    plain.page.get_by_role("link", name="101", exact=True).click()
    plain.page.get_by_role("heading", name="Contact 101: Anna Schäfer").wait_for()
    assert plain.foreign == []


def test_the_first_key_leads_to_the_content_and_the_focus_shows(plain: Window) -> None:
    plain.open("")
    plain.page.keyboard.press("Tab")
    focused = plain.page.locator(":focus")
    assert focused.inner_text() == "To the content"
    assert focused.bounding_box() is not None
    plain.page.keyboard.press("Enter")
    plain.page.keyboard.press("Tab")
    assert plain.page.locator("main :focus").count() == 1


@pytest.fixture(scope="module", params=["light", "dark"])
def seen(request: pytest.FixtureRequest, chromium: Chromium, named: Browser) -> Iterator[Window]:
    """In one theme, with JavaScript: it can be asked what it shows."""
    with window(chromium, named, request.param) as opened:
        yield opened


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_in_both_themes(seen: Window, view: str) -> None:
    """Contrast of texts is among what it looks at."""
    seen.open(VIEWS[view])
    found = Axe().run(seen.page)
    assert found.violations_count == 0, found.generate_report()


BARS = """() => {
  const light = c => { const [r, g, b] = c.match(/\\d+/g).map(n => n / 255)
    .map(n => n <= .03928 ? n / 12.92 : ((n + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b };
  const ground = light(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll('.bar')].map(bar => light(getComputedStyle(bar).fill))
    .map(one => (Math.max(one, ground) + .05) / (Math.min(one, ground) + .05));
}"""


def test_bars_of_charts_stand_out_in_both_themes(seen: Window) -> None:
    """At least 3:1 (WCAG 2.2, 1.4.11); axe looks at texts only."""
    seen.open("")
    ratios = seen.page.evaluate(BARS)
    assert len(ratios) > 3
    assert min(ratios) >= 3


@pytest.fixture(scope="module")
def phone(chromium: Chromium, named: Browser) -> Iterator[Window]:
    with window(chromium, named, viewport={"width": 320, "height": 640}) as opened:
        yield opened


@pytest.mark.parametrize("view", VIEWS)
def test_a_narrow_phone_needs_no_scrolling_to_the_side(phone: Window, view: str) -> None:
    """320 pixels (WCAG 2.2, 1.4.10); tables scroll in their own frame."""
    phone.open(VIEWS[view])
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 320
