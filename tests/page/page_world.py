"""The crowd of people_world behind a page, and people whose names would do harm if they could."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import requests
from people_world import RULES, crowd
from rules_world import BASIS, PRIMARY, World
from world.sandbox import unkept

from sync.config import Configuration, WorkerConfig
from sync.environment import PageSettings
from sync.net.credentials import Secret
from sync.page.serving import serving

CONFIGURATION = Configuration(WorkerConfig(), RULES)
NAMED = PageSettings(port=0, names=True)
NAMELESS = replace(NAMED, names=False)
TOKEN = "correct-horse-battery"
CLOSED = replace(NAMELESS, token=Secret(TOKEN, "SYNC_PAGE_TOKEN"))

HOSTILE = {
    "201": "<script>alert(1)</script>",
    "202": '"><img src=x onerror=alert(1)>',
    "203": "{{ 7*7 }}{% raw %}",
    "204": "\x1b[31mred\x1b]0;title\x07",
    "205": "\u202egnirts\u2066\u200f",
    "206": "&lt;b&gt;&#0;",
    "207": "x" * 65_536,
    "208": "javascript:alert(1)",
    "209": "\ud83d'--",
}
"""Last names by contact. Nothing of them may work on a page, in a file or on a terminal."""


def hostile() -> World:
    """The crowd, pushed, with those people among them; all of them are parked, so that every view shows them."""
    world = crowd()
    world.push(RULES)
    common = {"lead_score": "90", "hs_legal_basis": BASIS, "firstname": "Mallory"}
    names = {
        contact: name.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for contact, name in HOSTILE.items()
    }
    world.companies({i.replace("2", "8", 1): {"name": name, "domain": f"h{i}.example"} for i, name in names.items()})
    world.companies({i.replace("2", "9", 1): {"name": name} for i, name in names.items()})
    world.contacts(RULES, {i: {**common, "lastname": name, "email": f"m{i}@h.example"} for i, name in names.items()})
    neither = replace_label(PRIMARY)
    world.associate({i: [(i.replace("2", "8", 1), neither), (i.replace("2", "9", 1), neither)] for i in names})
    world.push(RULES)
    return world


def replace_label(label: Any) -> Any:
    """A label without meaning: of two such companies none is primary, so the contact is parked."""
    return replace(label, type_id=279, text=None)


class Browser:
    """Asks a page as a browser without memory does."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._session = unkept()

    def get(self, path: str = "", **given: Any) -> requests.Response:
        return self._session.get(self.address + path, timeout=60, allow_redirects=False, **given)

    def search(self, text: str, **given: Any) -> requests.Response:
        return self._session.post(self.address + "search", {"text": text}, timeout=60, allow_redirects=False, **given)


@contextmanager
def browsing(world: World, settings: PageSettings = NAMED) -> Iterator[Browser]:
    with serving(world.store.path, CONFIGURATION, settings, now=lambda: world.now) as address:
        yield Browser(address)
